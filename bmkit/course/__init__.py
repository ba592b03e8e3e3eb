"""The machinery around the chapters: command line, environment, notebooks, tests. Teaching code never imports it."""

__all__ = []
