"""Every code cell of every chapter survives a second run: who presses Shift+Enter twice must not meet an error.

Outputs are not compared, only errors and claims that no longer hold are found. That takes as long as two runs of all
notebooks, so `suite` gives this file a stage of its own, in which the chapters are dealt out to all workers.
"""

import re
import subprocess

import pytest
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError

from bmkit.course import book, chapters, kernels

pytestmark = pytest.mark.slow
READY = [chapter for chapter in chapters.chapters() if chapter.ready]


def run_each_cell_twice(chapter) -> None:
    notebook = book.read_source(chapter)
    folder = {"metadata": {"path": str(book.NOTEBOOKS)}}
    client = NotebookClient(notebook, timeout=book.seconds_a_cell(), kernel_name=kernels.NAME, resources=folder)
    with kernels.entered(quiet=True), client.setup_kernel(stderr=subprocess.DEVNULL):
        for index, cell in enumerate(notebook.cells):
            if cell.cell_type != "code":
                continue
            for time in ("first", "second"):
                try:
                    client.execute_cell(cell, index)
                except CellExecutionError as error:
                    reason = re.sub(r"\x1b\[[0-9;]*m", "", str(error)).strip()
                    pytest.fail(f"chapter {chapter.number}, cell {index}, {time} run:\n{reason}", pytrace=False)


@pytest.mark.parametrize("chapter", READY, ids=lambda chapter: f"{chapter.number}_{chapter.slug}")
def test_every_cell_can_be_run_twice_in_a_row(chapter):
    run_each_cell_twice(chapter)


def test_a_cell_that_changes_what_it_was_given_is_found(tmp_path, monkeypatch):
    source = '# %% [markdown]\n# # 00\n\n# %%\nscores = {"first": 1}\n\n# %%\nlast = scores.pop("first")\n'
    (tmp_path / "source").mkdir()
    (tmp_path / "source" / "00_tiny.py").write_text(source, "utf-8")
    for module in (book, chapters):
        monkeypatch.setattr(module, "NOTEBOOKS", tmp_path)
    chapter = chapters.Chapter(number="00", slug="tiny", title="Tiny", part="Part", before=())
    with pytest.raises(pytest.fail.Exception, match=r"(?s)chapter 00, cell 2, second run:.*KeyError: 'first'"):
        run_each_cell_twice(chapter)
