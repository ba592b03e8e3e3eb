"""Start the kit with ``python3 -m bmkit VERB``: find or make the environment, then hand over to :mod:`bmkit.cli`.

Standard library only. This file and ``__init__`` must parse on Python 3.6, so that an unsupported Python gets one
clear line instead of a SyntaxError; everything newer stands in :mod:`bmkit.environment`.
"""

import contextlib
import errno
import os
import shutil
import subprocess
import sys

__all__ = ["main"]

VERSIONS = ((3, 11), (3, 12), (3, 13))
AGAIN = "BMKIT_ENVIRONMENT_JUST_MADE"


def _refusal(version):
    """Return the one line for a Python that the kit cannot use, or an empty text."""
    if tuple(version[:2]) in VERSIONS:
        return ""
    found = [name for name in ("python3.13", "python3.12", "python3.11") if shutil.which(name)]
    advice = f"type: {found[0]} -m bmkit" if found else "install one from https://www.python.org/downloads/"
    return f"bmkit: Python 3.11, 3.12 or 3.13 is needed, this is {version[0]}.{version[1]}; {advice}"


def _say(text):
    print("bmkit: " + text, file=sys.stderr, flush=True)


def _prepare(just_made):
    """Return the Python to hand over to, or None when the running one has everything."""
    from bmkit.environment import Environment, Trouble, locked, missing

    environment = Environment()
    lacking = missing(environment.requirements)
    if not lacking:
        return None
    inside = os.path.realpath(sys.prefix) == os.path.realpath(str(environment.folder))
    if inside and just_made:
        raise Trouble(f"{lacking[0]} is still missing after the set-up; delete the folder .venv and run this again")
    if inside or environment.fault():
        with locked(environment.root / ".venv.lock") as lock:
            # Whoever waited for the lock finds the work done; inside, a package changed by hand is fault enough.
            fault = environment.fault() or (("repair", f"{lacking[0]} is missing") if inside else None)
            if fault:
                environment.make(*fault, lock=lock)
                os.environ[AGAIN] = "1"
    return str(environment.python)


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
    try:
        python = _prepare(os.environ.pop(AGAIN, "") == "1")
    except KeyboardInterrupt:
        _say("stopped; the next start continues where this one ended")
        return 130
    except OSError as error:
        full = error.errno in (errno.ENOSPC, errno.EDQUOT)
        advice = "make room on this disk" if full else "mend this"
        _say(f"cannot set up the environment: {error}; {advice} and run the same command again")
        return 1
    except RuntimeError as trouble:  # environment.Trouble, whose module only a supported Python can import
        _say(str(trouble))
        return 1
    if python:
        return _hand_over(python, arguments)
    from bmkit import cli

    return cli.main(arguments)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
