"""Shared by all tests."""

import pytest


@pytest.fixture(autouse=True)
def one_line(monkeypatch):
    """Let verdicts stand in one line, so that they can be compared word by word."""
    monkeypatch.setattr("bmkit.check.WIDTH", 10_000)
