"""Ship an application: one file with all that it needs, tried in a process that knows nothing else.

`pack` writes networks, arrays and settings into one file, `unpack` gives the same dictionary back, and `try_out` opens
the file as an application on another computer would: in a new Python process, with a function of the learner's.

>>> import tempfile
>>> with tempfile.TemporaryDirectory() as folder:
...     file = pack(Path(folder) / "signs.zip", {"mean": np.zeros(13), "words": ["yes", "no"]})
...     sorted(unpack(file))
['mean', 'words']
"""

import inspect
import io
import json
import os
import re
import subprocess
import sys
import tempfile
import textwrap
import zipfile
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from safetensors.numpy import load, save

from bmkit import files
from bmkit.errors import Error

__all__ = ["ShipError", "Trial", "pack", "try_out", "unpack"]

MOST_PARTS = 100
MOST_BYTES = 1_000_000_000
PART = re.compile(r"([A-Za-z_][A-Za-z0-9_]*)\.(keras|safetensors|json)")
EXPECTED = "expected a file that bmkit.ship.pack has written"
# Runs in the new process, after the learner's function. The first answer is not timed: it traces the network.
CHILD = """
import sys, time
from pathlib import Path
from bmkit import ship

started = time.perf_counter()
answer = {name}(Path(sys.argv[1]))
loaded = time.perf_counter() - started
inputs = ship.unpack(Path(sys.argv[2]))
answers, seconds = dict(), []
for name, value in inputs.items():
    answers[name] = answer(value)
    for _ in range(int(sys.argv[4])):
        started = time.perf_counter()
        answer(value)
        seconds.append(time.perf_counter() - started)
ship.pack(Path(sys.argv[3]), dict(answers, load_seconds=loaded, seconds=seconds))
"""


class ShipError(Error):
    """What keeps an application from being packed, unpacked or tried, and how to mend it."""


@dataclass(frozen=True)
class Trial:
    """What `try_out` found.

    Attributes:
        answers: one for each input, in their order.
        megabytes: size of the file.
        load_seconds: from the start of the learner's function to its end, libraries included.
        p50_milliseconds: half of the answers took at most this long.
        p95_milliseconds: 19 of 20 answers took at most this long.
    """

    answers: list
    megabytes: float
    load_seconds: float
    p50_milliseconds: float
    p95_milliseconds: float


def pack(path: Path | str, parts: Mapping[str, Any]) -> Path:
    """Write all parts of an application into one file, a zip archive that holds no code.

    A network is stored without what its training needs (loss, optimizer), as ``NAME.keras``; an array as
    ``NAME.safetensors``; all else as ``NAME.json``.

    Args:
        path: the file. One that `pack` wrote before is replaced; any other is left alone.
        parts: from names, which Python can use as variables, to Keras models, NumPy arrays, or what JSON can hold:
            numbers, texts, lists, dictionaries with texts as keys, None.

    Returns:
        The path.

    Raises:
        ShipError: a name or a part cannot be stored, or the path is another file's.
        OSError: the folder does not exist or cannot be written.

    Example:
        >>> pack("reviews.zip", {"network": model, "words": words, "threshold": 0.4})  # doctest: +SKIP

    Reference:
        Keras, saving, https://keras.io/api/models/model_saving_apis/model_saving_and_loading/
    """
    path = Path(path)
    if path.exists() and not _is_packed(path):
        raise ShipError(f"{path} is there and was not written by bmkit.ship.pack; choose another name.")
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:  # stored, not compressed: a reader knows sizes before he reads
        for name, part in parts.items():
            kind, stored = _stored(name, part)
            archive.writestr(f"{name}.{kind}", stored)
    files.write(path, content.getvalue())
    return path


def unpack(path: Path | str) -> dict[str, Any]:
    """Read what `pack` wrote; nothing in the file is run.

    Args:
        path: the file.

    Returns:
        The dictionary that was given to `pack`; networks are not compiled, tuples have become lists.

    Raises:
        ShipError: the file is missing, damaged, or of another form.

    Example:
        >>> unpack("no such file")
        Traceback (most recent call last):
        ...
        bmkit.ship.ShipError: no such file is not there; expected a file that bmkit.ship.pack has written.
    """
    path = Path(path)
    if not path.is_file():
        raise ShipError(f"{path} is not there; {EXPECTED}.")
    try:
        with zipfile.ZipFile(path) as archive:
            members = _checked(archive)
            return {name: _part(kind, archive.read(member)) for name, (kind, member) in members.items()}
    except Exception as error:  # the archive, the JSON, the array and each layer fail in ways of their own
        told = " ".join(str(error).split())[:300]
        raise ShipError(f"{path} cannot be read ({type(error).__name__}: {told}); {EXPECTED}.") from error


