"""The one way to start kernels, for ``lab``, ``run``, ``build`` and ``test``: with the kit's own settings and paths.

What a user has set up for other projects, in Jupyter, IPython, Keras, Matplotlib or ``PYTHONPATH``, stays outside. Each
clone of the kit uses its own package. In a kernel the learner's folder comes last on the search path, so that a file
``numpy.py`` in it hides nothing.
"""

import atexit
import contextlib
import errno
import functools
import json
import os
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from bmkit import files, surroundings
from bmkit.course.chapters import ROOT
from bmkit.errors import Error

__all__ = ["NAME", "KernelError", "entered", "environment", "home", "load_ipython_extension"]

NAME = "python3"
QUIET = {"BMKIT_QUIET": "1", "TF_NUM_INTRAOP_THREADS": "1", "TF_NUM_INTEROP_THREADS": "1"}
BEHIND = "BMKIT_PYTHONPATH"  # the user's own PYTHONPATH, which kernels search after the installed packages
FOREIGN = ("IPYTHON", "JUPYTER", "KERAS_", "MATPLOTLIB", "MPL", "PYTHONSTARTUP")
KEPT = ("JUPYTER_ALLOW_INSECURE_WRITES",)  # some disks know no owners; without it Jupyter cannot start there
PATHS = ("BMKIT_CACHE", "BMKIT_NOTEBOOKS")
KERNEL = {
    "argv": [
        # Jupyter puts the interpreter that it runs under in the place of "python".
        *("python", "-m", "ipykernel_launcher", "-f", "{connection_file}"),
        *("--IPKernelApp.ignore_cwd=True", "--IPKernelApp.extra_extensions=bmkit.course.kernels"),
    ],
    "display_name": "Python 3 (ipykernel)",
    "language": "python",
    "metadata": {"debugger": True},
}
# No question about news at the first start, and no look for them over the network.
NEWS = {"@jupyterlab/apputils-extension:notification": {"fetchNews": "false", "checkForUpdates": False}}
PAGE = {"disabledExtensions": {"jupyterlab-jupytext": True}}  # the lab starts without Jupytext: its buttons do nothing
FILES = {
    f"data/kernels/{NAME}/kernel.json": json.dumps(KERNEL, indent=1),
    "keras/keras.json": json.dumps(surroundings.STANDARD, indent=1),
    "settings/overrides.json": json.dumps(NEWS),
    "settings/page_config.json": json.dumps(PAGE),
    "matplotlib/matplotlibrc": "# Empty on purpose: Matplotlib's own defaults.\n",
}


class KernelError(Error):
    """What keeps kernels from starting, in one line that says how to mend it."""


def environment(*, quiet: bool = False) -> dict[str, str]:
    """Return the environment variables for a child that runs kernels, or is one.

    Args:
        quiet: as notebooks are built and tested: one thread, which takes the number of cores out of the results, and
            nothing that moves.

    Returns:
        All variables of this process but those that configure other people's Jupyter, Keras or Matplotlib.

    Raises:
        KernelError: no folder can be written.

    Example:
        >>> environment()["KERAS_BACKEND"]
        'tensorflow'
    """
    place = home()
    kept = {name: value for name, value in os.environ.items() if name in KEPT or not name.startswith(FOREIGN)}
    absolute = {name: str(Path(kept[name]).absolute()) for name in PATHS if kept.get(name)}
    folders = {
        "IPYTHONDIR": "ipython",
        "JUPYTER_DATA_DIR": "data",
        "JUPYTER_RUNTIME_DIR": "runtime",
        "JUPYTERLAB_SETTINGS_DIR": "user-settings",
        "JUPYTERLAB_WORKSPACES_DIR": "workspaces",  # the tabs of the learner's other projects do not open here
        "KERAS_HOME": "keras",
        "MATPLOTLIBRC": "matplotlib/matplotlibrc",
        "MPLCONFIGDIR": "matplotlib",
    }
    fixed = {
        "JUPYTER_NO_CONFIG": "1",
        "JUPYTER_PREFER_ENV_PATH": "0",  # first the kit's kernel, then the environment's
        "KERAS_BACKEND": "tensorflow",
        "PYTHONPATH": str(ROOT),
        BEHIND: os.pathsep.join(_behind()),
    }
    own = {name: str(place / folder) for name, folder in folders.items()}
    return {**kept, **absolute, **own, **fixed, **(QUIET if quiet else {})}


