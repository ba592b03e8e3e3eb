"""What the chapter's function answers, as HTML that needs nothing from outside, and its errors as one sentence."""

import base64
import html
import inspect
import io
import logging
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np
from PIL import Image

from bmkit.errors import Error

__all__ = ["html_of", "replies", "sentence_of", "steps"]

LONGEST = 200  # characters of a foreign error
DONE = object()
_log = logging.getLogger(__name__)


def html_of(value: Any) -> str:
    """Turn an answer into HTML.

    Args:
        value: a text; a Matplotlib figure, which is closed; a picture, uint8 of shape ``(height, width)`` or
            ``(height, width, 3)``; what has an HTML form, such as `IPython.display.Audio`; a list of these; None.

    Returns:
        HTML, a text's signs escaped; what else it may be stands there as Python prints it.

    Example:
        >>> html_of("3 < 4")
        '<p>3 &lt; 4</p>'
        >>> html_of(["one", None, "two"])
        '<p>one</p><p>two</p>'
    """
    if value is None:
        return ""
    if isinstance(value, list | tuple):
        return "".join(map(html_of, value))
    if hasattr(value, "savefig"):
        return _image(_drawn(value))
    if isinstance(value, np.ndarray) and value.dtype == np.uint8 and value.ndim in (2, 3):
        file = io.BytesIO()
        Image.fromarray(value).save(file, format="png")
        return _image(file.getvalue())
    if hasattr(value, "_repr_html_"):
        return value._repr_html_()
    return f"<p>{html.escape(str(value))}</p>"


def _drawn(figure: Any) -> bytes:
    import matplotlib.pyplot as plt

    file = io.BytesIO()
    figure.savefig(file, format="png", dpi=160, bbox_inches="tight", facecolor="white")
    plt.close(figure)
    return file.getvalue()


def _image(png: bytes) -> str:
    return f'<img alt="the answer as a picture" src="data:image/png;base64,{base64.b64encode(png).decode()}">'


def steps(answer: Callable, given: Any, chosen: Mapping[str, Any]) -> Iterator[Any]:
    """Call the chapter's function, which may answer once or step by step.

    Args:
        answer: a function, or one with ``yield``.
        given: the checked input.
        chosen: what was chosen besides, by name.

    Yields:
        Each answer; with ``yield``, each takes the place of the one before.

    Example:
        >>> list(steps(str.upper, "a", {}))
        ['A']
        >>> list(steps(lambda text: (text[:n] for n in (1, 2)), "ab", {}))
        ['a', 'ab']
    """
    answers = answer(given, **chosen)
    if inspect.isgenerator(answers):
        yield from answers
    else:
        yield answers


def replies(answer: Callable, given: Any, chosen: Mapping[str, Any]) -> Iterator[str]:
    """Call the chapter's function and write each of its answers as HTML, behind what it printed and displayed.

    Args:
        answer: as in `steps`.
        given: as in `steps`.
        chosen: as in `steps`.

    Yields:
        HTML.

    Example:
        >>> list(replies(str.upper, "a", {}))
        ['<p>A</p>']
    """
    from IPython.utils.capture import capture_output

    found = steps(answer, given, chosen)
    while True:
        with capture_output() as seen:
            value = next(found, DONE)
        if value is DONE:
            return
        printed = html_of(seen.stdout.rstrip() or None)
        yield printed + "".join(map(_displayed, seen.outputs)) + html_of(value)


def _displayed(output: Any) -> str:
    """Write what `IPython.display.display` was given, in the richest form that needs no script."""
    data = output.data
    if "text/html" in data:
        return data["text/html"]
    if "image/png" in data:
        png = data["image/png"]
        return _image(png if isinstance(png, bytes) else base64.b64decode(png))
    return html_of(data.get("text/plain"))


def sentence_of(error: Exception) -> str:
    """Say in one sentence why there is no answer.

    Args:
        error: what was raised; its traceback goes to the log, level INFO.

    Returns:
        The text of an error of the kit; of another its kind and its first line.

    Example:
        >>> sentence_of(ZeroDivisionError("division by zero"))
        'There is no answer to this (ZeroDivisionError: division by zero); try another input.'
    """
    _log.info("the function of the demo failed", exc_info=error)
    if isinstance(error, Error):
        return str(error)
    line = (str(error).strip().splitlines() or [""])[0]
    short = line if len(line) <= LONGEST else f"{line[:LONGEST]}…"
    return f"There is no answer to this ({': '.join(filter(None, (type(error).__name__, short)))}); try another input."
