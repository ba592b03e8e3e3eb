"""Attention, Transformers and what is written with them: held against `bmkit.scratch`, with masks and with a memory."""

import functools
import gc
import weakref

import numpy as np
import pytest

from bmkit import generate, layers, models, scratch, train
from bmkit.backend import keras

pytestmark = pytest.mark.slow
RANDOM = np.random.default_rng(2)
X, CONTEXT = (RANDOM.normal(size=(2, time, 8)).astype("float32") for time in (5, 7))
REAL = scratch.padding_mask([5, 3], 5)
TOKENS = RANDOM.integers(1, 11, size=(3, 12))


def numpy(tensors):
    return keras.tree.map_structure(keras.ops.convert_to_numpy, tensors)


def by_heads(attention):
    """Return the weights of an attention layer in the layout of Keras and of `scratch.multi_head_attention`."""
    heads, given = attention.num_heads, []
    for layer in (attention.query_dense, attention.key_dense, attention.value_dense):
        kernel, bias = (weight.reshape(*weight.shape[:-1], heads, -1) for weight in layer.get_weights())
        given += [kernel, bias]
    kernel, bias = attention.output_dense.get_weights()
    return [*given, kernel.reshape(heads, -1, kernel.shape[-1]), bias]


def randomised(layer, *inputs, **options):
    layer(*inputs, **options)
    layer.set_weights([RANDOM.normal(scale=0.4, size=weight.shape) for weight in layer.weights])
    return layer


def by_formula(block, x, mask, context=None, context_mask=None):
    """Compute a Transformer's block with the formula of `scratch`."""
    cross = None if context is None else (by_heads(block.cross_attention), context, context_mask)
    perceptron = [*block.expand.get_weights(), *block.contract.get_weights()]
    given = by_heads(block.attention), perceptron, gains(block)
    return scratch.transformer_block(x, *given, mask=mask, cross=cross)


def gains(block):
    return [norm.get_weights() for norm in block.norms]


@pytest.mark.parametrize("case", ["self", "causal", "cross"])
def test_attention_is_the_formula_and_shows_its_weights(case):
    context = CONTEXT if case == "cross" else None
    mask = scratch.causal_mask(5)[np.newaxis] if case == "causal" else None
    layer = randomised(layers.MultiHeadAttention(2), X, context)
    ours = numpy(layer(X, context, attention_mask=mask, return_scores=True))
    expected = scratch.multi_head_attention(X, by_heads(layer), None if mask is None else mask[0], context=context)
    for mine, known in zip(ours, expected, strict=True):
        np.testing.assert_allclose(mine, known, rtol=1e-5, atol=1e-5)


def test_rotary_positions_are_the_formula():
    x = RANDOM.normal(size=(2, 5, 3, 4)).astype("float32")
    turned = numpy(layers.RotaryPositions()(x, position=np.array([0, 7])))
    for index, start in enumerate((0, 7)):
        expected = scratch.rotary(np.swapaxes(x[index], 0, 1), start=start)
        np.testing.assert_allclose(np.swapaxes(turned[index], 0, 1), expected, rtol=1e-5, atol=1e-5)


