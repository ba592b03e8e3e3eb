"""The two pytest plugins of `mutation.py`: which lines each test runs, and in what order tests meet a mutant."""

import json
import sys
import threading
import time
from pathlib import Path

__all__ = ["Order", "Watch"]


class Watch:
    """A pytest plugin that notes for each test how long it took and which lines of the files it ran."""

    def __init__(self, root: Path, files: list[str], note: Path):
        self.files, self.note = {str(root / file): file for file in files}, note
        self.tests, self.places = {}, set()

    def _trace(self, frame, event, _):
        file = self.files.get(frame.f_code.co_filename)
        if file:
            self.places.add((file, frame.f_lineno))
        return self._trace if file else None

    def pytest_runtest_logstart(self, nodeid):
        """Begin to look."""
        self.places, self.begun = set(), time.monotonic()
        threading.settrace(self._trace)
        sys.settrace(self._trace)

    def pytest_runtest_logfinish(self, nodeid):
        """Write down what was seen."""
        sys.settrace(None)
        self.tests[nodeid] = {"seconds": time.monotonic() - self.begun, "places": sorted(self.places)}

    def pytest_sessionfinish(self):
        """Save the notes, with the names of the packages that the tests needed."""
        files = {name: getattr(module, "__file__", None) or "" for name, module in sys.modules.items()}
        packages = [name for name, file in files.items() if "site-packages" in file]
        self.note.write_text(json.dumps({"tests": self.tests, "packages": packages}), "utf-8")


class Order:
    """A pytest plugin that puts the tests first which run a given line, and among equals the quick ones."""

    def __init__(self, tests: dict, place: tuple[str, int]):
        self.tests, self.place = tests, list(place)

    def pytest_collection_modifyitems(self, items):
        """Sort."""
        items.sort(key=self._rank)

    def groups(self, tests: list[str]) -> list[list[str]]:
        """Part the test files, those first that have a test which runs the line."""
        running = {name.split("::")[0] for name, known in self.tests.items() if self.place in known["places"]}
        return [[test] for test in sorted(tests, key=lambda test: test not in running)]

    def _rank(self, item) -> tuple[bool, float]:
        known = self.tests.get(item.nodeid, {"places": [], "seconds": 0.0})
        return self.place not in known["places"], known["seconds"]
