"""`expect` lets no false claim pass; `Exercise` and `Question` give the right verdict, with the reason."""

import numpy as np
import pytest

from bmkit.check import Exercise, ExpectationError, Question, expect

NAN = float("nan")


@pytest.mark.parametrize(
    ("value", "bounds", "printed"),
    [
        (0.957, {"at_least": 0.95}, "✓ accuracy ≥ 0.95 (here: 0.957)"),
        (0.95, {"at_least": 0.95}, "✓ accuracy ≥ 0.95 (here: 0.95)"),
        (np.float32(2.0), {"at_most": 2}, "✓ accuracy ≤ 2 (here: 2)"),
        (0, {"at_least": 0, "at_most": 0}, "✓ accuracy ≥ 0 and ≤ 0 (here: 0)"),
        (896, {"equals": 896}, "✓ accuracy = 896"),
        (53066, {"equals": np.int64(53066)}, "✓ accuracy = 53,066"),
        (1500, {"at_least": 1000}, "✓ accuracy ≥ 1,000 (here: 1,500)"),
        (-1500, {"at_most": -1000}, "✓ accuracy ≤ -1,000 (here: -1,500)"),
        (999, {"at_most": 999}, "✓ accuracy ≤ 999 (here: 999)"),
        (1e15, {"at_most": 1e15}, "✓ accuracy ≤ 1e+15 (here: 1e+15)"),
        (np.float32(0.5), {"equals": np.float32(0.5)}, "✓ accuracy = 0.5"),
        (np.array([2, 3]), {"equals": [2, 3]}, "✓ accuracy: equal"),
        (0, {"equals": 0}, "✓ accuracy = 0"),
        ("linear", {"equals": "linear"}, "✓ accuracy = 'linear'"),
        (True, {"equals": True}, "✓ accuracy = True"),
        ((3, 4), {"equals": (3, 4)}, "✓ accuracy: equal"),
        (2.3, {"equals": 2.30259, "tolerance": 0.01}, "✓ accuracy = 2.3026 (to 0.01)"),
        (np.eye(3), {"equals": np.eye(3)}, "✓ accuracy: equal"),
        (np.ones(3) + 1e-4, {"equals": np.ones(3), "tolerance": 1e-3}, "✓ accuracy: equal (to 0.001)"),
    ],
)
def test_a_claim_that_holds_is_printed(capsys, value, bounds, printed):
    expect("accuracy", value, **bounds)
    assert capsys.readouterr().out == printed + "\n"


@pytest.mark.parametrize(
    ("value", "bounds", "told"),
    [
        (0.9321, {"at_least": 0.95}, "expected accuracy ≥ 0.95, but measured 0.9321 here"),
        (7, {"at_most": 6.5}, "≤ 6.5, but measured 7 here"),
        (7, {"at_least": 1, "at_most": 6}, "≥ 1 and ≤ 6, but measured 7 here"),
        (0.5, {"at_least": 1, "at_most": 6}, "measured 0.5 here"),
        (NAN, {"at_least": 0}, "measured nan"),
        (NAN, {"at_most": 0}, "measured nan"),
        (NAN, {"equals": 0.0}, "nan"),
        (np.array([1.0, NAN]), {"equals": np.ones(2)}, "nan"),
        (897, {"equals": 896}, "accuracy: the expected result is 896, but you got 897."),
        (1.02, {"equals": 1.0, "tolerance": 0.01}, "1.02"),
        (1.5, {"equals": 1.0, "tolerance": 0.3}, "1.5"),  # the tolerance is absolute, as the docstring says
        (1e6 + 50, {"equals": 1e6, "tolerance": 1}, "1000050"),
        ((1e6 + 50, 2), {"equals": (1e6, 2), "tolerance": 1}, "1000050"),
        ("relu", {"equals": "linear"}, "'relu'"),
        (1, {"equals": True}, "1"),
        ((3, 5), {"equals": (3, 4)}, "(3, 5)"),
        (np.array([1, 3]), {"equals": np.array([1, 2])}, "[1, 3]"),
        (np.ones((3, 1)), {"equals": np.ones(3)}, "(3, 1)"),
        (np.ones(1), {"equals": 1.0}, "(1,)"),
    ],
)
def test_a_claim_that_fails_tells_the_measured_value(capsys, value, bounds, told):
    with pytest.raises(ExpectationError) as error:
        expect("accuracy", value, **bounds)
    assert told in str(error.value)
    assert not capsys.readouterr().out


def test_a_claim_without_a_bound_is_an_error():
    with pytest.raises(ValueError, match="needs a bound"):
        expect("accuracy", 1.0)


def test_a_failed_claim_is_an_assertion_error():
    assert issubclass(ExpectationError, AssertionError)


