"""Shared by all tests."""

import signal

import pytest

pytest.register_assert_rewrite("shop")  # it is no test file, but it asserts

# A shell that starts a job in the background lets it, and all its children, ignore Ctrl-C; tests send real ones.
signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(autouse=True)
def one_line(monkeypatch):
    """Let verdicts stand in one line, so that they can be compared word by word."""
    monkeypatch.setattr("bmkit.check.WIDTH", 10_000)
