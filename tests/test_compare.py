"""Values are compared kindly, whatever they are made of, and a disagreement is told so that it can be found."""

import numpy as np
import pytest

from bmkit.check import expect
from bmkit.compare import difference, short

NAN, INFINITY = float("nan"), float("inf")
LONG = np.arange(30.0)


class Torchlike:
    """A tensor that gives its numbers only when no gradient hangs on it, as PyTorch's."""

    def __init__(self, values, hangs=True):
        self.values, self.hangs = values, hangs

    def detach(self):
        return Torchlike(self.values, hangs=False)

    def cpu(self):
        return self

    def __array__(self, dtype=None, copy=None):
        assert not self.hangs
        return np.asarray(self.values)


class Hostile:
    """Raises whatever it is asked."""

    def _refuse(self, *_, **__):
        raise RuntimeError("no")

    __eq__ = __repr__ = __str__ = __array__ = __len__ = __iter__ = __bool__ = __float__ = _refuse
    __hash__ = None


class Mute:
    """Has no number to give and cannot say what it is."""

    def __repr__(self):
        raise RuntimeError("no")


class Shy(list):
    """A list that does not want to be counted."""

    def __repr__(self):
        raise RuntimeError("no")


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ([1, 2], np.array([1.0, 2.0])),
        ((1.0, 2.0), [1, 2]),
        (range(3), (0, 1, 2)),
        (np.arange(3), (0, 1, 2)),
        (np.float32(0.1), 0.1),
        (np.float32(1e6), 1e6 + 1),
        (np.array([True, False]), np.array([1.0, 0.0])),
        (np.array([1, 0]), np.array([True, False])),
        (True, 1),
        (np.True_, True),
        (np.array(False), False),
        (1, np.True_),
        (Torchlike([1.0, 2.0]), np.array([1.0, 2.0])),
        (Torchlike([1.0, 2.0]), (1.0, 2.0)),
        (np.array([1, 2], dtype=object), np.array([1.0, 2.0])),
        (np.array([1, 2j], dtype=object), np.array([1, 2j])),
        (1 + 0j, 1.0),
        (1.0, 1 + 0j),
        (NAN, NAN),
        (INFINITY, INFINITY),
        (None, None),
        (np.str_("pad"), "pad"),
        (np.array(["a", "b"]), ["a", "b"]),
        ([np.str_("[UNK]")], ["[UNK]"]),
        ([np.ones(2), "a"], (np.ones(2), "a")),
        ([], ()),
    ],
)
def test_the_same_in_another_dress_is_the_same(value, expected):
    assert difference(value, expected, 1e-6) == ""


@pytest.mark.parametrize(
    ("value", "expected", "told"),
    [
        (3, 2, "the expected result is 2, but you got 3."),
        (1 + 2e-6, 1.0, "the expected result is 1, but you got 1.000002."),
        (np.array([1 + 2e-6, 1]), np.ones(2), "the expected result is [1., 1.], but you got [1.000002, 1. ]."),
        (1 + 2e-12, 1.0, "the expected result is 1, but you got 1.000000000002."),
        (np.array([1.0, 2.5]), np.array([1.0, 2.0]), "the expected result is [1., 2.], but you got [1. , 2.5]."),
        (np.ones(3), np.ones((3, 1)), "the expected shape is (3, 1), but yours is (3,)."),
        ([2.0], 2.0, "the expected shape is () (one number, without brackets), but yours is (1,)."),
        (np.ones(2), 1.0, "the expected shape is (), but yours is (2,)."),
        ("2", 2, "a number is wanted, but you got the text '2'."),
        (2, "2", "the expected result is '2', but you got 2."),
        (1, True, "the expected result is True, but you got 1."),
        (np.array([True]), True, "the expected result is True, but you got [ True]."),
        (False, True, "the expected result is True, but you got False."),
        (0, None, "the expected result is None, but you got 0."),
        (None, 2, "the expected result is 2, but you got None, which is not made of numbers."),
        (-INFINITY, INFINITY, "the expected result is inf, but you got -inf."),
        (NAN, 2.0, "the expected result is 2, but you got nan."),
        (1 + 1j, 1.0, "the expected result is 1, but you got 1.+1.j."),
        (
            [1, [2, 3]],
            np.ones(2),
            "the expected result is [1., 1.], but you got (1, (2, 3)), which is not made of numbers.",
        ),
        (
            ["1", "1"],
            np.ones(2),
            "the expected result is [1., 1.], but you got ('1', '1'), which is not made of numbers.",
        ),
        (
            np.array(["1", 1], dtype=object),
            np.ones(2),
            "the expected result is [1., 1.], but you got ['1', 1], which is not made of numbers.",
        ),
        ((3, 5), (3, 4), "the expected result is (3, 4), but you got (3, 5)."),
        ((3,), (3, 4), "the expected result is (3, 4), but you got (3): the expected length is 2, but yours is 1."),
        ("ab", ("a", "b"), "the expected result is ('a', 'b'), but you got 'ab'."),
        (
            np.array([None]),
            np.ones(1),
            "the expected result is [1.], but you got [None], which is not made of numbers.",
        ),
        (3, (3,), "the expected result is (3), but you got 3."),
        (np.array(3), (3, 4), "the expected result is (3, 4), but you got 3."),
        ({1: 2}, (1, 2), "the expected result is (1, 2), but you got {1: 2}."),
        ([*range(29), 0], [*range(30)], "in your result, at [29], the expected result is 29, but you got 0."),
        (
            (LONG, LONG + 1),
            (LONG, LONG),
            "in your result, at [1], 30 of the 30 numbers differ, first at [0]: the expected number is 0, "
            "but you got 1; the largest difference is 1.",
        ),
    ],
)
def test_a_disagreement_is_told_word_by_word(value, expected, told):
    assert difference(value, expected, 1e-13) == told


