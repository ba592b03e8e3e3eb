"""Read files of packages that are installed anyway, in exactly the versions that the manifest names.

A set made from installed packages needs no download, but its rows depend on their versions: another version is
refused with a sentence, never read in silence. The packages are not imported.
"""

import fnmatch
import importlib.metadata

from bmkit.data.manifest import DataError

__all__ = ["read_installed"]


def read_installed(packages: tuple, patterns: tuple = ()) -> dict[str, bytes]:
    """Check the versions of installed packages and read those of their files that match a pattern.

    Args:
        packages: requirements as "numpy==2.4.6".
        patterns: names within the installation; a `*` stands for any part of a name, folders too.

    Returns:
        Contents by file name, sorted by name; empty without patterns.

    Raises:
        DataError: a package is missing or has another version, or its files cannot be found or read.

    Example:
        >>> numpy = "numpy==" + importlib.metadata.version("numpy")
        >>> list(read_installed((numpy,), ("numpy/lib/_npyio*.py", "numpy/lib/_poly*.py")))
        ['numpy/lib/_npyio_impl.py', 'numpy/lib/_polynomial_impl.py']
        >>> read_installed(("numpy==0.0",))  # doctest: +ELLIPSIS
        Traceback (most recent call last):
        ...
        bmkit.data.entries.DataError: the data set is made from numpy 0.0, but ... is installed; ...

    Reference:
        Python documentation, importlib.metadata, https://docs.python.org/3/library/importlib.metadata.html
    """
    found = {}
    for requirement in packages:
        name, wanted = requirement.split("==")
        try:
            there = importlib.metadata.distribution(name)
        except importlib.metadata.PackageNotFoundError:
            there = None
        if there is None or there.version != wanted:
            raise DataError(
                f"the data set is made from {name} {wanted}, but {there.version if there else 'none'} is installed; "
                "its rows depend on that version. Install it with `pip install -r requirements.txt`; if the version "
                "was raised on purpose, set `packages` and `rows` of the set in data/sets to the new ones."
            )
        try:
            files = [file for file in there.files or () if any(fnmatch.fnmatch(str(file), p) for p in patterns)]
            found |= {file.as_posix(): file.read_binary() for file in files}
        except OSError as error:
            raise DataError(
                f"the installed {name} {wanted} is not complete ({error}); mend it with "
                f"`pip install --force-reinstall --no-deps {requirement}`."
            ) from error
        if patterns and not files:
            raise DataError(
                f"the installed {name} {wanted} lists no file like {', '.join(patterns)}; install it with pip."
            )
    return dict(sorted(found.items()))
