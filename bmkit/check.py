"""Claims that must hold (`expect`) and exercises that check, hint and answer (`Exercise`, `Question`)."""

import ast
import copy
import inspect
import textwrap
from collections.abc import Callable, Sequence

import numpy as np

from bmkit import console
from bmkit.compare import difference, short

__all__ = ["Exercise", "ExpectationError", "Question", "expect"]

console.prepare()  # verdicts have signs that not every terminal can write
WIDTH = 88  # characters that a line of output holds before JupyterLab breaks it anywhere


class ExpectationError(AssertionError):
    """A claim of the course did not hold on this machine."""


def expect(claim: str, value, *, at_least=None, at_most=None, equals=None, tolerance: float = 0.0) -> None:
    """Assert a claim and print the verdict; the measured number stands in ``(here: …)``.

    What is in ``(here: …)`` may differ from machine to machine and is not compared when notebooks are re-run;
    the bound in front of it is.

    Args:
        claim: what is being measured, in words, without the bound.
        value: the measurement: a number, or an array where `equals` is given.
        at_least: lower bound.
        at_most: upper bound.
        equals: the exact value, or the array that `value` must equal.
        tolerance: largest absolute difference allowed with `equals`.

    Raises:
        ExpectationError: the claim does not hold; the message has the measured value.
        ValueError: no bound was given.

    Example:
        >>> expect("test accuracy", 0.957, at_least=0.95)
        ✓ test accuracy ≥ 0.95 (here: 0.957)
        >>> expect("parameters", 896, equals=896)
        ✓ parameters = 896
    """
    if equals is not None:
        _expect_equal(claim, value, equals, tolerance)
        return
    bounds = [f"{sign} {_number(bound)}" for sign, bound in (("≥", at_least), ("≤", at_most)) if bound is not None]
    if not bounds:
        raise ValueError(f"expect({claim!r}) needs a bound: at_least, at_most or equals.")
    value = float(value)
    statement = f"{claim} {' and '.join(bounds)}"
    # Written so that "not a number" fails too.
    holds = (at_least is None or value >= at_least) and (at_most is None or value <= at_most)
    if not holds:
        raise ExpectationError(f"expected {statement}, but measured {value:.6g} here.")
    print(f"✓ {statement} (here: {_number(value)})")


def _number(value: float) -> str:
    """Write three figures, or all figures of a large whole number: 0.0957, 53,066."""
    return f"{value:,.0f}" if 1000 <= abs(value) < 1e15 else f"{value:.3g}"


def _expect_equal(claim: str, value, equals, tolerance: float) -> None:
    disagreement = difference(value, equals, tolerance, relative=0.0)
    if disagreement:
        raise ExpectationError(f"expected {claim} = {short(equals)}, but {disagreement}")
    if isinstance(equals, (int, np.integer)) and not isinstance(equals, bool):
        exact = f"✓ {claim} = {equals:,}"
    elif isinstance(equals, (float, np.floating)):
        exact = f"✓ {claim} = {equals:.5g}"  # further figures may differ from processor to processor
    else:
        exact = f"✓ {claim} = {short(equals)}" if np.ndim(equals) == 0 else f"✓ {claim}: equal"
    print(exact + (f" (to {tolerance:g})" if tolerance else ""))


class _Checked:
    """What an exercise and a question share: verdicts, the ladder of hints, the name."""

    def __init__(self, name: str, hints: Sequence[str]):
        self.name = name
        self.hints = tuple(hints)
        self._hints_given = 0

    def hint(self) -> None:
        """Print the next hint; each call climbs one rung, the last rung repeats."""
        self._hints_given = min(self._hints_given + 1, len(self.hints))
        _say(f"Hint {self._hints_given} of {len(self.hints)}: {self.hints[self._hints_given - 1]}")

    def _not_attempted(self) -> None:
        _say(f"○ {self.name}: not attempted yet. Replace the ... and run the cell again; {self.name}.hint() helps.")

    def _right(self, comment: str = "") -> None:
        _say(f"✓ {self.name}: right. {comment}".rstrip())

    def _wrong(self, reason: str) -> None:
        _say(f"✗ {self.name}: not yet. {reason}")

    def _own_fault(self, error: Exception) -> None:
        _say(
            f"! {self.name}: the checker itself failed ({type(error).__name__}: {error}). "
            "This says nothing about your answer; please report it."
        )


