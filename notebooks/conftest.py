"""Lets nbval run a notebook's cells as JupyterLab does. All that the kit changes in nbval is here."""

import os

import pytest

os.environ.setdefault("BMKIT_QUIET", "1")  # no progress bars, no sliders: as when the notebooks were built

nbval_kernel = pytest.importorskip("nbval.kernel")


def _start_new_kernel(*args, _original=nbval_kernel.start_new_kernel, **options):
    # ipykernel stops capturing file descriptors 1 and 2 when it sees this variable, so C-level output would differ.
    under_test = os.environ.pop("PYTEST_CURRENT_TEST", None)
    try:
        return _original(*args, **options)
    finally:
        if under_test is not None:
            os.environ["PYTEST_CURRENT_TEST"] = under_test


def _execute_cell_input(self, cell_input, allow_stdin=None):
    # With history a trailing ";" and In/Out behave as they do for a reader.
    return self.kc.execute(cell_input, silent=False, store_history=True, allow_stdin=bool(allow_stdin))


nbval_kernel.start_new_kernel = _start_new_kernel
nbval_kernel.RunningKernel.execute_cell_input = _execute_cell_input
