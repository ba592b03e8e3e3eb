"""The mutation score is only as good as its mutants: each kind is made, one fault at a time."""

import ast
import runpy
from pathlib import Path

import pytest

FOLDER = Path(__file__).resolve().parent.parent / "benchmarks"
mutants = runpy.run_path(str(FOLDER / "mutants.py"), run_name="mutants")["mutants"]


@pytest.mark.parametrize(
    ("line", "changed"),
    [
        ("a < b", ["a <= b", "pass"]),
        ("a < b < c", ["a <= b < c", "a < b <= c", "pass"]),
        ("return a", ["return None"]),
        ("a = f(b, key=c)", ["a = None", "a = f(b)"]),
        ("a += 2", ["a -= 2", "a += 3"]),
        ("raise a", ["pass"]),
        ("return not a", ["return None", "return a"]),
        ("return [b for b in a if b]", ["return None"] + [f"return [b for b in a if {c}]" for c in (True, False)]),
        ("return max(a, 'b')", ["return None", "return min(a, 'b')", "return max(a, '')"]),
        ("return f'{a:.3g} b'", ["return None", "return f''", "return f'{a:} b'"]),
    ],
)
def test_each_kind_of_fault_is_made_alone(line, changed):
    source = f"def g(a, b, c):\n    '''Docstring.'''\n    {line}"
    made = [mutant.source.splitlines()[-1].strip() for mutant in mutants(source)]
    assert sorted(made) == sorted(changed)


def test_what_says_nothing_is_left_alone():
    source = "'''About.'''\nimport os\n__all__ = ['f']\n\ndef f(a: int=None) -> 'str':\n    '''Docstring.'''\n    ...\n"
    assert list(mutants(source)) == []


def test_a_mutant_tells_where_it_is_and_the_rest_stays():
    source = "class A:\n    @property\n    def b(self):\n        try:\n            c()\n"
    source += "        except OSError:\n            pass\n"
    made = {mutant.label: mutant for mutant in mutants(source)}
    assert sorted(made) == ["A.b: c() → pass", "A.b: except OSError: → except ():", "A.b: property → nothing"]
    assert [mutant.line for mutant in made.values()] == [5, 6, 2]
    assert all(ast.unparse(ast.parse(source)) != mutant.source for mutant in made.values())
    assert "@property" not in made["A.b: property → nothing"].source
    assert made["A.b: c() → pass"].source.count("@property") == 1
