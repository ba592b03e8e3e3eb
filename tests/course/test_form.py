"""Each rule of a chapter notices what breaks it, and says so in one sentence."""

import functools
import importlib
import types

import pytest
from nbformat.v4 import new_code_cell, new_output

from bmkit.check import Exercise, Question
from bmkit.course import chapters, form, knowledge

FIVE = chapters.find("05")


def change(cells, before, after):
    """Change the first cell that holds a text."""
    cell = next(cell for cell in cells if before in cell.source)
    cell.source = cell.source.replace(before, after)


def outputs(built, kind):
    """Give the outputs that hold a figure, or a text."""
    found = (output for cell in built for output in cell.get("outputs", []))
    return [out for out in found if kind in out.get("data", {}) or kind in form._printed(out)]


def told(written, rule):
    return " | ".join(rule(FIVE))


@pytest.mark.parametrize(
    ("rule", "before", "after", "sentence"),
    [
        (form._title_and_plan_agree, "# 05 · Gradient", "# 05 · Radiant", "another form or title than notebooks/chap"),
        (
            form._title_and_plan_agree,
            "[01 · Neural",
            "[02 · Neural",
            "the title cell names ('02', '04') as read before",
        ),
        (form._setup_is_short_and_seeds, "train.seed(0)", "np.random.seed(0)", "does not end in train.seed(0)"),
        (form._setup_is_short_and_seeds, "import keras\n", "import keras\n" * 7, "more than seven lines"),
        (
            form._code_can_be_read_aloud,
            "import keras\n",
            "a, b = 1, 2\n",
            "line 4 assigns several values at once; give",
        ),
        (form._headings_come_in_order, "## Summary", "##### Summary", "go down one level at a time"),
        (form._headings_come_in_order, "## Summary", "# Summary", "begin with one #"),
        (form._summary_has_questions_and_references, "**Next** ", "Next ", "the last cell has no **Next**"),
        (form._summary_has_questions_and_references, "(1951)", "(long ago)", ""),
        (form._links_resolve, "(01_neural_networks.ipynb)", "(01_neural.ipynb)", "a link to 01_neural.ipynb leads now"),
        (
            form._links_resolve,
            "## Summary",
            "Chapter 19, *ResNet* (planned), has more.\n\n## Summary",
            "which is ready: link",
        ),
        (
            form._links_resolve,
            "## Summary",
            "see chapter 06 (planned).\n\n## Summary",
            "link to 06_regularization.ipynb",
        ),
        (
            form._exercises_stand_in_it_untouched,
            "momentum.check(",
            "momentum.chek(",
            "no code cell ends in ch05.moment",
        ),
        (form._nothing_switches_checking_off, "import keras", "# NBVAL_SKIP", "a comment or a tag switches checking"),
    ],
)
def test_a_fault_in_the_source_is_told(written, rule, before, after, sentence):
    assert not told(written, rule)
    change(written[0], before, after)
    assert sentence in told(written, rule)


def test_too_few_questions_and_references_are_told(written):
    written[0][-1].source = "## Summary\n\n**Ask yourself**\n\n**Next** \n\n**References**\n\n* A (2024), B"
    assert "fewer than three questions" in told(written, form._summary_has_questions_and_references)
    assert "1 references with a year" in told(written, form._summary_has_questions_and_references)


def test_a_chapter_too_short_or_of_one_kind_is_told(written):
    del written[0][24:]
    assert told(written, form._cells_are_mixed) == "24 cells; a chapter has 25 to 70"
    written[0][:] = [cell for cell in written[0] if cell.cell_type == "code"]
    assert "0 text cells for" in told(written, form._cells_are_mixed)


