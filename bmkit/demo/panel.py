"""A panel: what is asked of a visitor, the chapter's function, and what both say to each other.

The panel does not know where it is shown. In a notebook that somebody works in it is a widget; where nobody watches,
the answer to the first example is shown; `collected` takes it to a page of its own.
"""

import contextlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from bmkit.demo.inputs import MOST_BYTES, WORD, Refusal, picture_of, sound_of, text_of
from bmkit.demo.outputs import html_of, replies, sentence_of, steps
from bmkit.live import is_live

__all__ = ["FOLDER", "Panel", "collected", "picture", "sound", "text"]

FOLDER = Path(__file__).parent  # of the page's own files
MOST_BYTES_OF_TEXT = 1_000_000
MOST_BYTES_OF_SOUND = 100_000_000  # the browser unpacks it; only the samples travel
# What the page itself has to say; {} is filled in there. All other sentences are those of `bmkit.demo.inputs`.
SENTENCES = {
    "answer": "Answer",
    "try": "Try:",
    "words": "{} of at most {} words",
    "record": "Record",
    "stop": "Stop",
    "choose": "Choose a file",
    "busy": "Working …",
    "too_large": "This has {} MB; give at most {} MB.",
    "too_long": "The sound lasts {} s; give at most {} s.",
    "no_sound": "This file is no sound that the browser can read; choose a WAV, MP3, M4A, OGG or FLAC file.",
    "denied": "This page may not use the microphone; allow it beside the address of the page, or choose a file.",
    "no_microphone": "There is no microphone that the browser can use; connect one, or choose a file.",
    "insecure": "Browsers let a page use the microphone only at https or on this computer; choose a file instead.",
}


@dataclass
class Panel:
    """One input and the function that answers it.

    Attributes:
        answer: from what was read, and what was chosen by name, to what `outputs.html_of` takes.
        kind: "text", "picture" or "sound".
        read: checks what arrives, and raises `Refusal`.
        examples: from each example's name to what `answer` takes.
        about: what the page needs besides: label, limits.
        choices: from each choice's name to its options.

    Example:
        >>> panel = Panel(str.upper, "text", text_of, {"a": "a"}, {"label": "Your text"})
        >>> panel.reply({"text": " "}, [], print)
        {'refused': 'There is no text yet; type something first.'}
        >>> panel.reply({"text": "a cat"}, [], print)
        {'busy': True}
        {'html': '<p>A CAT</p>'}
        {'busy': False}
    """

    answer: Callable
    kind: str
    read: Callable[[Any], Any]
    examples: dict[str, Any]
    about: dict[str, Any]
    choices: Mapping[str, Sequence] = field(default_factory=dict)

    @property
    def spec(self) -> dict[str, Any]:
        """What the page has to know, as JSON can hold it."""
        offered = {name: [str(option) for option in options] for name, options in self.choices.items()}
        told = {"kind": self.kind, "examples": list(self.examples), "choices": offered, "sentences": SENTENCES}
        return {"most_bytes": MOST_BYTES, "word": WORD.pattern, **told, **self.about}

    def reply(self, request: Mapping[str, Any], buffers: Sequence[bytes], send: Callable[[dict], None]) -> None:
        """Answer one request of the page; whatever it holds, nothing is raised.

        Args:
            request: ``text`` or the name of an ``example``, else the input is in the buffer; ``chosen`` has from each
                choice's name to the number of an option.
            buffers: the bytes of a picture's file, or the samples of a sound.
            send: receives messages with one of ``refused`` (a sentence), ``busy`` (whether), ``given`` (HTML of the
                example) and ``html`` (the answer, each in the place of the one before).
        """
        try:
            given = self._given(request, buffers)
            chosen = self._chosen(request.get("chosen", {}))
        except Exception as error:
            send({"refused": sentence_of(error)})
            return
        send({"busy": True})
        try:
            if "example" in request and self.kind != "text":
                send({"given": html_of(self._shown(given))})
            for answered in replies(self.answer, given, chosen):
                send({"html": answered})
        except Exception as error:
            send({"refused": sentence_of(error)})
        finally:
            send({"busy": False})

    def _given(self, request: Mapping[str, Any], buffers: Sequence[bytes]) -> Any:
        if "example" in request:
            name = request["example"]
            if not isinstance(name, str) or name not in self.examples:
                raise Refusal("There is no such example; load the page again.")
            return self.examples[name]
        if self.kind == "text":
            return self.read(request.get("text", ""))
        return self.read(b"".join(map(bytes, buffers)))

    def _chosen(self, numbers: Mapping[str, int]) -> dict[str, Any]:
        try:
            return {name: options[numbers.get(name, 0)] for name, options in self.choices.items()}
        except (AttributeError, IndexError, TypeError):
            raise Refusal("There is no such choice; load the page again.") from None

    def _shown(self, given: np.ndarray) -> Any:
        if self.kind == "picture":
            return given
        from IPython.display import Audio

        return Audio(given, rate=self.about["rate"], normalize=False)


