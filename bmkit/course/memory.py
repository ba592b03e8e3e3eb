"""How much memory this process may use: the machine's, or less in a container or under a limit of its own."""

import contextlib
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil

__all__ = ["available", "total"]

CONTROL_GROUPS = Path("/sys/fs/cgroup")


def total() -> int:
    """Return the most bytes that this process may hold.

    Returns:
        The machine's memory, or the smallest limit under it.

    Example:
        >>> available() <= total()
        True

    Reference:
        Linux, Control Group v2, https://docs.kernel.org/admin-guide/cgroup-v2.html
    """
    return min([psutil.virtual_memory().total, *(limit for limit, _ in _limits())])


def available() -> int:
    """Return the bytes that are free for this process now.

    Returns:
        What the machine has free, or what is left under the nearest limit.

    Example:
        >>> available() > 0
        True
    """
    left = [max(0, limit - used) for limit, used in _limits()]
    return min([psutil.virtual_memory().available, *left])


def _limits() -> Iterator[tuple[int, int]]:
    """List the limits on this process with what is used of each, in bytes."""
    for folder in _control_groups():
        for most, now in (("memory.max", "memory.current"), ("memory.limit_in_bytes", "memory.usage_in_bytes")):
            with contextlib.suppress(OSError, ValueError):  # "max" is no limit
                limit = int((folder / most).read_text("utf-8"))
                yield limit, int((folder / now).read_text("utf-8")) - _reclaimable(folder)
    if sys.platform != "win32":
        import resource

        limit, _ = resource.getrlimit(resource.RLIMIT_AS)
        if limit != resource.RLIM_INFINITY:
            yield limit, psutil.Process().memory_info().vms


def _reclaimable(folder: Path) -> int:
    """Return the bytes of files that the system holds in memory and drops when the space is wanted."""
    with contextlib.suppress(OSError, ValueError, KeyError):
        lines = (line.split() for line in (folder / "memory.stat").read_text("utf-8").splitlines())
        return int(dict(lines)["inactive_file"])
    return 0


def _control_groups() -> Iterator[Path]:
    """List the group of this process and all groups around it; in a container the outermost is the container's."""
    with contextlib.suppress(OSError):
        for line in Path("/proc/self/cgroup").read_text("utf-8").splitlines():
            _, controllers, path = line.split(":", 2)
            if controllers and "memory" not in controllers.split(","):
                continue
            root = CONTROL_GROUPS / "memory" if controllers else CONTROL_GROUPS
            group = root / path.lstrip("/")
            yield from (folder for folder in (group, *group.parents) if folder == root or root in folder.parents)
