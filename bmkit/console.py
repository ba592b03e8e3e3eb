"""Let every text reach every terminal: a letter that its encoding lacks is shown by an ASCII twin.

A Chinese Windows writes gbk, a Western one cp1252, a bare server ASCII: none of them has ✓, and Python's answer would
be a UnicodeEncodeError in the middle of a command. Files are not touched: the kit writes them as UTF-8.
"""

import codecs
import contextlib
import os
import sys
import unicodedata
from collections.abc import Iterator

__all__ = ["TWINS", "prepare", "say", "shown", "silenced"]

HANDLER = "bmkit.twins"
TWINS = {
    **{"✓": "OK", "✗": "x", "○": "o", "▶": ">", "·": "-", "•": "*", "●": "*", "█": "#", "▓": "#", "░": "."},
    **{"≥": ">=", "≤": "<=", "≠": "!=", "≈": "~", "±": "+/-", "×": "x", "÷": "/", "−": "-", "√": "sqrt ", "∞": "inf"},
    **{"→": "->", "←": "<-", "↔": "<->", "⇄": "<->", "↑": "^", "↓": "v", "⟨": "<", "⟩": ">", "∈": "in", "∑": "sum"},
    **{"–": "-", "—": "-", "“": '"', "”": '"', "„": '"', "‘": "'", "’": "'", "«": "<<", "»": ">>", "€": "EUR"},
    **{"ß": "ss", "æ": "ae", "ø": "o", "ł": "l", "π": "pi", "σ": "sigma", "µ": "u", "μ": "u", "│": "|", "─": "-"},
}


def _twin(letter: str) -> str:
    """Return the ASCII twin: from the table, else the letter without its accent, else a question mark."""
    plain = unicodedata.normalize("NFKD", letter).encode("ascii", "ignore").decode()
    return TWINS.get(letter) or plain or "?"


def _replace(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeEncodeError):  # reading is not ours to guess
        raise error
    return "".join(map(_twin, error.object[error.start : error.end])), error.end


codecs.register_error(HANDLER, _replace)


def prepare() -> None:
    """Make the standard streams of this process write twins instead of raising; a UTF-8 terminal sees no difference.

    Example:
        >>> prepare()
        >>> print("3 × 3 ≥ 8")
        3 × 3 ≥ 8
    """
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):  # a kernel's stream and None (pythonw) have no encoding to run into
            stream.reconfigure(errors=HANDLER)


def say(text: str) -> None:
    """Tell what is out of the ordinary in one line on the error stream, in a notebook and in a terminal alike.

    Args:
        text: one sentence.

    Example:
        >>> say("a state was damaged.")  # goes to the error stream

    Reference:
        Command Line Interface Guidelines, "Output", https://clig.dev/#output
    """
    print(f"bmkit: {text}", file=sys.stderr, flush=True)


def shown(text: str) -> str:
    """Return a text as the standard output stream will show it: a table measures its columns with that.

    Args:
        text: any text.

    Returns:
        The same text where the stream can write it, twins where it cannot.

    Example:
        >>> shown("✓ ready")
        '✓ ready'
        >>> "✓ loss ≤ 0.3".encode("ascii", HANDLER)
        b'OK loss <= 0.3'

    Reference:
        Python documentation, codecs, error handlers, https://docs.python.org/3/library/codecs.html#error-handlers
    """
    encoding = getattr(sys.stdout, "encoding", None) or "utf-8"
    return text.encode(encoding, HANDLER).decode(encoding)


@contextlib.contextmanager
def silenced() -> Iterator[None]:
    """Send everything written to file descriptor 2 to nowhere while the block runs.

    Errors are not lost: an exception raised inside still travels up.

    Example:
        >>> with silenced():
        ...     _ = os.write(2, b"this line is not seen")
    """
    with contextlib.suppress(ValueError, OSError, AttributeError):
        sys.stderr.flush()
    saved, nowhere = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, 2)
        yield
    finally:
        os.dup2(saved, 2)
        os.close(saved)
        os.close(nowhere)
