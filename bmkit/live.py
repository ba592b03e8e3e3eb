"""Is somebody watching? What moves (progress, sliders) is shown to a person and never stored."""

import os
import sys

__all__ = ["in_notebook", "is_live"]


def in_notebook() -> bool:
    """Tell whether this code runs in a Jupyter kernel.

    Returns:
        True in a kernel, False in a script or a terminal.

    Example:
        >>> in_notebook()
        False
    """
    if "ipykernel" not in sys.modules:
        return False
    from IPython import get_ipython

    return hasattr(get_ipython(), "kernel")


def is_live() -> bool:
    """Tell whether a person works in this notebook, rather than a build or a test.

    Returns:
        True in a kernel, unless the environment variable BMKIT_QUIET is set, as it is while notebooks are built.

    Example:
        >>> is_live()
        False
    """
    return in_notebook() and not os.environ.get("BMKIT_QUIET")