_collecting: list[list[Panel]] = []


@contextlib.contextmanager
def collected() -> Iterator[list[Panel]]:
    """Collect the panels that cells make inside the block, instead of showing them.

    Yields:
        The panels, in the order in which they were made.

    Example:
        >>> with collected() as panels:
        ...     text(str.upper, ["A cat sleeps."])
        >>> panels[0].kind
        'text'
    """
    _collecting.append([])
    try:
        yield _collecting[-1]
    finally:
        _collecting.pop()


def _show(panel: Panel) -> None:
    if _collecting:
        _collecting[-1].append(panel)
    elif is_live():
        from IPython.display import display

        from bmkit.demo.widget import PanelWidget

        display(PanelWidget(panel))
    else:
        _show_first_answer(panel)


def _show_first_answer(panel: Panel) -> None:
    """Show what is stored in the notebook; a sound is told and not stored, for its size."""
    from IPython.display import Audio, display

    from bmkit import plot

    name, given = next(iter(panel.examples.items()))
    print(f"{panel.about['label']}: {name}")
    answers = []
    for last in steps(panel.answer, given, panel._chosen({})):
        before, answers = answers, last if isinstance(last, list | tuple) else [last]
        _close(before, answers)
    for one in answers:
        if hasattr(one, "savefig"):
            plot.show(one)
        elif isinstance(one, Audio):
            print("(a sound, which can be heard when the cell is run)")
        elif isinstance(one, np.ndarray) and one.dtype == np.uint8:
            plot.show(plot.images(one[np.newaxis], columns=1))
        elif hasattr(one, "_repr_html_"):
            display(one)
        elif one is not None:
            print(one)


def _close(before: Sequence, after: Sequence) -> None:
    """Close the figures of a step that the next one replaces: Jupyter shows, and stores, all that are open."""
    for one in before:
        if hasattr(one, "savefig") and not any(one is other for other in after):
            import matplotlib.pyplot as plt

            plt.close(one)


def text(
    answer: Callable[..., Any],
    examples: Sequence[str],
    *,
    label: str = "Your text",
    most_words: int = 200,
    scripts: Sequence[str] = (),
    **choices: Sequence,
) -> None:
    """Let the learner type or paste a text, and show what a function answers.

    Args:
        answer: from a text, and one argument for each of `choices`, to a text, a figure, or whatever else
            `bmkit.demo.outputs.html_of` takes; what it prints and displays is shown, too. A function with ``yield``
            shows each answer in the place of the one before.
        examples: texts to start from; where nobody watches, the answer to the first is shown.
        label: what is asked for.
        most_words: so many words are read.
        scripts: of these one must be the script of the text, such as "LATIN" or "CJK"; any if empty.
        **choices: for each further argument of `answer` the values it offers, the first one chosen.

    Raises:
        ValueError: no example.
        Refusal: an example is not among what would be read.

    Example:
        >>> text(lambda text, times: text * times, ["ab"], times=[2, 3])
        Your text: ab
        abab

    Reference:
        ipywidgets, https://ipywidgets.readthedocs.io/
    """

    def read(given: str) -> str:
        return text_of(given, most_words=most_words, scripts=scripts)

    known = {example: read(example) for example in examples}
    about = {"label": label, "most_words": most_words, "most_bytes": MOST_BYTES_OF_TEXT}
    _show(Panel(answer, "text", read, _some(known), about, choices))


