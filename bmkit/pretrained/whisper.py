"""Whisper's weights, as CTranslate2 keeps them, in KerasHub's network: an encoder of sound and a decoder of text."""

from typing import Any

import numpy as np

from bmkit import backend, data
from bmkit.pretrained.ct2_file import CT2File
from bmkit.pretrained.packed_file import MEND

__all__ = ["whisper_backbone"]

# What KerasHub's network takes for granted: the activation GELU (3), normalised before each part, plain embeddings.
FACTS = {"decoder/activation": 3, "decoder/pre_norm": 1, "decoder/scale_embeddings": 0}
MOST_LAYERS = 64
KERNEL = 3  # frames that a convolution sees
STEPS = 1_500  # of sound: half a minute, two frames each


def _sizes(file: CT2File) -> dict[str, int]:
    """Take the sizes of a Whisper from the shapes of its tensors, by KerasHub's names."""
    if (kind := file.fact("kind", str)) != "WhisperSpec":
        raise data.DataError(f"{file.name} holds a model of the kind {kind[:40]!r}, expected 'WhisperSpec'.")
    shapes = {
        "decoder/embeddings/weight": 2,
        "decoder/position_encodings/encodings": 2,
        "encoder/conv1/weight": 3,
        "encoder/layer_0/ffn/linear_0/weight": 2,
    }
    for name, axes in shapes.items():
        if (found := len(file.tensor(name).shape)) != axes:
            raise data.DataError(f"{file.name}: {name} has {found} axes, expected {axes}. {MEND}")
    tokens, text, convolution, inner = (file.tensor(name).shape for name in shapes)
    layers, others = (_layers(file, side) for side in ("encoder", "decoder"))
    heads, width = file.size("encoder/num_heads"), tokens[1]
    alike = layers == others and heads == file.size("decoder/num_heads")
    if not alike or not 1 <= layers <= MOST_LAYERS or heads < 1 or width < heads or width % heads:
        raise data.DataError(
            f"{file.name} has sizes that do not fit together: {layers} and {others} layers, {heads} heads, {width} "
            f"numbers a token. {MEND}"
        )
    return {
        "vocabulary_size": tokens[0],
        "num_layers": layers,
        "num_heads": heads,
        "hidden_dim": width,
        "intermediate_dim": inner[0],
        "num_mels": convolution[1],
        "max_encoder_sequence_length": 2 * STEPS,
        "max_decoder_sequence_length": text[0],
    }


def _layers(file: CT2File, side: str) -> int:
    return sum(name.startswith(f"{side}/layer_") and name.endswith("/ffn/linear_0/bias") for name in file.tensors)


def _shapes(sizes: dict[str, int]) -> dict[str, tuple]:
    """Name all tensors of the network with their shapes: CTranslate2 keeps (output, input)."""
    width, inner, mels = sizes["hidden_dim"], sizes["intermediate_dim"], sizes["num_mels"]
    matrices = {"encoder/conv1": (width, mels, KERNEL), "encoder/conv2": (width, width, KERNEL)}
    shapes = {
        "encoder/position_encodings/encodings": (STEPS, width),
        "decoder/position_encodings/encodings": (sizes["max_decoder_sequence_length"], width),
        "decoder/embeddings/weight": (sizes["vocabulary_size"], width),
    }
    norms = ["encoder/layer_norm", "decoder/layer_norm"]
    for layer in (f"{side}/layer_{n}" for side in ("encoder", "decoder") for n in range(sizes["num_layers"])):
        matrices |= {f"{layer}/self_attention/linear_0": (3 * width, width)}
        matrices |= {f"{layer}/self_attention/linear_1": (width, width)}
        matrices |= {f"{layer}/ffn/linear_0": (inner, width), f"{layer}/ffn/linear_1": (width, inner)}
        norms += [f"{layer}/self_attention/layer_norm", f"{layer}/ffn/layer_norm"]
        if layer.startswith("decoder"):
            matrices |= {f"{layer}/attention/linear_{n}": ((1, 2, 1)[n] * width, width) for n in range(3)}
            norms += [f"{layer}/attention/layer_norm"]
    for name, shape in matrices.items():
        shapes |= {f"{name}/weight": shape, f"{name}/bias": shape[:1]}
    return shapes | {f"{name}/{part}": (width,) for name in norms for part in ("gamma", "beta")}