@contextlib.contextmanager
def entered(*, quiet: bool = False) -> Iterator[None]:
    """Give this process the `environment` of kernels while the block runs, for libraries that start them by themselves.

    Args:
        quiet: as in `environment`.

    Example:
        >>> with entered():
        ...     os.environ["JUPYTER_NO_CONFIG"]
        '1'
    """
    inside, before = environment(quiet=quiet), dict(os.environ)
    try:
        _exchange(inside)
        yield
    finally:
        _exchange(before)


def _exchange(variables: dict[str, str]) -> None:
    for name in set(os.environ) - set(variables):
        del os.environ[name]
    os.environ.update(variables)


def _behind() -> list[str]:
    """List the user's own entries of PYTHONPATH, also where this process has been started by the kit itself."""
    found = os.pathsep.join([os.environ.get(BEHIND, ""), os.environ.get("PYTHONPATH", "")]).split(os.pathsep)
    return list(dict.fromkeys(os.path.abspath(path) for path in found if path and Path(path).absolute() != ROOT))


def home() -> Path:
    """Return the folder for all that Jupyter, IPython, Keras and Matplotlib write: in the clone, else the user's cache.

    Returns:
        A folder with the kit's own kernel and settings in it; a temporary one, removed at this process's end, where
        neither the clone nor the cache can be written.

    Raises:
        KernelError: not even the temporary folder can be written.

    Example:
        >>> (home() / "data" / "kernels" / NAME / "kernel.json").is_file()
        True
    """
    return _home(ROOT)


@functools.cache
def _home(root: Path) -> Path:
    import platformdirs

    cached = Path(platformdirs.user_cache_dir("bmkit-jupyter", appauthor=False))
    beside = str(root.relative_to(root.anchor)).replace(os.sep, "-")[-100:]  # two clones, two folders
    for make in (lambda: root / ".jupyter", lambda: cached / beside, _temporary):
        try:
            return _furnished(make())
        except OSError as error:
            trouble = error
    raise KernelError(
        f"Jupyter needs a folder that can be written, but {root}, {cached} and {tempfile.gettempdir()} cannot be used "
        f"({trouble.strerror}); make room or mend the rights of one of them."
    )


def _furnished(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    foreign = os.name != "nt" and folder.stat().st_uid != os.geteuid()  # its owner could choose what kernels run
    if foreign or not os.access(folder, os.W_OK):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
    for name, text in FILES.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if not path.is_file() or path.read_text("utf-8") != text:
            files.write(path, text)
    for name in ("ipython", "runtime"):
        (folder / name).mkdir(mode=0o700, exist_ok=True)  # connection files hold keys
    return folder


def _temporary() -> Path:
    folder = files.mark(Path(tempfile.mkdtemp(prefix="bmkit-jupyter-")), "Jupyter's files of one run")
    owner = os.getpid()  # a forked child must not remove it

    def remove() -> None:
        if os.getpid() == owner:
            with contextlib.suppress(OSError, files.NotOurs):
                files.remove(folder)

    atexit.register(remove)
    return folder


def load_ipython_extension(shell) -> None:
    """Put the learner's folder last on a new kernel's search path, and say what in it bears a library's name.

    Args:
        shell: the kernel's IPython shell, which calls this at its start.
    """
    for path in (*os.environ.get(BEHIND, "").split(os.pathsep), ""):
        if path not in sys.path:
            sys.path.append(path)
    taken = surroundings.namesakes(Path.cwd())
    for name in taken:
        if surroundings.is_sought(name):
            sys.modules[name] = None  # a library that looks for it is told, as on other machines, that it is not there
    if taken:

        def say(_) -> None:
            shell.events.unregister("pre_run_cell", say)  # once, at the first cell: earlier nobody would see it
            print(surroundings.about(taken), file=sys.stderr)

        shell.events.register("pre_run_cell", say)
