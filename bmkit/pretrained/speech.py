"""Whisper, which writes down what is said: it listens once and then writes token by token, with caches."""

import dataclasses
import functools
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from bmkit import data
from bmkit.backend import keras
from bmkit.data.cache import storage_errors
from bmkit.data.weights import weight_files
from bmkit.generate import beam_search, generate
from bmkit.pretrained.ct2_file import read_ct2
from bmkit.pretrained.packed_file import MEND
from bmkit.pretrained.sounds import LEAST_SECONDS, SoundError, one_channel, pieces
from bmkit.pretrained.tracing import fitting, traced
from bmkit.pretrained.whisper import whisper_backbone

__all__ = ["Heard", "SpeechRecogniser", "speech_recogniser", "whisper_tiny_en"]

ops = keras.ops
RATE = 16_000  # samples a second
FRAMES = 100  # of features a second
MOST_SECONDS = 30  # of sound that the network was trained on
SPARE = 5  # seconds of silence read after a sound: with 2, one sentence was written again and again
ENGLISH_ONLY = 51_864  # tokens of the models that know one language
MOST_TOKENS = 8  # a second: nobody says more, and Whisper, which now and then repeats itself, comes to an end
START, END, PLAIN = "<|startoftranscript|>", "<|endoftext|>", "<|notimestamps|>"
SILENT = ("<|nospeech|>", "<|nocaptions|>")  # one mark under two names: nobody speaks


