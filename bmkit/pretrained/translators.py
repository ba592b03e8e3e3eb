"""Translators between English and Portuguese: Marian's "tiny" students of a large teacher, greedy or with beams."""

import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from bmkit.backend import keras
from bmkit.data import DataError
from bmkit.data.weights import weight_files
from bmkit.generate import beam_search, generate
from bmkit.pretrained.marian import END, UNKNOWN, MarianNetwork, marian_network
from bmkit.pretrained.marian_file import read_marian
from bmkit.pretrained.packed_file import MEND

__all__ = ["Reading", "Translator", "marian_en_pt", "marian_pt_en", "translator"]

LONGEST = 256  # pieces of a sentence, the end included; what the students learned from is shorter
ROOM = 2.5  # pieces of a translation at most for each of the source, as the students' own configuration says
MARKS = {END: "</s>", UNKNOWN: "<unk>"}


@dataclasses.dataclass(frozen=True, eq=False)
class Reading:
    """Sentences that were read once, and now can be written in the other language: a `bmkit.generate.Decoder`.

    The prompt of every translation is the single piece 0. A multiple of the sentences may be written at once, as in
    `beam_search`: the first k rows are the first sentence's, the next k the second's. `source` is (n, time), `vectors`
    what the encoder made of it, (n, time, width).
    """

    network: MarianNetwork
    source: np.ndarray = dataclasses.field(repr=False)
    vectors: np.ndarray = dataclasses.field(repr=False)

    def start_cache(self, batch: int, length: int) -> np.ndarray:
        """Return the state before the first piece; it does not grow with the text.

        Args:
            batch: texts written side by side, a multiple of the sentences.
            length: pieces of the longest one; any number will do.

        Returns:
            Zeros of shape (batch, blocks, width).

        Raises:
            ValueError: `batch` is no multiple of the sentences that were read.
        """
        if batch < 1 or batch % len(self.source):
            raise ValueError(
                f"{batch} texts cannot be shared among {len(self.source)} sentences; give each sentence equally many."
            )
        return np.zeros((batch, self.network.depth, self.network.width), "float32")

    def step(self, tokens: np.ndarray, cache: np.ndarray, position: int) -> tuple[np.ndarray, np.ndarray]:
        """Read pieces of the translations so far, and score what may follow each.

        Args:
            tokens: piece numbers, (batch, steps); the one at position 0 stands for nothing.
            cache: from `start_cache`, or from the step before.
            position: how many pieces were read before.

        Returns:
            Scores (batch, steps, vocabulary), and the state after the last piece.
        """
        tokens = np.asarray(tokens, "int32")
        beams = len(tokens) // len(self.source)
        known = [np.repeat(part, beams, axis=0) for part in (self.vectors, self.source)]
        return self.network.writer.predict_on_batch([tokens, np.full(len(tokens), position, "int32"), cache, *known])