def test_faults_in_what_was_built_are_told(written):
    built = written[1]
    image = outputs(built, "image/png")[0]
    image.data["image/png"] *= 9
    assert "a figure has more than 61,000 bytes below the cell that begins with" in told(
        written, form._figures_are_small_and_told_in_words
    )
    change(built, "*Figure. ", "*Picture. ")
    assert "no caption" in told(written, form._figures_are_small_and_told_in_words)
    for output in outputs(built, "image/png"):
        output.data = {}
    assert "0 cells show a figure" in told(written, form._figures_are_small_and_told_in_words)
    output = outputs(built, " ≥ ")[0]
    output.text = "✓ accuracy ≥ 0.9 (here: 0.85)\n"
    assert "breaks its own bound: ✓ accuracy ≥ 0.9 (here: 0.85)" in told(written, form._claims_hold_as_stored)
    output.text = "✓ accuracy ≥ 0.9 (here: 0.899)\n"
    assert not told(written, form._claims_hold_as_stored), "rounded to three figures"
    for output in outputs(built, "(here: "):
        output.text = ""
    assert "0 claims with at_least or at_most" in told(written, form._claims_hold_as_stored)
    for output in outputs(built, "not attempted"):
        output.text = "✓ right"
    assert "the stub of momentum is not untouched" in told(written, form._exercises_stand_in_it_untouched)
    built[1].execution_count = None
    assert "not every code cell was executed" in told(written, form._is_built)
    built[1].outputs = [new_output("stream", name="stderr", text="careful")]
    first = form._first_line(built[1].source)
    below = f"an error or a warning is stored below {first}: "
    assert below + "careful" in told(written, form._is_built)
    built[1].outputs = [new_output("error", ename="ValueError", evalue="no such axis", traceback=["…"])]
    assert below + "ValueError: no such axis" in told(written, form._is_built)


@pytest.mark.parametrize(
    ("code", "fault"),
    [
        ("%time x = 1", "line 1 is not Python (invalid syntax): '%time x = 1'"),
        ("x = 1\ny = (", "line 2 is not Python ('(' was never closed): 'y = ('"),
        ("\n", "is empty"),
    ],
)
def test_a_cell_that_is_not_python_is_told_alone_with_capitals(written, monkeypatch, code, fault):
    monkeypatch.setattr(form, "unfilled_places", lambda chapter: ["CAPITALS are left"])
    found = [cell for cell in written[0] if cell.cell_type == "code"]
    found[2].source = code
    (capitals, sentence) = form.rules(FIVE)
    assert capitals == "CAPITALS are left" and sentence.startswith("code cell 3") and sentence.endswith(fault)
    written[0][:] = [cell for cell in written[0] if cell.cell_type != "code"]
    assert form.rules(FIVE) == ["CAPITALS are left", "there is no code cell"]


def test_a_notebook_that_is_not_its_source_is_not_asked_for_its_plan(written, monkeypatch):
    monkeypatch.setattr(form.needs, "needs", lambda cells: pytest.fail("its code was read"))
    change(written[0], "import keras\n", "import keras\n\n")
    assert not told(written, form._shows_the_plan_as_it_is)


@pytest.mark.parametrize(
    ("drawn", "names"),
    [
        ("draw", "scale"),
        ("lambda x: draw(x)", "draw, scale"),
        ("lambda scale: scale", ""),
        ("partial(draw, 1)", "scale"),
        ("shapes.draw", ""),
    ],
)
def test_a_slider_whose_name_is_taken_is_told(written, drawn, names):
    slider = f"scale = 1\ndef draw(x):\n    return x * scale\nplot.explore({drawn}, x=(0, 1))\nscale = draw = 2"
    written[0][:] = [new_code_cell(slider)]
    found = told(written, form._no_later_cell_takes_a_name_away_from_a_slider)
    assert found.startswith(f"a later cell gives {names} another value") if names else not found


def test_before_it_is_built_a_chapter_is_told_only_that(written, monkeypatch, tmp_path):
    monkeypatch.setattr(chapters.Chapter, "notebook", tmp_path / "05.ipynb")
    written[1].clear()
    of_outputs = (form._figures_are_small_and_told_in_words, form._claims_hold_as_stored)
    assert not any(told(written, rule) for rule in (*of_outputs, form._exercises_stand_in_it_untouched))
    assert "has not been built from its source" in told(written, form._is_built)