def spoiled(places, by, shape=(30,)):
    array = np.arange(np.prod(shape), dtype=float).reshape(shape)
    for place in places:
        array[place] += by
    return array


@pytest.mark.parametrize(
    ("value", "expected", "told"),
    [
        (
            spoiled([3], 0.5),
            LONG,
            "1 of the 30 numbers differs, first at [3]: the expected number is 3, but you got 3.5; "
            "the largest difference is 0.5.",
        ),
        (
            spoiled([(0, 4), (2, 1)], -1e-4, (5, 10)),
            spoiled([(2, 1)], 2.0, (5, 10)),
            "2 of the 50 numbers differ, first at [0, 4]: the expected number is 4, but you got 3.9999; "
            "the largest difference is 2.",
        ),
        (
            spoiled([7], NAN),
            LONG,
            "1 of the 30 numbers differs, first at [7]: the expected number is 7, but you got nan.",
        ),
        (
            LONG.astype(int) % 2,
            LONG % 2 == 0,
            "30 of the 30 numbers differ, first at [0]: the expected number is True, but you got 0; "
            "the largest difference is 1.",
        ),
        (
            np.zeros(2000),
            np.full(2000, 1 / 3),
            "2,000 of the 2,000 numbers differ, first at [0]: the expected number is 0.3333333333, but you got 0; "
            "the largest difference is 0.333.",
        ),
        (np.ones((30, 1)), LONG, "the expected shape is (30,), but yours is (30, 1)."),
        (np.zeros(24), np.ones(24), f"the expected result is {short(np.ones(24))}, but you got {short(np.zeros(24))}."),
    ],
)  # fmt: skip
def test_a_large_array_tells_how_many_places_differ_where_and_by_how_much(value, expected, told):
    assert difference(value, expected, 1e-6) == told


def test_a_failed_claim_about_large_arrays_tells_the_place():
    with pytest.raises(AssertionError) as error:
        expect("NumPy and Keras", spoiled([(1, 2)], 0.25, (5, 10)), equals=spoiled([], 0, (5, 10)), tolerance=0.1)
    assert str(error.value) == (
        "NumPy and Keras: 1 of the 50 numbers differs, first at [1, 2]: the expected number is 12, but you got 12.25; "
        "the largest difference is 0.25."
    )


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize(
    ("value", "expected", "tolerance", "relative", "same"),
    [
        (1.9, 1.0, 1.0, True, True),
        (2.1, 1.0, 1.0, True, False),  # once, not twice
        (109.0, 100.0, 0.1, True, True),
        (111.0, 100.0, 0.1, True, False),
        (0.05, 0.0, 0.1, True, True),
        (-109.0, -100.0, 0.1, True, True),
        (100.2, 100.0, 0.1, False, False),
        (100.05, 100.0, 0.1, False, True),
        (np.float32(1.000005), 1.0, 0.0, True, True),
        (np.float32(1.00002), 1.0, 0.0, True, False),
        (np.float32(1.000005), 1.0, 0.0, False, False),
        (1.0, np.float32(1.000005), 0.0, True, True),
        (np.complex64(1.000005), 1.0, 0.0, True, True),
        (1.000005, 1.0, 0.0, True, False),
        (np.float32(1.5), 1.0, 0.6, True, True),
        (2**60 + 1, 2**60, 0.0, False, False),
        (np.array([NAN, 2**60]), np.array([NAN, 2**60]), 0.0, False, True),
        (1e308, -1e308, 1.0, False, False),
        (1e308, 1e308, 10.0, True, True),
        (np.array([NAN, INFINITY]), np.array([NAN, INFINITY]), 0.1, True, True),
    ],
)
def test_the_tolerance_counts_once_and_float32_may_round(value, expected, tolerance, relative, same):
    assert (difference(value, expected, tolerance, relative=relative) == "") == same


