"""Start the kit with ``python3 -m bmkit VERB``: find or make the environment, then call :mod:`bmkit.course.cli`.

Standard library only. This file and ``__init__`` must parse on Python 3.6, so that an unsupported Python gets one
clear line instead of a SyntaxError; everything newer stands in :mod:`bmkit.course.environment`.
"""

import contextlib
import errno
import os
import shutil
import subprocess
import sys

__all__ = ["main"]

VERSIONS = ((3, 11), (3, 12), (3, 13))
HANDED_OVER = "BMKIT_HANDED_OVER"  # tells the next process that this one has looked at the environment


def _refusal(version):
    """Return the one line for a Python that the kit cannot use, or an empty text."""
    if tuple(version[:2]) in VERSIONS:
        return ""
    found = [name for name in ("python3.13", "python3.12", "python3.11") if shutil.which(name)]
    advice = f"type: {found[0]} -m bmkit" if found else "install one from https://www.python.org/downloads/"
    return f"bmkit: Python 3.11, 3.12 or 3.13 is needed, this is {version[0]}.{version[1]}; {advice}"


def _prepare(handed_over):
    """Return the Python to hand over to, or None when the running one will do."""
    from bmkit.course.environment import Environment
    from bmkit.course.packages import missing

    environment = Environment()
    inside = os.path.realpath(sys.prefix) == os.path.realpath(str(environment.folder))
    if not (environment.root / "notebooks" / "chapters.toml").is_file():
        return None  # the package alone, without the course; the command line says so
    if handed_over or (not inside and not missing(environment.requirements)):
        return None
    mended = _mend(environment)
    if _leave_out_shadows(environment) or mended or not inside:
        os.environ[HANDED_OVER] = "1"
        return str(environment.python)
    return None


def _mend(environment):
    """Make or repair the environment if need be, and return whether that was tried."""
    from bmkit.console import say
    from bmkit.course.environment import locked
    from bmkit.errors import Error

    fault = environment.fault()
    if not fault:
        return False
    try:
        with locked(environment.root / ".venv.lock") as lock:
            fault = environment.fault()  # whoever waited for the lock finds the work done
            if fault:
                environment.make(*fault, lock=lock)
    except (Error, OSError) as trouble:  # no network, a full disk, a read-only clone
        if not environment.starts():
            raise
        say(f"{fault[1]}: {trouble}. Until then the kit runs with what is installed.")
    return True


def _leave_out_shadows(environment):
    """Take the folders out of PYTHONPATH that hide a library of the environment, as those of ROS may do."""
    from bmkit.console import say

    shadows = environment.shadows(os.environ.get("PYTHONPATH", ""))
    for folder, name in shadows.items():
        say(f"PYTHONPATH names {folder}, whose {name} would hide the kit's own; the kit runs without that folder")
    if shadows:
        entries = os.environ["PYTHONPATH"].split(os.pathsep)
        os.environ["PYTHONPATH"] = os.pathsep.join(entry for entry in entries if entry not in shadows)
    return bool(shadows)


def _hand_over(python, arguments):
    """Replace this process by the same command under another Python (Windows: wait for it)."""
    command = [python, "-m", "bmkit"] + arguments  # noqa: RUF005 - parses and reads on every Python
    if os.name != "nt":
        os.execv(python, command)
    with subprocess.Popen(command) as child:
        while child.returncode is None:
            with contextlib.suppress(KeyboardInterrupt):  # Ctrl-C reaches the child too, which answers it
                child.wait()
    return child.returncode


def main(arguments):
    """Find or make the environment, then run the command line with it.

    Args:
        arguments: the words after ``python3 -m bmkit``.

    Returns:
        The exit code: 0 done, 1 a known trouble, 2 wrong use, 130 stopped by Ctrl-C.
    """
    if _refusal(sys.version_info):
        print(_refusal(sys.version_info), file=sys.stderr)
        return 2
    from bmkit import console
    from bmkit.errors import Error

    console.prepare()
    try:
        python = _prepare(os.environ.pop(HANDED_OVER, "") == "1")
    except KeyboardInterrupt:
        console.say("stopped; the next start continues where this one ended")
        return 130
    except OSError as error:
        full = error.errno in (errno.ENOSPC, errno.EDQUOT)
        advice = "make room on this disk" if full else "mend this"
        console.say(f"cannot set up the environment: {error}; {advice} and run the same command again")
        return 1
    except Error as trouble:
        console.say(str(trouble))
        return trouble.exit_code
    if python:
        return _hand_over(python, arguments)
    from bmkit.course import cli

    return cli.main(arguments)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