class Exercise(_Checked):
    """A function to write, checked by what it does on a list of cases.

    Args:
        name: how the learner calls it, such as ``"ch04.mse"``.
        reference: a right answer; `solution` prints it, `check` compares with it.
        cases: one tuple of arguments a case.
        hints: from a nudge to almost the answer.
        mistakes: pairs of a frequent wrong function and one sentence that explains what is wrong with it.
        probe: turns what answer and reference return into something comparable, such as a model into its output.
        tolerance: largest relative and absolute difference that still counts as equal.

    Example:
        >>> double = Exercise("demo.double", lambda x: 2 * x, [(1,), (3,)], hints=["x + x"])
        >>> double.check(lambda x: x + 1)
        ✗ demo.double: not yet. For 3 the expected result is 6, but you got 4.
    """

    def __init__(
        self,
        name: str,
        reference: Callable,
        cases: Sequence[tuple],
        *,
        hints: Sequence[str],
        mistakes: Sequence[tuple[Callable, str]] = (),
        probe: Callable = lambda result: result,
        tolerance: float = 1e-6,
    ):
        super().__init__(name, hints)
        self.reference, self.cases, self.mistakes = reference, tuple(cases), tuple(mistakes)
        self.probe, self.tolerance = probe, tolerance

    def check(self, answer: Callable) -> None:
        """Print one of three verdicts: not attempted, wrong (with the first disagreeing case), right.

        Args:
            answer: the learner's function.
        """
        if answer is ... or answer is None:
            return self._not_attempted()
        if not callable(answer):
            return self._wrong(f"A function is needed, but this is {short(answer)}. Pass its name without calling it.")
        try:
            expected = [self._run(self.reference, case) for case in self.cases]
        except Exception as error:
            return self._own_fault(error)
        for case, right in zip(self.cases, expected, strict=True):
            try:
                result = answer(*copy.deepcopy(case))
            except NotImplementedError:
                return self._not_attempted()
            except Exception as error:
                return self._wrong(f"For {_arguments(case)} your code stopped with {type(error).__name__}: {error}")
            if result is None or result is ...:
                return self._no_result(case)
            try:
                disagreement = difference(self.probe(result), right, self.tolerance)
            except Exception as error:
                return self._wrong(
                    f"For {_arguments(case)} your result {short(result)} is not of the kind asked for "
                    f"({type(error).__name__}: {error})."
                )
            if disagreement:
                return self._wrong(self._explain(answer, expected) or f"For {_arguments(case)} {disagreement}")
        return self._right(f"All {len(self.cases)} cases agree.")

    def solution(self) -> None:
        """Print the reference itself, without its docstring."""
        print(_source_without_docstring(self.reference))

    def _no_result(self, case: tuple) -> None:
        if case is self.cases[0]:
            return self._not_attempted()
        return self._wrong(f"For {_arguments(case)} your function returned nothing. Is there a return on every path?")

    def _run(self, function: Callable, case: tuple):
        return self.probe(function(*copy.deepcopy(case)))  # a copy: an answer may change its arguments in place

    def _explain(self, answer: Callable, expected: list) -> str:
        """Name the frequent mistake that does what this answer does on every case."""
        for mistake, sentence in self.mistakes:
            try:
                alike = all(
                    not difference(self._run(answer, case), self._run(mistake, case), self.tolerance)
                    for case in self.cases
                )
            except Exception:
                continue
            if alike:
                return sentence
        return ""


class Question(_Checked):
    """A value to predict before running anything.

    Args:
        name: how the learner calls it, such as ``"ch11.output_side"``.
        answer: the right value: a number, a string (compared without regard to case) or a tuple.
        why: one sentence, shown with the right answer.
        hints: from a nudge to almost the answer.
        mistakes: a dictionary from a frequent wrong value to the sentence that explains it.
        tolerance: largest difference that still counts as equal.

    Example:
        >>> side = Question("demo.side", 26, why="28 - 3 + 1.", hints=["Count the positions."])
        >>> side.check(28)
        ✗ demo.side: not yet. 28 is not it. demo.side.hint() helps.
        >>> side.check(26)
        ✓ demo.side: right. 28 - 3 + 1.
    """

    def __init__(self, name: str, answer, *, why: str, hints: Sequence[str], mistakes=None, tolerance: float = 1e-6):
        super().__init__(name, hints)
        self.answer, self.why, self.tolerance = answer, why, tolerance
        self.mistakes = dict(mistakes or {})

    def check(self, answer) -> None:
        """Print one of three verdicts: not attempted, wrong (with the reason where it is known), right.

        Args:
            answer: the learner's value.
        """
        if answer is ... or answer is None:
            return self._not_attempted()
        if not self._same(answer, self.answer):
            for value, sentence in self.mistakes.items():
                if self._same(answer, value):
                    return self._wrong(sentence)
            return self._wrong(f"{short(answer)} is not it. {self.name}.hint() helps.")
        return self._right(self.why)

    def solution(self) -> None:
        """Print the answer and why it is so."""
        print(f"{self.name} = {short(self.answer)}")
        _say(self.why)

    def _same(self, first, second) -> bool:
        if isinstance(first, str) and isinstance(second, str):
            return first.strip().casefold() == second.strip().casefold()
        try:
            return not difference(first, second, self.tolerance)
        except (TypeError, ValueError):
            return False


def _say(text: str) -> None:
    """Print lines that fit a notebook's page."""
    print(textwrap.fill(text, WIDTH, break_long_words=False, break_on_hyphens=False))


def _arguments(case: tuple) -> str:
    return ", ".join(short(argument) for argument in case)


def _source_without_docstring(function: Callable) -> str:
    source = textwrap.dedent(inspect.getsource(function))
    definition = ast.parse(source).body[0]
    if not isinstance(definition, ast.FunctionDef) or ast.get_docstring(definition) is None:
        return source.rstrip()
    first = definition.body[0]
    lines = source.splitlines()
    return "\n".join(lines[: first.lineno - 1] + lines[first.end_lineno :])
