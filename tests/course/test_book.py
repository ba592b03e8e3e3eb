"""Building, staleness, planted faults: each must be noticed, with a line that says what to do."""

import base64
import dataclasses
import io
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
from PIL import Image

from bmkit.course import book, chapters, page, presenting
from bmkit.course import notebook as notebook_file
from bmkit.errors import WrongUse

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
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *book.nbval_arguments([path])]
    surroundings = {**book.quiet_environment(), "PYTHONIOENCODING": "utf-8"}
    done = subprocess.run(command, capture_output=True, encoding="utf-8", cwd=path.parent, env=surroundings)
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


def test_a_picture_that_looks_different_is_told_and_a_missing_one_fails(kit):
    source = kit / "source" / "00_tiny.py"
    source.write_text(TINY + '\n# %%\nfrom PIL import Image\nImage.new("RGB", (60, 40), "red")\n', "utf-8")
    (path,) = book.build(report=lambda line: None)
    code, out = nbval(path)
    assert code == 0 and "does not look" not in out
    file = io.BytesIO()
    Image.new("RGB", (60, 40), "blue").save(file, "png")
    blue = base64.b64encode(file.getvalue()).decode()
    rewrite(path, lambda cells: cells[-1]["outputs"][0]["data"].update({"image/png": blue}))
    code, out = nbval(path)
    assert code == 0 and "picture 1 does not look as stored in 100% of its fields" in out.replace("\n", " ")
    rewrite(path, lambda cells: cells[-1]["outputs"][0]["data"].pop("image/png"))
    code, out = nbval(path)
    assert code == 1 and "1 pictures were drawn and 0 are stored" in out


def test_a_stale_source_is_named_with_the_command_that_mends_it(built, kit):
    assert book.stale() == []
    source = kit / "source" / "00_tiny.py"
    source.write_text(TINY.replace("6 * 7", "6 * 8"), "utf-8")
    (problem,) = book.stale()
    assert "00_tiny.ipynb" in problem and "python3 -m bmkit build 00" in problem
    book.build(report=lambda line: None)
    assert book.stale() == [] and "48" in built.read_text("utf-8")


def test_what_a_notebook_was_built_from_is_told_by_name_when_it_changes(built, monkeypatch):
    monkeypatch.setattr(book.needs, "needs", lambda cells: {"bmkit/plot.py": "new"})
    (problem,) = book.stale()
    assert problem.startswith("00_tiny.ipynb was built before these changed: bmkit/plot.py; run: python3 -m bmkit")
    assert "build --accept 00" in problem
    before = notebook_file.read(built).cells
    assert book.accept(report=pytest.fail) == [built] and book.stale() == []
    assert notebook_file.read(built).cells == before
    assert book.accept(report=pytest.fail) == []


def test_a_notebook_of_another_layout_is_laid_out_without_running(built):
    text = built.read_text("utf-8")
    built.write_text(json.dumps(json.loads(text)), "utf-8")
    assert "not laid out as JupyterLab saves it" in book.stale()[0]
    book.accept()
    assert built.read_text("utf-8") == text


def test_new_words_are_taken_without_running(built, kit):
    before = notebook_file.read(built)
    (kit / "source" / "00_tiny.py").write_text(TINY + "\n# %% [markdown]\n# One more sentence.\n", "utf-8")
    assert book.accept(report=pytest.fail) == [built] and book.stale() == []
    after = notebook_file.read(built)
    assert after.cells[-1].source == "One more sentence."
    code = [[cell for cell in one.cells if cell.cell_type == "code"] for one in (before, after)]
    assert code[0] == code[1] and after.metadata == before.metadata


def test_a_notebook_of_other_code_is_not_accepted(built, kit):
    before = built.read_bytes()
    (kit / "source" / "00_tiny.py").write_text(TINY.replace("6 * 7", "6 * 8"), "utf-8")
    lines = []
    assert book.accept(report=lines.append) == [] and built.read_bytes() == before
    assert len(lines) == 1 and lines[0].endswith("run: python3 -m bmkit build 00")


def test_a_missing_notebook_is_stale_and_told_when_outputs_are_accepted(kit):
    assert "has not been built" in book.stale()[0]
    lines = []
    assert book.accept(report=lines.append) == [] and not (kit / "00_tiny.ipynb").exists()
    assert lines == ["00_tiny.ipynb has not been built from its source; run: python3 -m bmkit build 00"]


