"""MiniLM, a small BERT that turns sentences into vectors: sentences of like meaning point in like directions."""

import dataclasses
import functools
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from bmkit import backend, data
from bmkit.backend import keras
from bmkit.data.weights import weight_files
from bmkit.layers import masked_mean

__all__ = ["SentenceEncoder", "minilm", "sentence_encoder"]

ops = keras.ops
LONGEST = 256  # tokens of a text that MiniLM was trained on (E5 takes 512); what is longer is cut
WIDTHS = 32 if keras.backend.backend() == "jax" else 1  # JAX compiles anew for each width: few, all multiples of this


@dataclasses.dataclass(frozen=True, eq=False)
class SentenceEncoder:
    """A BERT that reads sentences.

    `model` is KerasHub's `BertBackbone`: from `inputs(texts)` to a dictionary whose "sequence_output" holds one
    vector per token, (batch, tokens, width). `tokenizer(texts)` gives the token numbers without the marks at both
    ends; `tokenizer.detokenize(numbers)` the text. `prefix` is put in front of each text, where training did so.
    """

    model: Any
    tokenizer: Any
    prefix: str = ""

    @functools.cached_property
    def sentences(self) -> Any:
        """Return the model from `inputs(texts)` to unit vectors (batch, width), sharing the weights: for tuning.

        The vectors of the real tokens are averaged, the mean is scaled to length 1.
        """
        mean = self._mean(self.model.output["sequence_output"])  # (batch, width)
        model = keras.Model(self.model.input, ops.normalize(mean, axis=-1), name="sentences")
        model.compile(jit_compile=False)  # else XLA compiles again for each new width
        return model

    def inputs(self, texts: Sequence[str], *, length: int = LONGEST) -> dict[str, np.ndarray]:
        """Turn texts into what `model` reads: ``[CLS] tokens [SEP]``, filled up to the longest text.

        Args:
            texts: one or more texts.
            length: most tokens of a text, the two marks included, at least 2; what is longer is cut.

        Returns:
            "token_ids", "segment_ids" (all 0) and "padding_mask" (1 where a token is real), int32, (n, tokens).

        Raises:
            TypeError: `texts` is not a list of texts.
            ValueError: `length` is below 2, or a text has more tokens than the model places.
        """
        return self._filled(self._numbers(texts, length))

    def encode(self, texts: Sequence[str], *, batch_size: int = 32, length: int = LONGEST) -> np.ndarray:
        """Turn texts into vectors of length 1, so that the product of two is the cosine of their angle.

        Args:
            texts: one or more texts.
            batch_size: texts at once; texts of like length go together.
            length: most tokens of a text, the two marks included, at least 2; what is longer is cut.

        Returns:
            float32 of shape (n, width), in the order of the texts; 384 numbers a text for MiniLM and E5.

        Raises:
            TypeError: `texts` is not a list of texts.
            ValueError: `length` is below 2, or a text has more tokens than the model places.
        """
        return self._in_batches(self.sentences, self._numbers(texts, length), (self.model.hidden_dim,), batch_size)

    def layer_means(
        self, texts: Sequence[str], *, depth: int | None = None, batch_size: int = 32, length: int = LONGEST
    ) -> np.ndarray:
        """Turn texts into the mean of their tokens' vectors after each layer, neither scaled nor centred.

        Args:
            texts: one or more texts.
            depth: stop after so many layers, which saves the time of the others; all of them when None.
            batch_size: texts at once; texts of like length go together.
            length: most tokens of a text, the two marks included, at least 2; what is longer is cut.

        Returns:
            float32 of shape (n, depth, width), in the order of the texts. `encode` gives the last layer's, scaled.

        Raises:
            TypeError: `texts` is not a list of texts.
            ValueError: the model has fewer layers, or fewer places than a text tokens; or `length` is below 2.
        """
        depth = self.model.num_layers if depth is None else depth
        if not 1 <= depth <= self.model.num_layers:
            raise ValueError(f"depth is {depth}; expected 1 … {self.model.num_layers}, the layers of this model.")
        steps = [self.model.get_layer(f"transformer_layer_{index}").output for index in range(depth)]
        means = keras.Model(self.model.input, ops.stack([self._mean(vectors) for vectors in steps], axis=1))
        means.compile(jit_compile=False)
        return self._in_batches(means, self._numbers(texts, length), (depth, self.model.hidden_dim), batch_size)

    def _mean(self, vectors: Any) -> Any:
        """Average the real tokens' vectors, (batch, tokens, width) to (batch, width)."""
        return masked_mean(vectors, self.model.input["padding_mask"])

    def _in_batches(self, model: Any, numbers: list[list[int]], shape: tuple, batch_size: int) -> np.ndarray:
        """Run a model over rows of token numbers, those of like length together; answers come in the rows' order."""
        order = np.argsort([len(row) for row in numbers], kind="stable")
        answers = np.zeros((len(numbers), *shape), "float32")
        for start in range(0, len(order), batch_size):
            start = max(0, min(start, len(order) - batch_size))  # the last batch is full too: nothing is traced for it
            chosen = order[start : start + batch_size]
            batch = self._filled([numbers[i] for i in chosen], multiple=WIDTHS)
            answers[chosen] = ops.convert_to_numpy(model.predict_on_batch(batch))
        return answers

    def _numbers(self, texts: Sequence[str], length: int) -> list[list[int]]:
        texts = [texts] if isinstance(texts, str) else list(texts)
        if not all(isinstance(text, str) for text in texts):
            raise TypeError("texts is not a list of texts (str); decode bytes first, and give one list.")
        if length < 2:
            raise ValueError(f"length is {length}; expected 2 or more, for the marks at both ends.")
        start, end = self.tokenizer.cls_token_id, self.tokenizer.sep_token_id
        rows = self.tokenizer([self.prefix + text for text in texts]) if texts else []
        rows = [[start, *map(int, row[: length - 2]), end] for row in rows]
        if (longest := max(map(len, rows), default=0)) > (places := self.model.max_sequence_length):
            raise ValueError(
                f"a text has {longest} tokens, the model places for {places}; give length={places} or less."
            )
        return rows

    def _filled(self, numbers: list[list[int]], *, multiple: int = 1) -> dict[str, np.ndarray]:
        """Fill rows up to the longest one, and on to a multiple."""
        width = -(-max(map(len, numbers), default=0) // multiple) * multiple
        tokens = np.full((len(numbers), width), self.tokenizer.pad_token_id, "int32")
        mask = np.zeros_like(tokens)
        for row, (tokens_row, mask_row) in zip(numbers, zip(tokens, mask, strict=True), strict=True):
            tokens_row[: len(row)], mask_row[: len(row)] = row, 1
        return {"token_ids": tokens, "segment_ids": np.zeros_like(tokens), "padding_mask": mask}


def sentence_encoder(folder: Path) -> SentenceEncoder:
    """Read a BERT and its vocabulary from a folder in the layout of Hugging Face.

    Args:
        folder: holds config.json, model.safetensors, tokenizer_config.json and vocab.txt.

    Returns:
        The encoder.

    Raises:
        bmkit.data.DataError: a file is missing or damaged.
    """
    with backend.silenced():
        import keras_hub
    try:
        # KerasHub keeps accents unless told; this vocabulary has none, and "café" would become unknown.
        tokenizer = keras_hub.models.BertTokenizer.from_preset(str(folder), strip_accents=True)
        model = keras_hub.models.BertBackbone.from_preset(str(folder))
    except Exception as error:  # each reader inside KerasHub has its own kinds of errors
        names = ", ".join(sorted(path.name for path in folder.iterdir()))
        raise data.DataError(
            f"the weights cannot be read as a BERT ({type(error).__name__}: {' '.join(str(error).split())[:300]}); "
            f"expected config.json, model.safetensors, tokenizer_config.json and vocab.txt, there are: {names}. "
            "Run `python3 -m bmkit data verify`, then `python3 -m bmkit data fetch`."
        ) from error
    return SentenceEncoder(model, tokenizer)


def minilm() -> SentenceEncoder:
    """Load all-MiniLM-L6-v2: 6 layers, 384 numbers a sentence, trained on a billion pairs of English sentences.

    Returns:
        The encoder.

    Raises:
        bmkit.data.DataError: the weights are absent and there is no network, or they are damaged.
    """
    with weight_files("minilm") as folder:
        return sentence_encoder(folder)
