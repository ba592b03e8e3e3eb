"""Programs that start others."""

import psutil


def end(child) -> None:
    """Ask a program to end, and kill what it has started and left behind.

    Args:
        child: a `subprocess.Popen`.
    """
    family = psutil.Process(child.pid).children(recursive=True) if child.poll() is None else []
    child.terminate()
    for process in psutil.wait_procs(family, timeout=60)[1]:
        process.kill()
    child.wait(60)