def _mean(values):
    """Average, for the tests of the checker."""
    return np.mean(values)


@pytest.fixture
def mean():
    return Exercise(
        "demo.mean",
        _mean,
        [(np.array([2.0, 2.0]),), (np.array([1.0, 2.0, 6.0]),), (np.array([-1.0, 1.0]),)],
        hints=["Add up.", "Then divide."],
        mistakes=[(lambda v: 1 / 0, "never shown"), (lambda v: v.sum(), "You only added up.")],
    )


def only_two(values):
    return 2.0


def nothing_below_zero(values):
    return np.mean(values) if values.min() >= 0 else None


def raises(values):
    raise KeyError("lost")


def not_implemented(values):
    raise NotImplementedError


@pytest.mark.parametrize(
    ("answer", "start", "told"),
    [
        (..., "○", "not attempted yet"),
        (lambda values: ..., "○", "not attempted yet"),
        (not_implemented, "○", "not attempted yet"),
        (_mean, "✓", "right. All 3 cases agree."),
        (lambda values: float(sum(values) / len(values)), "✓", "right"),
        (lambda values: np.mean(values) + 1e-9, "✓", "right"),
        (only_two, "✗", "For [1., 2., 6.] the expected result is 3, but you got 2."),
        (lambda values: values.sum(), "✗", "not yet. You only added up."),
        (lambda values: values - values + 1, "✗", "For [2., 2.] the expected shape is (), but yours is (2,)."),
        (raises, "✗", "For [2., 2.] your code stopped with KeyError: 'lost'"),
        (lambda: 1, "✗", "your code stopped with TypeError"),
        (nothing_below_zero, "✗", "For [-1., 1.] your function returned nothing. Is there a return on every path?"),
        (lambda values: NAN, "✗", "nan"),
        (lambda values: "two", "✗", "'two'"),
        (lambda values: {"mean": 2}, "✗", "but you got {'mean': 2}, which is not made of numbers."),
        (lambda values: [1, [2, 3]], "✗", "[2., 2.]"),
        (3.0, "✗", "A function is needed, but this is 3."),
        (None, "✗", "A function is needed, but this is None. Pass its name without calling it."),
        ("mean", "✗", "A function is needed, but this is 'mean'"),
    ],
)
def test_an_exercise_gives_its_verdict_and_the_reason(capsys, mean, answer, start, told):
    mean.check(answer)
    printed = capsys.readouterr().out
    assert printed.startswith(f"{start} demo.mean: ") and printed.count("\n") == 1
    assert told in printed
    assert "never shown" not in printed


def test_an_answer_that_changes_its_argument_spoils_no_later_case(capsys, mean):
    def in_place(values):
        answer = values.mean()
        values[:] = 99.0
        return answer

    for _ in range(2):
        mean.check(in_place)
        assert capsys.readouterr().out.startswith("✓")
    assert mean.cases[0][0].tolist() == [2.0, 2.0]


def test_a_known_mistake_is_named_only_when_it_explains_every_case(capsys, mean):
    mean.check(lambda values: values.sum() if values.size == 2 else 0.0)
    printed = capsys.readouterr().out
    assert "You only added up" not in printed and "For [2., 2.] the expected result is 2, but you got 4." in printed


@pytest.mark.parametrize("answer", [_mean, only_two, raises, lambda values: "wrong"])
def test_a_checker_that_fails_never_calls_the_answer_wrong(capsys, answer):
    def broken(values):
        raise OSError("no such file")

    Exercise("demo.broken", broken, [(1,)], hints=["-"]).check(answer)
    printed = capsys.readouterr().out
    assert printed.startswith("! demo.broken: the checker itself failed (OSError: no such file).")
    assert "This says nothing about your answer" in printed and "✗" not in printed and "not yet" not in printed


def test_a_probe_compares_what_results_do(capsys):
    scale = Exercise(
        "demo.scale",
        lambda factor: lambda x: factor * x,
        [(2,), (3,)],
        hints=["Return a function."],
        probe=lambda function: function(np.arange(3)),
    )
    scale.check(lambda factor: lambda x: x * factor)
    scale.check(lambda factor: lambda x: x + factor)
    scale.check(lambda factor: factor)
    right, wrong, kind = capsys.readouterr().out.splitlines()
    assert right.startswith("✓") and "For 2 the expected result is [0, 2, 4], but you got [2, 3, 4]." in wrong
    assert "For 2 your result 2 is not of the kind asked for (TypeError" in kind


def test_the_tolerance_of_an_exercise_is_kept(capsys):
    rough = Exercise("demo.rough", lambda x: x, [(1.0,)], hints=["-"], tolerance=0.1)
    rough.check(lambda x: x + 0.09)
    rough.check(lambda x: x + 0.11)
    assert [line[0] for line in capsys.readouterr().out.splitlines()] == ["✓", "✗"]