def test_sinusoidal_positions_are_the_formula():
    layer = layers.TokenAndPosition(11, 6)
    table = layer(TOKENS) is not None and layer.get_weights()[0]
    waves = scratch.sinusoidal_positions(20, 6)
    expected = scratch.embedding_lookup(TOKENS, table) * 6**0.5
    np.testing.assert_allclose(numpy(layer(TOKENS)), expected + waves[:12], rtol=1e-5, atol=1e-5)
    later = numpy(layer(TOKENS, position=np.array([3, 0, 8])))
    np.testing.assert_allclose(later[2], expected[2] + waves[8:], rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize(("causal", "cross"), [(False, False), (True, False), (True, True)])
def test_a_block_is_the_formula(causal, cross):
    block = layers.TransformerBlock(2, hidden_units=6, causal=causal, cross=cross)
    given = {"context": CONTEXT, "context_mask": scratch.padding_mask([2, 7], 7)} if cross else {}
    randomised(block, X, padding_mask=REAL, **given)
    mask = REAL[:, np.newaxis] & (scratch.causal_mask(5) if causal else True)
    other = np.repeat(given["context_mask"][:, np.newaxis], 5, axis=1) if cross else None
    expected = by_formula(block, X, np.broadcast_to(mask, (2, 5, 5)), given.get("context"), other)
    np.testing.assert_allclose(numpy(block(X, padding_mask=REAL, **given)), expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(("stride", "with_shortcut"), [(1, True), (2, True), (2, False)])
def test_a_residual_block_is_the_formula(stride, with_shortcut):
    images = abs(RANDOM.normal(size=(2, 6, 8, 3))).astype("float32")
    block = layers.ResidualBlock(5, stride=stride, residual=with_shortcut)
    block(images)
    block.set_weights([RANDOM.uniform(0.1, 1, size=weight.shape) for weight in block.weights])
    pairs = []
    for convolution, norm in zip(block.convolutions, block.norms, strict=True):
        scale, shift, mean, variance = norm.get_weights()
        kernel = convolution.get_weights()[0]
        pairs.append(scratch.fold_batch_norm(kernel, mean, variance, scale=scale, shift=shift))
    expected = [scratch.residual_block(image, *pairs, stride=stride, residual=with_shortcut) for image in images]
    np.testing.assert_allclose(numpy(block(images)), expected, rtol=1e-5)


def readers():
    given = {"depth": 1, "width": 8, "num_heads": 2}
    yield models.rnn((None,), 3, embedding=(11, 4), bidirectional=True)
    for pool in ("mean", "last"):
        yield models.transformer_classifier(11, 3, pool=pool, **given)
    yield models.bert_classifier(models.bert(11, 20, **given), 3)


@pytest.mark.parametrize("model", readers(), ids=lambda model: model.name)
def test_filling_changes_no_answer(model):
    filled = np.pad(TOKENS, ((0, 0), (0, 6)))
    np.testing.assert_allclose(numpy(model(filled)), numpy(model(TOKENS)), rtol=1e-5, atol=1e-5)
    assert np.isfinite(numpy(model(np.zeros((2, 4), int)))).all()


@pytest.mark.parametrize("builder", [models.transformer, models.rnn_encoder_decoder])
def test_a_writer_ignores_filling_in_the_source_and_the_future_in_the_target(builder):
    model = builder(11, 11, width=8)
    expected = numpy(model([TOKENS, TOKENS[:, :6]]))
    changed = TOKENS[:, :6].copy()
    changed[:, 4:] = 1
    other = numpy(model([np.pad(TOKENS, ((0, 0), (0, 3))), changed]))
    np.testing.assert_allclose(other[:, :4], expected[:, :4], rtol=1e-5, atol=1e-5)
    assert not np.allclose(other[:, 4:], expected[:, 4:])


def test_a_frozen_encoder_keeps_its_weights():
    encoder = models.bert(11, 12, width=8, depth=1, num_heads=2)
    encoder.trainable = False
    frozen = models.bert_classifier(encoder, 3)
    assert [weight.shape for weight in frozen.trainable_weights] == [(8, 3), (3,)]
    for layer in encoder.layers:
        layer.trainable = True
    assert len(models.bert_classifier(encoder, 3).trainable_weights) > 10


@pytest.fixture(scope="module", params=["learned", "sinusoidal", "rotary"])
def decoder(request):
    train.seed(0)
    model = models.gpt(11, 80, width=16, depth=2, num_heads=2, positions=request.param)
    model.set_weights([weight + RANDOM.normal(scale=0.3, size=weight.shape) for weight in model.get_weights()])
    return models.CachedDecoder(model), model


def test_a_memory_gives_the_logits_of_reading_all(decoder):
    cached, model = decoder
    expected, cache, position = numpy(model(TOKENS)), cached.start_cache(3, 12), 0
    for steps in (5, 1, 1, 3, 2):
        logits, cache = cached.step(TOKENS[:, position : position + steps], cache, position)
        np.testing.assert_allclose(logits, expected[:, position : position + steps], rtol=1e-4, atol=1e-4)
        position += steps


def test_the_likeliest_text_is_the_same_with_and_without_a_memory(decoder):
    cached, model = decoder
    prompt = TOKENS[:2, :4]
    texts = [generate.generate(cached, prompt, 70, cache=way) for way in (True, False)]
    np.testing.assert_array_equal(*texts)
    plain = prompt
    for _ in range(5):
        plain = np.concatenate([plain, numpy(model(plain))[:, -1:].argmax(axis=-1)], axis=1)
    np.testing.assert_array_equal(texts[0][:, :9], plain)


def test_a_memory_writes_with_what_the_model_learned_since(decoder):
    cached, model = decoder
    before, _ = cached.step(TOKENS, cached.start_cache(3, 12), 0)
    model.set_weights([0.9 * weight for weight in model.get_weights()])
    after, _ = cached.step(TOKENS, cached.start_cache(3, 12), 0)
    assert not np.allclose(before, after)
    np.testing.assert_allclose(after, numpy(model(TOKENS)), rtol=1e-4, atol=1e-4)


def test_a_memory_that_is_too_short_is_refused(decoder):
    cached, _ = decoder
    with pytest.raises(ValueError, match="do not fit a cache for 12"):
        cached.step(TOKENS, cached.start_cache(3, 12), 1)
    if cached.limit:
        with pytest.raises(ValueError, match="learned 80 positions"):
            cached.start_cache(1, 81)


ENCODER_DECODERS = {"transformer": models.transformer} | {
    cell: functools.partial(models.rnn_encoder_decoder, cell=cell) for cell in ("simple_rnn", "lstm", "gru")
}


@pytest.mark.parametrize("name", ENCODER_DECODERS)
def test_translate_takes_the_likeliest_token_at_each_step(name):
    train.seed(1)
    model = ENCODER_DECODERS[name](11, 11, width=16)
    for shrink in (1, 0.9):  # what is kept of a model that has written follows its weights
        model.set_weights([shrink * weight for weight in model.get_weights()])
        answer = generate.translate(model, TOKENS, start=1, end=2, length=5)
        written = np.concatenate([np.ones((3, 1), int), answer], axis=1)
        logits = numpy(model([TOKENS, written[:, :-1]]))
        going = np.cumsum(written[:, :-1] == 2, axis=1) == 0
        np.testing.assert_array_equal(answer, np.where(going, logits.argmax(axis=-1), 0))


def test_translate_keeps_no_model_alive():
    model = models.transformer(11, 11, width=16, depth=1)
    generate.translate(model, TOKENS, start=1, end=2, length=5)
    gone = weakref.ref(model)
    del model
    gc.collect()
    assert gone() is None


class Unbuilt(keras.Model):
    """A model without a graph: nobody can split it."""


@pytest.mark.parametrize(("build", "inputs"), [(lambda: models.bert(11, 20, width=16, num_heads=2), 1), (Unbuilt, 0)])
def test_translate_refuses_a_model_that_does_not_read_and_write(build, inputs):
    with pytest.raises(ValueError, match=f'has {inputs} inputs .* a layer named "encoded"'):
        generate.translate(build(), TOKENS, start=1, end=2, length=5)


def test_asking_a_few_places_is_asking_all_and_keeping_these():
    encoder = models.bert(11, 20, width=16, depth=1, num_heads=2)
    places = np.array([[3, 0], [5, 5], [11, 2]])
    asked = numpy(models.bert_masked_lm(encoder, 2)([TOKENS, places]))
    everywhere = numpy(encoder(TOKENS))
    np.testing.assert_allclose(asked, np.take_along_axis(everywhere, places[..., None], axis=1), rtol=1e-5, atol=1e-5)
