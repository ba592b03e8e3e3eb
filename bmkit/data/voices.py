"""Let a synthesiser say words in many voices, and tell which voices are alike."""

import json
import platform
import re
import subprocess
import sys
from pathlib import Path

import numpy as np

from bmkit.data import speak
from bmkit.data.cache import storage_errors, work_folder
from bmkit.data.draw import Members
from bmkit.data.entries import DataError

__all__ = ["families", "synthesise"]

LIMIT = 300  # seconds that speaking may take; it takes some ten


def families(variants: dict[str, str]) -> dict[str, int]:
    """Number the voices so that those whose vowels are alike share a number.

    Two voices are alike when their first three formants, the resonances of the mouth, are moved by nearly the same
    percentage: 2 points at most each. Those alike to a third one are in its family, too.

    Args:
        variants: contents of eSpeak NG's voice files by name, with lines as "formant 1 97 100 100".

    Returns:
        The number of the family, from 0, by name, in the order of the names given.

    Example:
        >>> families({"a": "formant 1 97 100 100", "b": "formant 2 120 90 90", "c": "pitch 80 110"})
        {'a': 0, 'b': 1, 'c': 2}
        >>> families({"a": "formant 1 97 100 100", "b": "formant 1 98 90 90", "c": "pitch 80 110"})
        {'a': 0, 'b': 0, 'c': 0}

    Reference:
        eSpeak NG, "Voice files", https://github.com/espeak-ng/espeak-ng/blob/master/docs/voices.md
    """
    lines = re.compile(r"^formant[ \t]+([123])[ \t]+(\d+)", re.M)
    moved = [
        ({1: 100, 2: 100, 3: 100} | {int(n): int(share) for n, share in lines.findall(v)}) for v in variants.values()
    ]
    shares = np.array([list(one.values()) for one in moved])
    alike = np.abs(shares[:, None] - shares).max(axis=-1) <= 2
    family = np.arange(len(shares))
    for _ in shares:  # a chain is at most as long as there are voices
        family = np.array([family[row].min() for row in alike])
    return dict(zip(variants, np.unique(family, return_inverse=True)[1].tolist(), strict=True))


def synthesise(members: Members, jobs: list) -> tuple[int, list[np.ndarray]]:
    """Speak words in another process, which a fault in the library may stop without harm.

    Args:
        members: the library and its data, by member name of the parcel.
        jobs: `[voice, word, pitch, speed]` each, as `bmkit.data.speak.speak` takes them.

    Returns:
        The sampling rate in Hz, and 16-bit samples per job, each of shape (samples,).

    Raises:
        DataError: the library cannot be loaded or used on this computer.

    Example:
        >>> synthesise({"a/libespeak-ng.so": b"no library"}, [])  # doctest: +ELLIPSIS
        Traceback (most recent call last):
        ...
        bmkit.data.entries.DataError: the speech synthesiser eSpeak NG cannot be used on this computer ...

    Reference:
        eSpeak NG, https://github.com/espeak-ng/espeak-ng
    """
    with work_folder() as folder, storage_errors("laying out the speech synthesiser"):
        for name, content in members.items():
            file = folder.joinpath(*name.split("/")[1:])
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(content)
        library = min((name.split("/")[1] for name in members if "libespeak" in name or "ng.dll" in name), key=len)
        command = [sys.executable, "-P", str(Path(speak.__file__).absolute()), library]
        given = {"cwd": folder, "input": json.dumps(jobs), "capture_output": True, "text": True, "errors": "replace"}
        try:
            run = subprocess.run(command, timeout=LIMIT, check=False, **given)
            code, told = run.returncode, run.stderr.strip().splitlines()[-1:]
        except subprocess.TimeoutExpired:
            code, told = "none", [f"it did not end within {LIMIT} seconds"]
        if code != 0:
            raise DataError(
                f"the speech synthesiser eSpeak NG cannot be used on this computer ({platform.system()} "
                f"{platform.machine()}; exit code {code}; {''.join(told)[:300] or 'it said nothing'}). Prepare the set "
                "on another computer and copy the folder `sets` of its cache here (the environment variable "
                "BMKIT_CACHE says where it is), or work with real speech: japanese_vowels."
            )
        told = json.loads((folder / "clips.json").read_text(encoding="utf-8"))
        samples = np.fromfile(folder / "clips.raw", np.int16)
    return told["rate"], np.split(samples, np.cumsum(told["lengths"]))[:-1]
