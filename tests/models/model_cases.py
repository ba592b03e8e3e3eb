"""The models of the contract: for each builder tiny configurations, and examples that fit them."""

import numpy as np

from bmkit import models, scratch

VOCABULARY = 7


def dense(inputs, units):
    """Count the numbers of a dense layer: a 1×1 convolution over a 1×1 picture."""
    return scratch.conv2d_parameters(1, 1, inputs, units)


def convolution(channels, filters):
    return scratch.conv2d_parameters(3, 3, channels, filters)


def recurrent(gates, inputs, units, biases=1):
    return gates * units * (inputs + units + biases)


def attention(width):
    return 4 * dense(width, width)


def block(width, attentions=1):
    """Count a Transformer's block: attentions and perceptron, each with a norm of two numbers a feature."""
    return (
        attentions * attention(width) + (attentions + 1) * 2 * width + dense(width, 4 * width) + dense(4 * width, width)
    )


def bert_classifier(num_classes, **arguments):
    return models.bert_classifier(models.bert(**arguments), num_classes)


def bert_masked_lm(num_places, **arguments):
    return models.bert_masked_lm(models.bert(**arguments), num_places)


# The richest of each builder last: (case, builder, arguments, parameters by the formulas).
CASES = [
    (
        "mlp",
        models.mlp,
        {"input_shape": (4, 3, 1), "num_classes": 3, "hidden_units": (16,)},
        dense(12, 16) + dense(16, 3),
    ),
    ("linear", models.mlp, {"input_shape": (12,), "num_classes": 3, "hidden_units": ()}, dense(12, 3)),
    (
        "deep mlp",
        models.mlp,
        {"input_shape": (12,), "num_classes": 2, "hidden_units": (16, 8)},
        dense(12, 16) + dense(16, 8) + dense(8, 2),
    ),
    (
        "cnn",
        models.cnn,
        {"input_shape": (9, 6, 2), "num_classes": 3, "filters": (4, 8), "dense_units": 16},
        convolution(2, 4) + convolution(4, 8) + dense(2 * 1 * 8, 16) + dense(16, 3),
    ),
    (
        "normalised cnn",
        models.cnn,
        {
            "input_shape": (6, 6, 1),
            "num_classes": 3,
            "filters": (4,),
            "dense_units": 16,
            "batch_normalization": True,
        },
        convolution(1, 4) - 4 + 4 * 4 + dense(3 * 3 * 4, 16) + dense(16, 3),  # no bias, but 4 numbers a feature map
    ),
    (
        "article_cnn",
        models.article_cnn,
        {"input_shape": (8, 8, 3), "num_classes": 4},
        convolution(3, 32) + convolution(32, 64) + dense(2 * 2 * 64, 128) + dense(128, 4),
    ),
    (
        "sequence_classifier",
        models.sequence_classifier,
        {"input_shape": (6, 5), "num_classes": 3, "window": 3, "filters": 8, "dense_units": 16},
        scratch.conv2d_parameters(3, 1, 5, 8) + dense(8, 16) + dense(16, 3),
    ),
    (
        "spectrogram_cnn",
        models.spectrogram_cnn,
        {"input_shape": (9, 8), "num_classes": 3, "filters": (4, 6), "dense_units": 16},
        convolution(1, 4) - 4 + 4 * 4 + convolution(4, 6) - 6 + 4 * 6 + dense(2 * 6, 16) + dense(16, 3),
    ),
    *[
        (
            f"rnn of {cell}",
            models.rnn,
            {"input_shape": (None, 5), "num_outputs": 3, "cell": cell, "units": (8,)},
            recurrent(gates, 5, 8, biases) + dense(8, 3),
        )
        for cell, gates, biases in (("simple_rnn", 1, 1), ("lstm", 4, 1), ("gru", 3, 2))
    ],
    (
        "rnn on tokens",
        models.rnn,
        {"input_shape": (None,), "num_outputs": 3, "units": (6, 5), "embedding": (7, 4), "bidirectional": True},
        7 * 4 + 2 * recurrent(4, 4, 6) + 2 * recurrent(4, 12, 5) + dense(10, 3),
    ),
    *[
        (
            f"rnn_encoder_decoder of {cell}",
            models.rnn_encoder_decoder,
            {"source_vocabulary": 7, "target_vocabulary": 7, "cell": cell, "width": 8, "units": 16},
            2 * 7 * 8 + 2 * recurrent(gates, 8, 16, biases) + dense(16, 7),
        )
        for cell, gates, biases in (("lstm", 4, 1), ("gru", 3, 2))
    ],
    (
        "transformer",
        models.transformer,
        {
            "source_vocabulary": 7,
            "target_vocabulary": 7,
            "width": 16,
            "depth": 1,
            "num_heads": 2,
            "positions": "rotary",
        },
        2 * 7 * 16 + block(16) + block(16, attentions=2) + 2 * 2 * 16 + dense(16, 7),
    ),
    (
        "transformer_classifier",
        models.transformer_classifier,
        {"vocabulary_size": 7, "num_classes": 3, "width": 16, "depth": 1, "num_heads": 2, "pool": "last"},
        7 * 16 + block(16) + 2 * 16 + dense(16, 3),
    ),
    (
        "bert",
        models.bert,
        {"vocabulary_size": 7, "length": 9, "width": 16, "depth": 1, "num_heads": 2},
        7 * 16 + 9 * 16 + block(16) + 2 * 16 + dense(16, 7),
    ),
    (
        "bert_classifier",
        bert_classifier,
        {"num_classes": 3, "vocabulary_size": 7, "length": 9, "width": 16, "depth": 1, "num_heads": 2},
        7 * 16 + 9 * 16 + block(16) + 2 * 16 + dense(16, 3),
    ),
    (
        "bert_masked_lm",
        bert_masked_lm,
        {"num_places": 6, "vocabulary_size": 7, "length": 9, "width": 16, "depth": 1, "num_heads": 2},
        7 * 16 + 9 * 16 + block(16) + 2 * 16 + dense(16, 7),
    ),
    *[
        (
            f"gpt, {positions}",
            models.gpt,
            {"vocabulary_size": 7, "length": 9, "width": 16, "depth": 2, "num_heads": 2, "positions": positions},
            7 * 16 + table * 16 + 2 * block(16) + 2 * 16 + dense(16, 7),
        )
        for positions, table in (("rotary", 0), ("learned", 9))
    ],
    (
        "plain network",
        models.resnet,
        {"input_shape": (8, 8, 1), "num_classes": 3, "blocks": (1,), "filters": (8,), "residual": False},
        convolution(1, 8) + 2 * convolution(8, 8) + 3 * (4 - 1) * 8 + dense(8, 3),
    ),
    (
        "resnet",
        models.resnet,
        {"input_shape": (9, 8, 2), "num_classes": 3, "blocks": (1, 1), "filters": (4, 8)},
        convolution(2, 4)
        + 2 * convolution(4, 4)
        + convolution(4, 8)
        + convolution(8, 8)
        + (4 - 1) * (3 * 4 + 2 * 8)  # a normalisation has four numbers a feature map, the bias it replaces one
        + dense(8, 3),
    ),
]
PER_TOKEN = {"rnn_encoder_decoder", "transformer", "bert", "bert_masked_lm", "gpt"}


def examples(model, count=8, time=6, seed=0):
    """Draw inputs that fit a model (tokens are never 0: that is filling) and answers that can be learned.

    Of several inputs the first result is a list. A model that answers each token is asked for the sum of that token
    and the first one it saw.
    """
    random, inputs = np.random.default_rng(seed), []
    for given in model.inputs:
        shape = (count, *(side or time for side in given.shape[1:]))
        tokens = given.dtype == "int32"
        end = time if given.name == "places" else VOCABULARY
        inputs.append(random.integers(1, end, shape) if tokens else random.normal(size=shape).astype("float32"))
    classes = model.output_shape[-1]
    answers = np.arange(count) % classes
    if len(model.output_shape) == 3:
        answers = (inputs[-1] + inputs[0][:, :1]) % classes
    return inputs if len(inputs) > 1 else inputs[0], answers
