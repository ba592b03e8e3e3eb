"""What makes a notebook stale, and what does not: on a small package, and on the kit's own chapters."""

import dataclasses

import pytest

from bmkit import data
from bmkit.course import chapters, needs, notebook

PACKAGE = {
    "__init__": "",
    "plot": (
        'from bmkit import live\nfrom bmkit.pens import draw\n\nWIDTH = 3\n\n\ndef show(x):\n    """Show."""\n'
        "    # by hand\n    return draw(x, WIDTH) if live.is_live() else x\n\n\ndef never_used():\n    return 1\n"
    ),
    "live": "import sys\n\n\ndef is_live():\n    return 'x' in sys.modules\n\n\ndef other():\n    return 2\n",
    "pens": "def draw(x, width):\n    return x * width\n\n\ndef scribble():\n    return 3\n",
    "scratch/__init__": "from bmkit.scratch.one import *\nfrom bmkit.scratch.two import *\n",
    "scratch/one": '__all__ = ["one"]\n\n\ndef one():\n    return 1\n',
    "scratch/two": 'from bmkit.scratch.one import one\n\n__all__ = ["two"]\n\n\ndef two():\n    return one() + 1\n',
    "loads": 'import importlib\n\n\ndef load(name):\n    return importlib.import_module(f"bmkit.parts.{name}")\n',
    "parts/__init__": "",
    "parts/wheel": "ROUND = True\n",
    "data/__init__": "from bmkit.data.load import load\n",
    "data/load": "def load(name):\n    return name\n",
    "data/texts": (
        "from bmkit.data.load import load\n\nSTYLES = ('full', 'long')\n\n\n"
        "def dates_of(day):\n    return [load(day + style) for style in STYLES]\n"
    ),
}
CODE = ["from bmkit import plot, scratch", "plot.show(scratch.one())"]


@pytest.fixture
def package(tmp_path, monkeypatch):
    """A package of a few functions; returns how to write one of its modules anew."""

    def write(name, text):
        path = tmp_path / "bmkit" / f"{name}.py"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")
        for function in (needs._file, needs._body, needs._bound, needs._meant, needs._imports, needs._lines):
            function.cache_clear()

    monkeypatch.setattr(needs, "ROOT", tmp_path)
    for name, text in PACKAGE.items():
        write(name, text)
    yield write
    write("__init__", "")


def test_the_files_whose_definitions_are_reached_are_named(package):
    assert list(needs.needs(CODE)) == [f"bmkit/{name}.py" for name in ("live", "pens", "plot", "scratch/one")]


@pytest.mark.parametrize(
    ("name", "old", "new"),
    [
        ("plot", "WIDTH = 3", "WIDTH = 4"),
        ("plot", "draw(x, WIDTH)", "draw(x, 2 * WIDTH)"),
        ("live", "'x' in", "'y' in"),
        ("pens", "x * width", "x / width"),
        ("scratch/one", "return 1", "return 7"),
    ],
)
def test_a_definition_that_is_used_makes_stale(package, name, old, new):
    before = needs.needs(CODE)
    package(name, PACKAGE[name].replace(old, new))
    assert needs.changed(before, needs.needs(CODE)) == [f"bmkit/{name}.py"]


@pytest.mark.parametrize(
    ("name", "old", "new"),
    [
        ("plot", '"""Show."""', '"""Show a picture,\n\n    as it is.\n    """'),
        ("plot", "# by hand", "# in another way\n\n    # and so on"),
        ("plot", "WIDTH = 3", "WIDTH = 3  # points"),
        ("plot", "return 1", "return 9"),
        ("plot", "\n\ndef show", "\n\ndef added():\n    return 0\n\n\ndef show"),
        ("live", "return 2", "return 9"),
        ("pens", "return 3", "return 9"),
        ("scratch/two", "one() + 1", "one() + 2"),
    ],
)
def test_words_and_what_the_notebook_does_not_use_make_nothing_stale(package, name, old, new):
    before = needs.needs(CODE)
    assert old in PACKAGE[name]
    package(name, PACKAGE[name].replace(old, new))
    assert needs.changed(before, needs.needs(CODE)) == []


def test_an_indented_line_is_another_line(package):
    package("pens", "def draw(x, width):\n    for _ in range(2):\n        x = x + 1\n        x = x * 2\n    return x\n")
    before = needs.needs(CODE)
    package("pens", "def draw(x, width):\n    for _ in range(2):\n        x = x + 1\n    x = x * 2\n    return x\n")
    assert needs.changed(before, needs.needs(CODE)) == ["bmkit/pens.py"]


def test_a_formula_is_found_behind_the_package_that_hands_it_on(package):
    assert list(needs.needs(["from bmkit import scratch", "scratch.two()"])) == [
        "bmkit/scratch/one.py",
        "bmkit/scratch/two.py",
    ]


def test_a_module_whose_name_is_made_at_run_time_counts_with_its_neighbours(package):
    assert "bmkit/parts/wheel.py" in needs.needs(["from bmkit.loads import load", "load('wheel')"])


def test_the_plan_counts_where_it_is_read(monkeypatch):
    code = ["from bmkit.course import chapters", "print(len(chapters.chapters()))"]
    before = needs.needs(code)
    assert needs.PLAN in before and needs.PLAN not in needs.needs(["from bmkit import scratch", "scratch.relu(1)"])
    plan = chapters.chapters()
    monkeypatch.setattr(needs, "chapters", lambda: plan[:-1])
    assert needs.changed(before, needs.needs(code)) == [needs.PLAN]


def test_a_data_set_counts_with_its_rows_and_not_with_the_code_that_fetches_it():
    found = needs.needs(["from bmkit import data", "digits = data.load('digits')"])
    assert list(found) == ["data set digits"]


def test_a_module_of_the_data_counts_with_its_constants_where_a_cell_names_it(package):
    code = ["from bmkit import data", "from bmkit.data.texts import dates_of", "dates_of(data.load('day'))"]
    before = needs.needs(code)
    assert list(before) == ["bmkit/data/texts.py"]
    package("data/texts", PACKAGE["data/texts"].replace("'long'", "'short'"))
    assert needs.changed(before, needs.needs(code)) == ["bmkit/data/texts.py"]


@pytest.mark.parametrize("name", ["gpt_docstrings", "minilm"])  # a file of the kit's own, and a parcel
def test_weights_count_by_the_hash_of_what_they_are_read_from(monkeypatch, name):
    code = ["from bmkit import pretrained", f"model = pretrained.load({name!r})"]
    before = needs.needs(code)
    assert [one for one in before if one.startswith("weights ")] == [f"weights {name}"]
    one = data.weights()[name]
    parcels = tuple(dataclasses.replace(parcel, sha256="0" * 64) for parcel in one.parcels)
    own = one.own and dataclasses.replace(one.own, sha256="0" * 64)
    trained_again = {name: dataclasses.replace(one, own=own, parcels=parcels)}
    monkeypatch.setattr(data, "weights", lambda: trained_again)
    assert needs.changed(before, needs.needs(code)) == [f"weights {name}"]


def test_every_chapter_needs_its_exercises_and_no_formula_that_it_does_not_name():
    for chapter in (one for one in chapters.chapters() if one.ready):
        found = needs.needs(notebook.code_of(notebook.read_source(chapter)))
        assert f"bmkit/exercises/ch{chapter.number}.py" in found
        assert sum(name.startswith("bmkit/scratch/") for name in found) < 12
