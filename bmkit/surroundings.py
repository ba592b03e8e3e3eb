"""What a user has set up for other projects and the kit does not use: found, to be told. Standard library only."""

import json
import os
import sysconfig
from collections.abc import Iterator
from pathlib import Path

__all__ = ["STANDARD", "Setting", "about", "found", "importable", "is_sought", "keras_settings", "namesakes"]

# Keras' own defaults, in which all chapters are written.
STANDARD = {"backend": "tensorflow", "epsilon": 1e-07, "floatx": "float32", "image_data_format": "channels_last"}
# Not needed by the kit, but libraries that it needs look for them and use them when they are there.
SOUGHT = ("cupy", "dask", "flax", "jax", "openvino", "orbax", "pandas", "polars", "torch", "xarray")
# Folders that carelessly made packages put beside themselves; a learner's folder of that name hides nothing.
USUAL = ("benchmarks", "doc", "docs", "examples", "test", "tests")

Setting = tuple[str, str, str]  # what was found, where or how it reads, what the kit does about it


def found() -> list[Setting]:
    """List the user's settings that could change a course, each with what the kit does about it.

    Returns:
        Name, content and answer of each; empty on a machine where nothing was set up.

    Example:
        >>> all(len(setting) == 3 for setting in found())
        True
    """
    return [*_keras(), *_variables(), *_files(), *_search_path(), *_rights()]


def keras_settings() -> dict[str, object]:
    """Read what the user's ``keras.json`` sets otherwise than Keras does by itself.

    Returns:
        From names to values; ``{"unreadable": reason}`` for a damaged file; empty without one.

    Example:
        >>> isinstance(keras_settings(), dict)
        True
    """
    path = _keras_json()
    try:
        if not path.is_file():
            return {}
        settings = json.loads(path.read_text("utf-8"))
        return {name: value for name, value in settings.items() if name in STANDARD and value != STANDARD[name]}
    except (OSError, ValueError, AttributeError, RecursionError) as error:
        return {"unreadable": type(error).__name__}


def importable(folder: Path) -> set[str]:
    """Return the names that Python finds in a folder: numpy for numpy/, numpy.py and numpy-1.26.4.dist-info/.

    Args:
        folder: on a search path; it need not exist.

    Returns:
        Names as they are imported, without the kit's own.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     for name in ("numpy.py", "my_code.py", "numbers.csv"):
        ...         _ = (Path(folder) / name).write_text("")
        ...     sorted(importable(Path(folder)))
        ['my_code', 'numpy']
    """
    try:
        names = {_imported_as(path) for path in folder.iterdir()}
    except OSError:
        return set()
    return {name for name in names if name.isidentifier()} - {"__pycache__", "bmkit"}


def _imported_as(path: Path) -> str:
    if path.suffix in (".dist-info", ".egg-info"):
        return path.name.split("-")[0]
    if path.suffix in (".so", ".pyd"):
        return path.name.split(".")[0]
    return path.stem if path.suffix == ".py" or (not path.suffix and path.is_dir()) else ""


def namesakes(folder: Path) -> list[str]:
    """List the files and folders of a learner that bear the name of a library.

    Args:
        folder: where the learner's notebooks lie.

    Returns:
        Names as they are imported, such as ``"numpy"`` for a file ``numpy.py``.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     for name in ("numpy.py", "my_code.py", "numbers.csv"):
        ...         _ = (Path(folder) / name).write_text("")
        ...     namesakes(Path(folder))
        ['numpy']
    """
    return sorted(name for name in importable(folder) if name not in USUAL and _is_library(name))


def is_sought(name: str) -> bool:
    """Tell whether a library is one that others look for and that is not installed here.

    Args:
        name: as it is imported.

    Returns:
        Whether a learner's folder of that name would be taken for it.

    Example:
        >>> is_sought("numpy")
        False
    """
    return name in SOUGHT and not _is_installed(name)


