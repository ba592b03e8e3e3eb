"""Building, staleness, planted faults: each must be noticed, with a line that says what to do."""

import dataclasses
import json
import os
import shutil
import subprocess
import sys

import pytest

from bmkit import book, chapters

pytestmark = pytest.mark.slow

TINY = """\
# %% [markdown]
# # 00 · Tiny
#
# **After this you can** nothing
#
# **Time** 1 min to read, 1 min to teach, 1 s to run
#
# **Before** nothing
#
# **Data** none

# %%
print("the answer is", 6 * 7)
print("measured (here: 1.5 s)")

# %%
print("Keras says nothing at start")
"""


@pytest.fixture
def kit(tmp_path, monkeypatch):
    """A book of one tiny chapter in a folder of its own."""
    folder = tmp_path / "notebooks"
    (folder / "source").mkdir(parents=True)
    shutil.copy(book.NOTEBOOKS / "conftest.py", folder)
    (tmp_path / "README.md").write_text("<!-- chapters -->\n<!-- end of chapters -->\n", "utf-8")
    plan = '[[parts]]\ntitle = "Part"\nchapters = [{ number = "00", slug = "tiny", title = "Tiny", before = [] }]\n'
    (folder / "chapters.toml").write_text(plan, "utf-8")
    (folder / "source" / "00_tiny.py").write_text(TINY, "utf-8")
    for module in (book, chapters):
        monkeypatch.setattr(module, "NOTEBOOKS", folder)
    monkeypatch.setattr(book, "ROOT", tmp_path)
    monkeypatch.setattr(book.data, "verify", lambda: [])
    return folder


@pytest.fixture
def built(kit):
    book.build(report=lambda line: None)
    return kit / "00_tiny.ipynb"


def nbval(path):
    """Run the strict comparison as `test` does; return exit code and what it printed."""
    sanitize = os.path.join(os.path.dirname(__file__), "nbval_sanitize.cfg")
    arguments = [sanitize if word.endswith(".cfg") else word for word in book.nbval_arguments([path])]
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, cwd=path.parent, env=book.quiet_environment())
    return done.returncode, done.stdout + done.stderr


def rewrite(path, change):
    notebook = json.loads(path.read_text("utf-8"))
    change([cell for cell in notebook["cells"] if cell["cell_type"] == "code"])
    path.write_text(json.dumps(notebook), "utf-8")


def test_a_built_notebook_passes_and_its_build_repeats_to_the_byte(built):
    first = built.read_bytes()
    book.build(["00"], report=lambda line: None)
    assert built.read_bytes() == first
    code, out = nbval(built)
    assert code == 0 and "2 passed" in out


def test_a_number_measured_here_may_differ(built):
    text = built.read_text("utf-8")
    assert "(here: 1.5 s)" in text
    rewrite(built, lambda cells: cells[0]["outputs"][0].update(text="the answer is 42\nmeasured (here: 9.9 s)\n"))
    assert nbval(built)[0] == 0


def test_a_planted_wrong_number_fails(built):
    rewrite(built, lambda cells: cells[0]["outputs"][0].update(text="the answer is 43\nmeasured (here: 1.5 s)\n"))
    code, out = nbval(built)
    assert code == 1 and "Cell outputs differ" in out and "the answer is 43" in out


def test_a_stale_source_is_named_with_the_command_that_mends_it(built, kit):
    assert book.stale() == []
    source = kit / "source" / "00_tiny.py"
    source.write_text(TINY.replace("6 * 7", "6 * 8"), "utf-8")
    (problem,) = book.stale()
    assert "00_tiny.ipynb" in problem and "python3 -m bmkit build 00" in problem
    book.build(report=lambda line: None)
    assert book.stale() == [] and "48" in built.read_text("utf-8")


def test_a_missing_notebook_is_stale(kit):
    assert "has not been built" in book.stale()[0]


def test_only_stale_chapters_are_built(built):
    assert book.build(report=lambda line: None) == []


def test_a_failing_cell_is_told_and_the_old_notebook_stays(built, kit):
    before = built.read_bytes()
    (kit / "source" / "00_tiny.py").write_text(TINY.replace("6 * 7", "6 / 0"), "utf-8")
    with pytest.raises(book.BookError, match=r"(?s)code cell 1 of 2.*ZeroDivisionError"):
        book.build(report=lambda line: None)
    assert built.read_bytes() == before


def test_a_page_is_written_that_asks_for_nothing_from_outside(kit, tmp_path):
    formula = TINY.replace("# **Data** none\n", "# **Data** none\n#\n# $$\\frac{1}{2}$$\n")
    (kit / "source" / "00_tiny.py").write_text(formula, "utf-8")
    lines = []
    page = book.run(book.find("00"), tmp_path / "out", lines.append)
    html = page.read_text("utf-8")
    assert lines == ["cell 1 of 2", "cell 2 of 2"]
    assert "the answer is 42" in html and "<mfrac>" in html and "frac{1}" not in html
    assert "MathJax.js" not in html and "require.js" not in html


def test_a_title_cell_of_another_form_is_refused(kit):
    (kit / "source" / "00_tiny.py").write_text(TINY.replace("**Time**", "Time:"), "utf-8")
    with pytest.raises(book.BookError, match="title cell"):
        book.chapters()


@pytest.mark.parametrize("wrong", ["99", "nonsense", ""])
def test_an_unknown_chapter_is_refused_with_those_that_are_ready(wrong):
    with pytest.raises(book.BookError, match=r"ready are 00"):
        book.find(wrong)


def test_a_planned_chapter_is_called_planned():
    planned = next(chapter for chapter in book.chapters() if not chapter.ready)
    with pytest.raises(book.BookError, match="planned"):
        book.find(planned.number)


@pytest.mark.parametrize("name", ["11", "cnn_images", "11_cnn_images", "notebooks/11_cnn_images.ipynb"])
def test_a_chapter_is_found_by_number_slug_or_file(name):
    assert book.find(name).slug == "cnn_images"


def test_the_readme_table_links_ready_and_names_planned_chapters(built):
    assert "[Tiny](notebooks/00_tiny.ipynb)" in chapters.readme_table()
    planned = dataclasses.replace(book.chapters()[0], slug="other")
    assert not planned.ready
    assert "[Tiny]" in (book.ROOT / "README.md").read_text("utf-8")
