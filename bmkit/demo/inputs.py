"""What a visitor gives, checked before the chapter's function sees it: each fault is one sentence with a way out."""

import io
import re
import unicodedata
import warnings
from collections.abc import Sequence

import numpy as np
from PIL import Image, ImageOps

from bmkit.errors import Error

__all__ = ["MOST_BYTES", "Refusal", "picture_of", "script_of", "sound_of", "text_of", "words_of"]

MOST_BYTES = 8_000_000  # one message to a kernel holds 10 MB at most
MOST_PIXELS = 50_000_000  # 150 MB once it is unpacked; the largest cameras of telephones
LEAST_SIDE = 16
LEAST_SECONDS = 0.1
FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF")  # Pillow would ask other programs about further ones
# Each sign of a script without spaces between its words counts as one word.
WORD = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff]|[^\s\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff]+")
LONGEST_WORD = 40  # characters, on average; what has longer words is no text


class Refusal(Error):
    """An input that the demo does not take; the sentence is shown to the visitor."""


def words_of(text: str) -> int:
    """Count the words of a text.

    Args:
        text: in any script.

    Returns:
        How many runs of signs between spaces; each Chinese or Japanese sign counts as one.

    Example:
        >>> words_of("A cat sleeps."), words_of("一只猫")
        (3, 3)
    """
    return len(WORD.findall(text))


def script_of(text: str) -> str:
    """Name the script in which most letters of a text are written.

    Args:
        text: any text.

    Returns:
        The first word of the letters' names in Unicode, such as "LATIN", "CJK" or "CYRILLIC"; empty without a letter.

    Example:
        >>> script_of("A cat"), script_of("Кошка"), script_of("一只猫"), script_of("42")
        ('LATIN', 'CYRILLIC', 'CJK', '')

    Reference:
        Unicode Standard Annex 44, property Name, https://www.unicode.org/reports/tr44/
    """
    names = [unicodedata.name(letter, "").partition(" ")[0] for letter in text if letter.isalpha()]
    return max(sorted(set(names)), key=names.count, default="")


def text_of(text: str, *, most_words: int = 200, scripts: Sequence[str] = ()) -> str:
    """Check a text.

    Args:
        text: as it was typed or pasted.
        most_words: so many words are read.
        scripts: of these one must be the `script_of` the text; any if empty.

    Returns:
        The text without spaces around it.

    Raises:
        Refusal: it is empty, too long, or written in another script.

    Example:
        >>> text_of(" A cat. ")
        'A cat.'
        >>> text_of("Кошка спит.", scripts=["LATIN"])
        Traceback (most recent call last):
        bmkit.demo.inputs.Refusal: This text is written in the script Cyrillic; write in Latin.
    """
    text = str(text).encode("utf-8", "replace").decode().strip()  # half a sign, as a browser can send it, is no text
    if not text:
        raise Refusal("There is no text yet; type something first.")
    if (count := words_of(text)) > most_words:
        raise Refusal(f"The text has {count:,} words; give at most {most_words:,}.")
    if len(text) > LONGEST_WORD * most_words:
        raise Refusal(f"The text has {len(text):,} characters; give at most {most_words:,} words.")
    script = script_of(text)
    if scripts and script not in scripts:
        written = f"is written in the script {_named(script)}" if script else "has no letters"
        raise Refusal(f"This text {written}; write in {' or '.join(map(_named, scripts))}.")
    return text


def _named(script: str) -> str:
    return {"CJK": "Chinese"}.get(script, script.capitalize())


def picture_of(file: bytes, *, most_side: int = 1024) -> np.ndarray:
    """Read a picture; its size is looked at before any of it is unpacked.

    Args:
        file: what a JPEG, PNG, WebP, GIF, BMP or TIFF file holds.
        most_side: a longer side is shortened to so many pixels, and the other with it.

    Returns:
        Shape ``(height, width, 3)``, uint8: red, green, blue, the way up that the camera noted, on white where the
        picture is transparent.

    Raises:
        Refusal: it is no picture, a damaged one, or one with too many bytes, too many or too few pixels.

    Example:
        >>> file = io.BytesIO()
        >>> Image.new("L", (40, 20)).save(file, format="png")
        >>> picture_of(file.getvalue()).shape
        (20, 40, 3)

    Reference:
        Pillow, decompression bombs,
        https://pillow.readthedocs.io/en/stable/reference/Image.html#PIL.Image.open
    """
    if len(file) > MOST_BYTES:
        raise Refusal(f"The file has {len(file) / 1e6:.1f} MB; choose one of at most {MOST_BYTES / 1e6:.0f} MB.")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of a bomb, which is refused below; of odd notes beside the picture
            with Image.open(io.BytesIO(file), formats=FORMATS) as image:
                _refuse_odd_size(*image.size)
                image.draft("RGB", (most_side, most_side))  # a large JPEG is unpacked at half its size or less
                upright = ImageOps.exif_transpose(image).convert("RGBA")
    except Image.DecompressionBombError:
        raise Refusal(
            f"The picture has far more than {MOST_PIXELS // 10**6} million pixels; make it smaller."
        ) from None
    except Image.UnidentifiedImageError:
        raise Refusal("This file is no picture that can be read; choose a JPEG, PNG, WebP or GIF file.") from None
    except Refusal:
        raise
    except Exception:  # each format has errors of its own
        raise Refusal("This picture is damaged and cannot be read to its end; choose another one.") from None
    upright.thumbnail((most_side, most_side))
    paper = Image.new("RGBA", upright.size, "white")
    return np.asarray(Image.alpha_composite(paper, upright).convert("RGB"))


def _refuse_odd_size(width: int, height: int) -> None:
    if width * height > MOST_PIXELS:
        raise Refusal(
            f"The picture has {width:,} × {height:,} pixels, more than {MOST_PIXELS // 10**6} million; make it smaller."
        )
    if min(width, height) < LEAST_SIDE:
        raise Refusal(f"The picture has {width} × {height} pixels; choose one of at least {LEAST_SIDE} × {LEAST_SIDE}.")


def sound_of(samples: bytes, *, rate: int, most_seconds: float) -> np.ndarray:
    r"""Read what the browser has made of a recording or a file: one channel at the rate that was asked for.

    Args:
        samples: 16-bit integers, little-endian.
        rate: samples a second.
        most_seconds: a longer sound is refused.

    Returns:
        Shape ``(time,)``, float32 in [-1, 1).

    Raises:
        Refusal: it is too short, too long, silent, or not whole.

    Example:
        >>> sound_of(b"\x00\x40" * 1600, rate=8000, most_seconds=1)[:2]
        array([0.5, 0.5], dtype=float32)
    """
    seconds = len(samples) / 2 / rate
    if len(samples) % 2:
        raise Refusal("The sound did not arrive whole; record or choose it again.")
    if seconds < LEAST_SECONDS:
        raise Refusal(f"The sound lasts {seconds:.2f} s; give at least {LEAST_SECONDS} s.")
    if seconds > most_seconds:
        raise Refusal(f"The sound lasts {seconds:.0f} s; give at most {most_seconds:g} s.")
    values = np.frombuffer(samples, "<i2").astype("float32") / 32768
    if not np.any(values):
        raise Refusal("The sound is silent from its beginning to its end; is the microphone switched off?")
    return values
