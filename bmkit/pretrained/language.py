"""SmolLM2, a small language model that answers: a Llama of 30 layers, step by step with a cache."""

import dataclasses
import functools
import math
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from bmkit import backend, data
from bmkit.backend import keras
from bmkit.data.weights import weight_files
from bmkit.pretrained.gguf_file import BytePairTokenizer, read_gguf, tokenizer_of
from bmkit.pretrained.packed_file import MEND, PackedFile
from bmkit.pretrained.template import chat_template
from bmkit.pretrained.tracing import fitting, traced

__all__ = ["LanguageModel", "language_model", "smollm2"]

ops = keras.ops


@dataclasses.dataclass(frozen=True, eq=False)
class LanguageModel:
    """A model that gives each token of its vocabulary a score for coming next.

    `model` is KerasHub's `LlamaCausalLM`; `tokenizer` has `encode`, `decode` and `end`, the token that ends an answer;
    `template` lays out a talk. It is a `bmkit.generate.Decoder`.
    """

    model: Any
    tokenizer: BytePairTokenizer
    template: str = dataclasses.field(repr=False)

    def chat(self, messages: Sequence[dict[str, str]]) -> str:
        """Lay a talk out as the text that the model was tuned on, up to where its answer begins.

        Args:
            messages: each with "role" ("system", "user" or "assistant") and "content".

        Returns:
            The prompt, for `tokenizer.encode`.

        Raises:
            bmkit.data.DataError: the template does more than a talk needs.
        """
        return chat_template(self.template).render(messages=list(messages), add_generation_prompt=True)

    def logits(self, tokens: Any) -> np.ndarray:
        """Score the next token after each of the given ones, without a cache.

        Args:
            tokens: token numbers, (batch, steps).

        Returns:
            float32 of shape (batch, steps, vocabulary).
        """
        tokens = np.asarray(tokens, "int32")
        return self.step(tokens, self.start_cache(*tokens.shape), 0)[0]

    def start_cache(self, batch: int, length: int) -> Any:
        """Return an empty cache of keys and values for at most `length` tokens.

        Args:
            batch: texts at once.
            length: most tokens of a text, prompt and answer together.

        Returns:
            Zeros of shape (batch, layers, 2, length, heads, numbers per head).
        """
        body = self.model.backbone
        shape = (batch, body.num_layers, 2, length, body.num_key_value_heads, body.hidden_dim // body.num_query_heads)
        return ops.zeros(shape, self.model.compute_dtype)

    def step(self, tokens: Any, cache: Any, position: int) -> tuple[np.ndarray, Any]:
        """Read some tokens after those in the cache.

        Args:
            tokens: token numbers, (batch, steps): the whole prompt at first, then one token at a time.
            cache: from `start_cache`, or what the step before returned.
            position: how many tokens the cache holds already.

        Returns:
            Logits (batch, steps, vocabulary), the scores of what follows each token, and the cache with the tokens.

        Raises:
            ValueError: the tokens do not fit into the cache.
        """
        tokens, position = fitting(tokens, cache, position)
        logits, cache = self._compiled(tokens, cache, position)
        return ops.convert_to_numpy(logits), cache

    @functools.cached_property
    def _compiled(self) -> Callable:
        def step(tokens: Any, cache: Any, position: Any) -> tuple:
            logits, _, cache = self.model.call_with_cache(tokens, cache, position)
            return logits, cache

        _, layers, pair, _, *heads = self.start_cache(1, 1).shape  # one trace serves every batch, length and position
        cache = ((None, layers, pair, None, *heads), self.model.compute_dtype)
        return traced(step, self.model.weights, ((None, None), "int32"), cache, ((), "int32"))


def _sizes(file: PackedFile) -> dict[str, Any]:
    """Take the sizes of a Llama from the facts of a GGUF file, by KerasHub's names."""
    if (kind := file.fact("general.architecture", str)) != "llama":
        raise data.DataError(f"{file.name} holds a model of the kind {kind[:40]!r}, expected 'llama'.")
    keys = {
        "num_layers": "block_count",
        "num_query_heads": "attention.head_count",
        "num_key_value_heads": "attention.head_count_kv",
        "hidden_dim": "embedding_length",
        "intermediate_dim": "feed_forward_length",
    }
    sizes = {name: file.fact(f"llama.{key}", int) for name, key in keys.items()}
    base, epsilon = (file.fact(f"llama.{key}", float) for key in ("rope.freq_base", "attention.layer_norm_rms_epsilon"))
    layers, heads, key_heads, width, inner = sizes.values()
    if min(layers, heads, key_heads, inner) < 1 or width < 2 or width % (2 * heads) or heads % key_heads:
        raise data.DataError(f"{file.name} has sizes that do not fit together: {sizes}. {MEND}")
    if not (0 < base < math.inf and 0 < epsilon < 1):
        raise data.DataError(f"{file.name} has a rotation base of {base} and an epsilon of {epsilon}. {MEND}")
    tokens = len(file.fact("tokenizer.ggml.tokens", list))
    return sizes | {"vocabulary_size": tokens, "rope_max_wavelength": base, "layer_norm_epsilon": epsilon}


def _shapes(sizes: dict[str, int]) -> dict[str, tuple]:
    """Name the tensors of one layer with their shapes: GGUF keeps (output, input)."""
    width, inner = sizes["hidden_dim"], sizes["intermediate_dim"]
    keys = width // sizes["num_query_heads"] * sizes["num_key_value_heads"]
    shapes = {"attn_q": (width, width), "attn_k": (keys, width), "attn_v": (keys, width)}
    shapes |= {"attn_output": (width, width), "attn_norm": (width,), "ffn_norm": (width,)}
    return shapes | {"ffn_gate": (inner, width), "ffn_up": (inner, width), "ffn_down": (width, inner)}


def _llama(file: PackedFile) -> Any:
    """Build the Llama whose sizes stand in a GGUF file, with the tensors of the file; it never grows beyond them."""
    sizes = _sizes(file)
    shapes = _shapes(sizes)
    file.expect("token_embd.weight", sizes["vocabulary_size"], sizes["hidden_dim"])
    file.expect("output_norm.weight", sizes["hidden_dim"])
    for number in range(sizes["num_layers"]):
        for name, shape in shapes.items():
            file.expect(f"blk.{number}.{name}.weight", *shape)
    with backend.silenced():
        import keras_hub
    body = keras_hub.models.LlamaBackbone(**sizes, tie_word_embeddings=True)
    _fill(body, file, shapes)
    return keras_hub.models.LlamaCausalLM(backbone=body)


def _unpermuted(rows: np.ndarray, heads: int) -> np.ndarray:
    """Undo llama.cpp's order of the rows of queries and keys, which pairs the halves of each head for its rotation."""
    return rows.reshape(heads, -1, 2, rows.shape[-1]).swapaxes(1, 2).reshape(rows.shape)


def _fill(body: Any, file: PackedFile, shapes: dict[str, tuple]) -> None:
    """Unpack the tensors of a GGUF file into a `LlamaBackbone`, one at a time."""
    body.token_embedding.embeddings.assign(file.array("token_embd.weight", body.vocabulary_size, body.hidden_dim))
    body.layer_norm.scale.assign(file.array("output_norm.weight", body.hidden_dim))
    for number, layer in enumerate(body.transformer_layers):

        def taken(name: str, heads: int = 0, number: int = number) -> np.ndarray:
            rows = file.array(f"blk.{number}.{name}.weight", *shapes[name])
            return _unpermuted(rows, heads) if heads else rows

        attention = layer._self_attention_layer
        matrices = {  # GGUF keeps (output, input), Keras (input, output) with the heads apart
            attention._query_dense: taken("attn_q", body.num_query_heads),
            attention._key_dense: taken("attn_k", body.num_key_value_heads),
            attention._value_dense: taken("attn_v"),
            attention._output_dense: taken("attn_output"),
            layer._feedforward_gate_dense: taken("ffn_gate"),
            layer._feedforward_intermediate_dense: taken("ffn_up"),
            layer._feedforward_output_dense: taken("ffn_down"),
        }
        for dense, values in matrices.items():
            dense.kernel.assign(values.T.reshape(dense.kernel.shape))
        layer._self_attention_layernorm.scale.assign(taken("attn_norm"))
        layer._feedforward_layernorm.scale.assign(taken("ffn_norm"))


def language_model(path: Path) -> LanguageModel:
    """Read a Llama with its tokenizer and chat template out of a GGUF file.

    Args:
        path: the file.

    Returns:
        The language model, float32.

    Raises:
        bmkit.data.DataError: the file is damaged, of another kind, or lacks what the model needs.
    """
    file = read_gguf(path)
    tokenizer = tokenizer_of(file)
    template = file.fact("tokenizer.chat_template", str)
    chat_template(template)  # refused now rather than at the first talk
    return LanguageModel(_llama(file), tokenizer, template)


def smollm2() -> LanguageModel:
    """Load SmolLM2-135M-Instruct: 30 layers, 49,152 tokens, tuned to answer questions in English.

    Returns:
        The language model.

    Raises:
        bmkit.data.DataError: the weights are absent and there is no network, or they are damaged.
    """
    with weight_files("smollm2") as folder:
        return language_model(next(folder.glob("*.gguf")))
