"""Whatever a learner writes gets a verdict that says what happened; only Ctrl-C passes through."""

import functools
import sys

import numpy as np
import pytest

from bmkit.backend import keras
from bmkit.check import Exercise, Question
from bmkit.compare import difference
from bmkit.exercises import ch03, ch09, ch16, ch18

NOTHING = "For [1., 3.] your function returned nothing. End it with return and the result; print only shows a value."


def mean(values):
    return np.mean(values)


@pytest.fixture
def average():
    cases = [(np.array([1.0, 3.0]),), (np.array([2.0, 4.0, 9.0]),)]
    return Exercise("demo.mean", mean, cases, hints=["Add."], mistakes=[(np.sum, "You only added up.")])


def dots(values): ...


def passes(values):
    pass


def described(values):
    """Return the mean."""


def described_dots(values):
    """Return the mean."""
    ...


def returns_dots(values):
    return ...


def not_implemented(values):
    raise NotImplementedError


def not_implemented_yet(values):
    raise NotImplementedError("write this")


class Stub:
    def __call__(self, values): ...

    def method(self, values): ...


@functools.wraps(dots)
def decorated(*arguments):
    return dots(*arguments)


@pytest.mark.parametrize(
    "answer",
    [
        dots, passes, described, described_dots, returns_dots, not_implemented, not_implemented_yet, decorated,
        Stub(), Stub().method, functools.partial(dots), lambda values: ..., lambda values: None,
    ],
)  # fmt: skip
def test_a_stub_is_known_by_what_is_written(capsys, average, answer):
    average.check(answer)
    said = "○ demo.mean: not attempted yet. Replace the ... and run the cell again; demo.mean.hint() helps.\n"
    assert capsys.readouterr().out == said


def forgets(values):
    np.mean(values)


def prints(values):
    print(np.mean(values))


def greets(values):
    print("mean")


def assigns(values):
    result = 2.0  # noqa: F841


class Forgets:
    def __call__(self, values):
        self.mean = values.mean()


@pytest.mark.parametrize("answer", [forgets, greets, assigns, Forgets(), functools.partial(forgets), print, [].append])
def test_a_forgotten_return_is_called_that(capsys, average, answer):
    average.check(answer)
    assert capsys.readouterr().out.endswith(f"✗ demo.mean: not yet. {NOTHING}\n")


def test_what_an_answer_prints_is_seen_once(capsys, average):
    average.check(prints)
    assert capsys.readouterr().out == f"2.0\n✗ demo.mean: not yet. {NOTHING}\n"

    def adds_and_prints(values):
        print("adding")
        return values.sum()

    average.check(adds_and_prints)
    assert capsys.readouterr().out == "adding\n✗ demo.mean: not yet. You only added up.\n"


def endless(values):
    return endless(values)


def leaves(values):
    sys.exit()


def leaves_with_a_word(values):
    raise SystemExit("bye")


def not_implemented_deep_down(values):
    return missing()


def missing():
    raise NotImplementedError("later")


def long_error(values):
    raise ValueError("word " * 200)


class Speechless(Exception):
    def __str__(self):
        raise RuntimeError("no")


def speechless(values):
    raise Speechless


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        (endless, "RecursionError: maximum recursion depth exceeded"),
        (leaves, "SystemExit."),
        (leaves_with_a_word, "SystemExit: bye"),
        (not_implemented_deep_down, "NotImplementedError: later"),
        (speechless, "Speechless."),
        (long_error, "ValueError: word word"),
    ],
)
def test_code_that_stops_is_told_and_stops_nothing_else(capsys, average, answer, told):
    average.check(answer)
    printed = capsys.readouterr().out
    assert printed.startswith(f"✗ demo.mean: not yet. For [1., 3.] your code stopped with {told}")
    assert len(printed) < 400


def test_control_c_passes_through(average):
    def interrupted(values):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        average.check(interrupted)


class Hostile:
    def _refuse(self, *_, **__):
        raise RuntimeError("no")

    __eq__ = __repr__ = __array__ = __len__ = __iter__ = __bool__ = __float__ = __call__ = _refuse
    __hash__ = None


class Disguised:
    @property
    def __class__(self):
        raise RuntimeError("no")


@pytest.mark.parametrize(
    ("result", "told"),
    [
        (Hostile(), "the expected result is 2, but you got an object of type Hostile, which is not made of numbers."),
        (
            keras.Input((2,)),
            "the expected result is 2, but you got an object of type KerasTensor, which is not made of",
        ),
        (Disguised, "your result an object of type Disguised is not of the kind asked for (RuntimeError: no)."),
        ("2", "a number is wanted, but you got the text '2'."),
        ([2.0], "the expected shape is () (one number, without brackets), but yours is (1,)."),
        (np.zeros((1000, 1000)), "the expected shape is (), but yours is (1000, 1000)."),
    ],
)
def test_a_strange_result_gets_a_sentence(capsys, average, result, told):
    average.check(lambda values: result() if result is Disguised else result)  # pytest cannot hold one
    assert capsys.readouterr().out.startswith(f"✗ demo.mean: not yet. For [1., 3.] {told}")


def test_a_strange_answer_gets_a_sentence(capsys):
    question = Question("demo.two", 2, why="1 + 1.", hints=["-"])
    for answer, told in [
        (Hostile(), "an object of type Hostile is not it."),
        (keras.Input((2,)), "an object of type KerasTensor is not it."),
        ("3", "'3' is not it."),
        ("2.0", "The number is right, but '2.0' is a text: leave out the quotes."),
        (np.str_("2"), "The number is right, but '2' is a text: leave out the quotes."),
        ([2], "The value is right, but (2) is a list or an array: leave out the brackets."),
        (np.array([[2.0]]), "The value is right, but [[2.]] is a list or an array: leave out the brackets."),
        ([2, 2], "(2, 2) is not it."),
        ([3], "(3) is not it."),
        ([], "() is not it."),
    ]:
        question.check(answer)
        assert capsys.readouterr().out.startswith(f"✗ demo.two: not yet. {told}")
    question.check(Disguised())
    assert capsys.readouterr().out.startswith("✗ demo.two: not yet. an object of type Disguised is not it.")