def try_out(
    application: Callable[[Path], Callable], path: Path | str, inputs: Iterable, *, repeats: int = 3, seconds: int = 300
) -> Trial:
    """Open a packed application in a new Python process, as on another computer, and let it answer.

    Args:
        application: a function that takes the file and returns a function that answers one input. Only its source
            travels: what it uses it must import or unpack inside.
        path: the file.
        inputs: texts, arrays, or what JSON can hold.
        repeats: how often each input is answered again for the clock.
        seconds: after which the process is ended.

    Returns:
        The answers, and what they cost.

    Raises:
        ShipError: the function failed there, or took too long.

    Example:
        >>> try_out(open_application, "reviews.zip", ["Good tea.", "Stale."]).answers  # doctest: +SKIP
        ['positive', 'negative']
    """
    path = Path(path).absolute()
    code = _source(application) + CHILD.format(name=application.__name__)
    root = str(Path(__file__).resolve().parent.parent)
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, [root, os.environ.get("PYTHONPATH", "")]))}
    with tempfile.TemporaryDirectory() as folder:
        asked, answered = Path(folder) / "asked.zip", Path(folder) / "answered.zip"
        pack(asked, {f"input_{place}": value for place, value in enumerate(inputs)})
        command = [sys.executable, "-c", code, str(path), str(asked), str(answered), str(repeats)]
        try:  # the folder is empty: nothing that lies beside the notebook is found by chance
            done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, timeout=seconds)
        except subprocess.TimeoutExpired:
            raise ShipError(f"{application.__name__} has not answered within {seconds} seconds.") from None
        if done.returncode or not answered.is_file():
            told = done.stderr.decode("utf-8", "replace").strip() or f"it ended with code {done.returncode}"
            raise ShipError(
                f"{application.__name__} fails in a new process: {told.splitlines()[-1]}. There it knows only what it "
                "imports inside and what the file holds."
            )
        found = unpack(answered)
    took, loaded = found.pop("seconds"), found.pop("load_seconds")
    p50, p95 = 1000 * np.percentile(took or [np.nan], [50, 95])
    return Trial(list(found.values()), path.stat().st_size / 1e6, loaded, float(p50), float(p95))


def _source(application: Callable) -> str:
    try:
        code = textwrap.dedent(inspect.getsource(application))
    except (OSError, TypeError):
        code = ""
    if not code.startswith(f"def {application.__name__}("):
        raise ShipError(f"{application.__name__} has no source that can travel; define it by def, in a cell or a file.")
    return code


def _stored(name: str, part: Any) -> tuple[str, bytes]:
    if not isinstance(name, str) or not PART.fullmatch(f"{name}.json"):
        raise ShipError(f"a part is called {name!r}; expected letters, digits and _, as in a variable's name.")
    if isinstance(part, np.ndarray):
        if part.dtype.kind not in "biuf":
            raise ShipError(f"{name} is an array of {part.dtype}; give an array of numbers, or a list.")
        return "safetensors", save({"array": np.ascontiguousarray(part)})
    part = part.item() if isinstance(part, np.generic) else part
    if type(part).__module__ != "builtins" and _is_network(part):
        return "keras", _network_bytes(part)
    try:
        return "json", json.dumps(part, ensure_ascii=False, allow_nan=False).encode()
    except (TypeError, ValueError) as error:
        raise ShipError(
            f"{name} cannot be stored ({error}); give a Keras model, a NumPy array, or numbers, texts, lists and "
            "dictionaries."
        ) from None


def _is_network(part: Any) -> bool:
    from bmkit.backend import keras

    return isinstance(part, keras.Model)


def _network_bytes(network: Any) -> bytes:
    """Save a copy that was never compiled: an optimizer's state would make the file three times as large."""
    copy = type(network).from_config(network.get_config())
    copy.set_weights(network.get_weights())
    with tempfile.TemporaryDirectory() as folder:
        copy.save(Path(folder) / "network.keras")
        return (Path(folder) / "network.keras").read_bytes()


def _is_packed(path: Path) -> bool:
    try:
        with zipfile.ZipFile(path) as archive:
            return bool(_checked(archive)) or not archive.namelist()
    except (OSError, ValueError, zipfile.BadZipFile):
        return False


def _checked(archive: zipfile.ZipFile) -> dict[str, tuple[str, str]]:
    """Return kind and member of each part; sizes and names are looked at before anything is read."""
    members = archive.infolist()
    if len(members) > MOST_PARTS or sum(member.file_size for member in members) > MOST_BYTES:
        raise ValueError(f"it has more than {MOST_PARTS} parts or {MOST_BYTES:,} bytes")
    found = {}
    for member in members:
        match = PART.fullmatch(member.filename)
        if not match or match[1] in found or member.compress_type != zipfile.ZIP_STORED:
            raise ValueError(f"it holds {member.filename!r}, which is no part of an application")
        found[match[1]] = (match[2], member.filename)
    return found


def _part(kind: str, content: bytes) -> Any:
    if kind == "json":
        return json.loads(content)
    if kind == "safetensors":
        return load(content)["array"]
    import bmkit.layers  # noqa: F401  its layers are known to Keras by their names
    from bmkit.backend import keras

    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "network.keras"
        file.write_bytes(content)
        return keras.models.load_model(file, compile=False, safe_mode=True)