@dataclasses.dataclass(frozen=True, eq=False)
class Translator:
    """A network that translates single sentences from one language into another.

    `network.model` is the Keras model for teacher forcing, from [source, target so far] to scores; `tokenizer` cuts
    texts into pieces, with one vocabulary for both languages.
    """

    network: MarianNetwork
    tokenizer: Any

    @property
    def model(self) -> Any:
        """Return the Keras model from [source, target so far] to the scores of the piece after each."""
        return self.network.model

    def encode(self, sentence: str) -> list[int]:
        """Return the pieces of a sentence, in either language, and the one that ends it.

        Args:
            sentence: a text.

        Returns:
            Piece numbers, the last one 0.
        """
        return [*self.tokenizer.encode(sentence, add_special_tokens=False).ids, END]

    def decode(self, pieces: Sequence[int]) -> str:
        """Return the text of pieces, up to the one that ends it.

        Args:
            pieces: piece numbers, without the 0 that a translation begins with.

        Returns:
            The text.
        """
        pieces = [int(piece) for piece in pieces]
        return self.tokenizer.decode(pieces[: pieces.index(END)] if END in pieces else pieces)

    def read(self, sentences: Sequence[str]) -> Reading:
        """Read sentences with the encoder, once; `generate` and `beam_search` then write with what it made of them.

        Args:
            sentences: one or more, each at most 256 pieces.

        Returns:
            The decoder of their translations.

        Raises:
            ValueError: a sentence is too long, or there is none.
        """
        rows = self._rows(sentences)
        if not rows:
            raise ValueError("there is no sentence to read; give at least one.")
        source = np.full((len(rows), max(map(len, rows))), END, "int32")  # what stands behind the end is never read
        for place, row in zip(source, rows, strict=True):
            place[: len(row)] = row
        return Reading(self.network, source, self.network.reader.predict_on_batch(source))

    def translate(self, sentences: Sequence[str], *, beams: int = 1, batch_size: int = 32) -> list[str]:
        """Translate sentences, each for itself.

        Args:
            sentences: one or more, each at most 256 pieces, which is some 150 words; cut longer texts at full stops.
            beams: how many beginnings of a translation are kept; 1 is greedy.
            batch_size: sentences at once; those of like length go together.

        Returns:
            The translations in the order of the sentences; of an empty sentence an empty one. A letter that the
            vocabulary lacks, as of another script, is lost or guessed at. A translation that finds no end is cut at 2.5
            pieces for each of its sentence.

        Raises:
            TypeError: `sentences` is not a list of texts.
            ValueError: a sentence is too long, or `beams` is less than 1.

        Reference:
            Kim and Rush (2016), Sequence-level knowledge distillation (why beams gain little here),
            https://arxiv.org/abs/1606.07947
        """
        sentences = [sentences] if isinstance(sentences, str) else list(sentences)
        lengths = [len(row) for row in self._rows(sentences)]
        if beams < 1:
            raise ValueError(f"beams is {beams}; keep at least one beginning.")
        found = [""] * len(sentences)
        order = [number for number in np.argsort(lengths, kind="stable") if lengths[number] > 1]
        for start in range(0, len(order), batch_size):
            chosen = order[start : start + batch_size]
            room = [int(ROOM * lengths[number]) for number in chosen]
            written = self._written([sentences[number] for number in chosen], max(room), beams)
            for number, pieces, most in zip(chosen, written, room, strict=True):
                found[number] = self.decode(pieces[1 : 1 + most])
        return found

    def _written(self, sentences: list[str], room: int, beams: int) -> np.ndarray:
        reading, prompt = self.read(sentences), np.full((len(sentences), 1), END)
        if beams == 1:
            return generate(reading, prompt, room, stop=END)
        return beam_search(reading, prompt, room, beams=beams, stop=END)[0]

    def _rows(self, sentences: Sequence[str]) -> list[list[int]]:
        """Cut sentences into pieces, or say why one cannot be translated."""
        sentences = [sentences] if isinstance(sentences, str) else list(sentences)
        if not all(isinstance(sentence, str) for sentence in sentences):
            raise TypeError("sentences is not a list of texts (str); decode bytes first, and give one list.")
        rows = [self.encode(sentence) for sentence in sentences]
        for number, row in enumerate(rows):
            if len(row) > LONGEST:
                raise ValueError(
                    f"sentence {number} has {len(row):,} pieces, the network reads {LONGEST} at most; cut it into "
                    "sentences and give them as a list."
                )
        return rows


def translator(folder: Path) -> Translator:
    """Read a translator of Marian's out of a folder.

    Args:
        folder: holds one .bin file, and the tokenizer of its vocabulary as tokenizer.json.

    Returns:
        The translator, float32.

    Raises:
        bmkit.data.DataError: a file is missing or damaged, or they do not belong together.
    """
    import tokenizers

    network = marian_network(read_marian(next(folder.glob("*.bin"), folder / "model.bin")))
    try:
        tokenizer = tokenizers.Tokenizer.from_file(str(folder / "tokenizer.json"))
    except Exception as error:  # the library's own kind of error has no public name
        raise DataError(f"tokenizer.json cannot be read as a tokenizer ({str(error)[:200]}). {MEND}") from error
    pieces = keras.ops.shape(network.model.output)[-1]
    marks = {number: tokenizer.id_to_token(number) for number in MARKS}
    if tokenizer.get_vocab_size() != pieces or marks != MARKS:
        raise DataError(
            f"tokenizer.json has {tokenizer.get_vocab_size():,} pieces and the marks {marks}; the network expects "
            f"{pieces:,} and {MARKS}. {MEND}"
        )
    return Translator(network, tokenizer)


def marian_en_pt() -> Translator:
    """Load the student that translates from English into Portuguese.

    Returns:
        The translator.

    Raises:
        bmkit.data.DataError: the weights are absent and there is no network, or they are damaged.
    """
    with weight_files("marian_en_pt") as folder:
        return translator(folder)


def marian_pt_en() -> Translator:
    """Load the student that translates from Portuguese into English.

    Returns:
        The translator.

    Raises:
        bmkit.data.DataError: the weights are absent and there is no network, or they are damaged.
    """
    with weight_files("marian_pt_en") as folder:
        return translator(folder)