def test_only_stale_chapters_are_built(built, monkeypatch):
    monkeypatch.setattr(book, "find", lambda number: pytest.fail("the plan was read again for one chapter"))
    assert book.build(report=lambda line: None) == []


@pytest.mark.parametrize(
    ("line", "fault"),
    [
        ("%time x = 1", r"^00_tiny\.py: code cell 2, line 1 is not Python \(invalid syntax\): '%time x = 1'\.$"),
        ("x = 'WHAT IT IS'", "00_tiny.py still has CAPITALS to fill in"),
    ],
)
@pytest.mark.parametrize("write", [book.build, book.accept])
def test_what_is_half_written_is_refused_before_anything_runs(built, kit, monkeypatch, write, line, fault):
    before = built.read_bytes()
    monkeypatch.setattr(book, "execute", lambda *_: pytest.fail("it was run"))
    changed(kit, line)
    with pytest.raises(book.BookError, match=fault):
        write(report=pytest.fail)
    assert built.read_bytes() == before


def test_a_notebook_that_holds_a_magic_as_its_source_does_is_stale(built, kit):
    changed(kit, "%time x = 1")
    draft = book.read_source(book.find("00"))
    draft.metadata = notebook_file.read(built).metadata
    built.write_text(notebook_file.text_of(draft), "utf-8")
    assert "cannot be compared with what it was built from: code cell 2, line 1 is not Python" in book.stale()[0]


def test_a_failing_cell_is_told_and_the_old_notebook_stays(built, kit):
    before = built.read_bytes()
    (kit / "source" / "00_tiny.py").write_text(TINY.replace("6 * 7", "6 / 0"), "utf-8")
    with pytest.raises(book.BookError, match=r"(?s)code cell 1 of 2.*ZeroDivisionError"):
        book.build(report=lambda line: None)
    assert built.read_bytes() == before


def changed(kit, line):
    (kit / "source" / "00_tiny.py").write_text(TINY.replace('print("Keras says nothing at start")', line), "utf-8")
    return book.find("00")


@pytest.mark.skipif(os.name == "nt", reason="Windows has no kill -9")
def test_a_dead_kernel_is_told_with_the_memory_that_is_free(kit, tmp_path):
    chapter = changed(kit, "import os, signal\nos.kill(os.getpid(), signal.SIGKILL)")
    with pytest.raises(book.BookError) as told:
        book.run(chapter, tmp_path / "out", lambda line: None)
    assert re.fullmatch(
        r"the kernel of chapter 00 died in code cell 2 of 2, most likely because memory ran out: "
        r"\d+\.\d of \d+\.\d GB are free now\. Close other programs or other kernels and run it again\.",
        str(told.value),
    )


def test_a_cell_over_the_limit_is_told_with_what_to_do(kit, tmp_path, monkeypatch):
    monkeypatch.setenv("BMKIT_CELL_SECONDS", "2")
    chapter = changed(kit, "import time\ntime.sleep(600)")
    with pytest.raises(book.BookError, match=r"in code cell 2 of 2, which took more than 2 s; .*BMKIT_CELL_SECONDS=6"):
        book.run(chapter, tmp_path / "out", lambda line: None)


@pytest.mark.parametrize("seconds", ["0", "-1", "1.5", "ten", "²"])
def test_a_limit_that_is_no_number_of_seconds_is_refused(seconds, monkeypatch):
    monkeypatch.setenv("BMKIT_CELL_SECONDS", seconds)
    with pytest.raises(book.BookError, match="a whole number of seconds"):
        book.nbval_arguments([])


PLACES = ["file", "file/below", *(["/dev/null/x", "/proc/nothing"] if sys.platform == "linux" else [])]


@pytest.mark.parametrize("place", PLACES)
def test_a_folder_that_cannot_be_written_is_refused_before_anything_runs(kit, tmp_path, place):
    (tmp_path / "file").write_text("mine")
    lines = []
    with pytest.raises(WrongUse, match=r"cannot be written \(.*--out"):
        book.run(book.find("00"), tmp_path / place, lines.append)
    assert not lines and (tmp_path / "file").read_text() == "mine"


MIXED = r"""Set `$HOME` and `$PATH`; it costs $5 or $10, \$3 at least.

```sh
echo $HOME $$ $x
```

$x^2$, and $\frac{$ is no formula.

$$
\frac{1}{2}
$$
"""