def test_thousands_may_be_parted_in_quotes_too(capsys):
    Question("demo.many", 2048, why="So.", hints=["-"]).check("2,048")
    assert "The number is right, but '2,048' is a text: leave out the quotes." in capsys.readouterr().out


def test_a_word_is_not_a_number_in_wrapping(capsys):
    for answer in ("yes", ["no"]):
        Question("demo.word", "no", why="So.", hints=["-"]).check(answer)
    yes, bracketed = capsys.readouterr().out.splitlines()
    assert yes == "✗ demo.word: not yet. 'yes' is not it. demo.word.hint() helps."
    assert (
        bracketed
        == "✗ demo.word: not yet. The value is right, but ('no') is a list or an array: leave out the brackets."
    )


def test_a_checker_that_fails_says_so_whatever_failed(capsys):
    def broken(values):
        raise SystemError("disk")

    Exercise("demo.broken", broken, [(1,)], hints=["-"]).check(mean)
    assert capsys.readouterr().out == (
        "! demo.broken: the checker itself failed (SystemError: disk). "
        "This says nothing about your answer; please report it.\n"
    )


def test_a_mistake_that_breaks_or_leaves_explains_nothing(capsys):
    mistakes = [(leaves, "never"), (missing, "never"), (lambda values: values.max(), "That is the largest.")]
    cases = [(np.array([1.0, 3.0]),), (np.array([2.0, 4.0]),)]
    Exercise("demo.mean", mean, cases, hints=["-"], mistakes=mistakes).check(np.max)
    assert capsys.readouterr().out == "✗ demo.mean: not yet. That is the largest.\n"


def test_the_tolerance_holds_for_mistakes_and_questions_too(capsys):
    mistakes = [(lambda x: x + 1, "One too many.")]
    Exercise("demo.same", lambda x: x, [(0.0,)], hints=["-"], mistakes=mistakes, tolerance=0.2).check(lambda x: x + 1.1)
    Question("demo.one", 0.5, why="So.", hints=["-"], tolerance=0.1).check(0.59)
    assert capsys.readouterr().out == "✗ demo.same: not yet. One too many.\n✓ demo.one: right. So.\n"


def test_the_layer_of_keras_is_a_right_answer(capsys):
    def with_keras(x, epsilon):
        return keras.layers.LayerNormalization(epsilon=epsilon)(x)

    ch16.layer_norm.check(with_keras)
    assert capsys.readouterr().out.startswith("✓ ch16.layer_norm: right.")


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (keras.ops.convert_to_tensor([1.0, 2.0]), np.array([1.0, 2.0])),
        (keras.ops.convert_to_tensor([1.0, 2.0]), (1.0, 2.0)),
        (keras.ops.convert_to_tensor([0.1], dtype="bfloat16"), np.array([0.1001])),
        (keras.ops.convert_to_tensor(True), True),
        (keras.Variable([1.0, 2.0]), np.array([1.0, 2.0])),
    ],
)
def test_the_tensors_of_keras_are_numbers(value, expected):
    assert difference(value, expected, 1e-3) == ""


@pytest.mark.parametrize("expected", [2.0, "two", True, None, np.ones(2), (1, 2)])
def test_a_symbol_is_no_number(expected):
    told = difference(keras.Input((2,)), expected, 1e-6)
    assert "but you got an object of type KerasTensor" in told


def test_a_mask_may_choose_as_well_as_multiply(capsys):
    def chosen(vectors, mask):
        rows = zip(vectors, mask, strict=True)
        return np.array([steps[real].mean(axis=0) if real.any() else 0 * steps[0] for steps, real in rows])

    ch03.masked_mean.check(chosen)
    ch03.masked_mean.check(lambda vectors, mask: ch03.masked_mean.reference(vectors, mask.astype(float)))
    assert capsys.readouterr().out.count("✓ ch03.masked_mean: right.") == 2


def test_words_from_numpy_are_a_right_answer(capsys):
    ch18.wordpiece.check(lambda *arguments: [np.str_(part) for part in ch18.wordpiece.reference(*arguments)])
    assert capsys.readouterr().out.startswith("✓ ch18.wordpiece: right.")


def test_a_tensor_where_a_model_is_asked_for_is_told(capsys):
    ch09.shortcut.check(lambda inputs, units, outputs: keras.layers.Dense(outputs)(keras.Input((inputs,))))
    printed = capsys.readouterr().out
    assert printed.startswith(
        "✗ ch09.shortcut: not yet. For 4, 3, 2 your result an object of type KerasTensor is not of"
    )


def test_a_known_mistake_that_stops_is_explained(capsys):
    mistakes = [(lambda z: z - z.max(axis=1), "Write keepdims=True.")]
    cases = [(np.ones((2, 2)),), (np.arange(6.0).reshape(2, 3),)]
    shift = Exercise("demo.shift", lambda z: z - z.max(axis=1, keepdims=True), cases, hints=["-"], mistakes=mistakes)
    shift.check(lambda z: z - np.max(z, axis=1))
    assert capsys.readouterr().out == "✗ demo.shift: not yet. Write keepdims=True.\n"
    shift.check(lambda z: 1 / 0)
    assert "your code stopped with ZeroDivisionError" in capsys.readouterr().out
    shift.check(lambda z: z - z.max(axis=2))
    assert "your code stopped with AxisError" in capsys.readouterr().out
