"""States of a training on disk: each is one folder that is whole or absent, hashed, and never the only one.

Of FOLDER, which is the learner's, only the sub-folder ``bmkit-fit`` is used; what lies beside it is never touched.
A state is written beside, forced to the disk, and renamed as one folder; the one before it stays until then. So a kill,
a Ctrl-C or a full disk at any moment leaves a sound state behind, and the next start takes the newest sound one.
"""

import contextlib
import hashlib
import io
import json
import os
import shutil
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
from filelock import FileLock, Timeout

from bmkit import files
from bmkit.console import say
from bmkit.errors import Error

__all__ = ["OWN", "CheckpointError", "Checkpoints", "Mismatch", "opened"]

OWN = "bmkit-fit"  # the sub-folder of FOLDER in which everything lies


class CheckpointError(Error):
    """The states of a training cannot be kept in the folder that the learner named."""


class Mismatch(ValueError):
    """The folder holds the states of another training, which this one must not go on with."""


@contextlib.contextmanager
def opened(folder: str | Path) -> Iterator["Checkpoints"]:
    """Hold the states of one training while the block runs; no second training can hold them meanwhile.

    Args:
        folder: FOLDER, made when missing.

    Yields:
        The states. At the end they are deleted when `Checkpoints.finished` was set, or when there are none.

    Raises:
        ValueError: FOLDER is an empty text.
        CheckpointError: another training runs in FOLDER, or it cannot be written.
        NotOurs: FOLDER/bmkit-fit holds files that the kit did not write.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder, opened(folder) as states:
        ...     states.save(1, {"loss": 0.5}, [np.zeros(2)])
        ...     states.newest(lambda document, arrays: (document["loss"], arrays[0].shape))
        (0.5, (2,))
    """
    if not str(folder).strip():
        raise ValueError("resume is an empty text; name a folder, such as resume='my_training'.")
    states = Checkpoints(Path(folder))
    with states._explained("nothing was trained"):
        states._prepare()
        lock = FileLock(states.own / "lock", timeout=0)  # the system lets go of it even after a kill
        try:
            lock.acquire()
        except Timeout:
            raise CheckpointError(
                f"another training is running in {folder}; wait until it has ended, or name another folder."
            ) from None
    try:
        yield states
    finally:
        lock.release()
        if states.finished or not states._all():
            states._clear()


class Checkpoints:
    """The states in one folder. Make them by `opened`.

    Attributes:
        folder: FOLDER, the learner's.
        own: its sub-folder, the kit's.
        finished: set it when the training has ended by itself and its states are no longer needed.
    """

    def __init__(self, folder: Path):
        self.folder, self.own, self.finished = folder, folder / OWN, False
        self._last = None  # the newest sound state

    def newest(self, parse: Callable[[dict, list[np.ndarray]], object]) -> object | None:
        """Read the newest sound state; what had to be dropped is said.

        Args:
            parse: makes of a document and its arrays whatever the caller needs. Any exception but `Mismatch` means that
                this state is of no use.

        Returns:
            What `parse` returned; None when there is no sound state.

        Raises:
            Mismatch: as raised by `parse`; nothing was changed.
        """
        dropped, found = [], None
        for path in sorted(self._all(), reverse=True):
            try:
                found = parse(*_read(path))
            except Mismatch:
                raise
            except Exception:  # whatever a damaged file makes a library raise
                dropped.append(path.name)
            else:
                self._last = path
                break
        if dropped:
            start = f"the training goes on from {self._last.name}" if self._last else "the training begins anew"
            say(f"damaged and not used in {self.own}: {', '.join(dropped)}; {start}.")
        return found

    def save(self, epoch: int, document: dict, arrays: Sequence[np.ndarray]) -> None:
        """Write a state; the one before it stays, all others go.

        Args:
            epoch: epochs finished.
            document: what JSON can hold.
            arrays: weights and the like, in an order that the caller knows.

        Raises:
            CheckpointError: it could not be written. The states before it are as they were.
        """
        beside, path = self.own / "beside", self.own / f"epoch-{epoch:06d}"
        with self._explained(f"epoch {epoch} is not saved"):
            try:
                _discard(beside)
                beside.mkdir()
                _write(beside, document, arrays)
                _discard(path)  # one of this name was damaged, else the training would have gone on from it
                beside.rename(path)
                _to_disk(self.own)
            finally:
                _discard(beside)
            for old in set(self._all()) - {path, self._last}:
                _discard(old)
        self._last = path

    def _prepare(self) -> None:
        new = not self.folder.exists()
        files.mark(self.own, "the state of a training by train.fit(resume=…)")
        if new:
            files.write(self.own / "made-the-folder-above", b"")

    def _clear(self) -> None:
        with contextlib.suppress(OSError):  # the training has ended well; a file that stays does no harm
            made_above = (self.own / "made-the-folder-above").exists()
            files.remove(self.own)
            if made_above:
                self.folder.rmdir()  # only when it is empty

    def _all(self) -> list[Path]:
        return list(self.own.glob("epoch-*"))

    @contextlib.contextmanager
    def _explained(self, loss: str) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise CheckpointError(
                f"a training's state cannot be written in {self.folder} ({error.strerror or error}), so {loss}. "
                "Make room there, or make it writable, and run the same call again: it goes on where it was."
            ) from error


def _write(folder: Path, document: dict, arrays: Sequence[np.ndarray]) -> None:
    text, digest = json.dumps(document), hashlib.sha256()
    with (folder / "arrays.npy").open("wb") as file:
        for array in arrays:
            one = io.BytesIO()  # NumPy's own way into a file turns a Ctrl-C into a TypeError
            np.save(one, array, allow_pickle=False)
            file.write(one.getbuffer())
            digest.update(one.getbuffer())
        file.flush()
        os.fsync(file.fileno())
    files.write(folder / "state.json", text)
    sums = {"arrays.npy": digest.hexdigest(), "state.json": hashlib.sha256(text.encode()).hexdigest()}
    files.write(folder / "sums.json", json.dumps(sums))
    _to_disk(folder)


def _read(folder: Path) -> tuple[dict, list[np.ndarray]]:
    paths = [folder / name for name in ("arrays.npy", "state.json", "sums.json")]
    if not all(path.is_file() for path in paths):
        raise ValueError("not files; a pipe or a device would never end")
    packed, text, sums = (path.read_bytes() for path in paths)
    found = {
        path.name: hashlib.sha256(content).hexdigest() for path, content in zip(paths, (packed, text), strict=False)
    }
    if json.loads(sums) != found:
        raise ValueError("a file is not what was written")
    file, arrays = io.BytesIO(packed), []
    while file.tell() < len(packed):
        arrays.append(np.load(file, allow_pickle=False))
    return json.loads(text), arrays


def _to_disk(folder: Path) -> None:
    """Force a folder's list of names to the disk; Windows can do so for files only."""
    if os.name != "nt":
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def _discard(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
