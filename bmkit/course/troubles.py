"""What pip says when it fails, and the one line that a reader needs instead. Standard library only."""

import re

__all__ = ["advice"]

# What pip writes, and what to say; the first match counts.
PIP_TROUBLES = (
    (
        r"DO NOT MATCH THE HASHES[\s\S]*?\n +(\S+?)[ =][\s\S]*",
        "the package index gave another file for {} than the one the kit was tested with, so nothing of it was "
        "installed; try another index (an index that rebuilds files cannot be used), or look at it with: "
        "python3 -m pip config list",
    ),
    (r"No space left|Errno 28", "the disk is full; make room (about 4.5 GB) and run the same command again"),
    (
        r"Permission denied|Errno 13",
        "no permission to write here or in pip's cache; mend the rights and run this again",
    ),
    (
        r"Retrying|Max retries|NewConnection|name resolution|timed? ?out|ProxyError|SSLError",
        "the package index cannot be reached; check network and proxy, then run the same command again",
    ),
    (
        r"from versions: none\)[\s\S]*No matching distribution found for (\S+)",
        "pip finds no {} at all: its settings name no index, or one without this package; look at them with: "
        "python3 -m pip config list",
    ),
    (r"No matching distribution found for (\S+)", "there is no build of {} for this computer and this Python"),
)


def advice(complaints: str) -> str:
    """Say in one line what went wrong and how to mend it.

    Args:
        complaints: what pip wrote to the standard error.

    Returns:
        The line.

    Example:
        >>> advice("ERROR: [Errno 28] No space left on device")
        'the disk is full; make room (about 4.5 GB) and run the same command again'
    """
    for pattern, line in PIP_TROUBLES:
        if found := re.search(pattern, complaints):
            return line.format(*found.groups())
    return "the set-up failed: " + complaints.splitlines()[-1]
