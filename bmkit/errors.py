"""The errors that the kit expects: their texts say what happened and how to mend it."""

__all__ = ["Error", "WrongUse"]


class Error(Exception):
    """A known trouble. The command line prints its text without a traceback and ends with `exit_code`.

    Attributes:
        exit_code: 1 failed, 2 wrong use.

    Example:
        >>> Error.exit_code
        1
    """

    exit_code = 1


class WrongUse(Error):
    """The command line asks for what does not exist; the message says what to type instead."""

    exit_code = 2