def test_large_arguments_are_described_not_printed(capsys):
    total = Exercise("demo.total", np.sum, [(np.ones((40, 50)),)], hints=["-"])
    total.check(lambda x: 0.0)
    assert "For an array of shape (40, 50) the expected result is 2000, but you got 0." in capsys.readouterr().out


def test_hints_are_a_ladder_that_ends_on_its_last_rung(capsys, mean):
    for _ in range(3):
        mean.hint()
    assert capsys.readouterr().out == "Hint 1 of 2: Add up.\nHint 2 of 2: Then divide.\nHint 2 of 2: Then divide.\n"


def test_the_solution_is_the_reference_without_its_docstring(capsys, mean):
    mean.solution()
    assert capsys.readouterr().out == "def _mean(values):\n    return np.mean(values)\n"


@pytest.fixture
def side():
    return Question(
        "demo.side",
        26,
        why="28 - 3 + 1.",
        hints=["Count.", "It is one more."],
        mistakes={25: "One short.", "28": "That is the picture."},
    )


@pytest.mark.parametrize(
    ("answer", "printed"),
    [
        (..., "○ demo.side: not attempted yet. Replace the ... and run the cell again; demo.side.hint() helps."),
        (None, "✗ demo.side: not yet. This is None: print(...) gives no value, nor does a function without return."),
        (26, "✓ demo.side: right. 28 - 3 + 1."),
        (26.0, "✓ demo.side: right. 28 - 3 + 1."),
        (np.int64(26), "✓ demo.side: right. 28 - 3 + 1."),
        (27, "✗ demo.side: not yet. 27 is not it. demo.side.hint() helps."),
        (0, "✗ demo.side: not yet. 0 is not it. demo.side.hint() helps."),
        (25, "✗ demo.side: not yet. One short."),
        ("28", "✗ demo.side: not yet. That is the picture."),
        ("26", "✗ demo.side: not yet. The number is right, but '26' is a text: leave out the quotes."),
        ((26, 26), "✗ demo.side: not yet. (26, 26) is not it. demo.side.hint() helps."),
        (NAN, "✗ demo.side: not yet. nan is not it. demo.side.hint() helps."),
    ],
)
def test_a_question_gives_its_verdict_and_the_reason(capsys, side, answer, printed):
    side.check(answer)
    assert capsys.readouterr().out == printed + "\n"


@pytest.mark.parametrize(
    ("right", "options", "answers"),
    [
        ("no", {}, {"No": "✓", " NO ": "✓", "yes": "✗", False: "✗"}),
        ((3, 4), {}, {(3, 4): "✓", (4, 3): "✗", (3,): "✗", 3: "✗"}),
        (2.3026, {"tolerance": 0.01}, {2.3: "✓", 2.32: "✓", 2.33: "✗", 2.27: "✗"}),
        (3, {}, {"3": "✗", (3,): "✗", "three": "✗", True: "✗"}),
        (0, {}, {0: "✓", 1e-3: "✗"}),
    ],
    ids=["text", "tuple", "tolerance", "wrapped", "zero"],
)
def test_what_counts_as_the_same_answer(capsys, right, options, answers):
    question = Question("demo.same", right, why="So.", hints=["-"], **options)
    for answer in answers:
        question.check(answer)
    assert [line[0] for line in capsys.readouterr().out.splitlines()] == list(answers.values())


def test_an_array_is_an_answer_too(capsys):
    question = Question("demo.shape", (2, 3), why="So.", hints=["-"])
    question.check([2, 3])
    question.check(np.array([2, 3]))
    question.check(np.ones((2, 3)))
    assert [line[0] for line in capsys.readouterr().out.splitlines()] == ["✓", "✓", "✗"]


def test_a_question_gives_hints_and_its_answer(capsys, side):
    side.hint()
    side.solution()
    assert capsys.readouterr().out == "Hint 1 of 2: Count.\ndemo.side = 26\n28 - 3 + 1.\n"


def test_long_verdicts_are_wrapped_between_words(monkeypatch, capsys):
    monkeypatch.setattr("bmkit.check.WIDTH", 40)
    question = Question("demo.side", 26, why="28 - 3 + 1.", hints=["a hint that is longer than a line of forty"])
    question.check(...)
    question.hint()
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) > 3 and max(map(len, lines)) <= 40
    assert " ".join(lines).count("demo.side.hint() helps.") == 1
    Question("demo.long", 26, why=f"{'So' * 30} is well-known and well-liked by all.", hints=["-"]).check(26)
    assert capsys.readouterr().out.splitlines() == [
        "✓ demo.long: right.",
        "So" * 30,
        "is well-known and well-liked by all.",
    ]
