"""Lets nbval run a notebook's cells as JupyterLab does. All that the kit changes in nbval is here."""

import os
import warnings

import pytest

from bmkit.course import pictures

os.environ.setdefault("BMKIT_QUIET", "1")  # no progress bars, no sliders: as when the notebooks were built

nbval_kernel = pytest.importorskip("nbval.kernel")
nbval_plugin = pytest.importorskip("nbval.plugin")


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


def _pictures(outputs):
    return [output["data"]["image/png"] for output in outputs if "image/png" in output.get("data", {})]


def _compare_outputs(self, test, ref, *others, _original=nbval_plugin.IPyNbCell.compare_outputs):
    """Compare what nbval compares, and pictures: how many there are, and how they look."""
    same = _original(self, test, ref, *others)
    drawn, stored = _pictures(test), _pictures(ref)
    if len(drawn) != len(stored):
        self.comparison_traceback.append(f"{len(drawn)} pictures were drawn and {len(stored)} are stored")
        return False
    for number, (now, before) in enumerate(zip(drawn, stored, strict=True), start=1):
        share = pictures.difference(before, now)
        if share > pictures.MOST:
            warnings.warn(
                f"{self.parent.path.name}, cell {self.cell_num}: picture {number} does not look as stored in "
                f"{share:.0%} of its fields; look at it, and build the chapter if the new one is right",
                stacklevel=1,
            )
    return same


nbval_plugin.IPyNbCell.compare_outputs = _compare_outputs
