"""No helper of the kit is used before it was shown: what breaks that is told in one sentence."""

import pytest

from bmkit.course import chapters, form, shown

HOUSE = "from bmkit import scratch, train"
USE = "scratch.relu(z)"
WRITTEN_OUT = "h = np.maximum(0, z)"
LINE = {"scratch.relu": "np.maximum(0, z)"}
BEFORE = "scratch.relu is used before it was shown, in the cell that begins with 'scratch.relu(z)'; show its lines"
GONE = "and no code cell of this chapter holds 'np.maximum(0, z)'; name what shows scratch.relu today"
NEEDLESS = "and it is shown before its first use without that; delete the line"


@pytest.mark.parametrize(
    ("first", "second", "pieces", "sentence"),
    [
        ([], [HOUSE, USE], {}, BEFORE),
        ([], [HOUSE, USE, WRITTEN_OUT], {"01": LINE}, BEFORE),
        ([], [HOUSE, USE, "def relu(z):\n    ..."], {}, BEFORE),
        ([], [HOUSE, "class Value:\n    def relu(self):\n        ...", USE], {}, BEFORE),
        ([], [HOUSE, f"{WRITTEN_OUT}\n{USE}"], {"01": LINE}, ""),
        ([], [HOUSE, f"def relu(z):\n    ...\n\n\n{USE}"], {}, ""),
        ([WRITTEN_OUT], [HOUSE, USE], {"00": LINE}, ""),
        (["def relu(z):\n    ..."], [HOUSE, USE], {}, ""),
        ([], [HOUSE, "from bmkit.scratch import relu"], {}, ""),
        ([], ["from bmkit.scratch.activations import relu as bend", "bend(z)"], {}, "before it was shown, in the cell"),
        ([], ["import bmkit.scratch", "bmkit.scratch.relu(z)"], {}, "before it was shown, in the cell"),
        ([], ["import bmkit.scratch as numbers", "numbers.relu(z)"], {}, "before it was shown, in the cell"),
        ([], ["from bmkit import plot", "plot.show(plot.images(z))"], {}, ""),
        ([], [HOUSE, "%time scratch.relu(z)"], {}, ""),
        ([], [HOUSE, "def relu(z):\n    ...", USE], {"01": LINE}, GONE),
        ([], [HOUSE, "def relu(z):\n    ...", WRITTEN_OUT, USE], {"01": LINE}, NEEDLESS),
        ([WRITTEN_OUT], [HOUSE, WRITTEN_OUT, USE], {"00": LINE, "01": LINE}, NEEDLESS),
        ([], [HOUSE, WRITTEN_OUT], {"01": LINE}, NEEDLESS),
    ],
)
def test_a_helper_used_before_it_was_shown_is_told_and_a_stale_line_too(first, second, pieces, sentence):
    found = list(shown.unshown("01", {"00": first, "01": second}, pieces))
    assert [sentence in one for one in found] == ([True] if sentence else [])


def test_each_chapter_that_uses_a_helper_too_early_is_told_once():
    cells = {"00": [HOUSE, USE, f"{USE} + 1"], "01": [HOUSE, WRITTEN_OUT, USE], "02": [HOUSE, USE]}
    assert [len(list(shown.unshown(number, cells, {"01": LINE}))) for number in cells] == [1, 0, 0]


def test_a_chapter_is_read_behind_those_that_it_needs():
    needs = {"00": (), "01": ("00",), "02": ("01", "04"), "03": ("01",), "04": ("00",)}
    plan = [chapters.Chapter(number, "x", "X", "Part", before) for number, before in needs.items()]
    assert [chapter.number for chapter in shown.reading_order(plan)] == ["00", "01", "04", "02", "03"]


def test_a_new_helper_in_a_chapter_is_told(written):
    cell = next(cell for cell in written[0] if "import keras\n" in cell.source)
    cell.source = cell.source.replace("import keras\n", "import keras\nscratch.convolved(2)\n")
    (sentence,) = form._no_helper_is_used_before_it_was_shown(chapters.find("05"))
    assert sentence.startswith("scratch.convolved is used before it")


def test_the_list_of_what_is_shown_names_chapters_that_there_are():
    assert set(shown.entries()) <= {chapter.number for chapter in chapters.chapters() if chapter.ready}