def about(names: list[str]) -> str:
    """Say in one sentence what `namesakes` found.

    Args:
        names: at least one.

    Returns:
        The sentence, with the way to mend it.

    Example:
        >>> about(["numpy"])
        'bmkit: numpy in this folder bears the name of a library and cannot be imported; rename it to use it.'
    """
    several = len(names) > 1
    bears = "bear names of libraries" if several else "bears the name of a library"
    it = "them" if several else "it"
    return f"bmkit: {', '.join(names)} in this folder {bears} and cannot be imported; rename {it} to use {it}."


def _is_library(name: str) -> bool:
    return name in SOUGHT or _is_installed(name)


def _is_installed(name: str) -> bool:
    return any((place / name / "__init__.py").exists() or (place / f"{name}.py").exists() for place in _installed())


def _installed() -> set[Path]:
    return {Path(sysconfig.get_path("purelib")), Path(sysconfig.get_path("platlib"))}


def _home() -> Path:
    return Path(os.path.expanduser("~"))  # unlike `Path.home` it has an answer for a user whom the system does not know


def _keras_json() -> Path:
    return Path(os.environ.get("KERAS_HOME") or _home() / ".keras") / "keras.json"


def _keras() -> Iterator[Setting]:
    settings = keras_settings()
    if settings:
        here = ", ".join(f"{name} {value}" for name, value in settings.items())
        yield f"Keras' settings in {_keras_json()}", here, "not used, nor in a script that imports bmkit"


def _variables() -> Iterator[Setting]:
    for name, value in sorted(os.environ.items()):
        if name == "KERAS_BACKEND" and value != STANDARD["backend"]:
            yield name, value, "notebooks use TensorFlow all the same; your own scripts use this backend"
        elif name.startswith("BMKIT_") and name != "BMKIT_PYTHONPATH":
            yield name, value, "used by the kit"
        elif name.startswith(("JUPYTER_", "JUPYTERLAB_", "IPYTHON", "KERAS_", "MPL", "MATPLOTLIBRC", "PYTHONSTARTUP")):
            yield name, value, "not passed on to notebooks"


def _files() -> Iterator[Setting]:
    home = _home()
    jupyter = Path(os.environ.get("JUPYTER_CONFIG_DIR") or home / ".jupyter")
    ipython = Path(os.environ.get("IPYTHONDIR") or home / ".ipython")
    config = Path(os.environ.get("XDG_CONFIG_HOME") or home / ".config")
    places = {
        "Jupyter's configuration": sorted(jupyter.glob("jupyter_*config.*")),
        "IPython's configuration": sorted(ipython.glob("profile_*/*config.*")),
        "IPython's startup files": sorted(ipython.glob("profile_*/startup/*.py")),
        "a kernel named python3": [path / "kernels" / "python3" for path in _data_folders(home)],
        "Matplotlib's settings": [config / "matplotlib" / "matplotlibrc", home / ".matplotlib" / "matplotlibrc"],
    }
    for name, candidates in places.items():
        here = [str(path) for path in candidates if path.exists()]
        if here:
            yield name, ", ".join(here), "not used in the kit's notebooks"


def _data_folders(home: Path) -> list[Path]:
    windows = os.environ.get("APPDATA")
    own = Path(windows) / "jupyter" if windows else home / "Library" / "Jupyter"
    return [home / ".local" / "share" / "jupyter", own]


def _search_path() -> Iterator[Setting]:
    for path in filter(None, os.environ.get("PYTHONPATH", "").split(os.pathsep)):
        names = namesakes(Path(path)) if Path(path).absolute() not in _installed() else []
        if names:
            some = ", ".join(names[:5]) + (" …" if len(names) > 5 else "")
            answer = "hides installed packages from your scripts: take it out of PYTHONPATH; notebooks look there last"
            yield f"PYTHONPATH: {path}", some, answer


def _rights() -> Iterator[Setting]:
    home = _home()
    if not os.access(home, os.W_OK):
        answer = "the kit's notebooks work without it; for the data name another folder in BMKIT_CACHE"
        yield f"home folder {home}", "cannot be written", answer