def test_formulas_are_those_that_the_markdown_parser_finds():
    cell = nbformat.v4.new_markdown_cell(MIXED)
    html = page.html(nbformat.v4.new_notebook(cells=[cell]))
    body = html[html.index("<main") :]
    assert "<code>$HOME</code> and <code>$PATH</code>; it costs $5 or $10, $3 at least." in body
    assert body.count("<math") == 2 and "<msup>" in body and "<mfrac>" in body
    assert r"<code>\frac{</code> is no formula" in body


def test_a_presenters_page_shows_what_a_tagged_cell_gives_without_its_code():
    cells = [nbformat.v4.new_code_cell(text) for text in ("loss = 7 - 5", "expect('loss', loss, equals=2)")]
    cells[1].outputs = [nbformat.v4.new_output("stream", name="stdout", text="loss is right")]
    presenting.tag_cells(cells)
    notebook = nbformat.v4.new_notebook(cells=cells)
    learners, presenters = page.html(notebook), page.html(notebook, present=True)
    assert all("7" in html and "loss is right" in html for html in (learners, presenters))
    assert "expect" in learners[learners.index("<main") :] and "expect" not in presenters[presenters.index("<main") :]


@pytest.mark.parametrize(
    ("texts", "tagged"),
    [
        (["plot.show(picture)"], [True]),
        (["def f(x):\n    return x\nexpect('f', f(1), equals=1)"], [False]),  # what is defined is the lesson
        (["height = 1\nplot.show(height)", "print(height)"], [False, False]),  # a later cell uses it
        (["height = 1\nplot.show(height)", "height = 2\nprint(height)"], [True, False]),
        (["height = 1\nplot.show(height)", "for height in rows:\n    print(height)"], [True, False]),
        (["a = 1\nb = 2\nexpect('sum', a + b, equals=3)"], [False]),  # most of it is work
        (["for name in rows:\n    expect(name, rows[name], at_least=1)"], [True]),
        (["model.fit(x, y)"], [False]),
        (["half written ("], [False]),
    ],
)
def test_cells_that_only_check_or_draw_are_tagged(texts, tagged):
    cells = [nbformat.v4.new_code_cell(text) for text in texts]
    presenting.tag_cells(cells)
    assert [presenting.HIDDEN in cell.metadata.get("tags", []) for cell in cells] == tagged


def test_a_page_is_written_that_asks_for_nothing_from_outside(kit, tmp_path):
    formula = TINY.replace("# **Data** none\n", "# **Data** none\n#\n# $$\\frac{1}{2}$$\n")
    (kit / "source" / "00_tiny.py").write_text(formula, "utf-8")
    lines = []
    html = book.run(book.find("00"), tmp_path / "out", lines.append).read_text("utf-8")
    assert lines == ["cell 1 of 2", "cell 2 of 2"]
    assert "the answer is 42" in html and "<mfrac>" in html and "frac{1}" not in html
    assert "MathJax.js" not in html and "require.js" not in html


def test_an_author_who_saves_an_unchanged_chapter_in_jupyterlab_changes_no_source(tmp_path):
    from jupyter_server.services.contents.largefilemanager import LargeFileManager
    from jupytext.sync_contentsmanager import build_sync_jupytext_contents_manager_class

    chapter = chapters.find("11")
    (tmp_path / "notebooks" / "source").mkdir(parents=True)
    shutil.copy(chapters.ROOT / "pyproject.toml", tmp_path)
    notebook = Path(shutil.copy(chapter.notebook, tmp_path / "notebooks"))
    source = Path(shutil.copy(chapter.source, tmp_path / "notebooks" / "source"))
    manager = build_sync_jupytext_contents_manager_class(LargeFileManager)(root_dir=str(tmp_path))
    name = f"notebooks/{chapter.notebook.name}"
    model = manager.get(name)
    os.utime(notebook, (0, 0))
    manager.save({key: model[key] for key in ("type", "format", "content")}, name)
    assert os.stat(notebook).st_mtime > 0, "it was saved"
    assert source.read_bytes() == chapter.source.read_bytes()
    assert notebook_file.same_cells(notebook_file.read(notebook), book.read_source(chapter))


def test_a_title_cell_of_another_form_is_refused(kit):
    (kit / "source" / "00_tiny.py").write_text(TINY.replace("**Time**", "Time:"), "utf-8")
    with pytest.raises(book.BookError, match="title cell"):
        book.chapters()


@pytest.mark.parametrize("wrong", ["99", "nonsense", ""])
def test_an_unknown_chapter_is_refused_with_those_that_are_ready(wrong):
    with pytest.raises(book.BookError, match=r"ready are 00"):
        book.find(wrong)


def test_a_planned_chapter_is_called_planned(planned):
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