def right(x):
    return x.sum() + x.mean()


GOOD = {"hints": ["Add up the rows.", "Then take their mean."]}


@pytest.mark.parametrize(
    ("item", "fault"),
    [
        (Exercise("ch98.other", right, [(1,)] * 3, **GOOD), "ch98.item: it is called 'ch98.other', but learners find"),
        (Exercise("ch98.item", right, [(1,)] * 2, **GOOD), "ch98.item: 2 cases; fewer than three let a wrong answer"),
        (
            Exercise("ch98.item", lambda x: x, [(1,)] * 3, **GOOD),
            "the reference is a lambda; write a function with def",
        ),
        (
            Exercise("ch98.item", abs, [(1,)] * 3, **GOOD),
            "the reference is a builtin_function_or_method; write a function with def",
        ),
        (
            Exercise("ch98.item", functools.partial(right), [(1,)] * 3, **GOOD),
            "the reference is a partial; write a function with def",
        ),
        (Exercise("ch98.item", right, [(1,)] * 3, hints=["Add up the rows."]), "1 hints; 2 different ones at least"),
        (Exercise("ch98.item", right, [(1,)] * 3, hints=["Add up the rows.", "Add"]), "'Add' has 3 letters; one that"),
        (
            Exercise("ch98.item", right, [(1,)] * 3, hints=["Add up the rows.", "x.sum() + x.mean()"]),
            "the hint 'x.sum() + x.mean()' is the whole answer",
        ),
        (
            Exercise("ch98.item", right, [(1,)] * 3, mistakes=[(max, "you took the maximum")], **GOOD),
            "the mistake 'you took the maximum' is not explained in a whole sentence with a full stop",
        ),
        (
            Exercise(
                "ch98.item",
                right,
                [(1,)] * 3,
                mistakes=[(max, "This is one number."), (min, "This is one number.")],
                **GOOD,
            ),
            "two mistakes are explained alike",
        ),
        (Question("ch98.item", 3, why="So it is.", **GOOD), "why is 'So it is.'; say in a sentence why"),
    ],
)
def test_a_fault_of_an_exercise_is_told(item, fault):
    module = types.SimpleNamespace(__name__="bmkit.exercises.ch98", __all__=["item"], item=item)
    assert any(fault in one for one in knowledge.faults_of(module))
    module.__all__ = []
    assert "__all__ is [], expected ['item']" in knowledge.faults_of(module)[0]
    del module.__all__
    assert "__all__ is None, expected ['item']" in knowledge.faults_of(module)[0]


def test_a_question_of_yes_or_no_needs_one_hint():
    why = "Because it is so."
    one, other = (Question("ch98.item", answer, why=why, hints=["Draw it once."]) for answer in ("yes", "three"))
    module = types.SimpleNamespace(__name__="bmkit.exercises.ch98", __all__=["item"], item=one)
    assert not knowledge.faults_of(module)
    module.item = other
    assert knowledge.faults_of(module) == [
        "ch98.item: 1 hints; 2 different ones at least, from a nudge to almost the answer"
    ]


def test_a_chapter_without_its_exercises_is_told(written, monkeypatch, tmp_path):
    monkeypatch.setattr(form, "ROOT", tmp_path)
    assert "bmkit/exercises/ch05.py is missing" in told(written, form._exercises_stand_in_it_untouched)
    assert importlib.import_module("bmkit.exercises.ch05").__all__


def test_capitals_that_are_left_are_told(monkeypatch, tmp_path):
    (tmp_path / "ch05.py").write_text("why = 'WHAT IT IS'", encoding="utf-8")
    monkeypatch.setattr(chapters.Chapter, "source", tmp_path / "ch05.py")
    assert list(form._is_filled_in(FIVE)) == ["ch05.py still has CAPITALS to fill in: line 1: why = 'WHAT IT IS'"]
