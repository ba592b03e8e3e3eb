"""The demos of the chapters themselves, started for the tests of a browser."""

import contextlib
import re
import subprocess
import sys
import tempfile
from pathlib import Path
from types import SimpleNamespace

from test_demo import awaited

from bmkit.course.chapters import ROOT

MOST_SECONDS = 900  # a chapter up to its demo takes a minute on two quiet cores


@contextlib.contextmanager
def running(number):
    """Start the demo of a chapter, which trains its networks first, as `test_demo_browser.kit` does."""
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder) / "log"
        command = [sys.executable, "-m", "bmkit.course.cli", "demo", "--no-browser", number]
        with log.open("w") as file:
            child = subprocess.Popen(command, cwd=ROOT, stdout=file, stderr=file)
        try:
            told = awaited(SimpleNamespace(child=child, log=log), "The demo is ready.", seconds=MOST_SECONDS)
            address = re.search(r"http://127\.0\.0\.1:\d+/\?token=\S+", told)[0]
            yield SimpleNamespace(runs={number: SimpleNamespace(address=address)})
        finally:
            child.terminate()
            child.wait(60)
