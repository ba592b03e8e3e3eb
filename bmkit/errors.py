"""The base class of every error that the kit expects: its text says what happened and how to mend it."""

__all__ = ["Error"]


class Error(Exception):
    """A known trouble. The command line prints its text without a traceback and ends with `exit_code`.

    Attributes:
        exit_code: 1 failed, 2 wrong use.

    Example:
        >>> Error.exit_code
        1
    """

    exit_code = 1