def whisper_backbone(file: CT2File) -> Any:
    """Build the Whisper whose weights stand in a file of CTranslate2; it never grows beyond them.

    Args:
        file: what `read_ct2` opened.

    Returns:
        KerasHub's `WhisperBackbone`, float32: from "encoder_features" (batch, frames, mel bands), "decoder_token_ids"
        and "decoder_padding_mask" (batch, tokens) to "encoder_sequence_output" and "decoder_sequence_output".

    Raises:
        bmkit.data.DataError: the file holds another model, or tensors are missing, misshapen or no numbers.

    Reference:
        Radford et al. (2023), Robust speech recognition via large-scale weak supervision,
        https://arxiv.org/abs/2212.04356
    """
    sizes = _sizes(file)
    shapes = _shapes(sizes)
    for name, shape in shapes.items():
        file.expect(name, *shape)
    for name, expected in FACTS.items():
        if (found := file.size(name)) != expected:
            raise data.DataError(f"{file.name}: {name} is {found}, but in a Whisper it is {expected}. {MEND}")
    with backend.silenced():
        import keras_hub
    model = keras_hub.models.WhisperBackbone(**sizes)
    _Filling(file, shapes).fill(model)
    return model


class _Filling:
    """Puts the tensors of a file into a `WhisperBackbone`, one at a time."""

    def __init__(self, file: CT2File, shapes: dict[str, tuple]) -> None:
        self.file, self.shapes = file, shapes

    def read(self, name: str) -> np.ndarray:
        return self.file.array(name, *self.shapes[name])

    def fill(self, model: Any) -> None:
        for layer, name in ((model.encoder_conv_layer_1, "conv1"), (model.encoder_conv_layer_2, "conv2")):
            layer.kernel.assign(self.read(f"encoder/{name}/weight").transpose(2, 1, 0))  # to (frames, input, output)
            layer.bias.assign(self.read(f"encoder/{name}/bias"))
        sound, text = model.encoder_position_embedding, model.decoder_embeddings
        sound.position_embeddings.assign(self.read("encoder/position_encodings/encodings"))
        text.position_embedding.position_embeddings.assign(self.read("decoder/position_encodings/encodings"))
        text.token_embedding.embeddings.assign(self.read("decoder/embeddings/weight"))
        self.norm(model.encoder_layer_norm, "encoder/layer_norm")
        self.norm(model.decoder_layer_norm, "decoder/layer_norm")
        for side in ("encoder", "decoder"):
            for number, block in enumerate(getattr(model, f"{side}_transformer_layers")):
                self.block(block, f"{side}/layer_{number}")

    def block(self, block: Any, name: str) -> None:
        queries, keys, values = self.rows(f"{name}/self_attention/linear_0", 3)
        last = self.rows(f"{name}/self_attention/linear_1", 1)
        self.attention(block._self_attention_layer, name, queries, keys, values, *last)
        self.norm(block._self_attention_layer_norm, f"{name}/self_attention/layer_norm")
        self.dense(block._feedforward_intermediate_dense, *self.rows(f"{name}/ffn/linear_0", 1)[0])
        self.dense(block._feedforward_output_dense, *self.rows(f"{name}/ffn/linear_1", 1)[0])
        self.norm(block._feedforward_layer_norm, f"{name}/ffn/layer_norm")
        if name.startswith("decoder"):
            queries, *_ = self.rows(f"{name}/attention/linear_0", 1)
            keys, values = self.rows(f"{name}/attention/linear_1", 2)
            last = self.rows(f"{name}/attention/linear_2", 1)
            self.attention(block._cross_attention_layer, name, queries, keys, values, *last)
            self.norm(block._cross_attention_layer_norm, f"{name}/attention/layer_norm")

    def rows(self, name: str, parts: int) -> list[tuple[np.ndarray, np.ndarray]]:
        """Cut matrices that lie on top of one another apart, and their biases."""
        pairs = (np.split(self.read(f"{name}/{part}"), parts) for part in ("weight", "bias"))
        return list(zip(*pairs, strict=True))

    def attention(self, layer: Any, name: str, queries: tuple, keys: tuple, values: tuple, last: tuple) -> None:
        if keys[1].any():
            raise data.DataError(f"{self.file.name}: keys in {name} have a bias, which Whisper's do not. {MEND}")
        layer._key_dense.kernel.assign(keys[0].T.reshape(layer._key_dense.kernel.shape))
        for dense, pair in ((layer._query_dense, queries), (layer._value_dense, values), (layer._output_dense, last)):
            self.dense(dense, *pair)

    def dense(self, layer: Any, weight: np.ndarray, bias: np.ndarray) -> None:
        layer.kernel.assign(weight.T.reshape(layer.kernel.shape))  # to (input, output), the heads apart
        layer.bias.assign(bias.reshape(layer.bias.shape))

    def norm(self, layer: Any, name: str) -> None:
        layer.gamma.assign(self.read(f"{name}/gamma"))
        layer.beta.assign(self.read(f"{name}/beta"))