def hostile_array():
    array = np.empty(2, dtype=object)
    array[0] = array[1] = Mute()
    return array


def holds_itself():
    value = [1]
    value.append(value)
    return value


@pytest.mark.parametrize(
    "expected", [2.0, "two", True, None, np.ones(2), np.ones(40), (1, 2), ("a", "b"), [np.ones(40)] * 2]
)
@pytest.mark.parametrize(
    "value",
    [
        Hostile(),
        [Hostile(), Hostile()],
        hostile_array(),
        Shy([1, 3]),
        holds_itself(),
        (item for item in "ab"),
        np.broadcast_to(1.0, (10**6, 10**6)),
        np.array(["2020-01-01", "2020-01-02"], dtype="datetime64[D]"),
        np.array([b"a", b"b"]),
        np.zeros(2, dtype=[("x", float), ("y", float)]),
        np.ma.masked_array([1.0, 3.0], mask=[True, False]),
        b"two",
        {1, 2},
        lambda: 2.0,
        int,
        10**400,
        [10**400, 1],
    ],
    ids=lambda value: type(value).__name__,
)
def test_nothing_that_a_learner_gives_stops_the_comparison(value, expected):
    told = difference(value, expected, 1e-6)
    assert told.endswith(".") and len(told) < 500 and " at 0x" not in told


@pytest.mark.parametrize(
    ("value", "line"),
    [
        (3, "3"),
        (True, "True"),
        (0.1, "0.1"),
        (1 / 3, "0.3333333333"),
        (np.float32(0.5), "0.5"),
        (np.array(2.0), "2"),
        (np.array(2), "2"),
        (np.array(1j), "0.+1.j"),
        (np.array([1 / 3, 2.0]), "[0.3333, 2. ]"),
        (np.array([[1, 2], [3, 4]]), "[[1, 2], [3, 4]]"),
        (np.arange(24), "[ " + ", ".join(map(str, range(24))) + "]"),
        (np.arange(25), "an array of shape (25,)"),
        ("a  b", "'a  b'"),
        (np.str_("pad"), "'pad'"),
        ("x" * 298, "'" + "x" * 298 + "'"),
        ("x" * 299, "'" + "x" * 299 + "..."),
        ([1, (2.5, "a")], "(1, (2.5, 'a'))"),
        ([0] * 24, "(" + ", ".join("0" * 24) + ")"),
        ([0] * 25, "a list of 25 values"),
        ((0,) * 25, "a tuple of 25 values"),
        (None, "None"),
        ({"mean": 2}, "{'mean': 2}"),
        (dict.fromkeys(range(30), "word"),
         "{0: 'word', 1: 'word', 2: 'word', 3: 'word', 4: 'word', 5: 'word', 6: [...]"),
        (len, "<built-in function len>"),
        (short, "an object of type function"),
        (Hostile(), "an object of type Hostile"),
        (holds_itself(), ("(1, " * 75) + "..."),
    ],
)  # fmt: skip
def test_a_value_is_written_in_one_line(value, line):
    assert short(value) == line


@pytest.mark.parametrize(
    ("precision", "number", "array"),
    [(4, "0.3333333333", "[0.3333]"), (16, "0.33333333333333331", "[0.3333333333333333]")],
)
def test_more_figures_where_they_are_needed(precision, number, array):
    assert short(1 / 3, precision) == number and short(np.array([1 / 3]), precision) == array


def test_what_looks_alike_is_told_apart_by_its_type():
    class Word:
        def __repr__(self):
            return "'two'"

    assert difference(Word(), "two", 0.0) == "the expected result is 'two' (str), but you got 'two' (Word)."
