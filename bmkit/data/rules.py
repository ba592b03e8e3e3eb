"""What the values of the data manifest must look like: names that stay in their folder, numbers that can be true."""

import re
from pathlib import PureWindowsPath
from typing import Any

from bmkit.data.entries import DataError, Description, Field, Own, Parcel, Recipe, Recording, Weights

__all__ = ["PIN", "check", "check_name", "climbs", "is_plain"]

DTYPES = ("string", "bool", "uint8", "int8", "int16", "int32", "int64", "float16", "float32", "float64")
NAME = re.compile(r"[a-z0-9_]+")  # of sets and weights: a folder of the cache and a function of Python
PACKAGE = re.compile(r"[A-Za-z0-9]([\w.-]*[A-Za-z0-9])?", re.ASCII)  # nothing that pip takes for an option
VERSION = re.compile(r"[A-Za-z0-9][\w.+!]*", re.ASCII)
PIN = re.compile(rf"{PACKAGE.pattern}=={VERSION.pattern}", re.ASCII)  # a package and its exact version
SHA256 = re.compile(r"[0-9a-f]{64}")


def is_plain(file: Any) -> bool:
    """Tell whether a value is the name of a file in its folder, on any system, and no option of a program.

    Args:
        file: the value.

    Returns:
        Whether it is a text without slashes, drive letters and dots or hyphens at its start.

    Example:
        >>> is_plain("a-1-py3-none-any.whl"), is_plain("../a"), is_plain("-r")
        (True, False, False)
    """
    return isinstance(file, str) and bool(file) and PureWindowsPath(file).name == file and file[0] not in ".-"


def climbs(member: Any) -> bool:
    """Tell whether a member's name is none, or points outside the folder it would be unpacked into.

    Args:
        member: the name; both kinds of slashes and drive letters are known.

    Returns:
        Whether it may not be used.

    Example:
        >>> climbs("a/b.txt"), climbs("a/../../b.txt"), climbs("C:b.txt"), climbs("")
        (False, True, True, True)
    """
    path = PureWindowsPath(member) if isinstance(member, str) else PureWindowsPath("..")
    return bool(path.drive or path.root) or ".." in path.parts or not path.name


def _count(value: Any, least: int = 0) -> bool:
    return type(value) is int and value >= least


def _wheel(wheel: Any) -> bool:
    """Tell whether a table names a file of a parcel: its name, hash and size."""
    if not isinstance(wheel, dict) or set(wheel) != {"file", "sha256", "bytes"}:
        return False
    right = is_plain(wheel["file"]) and str(wheel["file"]).endswith(".whl") and _count(wheel["bytes"], 1)
    return right and bool(SHA256.fullmatch(str(wheel["sha256"])))


def _span(span: tuple) -> bool:
    """Tell whether a range is empty, or two numbers in order."""
    return not span or (len(span) == 2 and all(type(end) in (int, float) for end in span) and span[0] <= span[1])


def _inside(files: dict) -> bool:
    """Tell whether a table lists names inside parcels."""
    return all(isinstance(some, list) and some and not any(map(climbs, some)) for some in files.values())


# Per class and key: what must hold of the value, and in words.
RULES = {
    (Parcel, "name"): (PACKAGE.fullmatch, "the name of a package"),
    (Parcel, "version"): (VERSION.fullmatch, "a version"),
    (Parcel, "wheels"): (
        lambda wheels: all(map(_wheel, wheels.values())),
        "a table of file (a plain name that ends in .whl), sha256 and bytes for each computer",
    ),
    (Field, "shape"): (lambda shape: all(map(_count, shape)), "lengths of 0 or more"),
    (Field, "dtype"): (DTYPES.__contains__, f"one of {', '.join(DTYPES)}"),
    (Field, "range"): (_span, "nothing, or the smallest and the largest value"),
    (Field, "missing"): (_count, "0 or more"),
    (Description, "rows"): (lambda rows: all(_count(count, 1) for count in rows.values()), "1 or more for each split"),
    (Description, "repeats"): (_count, "0 or more"),
    (Description, "leaks"): (_count, "0 or more"),
    (Recipe, "members"): (lambda members: not any(map(climbs, members)), "names inside the parcel"),
    (Recipe, "files"): (_inside, "lists of names inside the parcels"),
    (Recipe, "packages"): (lambda pins: all(map(PIN.fullmatch, pins)), '["NAME==VERSION"]'),
    (Recipe, "version"): (lambda version: _count(version, 1), "1 or more"),
    (Recipe, "divide_by"): (lambda number: _count(number, 1), "1 or more"),
    (Recipe, "bytes"): (_count, "0 or more"),
    (Recipe, "keys"): (lambda keys: len(keys) == 2 and all(isinstance(key, str) for key in keys), "two names"),
    (Own, "file"): (is_plain, "a plain file name"),
    (Own, "sha256"): (SHA256.fullmatch, "64 hexadecimal digits"),
    (Own, "bytes"): (lambda size: _count(size, 1), "1 or more"),
    (Recording, "member"): (lambda member: not climbs(member), "a name inside the parcel"),
    (Recording, "sample_rate"): (lambda rate: _count(rate, 1), "1 or more"),
    (Recording, "samples"): (lambda count: _count(count, 1), "1 or more"),
    (Weights, "parameters"): (lambda count: _count(count, 1), "1 or more"),
    (Weights, "files"): (_inside, "lists of names inside the parcels"),
}


def check_name(name: str, where: str) -> None:
    """Refuse a name of a set or of weights that would be another folder's, or could not be typed.

    Args:
        name: the name.
        where: the file, for the message.

    Raises:
        DataError: it has other signs than small letters, digits and underscores.

    Example:
        >>> check_name("Evil-1", "sets/Evil-1.toml")  # doctest: +NORMALIZE_WHITESPACE
        Traceback (most recent call last):
        ...
        bmkit.data.entries.DataError: sets/Evil-1.toml: the name is 'Evil-1', expected small letters, digits and
            underscores; rename the file.
    """
    if not NAME.fullmatch(name):
        raise DataError(
            f"{where}: the name is {name!r}, expected small letters, digits and underscores; rename the file."
        )


def check(built: Any, where: str) -> None:
    """Hold the values of a table of the manifest to the rules.

    Args:
        built: the dataclass made of the table; its types are right.
        where: the table, for the message.

    Raises:
        DataError: a value cannot be true; the message names key, value and what was expected.

    Example:
        >>> check(Field(shape=(2,), dtype="float31", unit=""), "x")  # doctest: +ELLIPSIS
        Traceback (most recent call last):
        ...
        bmkit.data.entries.DataError: x: dtype is 'float31', expected one of string, bool, uint8, ...
    """
    for (kind, key), (holds, expected) in RULES.items():
        if type(built) is kind and not holds(value := getattr(built, key)):
            value = list(value) if isinstance(value, tuple) else value
            raise DataError(f"{where}: {key} is {value!r}, expected {expected}.")
    if type(built) is Parcel and not built.wheels:  # else they were checked one by one
        file = {key: getattr(built, key) for key in ("file", "sha256", "bytes")}
        if not _wheel(file):
            raise DataError(f"{where}: the file is {file}, expected a plain name that ends in .whl, 64 digits, a size.")
