"""The notebook's file: laid out as nbformat writes it, with ids and outputs that stay where nothing changed."""

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from bmkit.course import chapters, notebook

ROOT = chapters.ROOT


def ids(source, folder, monkeypatch):
    """Read a source beside the notebook that is there, and write it there, as a build does."""
    monkeypatch.setattr(chapters, "NOTEBOOKS", folder)
    chapter = chapters.Chapter("00", "tiny", "Tiny", "Part", ())
    chapter.source.parent.mkdir(exist_ok=True)
    chapter.source.write_text("\n\n".join(f"# %%\n{code}" for code in source) + "\n", "utf-8")
    read = notebook.read_source(chapter)
    chapter.notebook.write_text(notebook.text_of(read), "utf-8", newline="\n")
    return [cell["id"] for cell in read.cells]


def test_ids_are_kept_by_content(tmp_path, monkeypatch):
    a, b, c = ids(["a = 1", "b = 2", "c = 3"], tmp_path, monkeypatch)
    assert ids(["a = 1", "b = 2", "c = 3"], tmp_path, monkeypatch) == [a, b, c]
    first, *rest = ids(["new = 0", "a = 1", "b = 2", "c = 3"], tmp_path, monkeypatch)
    assert rest == [a, b, c] and first not in rest
    assert ids(["new = 0", "a = 1", "b = 22", "c = 3"], tmp_path, monkeypatch) == [first, a, b, c]
    assert ids(["new = 0", "c = 3"], tmp_path, monkeypatch) == [first, c]


def test_the_same_text_gets_the_same_ids_anywhere_and_twins_two_of_them(tmp_path, monkeypatch):
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
    source = ["x = 1", "x = 1", "x = 1"]
    first = ids(source, tmp_path / "one", monkeypatch)
    assert first == ids(source, tmp_path / "two", monkeypatch) and len(set(first)) == 3


def test_the_file_is_what_nbformat_writes(tmp_path):
    cells = [new_markdown_cell("# One\n\ntwo", id="a"), new_code_cell("x = 1\nx", id="b", execution_count=1)]
    cells[1].outputs = [new_output("execute_result", {"text/plain": "1", "image/png": "AAAA\n"}, execution_count=1)]
    text = notebook.text_of(new_notebook(cells=cells))
    (tmp_path / "a.ipynb").write_text(text, "utf-8", newline="\n")
    nbformat.write(nbformat.read(tmp_path / "a.ipynb", nbformat.NO_CONVERT), tmp_path / "b.ipynb")
    assert (tmp_path / "b.ipynb").read_bytes() == (tmp_path / "a.ipynb").read_bytes()
    assert max(map(len, text.splitlines())) < 80, "a line of a cell stands in a line of the file"
    assert notebook.text_of(notebook.read(tmp_path / "a.ipynb")) == text


def measured(source, *texts):
    outputs = [new_output("stream", name="stdout", text=text) for text in texts]
    return new_notebook(cells=[new_code_cell(source, outputs=outputs)])


@pytest.mark.parametrize(
    ("source", "text", "kept"),
    [
        ("f()", "✓ fast ≤ 2 s (here: 1.8 s)\n", True),
        ("f()", "✓ fast ≤ 3 s (here: 1.5 s)\n", False),
        ("g()", "✓ fast ≤ 2 s (here: 1.8 s)\n", False),
        ("f()", '✓ fast ≤ 2 s (here: 1.5 s)\n<td class="here">8</td>', False),
    ],
)
def test_an_output_that_differs_in_what_was_measured_here_alone_is_kept(source, text, kept):
    old, new = measured("f()", "✓ fast ≤ 2 s (here: 1.5 s)\n"), measured(source, text)
    notebook.keep(new, old)
    assert (new.cells[0].outputs == old.cells[0].outputs) is kept


def test_outputs_of_two_runs_are_never_mixed():
    old, new = (measured("f()", f"✓ fast ≤ 2 s (here: {seconds} s)\n") for seconds in (1.5, 1.8))
    old.cells += measured("print(1)", "1\n").cells
    new.cells += measured("print(2)", "2\n").cells
    notebook.keep(new, old)
    assert "1.8" in new.cells[0].outputs[0].text


def test_what_was_measured_is_taken_anew_where_the_data_have_changed():
    source = "data.load('wine')"
    old, new, newer = (measured(source, f"✓ fast ≤ 2 s (here: {seconds} s)\n") for seconds in (1.5, 1.8, 1.9))
    notebook.note_needs(old)
    notebook.keep(new, old)
    assert "1.5" in new.cells[0].outputs[0].text
    old.metadata["bmkit"]["needs"]["data set wine"] = "another"
    notebook.keep(newer, old)
    assert "1.9" in newer.cells[0].outputs[0].text


def test_a_table_that_differs_in_what_was_measured_here_alone_is_kept():
    old, new = (measured("f()", f'<td>GRU</td><td class="here">{score}</td>') for score in (0.71, 0.72))
    notebook.keep(new, old)
    assert "0.71" in new.cells[0].outputs[0].text