@dataclasses.dataclass(frozen=True, eq=False)
class SpeechRecogniser:
    """A Whisper that writes down what is said in a sound.

    `model` is KerasHub's `WhisperBackbone`; `tokenizer` is one of the package `tokenizers`; `never` are tokens that
    are never written (notes of music, brackets, and all marks but the end), `never_first` those that do not begin a
    transcript.
    """

    model: Any
    tokenizer: Any
    never: np.ndarray = dataclasses.field(repr=False)
    never_first: np.ndarray = dataclasses.field(repr=False)

    def transcribe(
        self, sound: Any, sample_rate: int, *, language: str = "en", most_tokens: int | None = None, beams: int = 1
    ) -> str:
        """Write down what is said.

        A sound of more than 30 s is heard in pieces of 22 to 30 s, cut where it is quietest.

        Whisper always writes something: out of silence and noise it invents words, and now and then it repeats
        itself until `most_tokens` are written. `listen(…).no_speech` tells how likely it is that nobody speaks.

        Args:
            sound: shape ``(time,)``, or ``(time, channels)``, which are averaged: floating-point numbers in [-1, 1],
                or integers over their whole range.
            sample_rate: samples a second, 4,000 to 384,000; the sound is brought to 16,000.
            language: what is spoken, as "en"; the models that know one language take no other.
            most_tokens: tokens of a piece at most; ten, and eight more for each second, when None. A word has one
                or two.
            beams: how many beginnings are kept; 1 takes the likeliest token each time.

        Returns:
            The text, without spaces around it; it may be empty.

        Raises:
            bmkit.pretrained.sounds.SoundError: the sound is empty, holds what is no number, or is of another form.
            ValueError: the model does not know the language, or too many tokens are asked for.
        """
        texts = []
        for piece in pieces(one_channel(sound, sample_rate), most_seconds=MOST_SECONDS):
            if len(piece) < LEAST_SECONDS * RATE:  # what is left behind the last pause
                continue
            heard = self.listen(piece, RATE, language=language)
            most = 10 + MOST_TOKENS * len(piece) // RATE if most_tokens is None else most_tokens
            if beams == 1:
                tokens = generate(heard, heard.prompt, most, stop=heard.stop)
            else:
                tokens, _ = beam_search(heard, heard.prompt, most, beams=beams, stop=heard.stop)
            texts.append(self.text(tokens))
        return " ".join(filter(None, texts))

    def features(self, sound: Any, sample_rate: int) -> np.ndarray:
        """Turn a sound into what the network reads: logarithms of the loudness in 80 bands, 100 times a second.

        They are computed over 30 s, filled up with silence as in training, and cut five seconds after the sound: the
        rest would say nothing and cost most of the time.

        Args:
            sound: as for `transcribe`, of 30 s at most.
            sample_rate: samples a second.

        Returns:
            float32 of shape ``(frames, bands)``.

        Raises:
            bmkit.pretrained.sounds.SoundError: as `transcribe`, or the sound is longer.
        """
        sound = one_channel(sound, sample_rate)
        if len(sound) > MOST_SECONDS * RATE:
            raise SoundError(
                f"the sound lasts {len(sound) / RATE:.2f} s, but {MOST_SECONDS} s at most are heard at once; cut it, "
                "or let `transcribe` do so."
            )
        seconds = min(MOST_SECONDS, -(-len(sound) // RATE) + SPARE)  # whole ones: some backends compile each length
        return np.asarray(ops.convert_to_numpy(self._converter(sound)))[: seconds * FRAMES]

    def listen(self, sound: Any, sample_rate: int, *, language: str = "en") -> "Heard":
        """Read a sound once, so that a text about it can be written.

        Args:
            sound: as for `transcribe`, of 30 s at most.
            sample_rate: samples a second.
            language: what is spoken, as "en".

        Returns:
            A decoder for `bmkit.generate.generate` and `beam_search`, with the `prompt` and the `stop` they need.

        Raises:
            bmkit.pretrained.sounds.SoundError: as `features`.
            ValueError: the model does not know the language.
        """
        prompt = self._prompt(language)
        features = ops.convert_to_tensor(self.features(sound, sample_rate)[np.newaxis])
        return Heard(self, prompt, self._encode(features))

    def text(self, tokens: Sequence[int]) -> str:
        """Turn token numbers into text, without marks and without spaces around it.

        Args:
            tokens: token numbers, shape ``(time,)``.

        Returns:
            The text.
        """
        return self.tokenizer.decode([int(token) for token in tokens], skip_special_tokens=True).strip()

    def token(self, text: str) -> int:
        """Return the number of a token, such as "<|endoftext|>".

        Args:
            text: the token.

        Raises:
            ValueError: there is no such token.
        """
        if (number := self.tokenizer.token_to_id(text)) is None:
            raise ValueError(f"the model has no token {text!r}; choose another.")
        return number

    def _prompt(self, language: str) -> np.ndarray:
        """Return the marks that begin a transcript; models of one language have no room for its name."""
        marks = [START]
        if self.model.vocabulary_size > ENGLISH_ONLY:
            marks += [f"<|{language}|>", "<|transcribe|>"]
        elif language != "en":
            raise ValueError(f"language is {language!r}, but this model knows English alone; leave it out.")
        return np.array([self.token(mark) for mark in [*marks, PLAIN]])

    @functools.cached_property
    def _converter(self) -> Any:
        import keras_hub

        return keras_hub.layers.WhisperAudioConverter(num_mels=self.model.num_mels)

    @functools.cached_property
    def _pairs(self) -> tuple:
        """Return the shape of the keys and values of all layers, for any number of texts and steps."""
        body = self.model
        return (None, body.num_layers, 2, None, body.num_heads, body.hidden_dim // body.num_heads)

    @functools.cached_property
    def _encode(self) -> Callable:
        """From features (1, frames, bands) to the keys and values that the decoder's layers look for in the sound."""
        body = self.model
        encoder = keras.Model(body.input["encoder_features"], body.output["encoder_sequence_output"])

        def encode(features: Any) -> Any:
            vectors = encoder(features, training=False)  # (1, frames / 2, width)
            layers = [layer._cross_attention_layer for layer in body.decoder_transformer_layers]
            return ops.stack(
                [ops.stack([one._key_dense(vectors), one._value_dense(vectors)], axis=1) for one in layers], axis=1
            )

        return traced(encode, body.weights, ((None, None, body.num_mels), "float32"))

    @functools.cached_property
    def _write(self) -> Callable:
        """From tokens (batch, steps), both caches and a position to logits (batch, steps, vocabulary) and the cache."""
        body = self.model

        def write(tokens: Any, cache: Any, heard: Any, position: Any) -> tuple:
            x = body.decoder_embeddings(tokens, start_index=position)
            caches = []
            for number, layer in enumerate(body.decoder_transformer_layers):
                x, own, _ = layer(
                    x,
                    heard[:, number, 0, :, 0],  # only that there is something counts: keys and values are computed
                    self_attention_cache=cache[:, number],
                    self_attention_cache_update_index=position,
                    cross_attention_cache=heard[:, number],
                    training=False,
                )
                caches.append(own)
            logits = body.token_embedding(body.decoder_layer_norm(x), reverse=True)
            return logits, ops.stack(caches, axis=1)

        pairs = (self._pairs, body.compute_dtype)
        return traced(write, body.weights, ((None, None), "int32"), pairs, pairs, ((), "int32"))


@dataclasses.dataclass(frozen=True, eq=False)
class Heard:
    """A sound that a recogniser has read: a `bmkit.generate.Decoder` that writes about it.

    `prompt` holds the marks that begin each transcript; `keys_and_values`, (1, layers, 2, steps, heads, numbers), is
    what the decoder looks at of the sound, computed once.
    """

    recogniser: SpeechRecogniser = dataclasses.field(repr=False)
    prompt: np.ndarray
    keys_and_values: Any = dataclasses.field(repr=False)

    @property
    def stop(self) -> int:
        """Return the token that ends a transcript."""
        return self.recogniser.token(END)

    @functools.cached_property
    def no_speech(self) -> float:
        """Return the probability, by the model, that nobody speaks in the sound."""
        logits, _ = self._raw(self.prompt[np.newaxis, :1], self.start_cache(1, 1), 0)
        mark = next(mark for mark in SILENT if self.recogniser.tokenizer.token_to_id(mark) is not None)
        return float(ops.convert_to_numpy(ops.softmax(logits))[0, 0, self.recogniser.token(mark)])

    def start_cache(self, batch: int, length: int) -> Any:
        """Return an empty cache of keys and values for texts of at most `length` tokens.

        Args:
            batch: texts at once, all about the same sound.
            length: most tokens of a text, marks included.

        Returns:
            Zeros of shape (batch, layers, 2, length, heads, numbers per head).

        Raises:
            ValueError: the model knows no position that late.
        """
        model = self.recogniser.model
        if length > (most := model.max_decoder_sequence_length):
            raise ValueError(f"{length} tokens are asked for, marks included, but this model writes at most {most}.")
        _, layers, pair, _, *heads = self.recogniser._pairs
        return ops.zeros((batch, layers, pair, length, *heads), model.compute_dtype)

    def step(self, tokens: Any, cache: Any, position: int) -> tuple[np.ndarray, Any]:
        """Read some tokens after those in the cache.

        Args:
            tokens: token numbers, (batch, steps): the prompt at first, then one token at a time.
            cache: from `start_cache`, or what the step before returned.
            position: how many tokens the cache holds already.

        Returns:
            Logits (batch, steps, vocabulary), the scores of what follows each token, minus infinity for what is never
            written there; and the cache with the tokens.

        Raises:
            ValueError: the tokens do not fit into the cache.
        """
        logits, cache = self._raw(tokens, cache, position)
        logits = np.array(ops.convert_to_numpy(logits))
        logits[..., self.recogniser.never] = -np.inf
        if 0 <= (first := len(self.prompt) - 1 - position) < logits.shape[1]:
            logits[:, first, self.recogniser.never_first] = -np.inf
        return logits, cache

    def _raw(self, tokens: Any, cache: Any, position: int) -> tuple:
        tokens, position = fitting(tokens, cache, position)
        return self.recogniser._write(tokens, cache, self._for(tokens.shape[0]), position)

    def _for(self, batch: int) -> Any:
        """Return the keys and values of the sound, once for each text."""
        return self.keys_and_values if batch == 1 else ops.repeat(self.keys_and_values, batch, axis=0)


def speech_recogniser(folder: Path) -> SpeechRecogniser:
    """Read a Whisper and its tokenizer from a folder in the layout of CTranslate2.

    Args:
        folder: holds config.json, tokenizer.json, and model.bin or its parts model.bin.part1, …, which are joined.

    Returns:
        The recogniser, float32.

    Raises:
        bmkit.data.DataError: a file is missing, damaged, or of another model.
    """
    path = folder / "model.bin"
    parts = sorted(folder.glob("model.bin.part*"))
    if parts and not path.exists():
        with storage_errors("joining the parts of a model", temporary=True), path.open("wb") as whole:
            whole.writelines(part.read_bytes() for part in parts)
    model = whisper_backbone(read_ct2(path))
    return SpeechRecogniser(model, *_tokens(folder, model.vocabulary_size))


def _tokens(folder: Path, vocabulary: int) -> tuple[Any, np.ndarray, np.ndarray]:
    """Read the tokenizer, and the tokens that are never written, or never first."""
    import tokenizers

    try:
        tokenizer = tokenizers.Tokenizer.from_file(str(folder / "tokenizer.json"))
        config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
        ends = [tokenizer.token_to_id(mark) for mark in (END, START, PLAIN)]
        lists = [config["suppress_ids"], config["suppress_ids_begin"]]
        numbers = [*ends, tokenizer.get_vocab_size() - 1, *(token for tokens in lists for token in tokens)]
        if not all(type(number) is int and 0 <= number < vocabulary for number in numbers):
            raise ValueError(f"a token is missing, or none of the {vocabulary:,} that the network has")
    except Exception as error:  # the library's own kind of error has no public name
        raise data.DataError(
            f"config.json and tokenizer.json cannot be read as those of a Whisper ({type(error).__name__}: "
            f"{ascii(str(error)[:200])[1:-1]}). {MEND}"
        ) from error
    never = {*lists[0], *range(ends[0] + 1, vocabulary)} - {ends[0]}  # all marks, times among them, follow the end
    return tokenizer, np.array(sorted(never), "int64"), np.array(lists[1], "int64")


def whisper_tiny_en() -> SpeechRecogniser:
    """Load Whisper tiny.en: 4 + 4 layers of width 384, trained on English speech from the web.

    Returns:
        The recogniser.

    Raises:
        bmkit.data.DataError: the weights are absent and there is no network, or they are damaged.
    """
    with weight_files("whisper_tiny_en") as folder:
        return speech_recogniser(folder)