def picture(
    answer: Callable[..., Any],
    examples: Mapping[str, np.ndarray],
    *,
    label: str = "Your picture",
    most_side: int = 1024,
    **choices: Sequence,
) -> None:
    """Let the learner choose a picture, and show what a function answers.

    Args:
        answer: as in `text`, from a picture: shape ``(height, width, 3)``, uint8.
        examples: pictures to start from, by name, in the same form.
        label: what is asked for.
        most_side: a longer side is shortened to so many pixels, and the other with it.
        **choices: as in `text`.

    Raises:
        ValueError: no example, or one of another form.

    Example:
        >>> picture(lambda pixels: f"{len(pixels)} rows", {"grey": np.full((20, 30, 3), 128, "uint8")})
        Your picture: grey
        20 rows
    """
    for name, pixels in examples.items():
        if np.ndim(pixels) != 3 or pixels.shape[2] != 3 or pixels.dtype != np.uint8:
            raise ValueError(f"the example {name!r} must be uint8 of shape (height, width, 3).")

    def read(file: bytes) -> np.ndarray:
        return picture_of(file, most_side=most_side)

    _show(Panel(answer, "picture", read, _some(dict(examples)), {"label": label}, choices))


def sound(
    answer: Callable[..., Any],
    examples: Mapping[str, np.ndarray],
    *,
    rate: int = 16_000,
    label: str = "Your voice",
    most_seconds: float = 30,
    **choices: Sequence,
) -> None:
    """Let the learner record a sound or choose a file, and show what a function answers.

    The browser unpacks what it has recorded, or any file that it can play, mixes its channels and gives the rate asked
    for.

    Args:
        answer: as in `text`, from a sound: shape ``(time,)``, float32 in [-1, 1).
        examples: sounds to start from, by name, in the same form.
        rate: samples a second, 8,000 to 48,000.
        label: what is asked for.
        most_seconds: a recording stops there; a longer file is refused.
        **choices: as in `text`.

    Raises:
        ValueError: no example, or one of another form; a rate that not every browser has; more than a message holds.

    Example:
        >>> sound(lambda samples: f"{len(samples) / 8000} s", {"a hum": np.zeros(8000, "float32")}, rate=8000)
        Your voice: a hum
        1.0 s

    Reference:
        Web Audio API, decodeAudioData, https://www.w3.org/TR/webaudio/#dom-baseaudiocontext-decodeaudiodata
    """
    if not 8_000 <= rate <= 48_000 or not 0 < 2 * rate * most_seconds <= MOST_BYTES:
        most = MOST_BYTES // (2 * rate)
        raise ValueError(f"rate = {rate} must be in 8,000 to 48,000, and most_seconds = {most_seconds} at most {most}.")
    for name, samples in examples.items():
        if np.ndim(samples) != 1 or samples.dtype.kind != "f":
            raise ValueError(f"the example {name!r} must be numbers in [-1, 1) of shape (time,).")

    def read(samples: bytes) -> np.ndarray:
        return sound_of(samples, rate=rate, most_seconds=most_seconds)

    about = {"label": label, "rate": rate, "most_seconds": most_seconds, "most_bytes": MOST_BYTES_OF_SOUND}
    _show(Panel(answer, "sound", read, _some(dict(examples)), about, choices))


def _some(examples: dict[str, Any]) -> dict[str, Any]:
    if not examples:
        raise ValueError("give one example at least: it is what a reader of the stored notebook sees.")
    return examples
