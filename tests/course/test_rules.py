"""Each rule for a code cell refuses what it is against, says so in a sentence, and lets its neighbour pass."""

import pytest

from bmkit.course import rules

FAULTS = {
    "mean, spread = x.mean(), x.std()": "assigns several values at once",
    "a = b = 0": "assigns twice",
    "first, second = [f(one) for one in pair]": "unpacks a comprehension",
    "first, second = (f(one) for one in pair)": "unpacks a comprehension",
    "[[f(a, b) for a in row] for b in column]": "comprehension in a comprehension",
    "[f(a, b) for a in row for b in column]": "comprehension in a comprehension",
    "for f in (lambda x: x, abs):\n    f(1)": "loops over a lambda",
    "g = lambda x, rate=rate: rate * x": "lambda's default",
    "print(next(iter(batches)))": "hides next",
    "print(zip(*pairs))": "hides next",
    "f(a=next(rows))": "hides next",
    "f(1) if x else g(1)": "conditional expression used as a statement",
    "x = 1  # " + 80 * "x": "longer than 88 columns",
    "\n".join(f"x{n} = {n}" for n in range(21)): "21 lines are too many",
    "\n".join(3 * ["f(a[b[c]], d(e(g)), h(i, j), k(l), m(n(o)))"]): "syntax nodes a line",
    "plot.show(figure)\nexpect('a', 1, equals=1)": "draws and asserts",
}
PASSES = [
    "rows, columns = x.shape",
    "squares = [n * n for n in numbers]",
    "batch = next(iter(batches))",
    "columns = zip(*pairs)",
    "for x, y in pairs:\n    f(x)",
    "largest = a if a > b else b",
    "grow = lambda x: 2 * x",
    "expect('a', 1, equals=1)",
    "plot.show(figure)",
    "x = 1  # " + 79 * "x",
    "\n".join(f"x{n} = {n}" for n in range(20)),
    "\n".join(2 * ["f(a[b[c]], d(e(g)), h(i, j), k(l), m(n(o)))"]),
    "# only a comment",
    "",
]


@pytest.mark.parametrize(("code", "sentence"), FAULTS.items())
def test_a_fault_gets_its_sentence(code, sentence):
    (found,) = rules.code_rules(code)
    assert sentence in found


@pytest.mark.parametrize("code", PASSES)
def test_what_can_be_read_aloud_passes(code):
    assert rules.code_rules(code) == []


def test_faults_are_told_with_their_lines_in_order():
    found = rules.code_rules("x = 1\na = b = 0\nm, n = 1, 2")
    assert [sentence.split(" assigns")[0] for sentence in found] == ["line 2", "line 3"]


def test_density_counts_nodes_over_lines_of_code():
    # Module, Assign, Name, Store, Constant; comments and empty lines do not thin a cell out.
    assert rules.density("# why\n\nx = 1\n") == 5
    assert rules.density("# nothing") == 0
