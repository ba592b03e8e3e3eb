"""Claims that must hold (`expect`) and exercises that check, hint and answer (`Exercise`, `Question`)."""

import ast
import contextlib
import copy
import dis
import inspect
import io
import textwrap
import warnings
from collections.abc import Callable, Sequence

import numpy as np

from bmkit import console
from bmkit.compare import difference, figures, short

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
    bounds = [f"{sign} {figures(bound)}" for sign, bound in (("≥", at_least), ("≤", at_most)) if bound is not None]
    if not bounds:
        raise ValueError(f"expect({claim!r}) needs a bound: at_least, at_most or equals.")
    value = float(value)
    statement = f"{claim} {' and '.join(bounds)}"
    # Written so that "not a number" fails too.
    holds = (at_least is None or value >= at_least) and (at_most is None or value <= at_most)
    if not holds:
        raise ExpectationError(f"expected {statement}, but measured {value:.6g} here.")
    print(f"✓ {statement} (here: {figures(value)})")


def _expect_equal(claim: str, value, equals, tolerance: float) -> None:
    disagreement = difference(value, equals, tolerance, relative=False)
    if disagreement:
        raise ExpectationError(f"{claim}: {disagreement}")
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

    def check(self, answer) -> None:
        """Print one of three verdicts: not attempted, wrong (with the reason), right.

        Args:
            answer: the learner's function or value.
        """
        try:
            self._judge(answer)
        except Exception as error:
            self._own_fault(error)

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
            f"! {self.name}: the checker itself failed ({_told(error)}). "
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
        tolerance: largest difference that still counts as equal; of results above 1, this share of the result.

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

    def _judge(self, answer) -> None:
        if answer is ...:
            return self._not_attempted()
        if not callable(answer):
            return self._wrong(f"A function is needed, but this is {short(answer)}. Pass its name without calling it.")
        expected = [self.probe(self._run(self.reference, case)) for case in self.cases]
        given = []
        for case, right in zip(self.cases, expected, strict=True):
            try:
                result = self._run(answer, case)
            except (Exception, SystemExit) as error:
                if isinstance(error, NotImplementedError) and _is_stub(answer):
                    return self._not_attempted()
                given.append(type(error).__name__)  # a known mistake may stop in the same way
                stopped = f"For {_arguments(case)} your code stopped with {_told(error)}"
                return self._wrong(self._explain(answer, given) or stopped)
            if result is ... or (result is None and _is_stub(answer)):
                return self._not_attempted()
            reason = self._no_result(given) if result is None else self._compared(result, right, given)
            if reason:
                return self._wrong(self._explain(answer, given) or f"For {_arguments(case)} {reason}")
        return self._right(f"All {len(self.cases)} cases agree.")

    def solution(self) -> None:
        """Print the reference itself, without its docstring."""
        print(_source_without_docstring(self.reference))

    def _run(self, function: Callable, case: tuple):
        return function(*copy.deepcopy(case))  # a copy: an answer may change its arguments in place

    def _no_result(self, given: list) -> str:
        if given:  # the cases before this one went well
            return "your function returned nothing. Is there a return on every path?"
        return "your function returned nothing. End it with return and the result; print only shows a value."

    def _compared(self, result, right, given: list) -> str:
        """Append what the probe makes of a result, and say how it disagrees."""
        try:
            given.append(self.probe(result))
            return difference(given[-1], right, self.tolerance)
        except (Exception, SystemExit) as error:
            return f"your result {short(result)} is not of the kind asked for ({_told(error)})."

    def _explain(self, answer: Callable, given: list) -> str:
        """Name the frequent mistake that does what this answer does on every case."""
        with contextlib.redirect_stdout(io.StringIO()):  # the answer has printed already
            for mistake, sentence in self.mistakes:
                try:
                    with warnings.catch_warnings(action="ignore"):  # of a mistake's own overflow
                        if self._is_alike(answer, mistake, given):
                            return sentence
                except (Exception, SystemExit):
                    continue
        return ""

    def _is_alike(self, answer: Callable, mistake: Callable, given: list) -> bool:
        for index, case in enumerate(self.cases):
            if index == len(given):
                given.append(self._outcome(answer, case))
            if difference(given[index], self._outcome(mistake, case), self.tolerance):
                return False
        return True

    def _outcome(self, function: Callable, case: tuple):
        """Return what can be compared of a result; of a function that stops, the kind of error."""
        try:
            return self.probe(self._run(function, case))
        except Exception as error:
            return type(error).__name__


class Question(_Checked):
    """A value to predict before running anything.

    Args:
        name: how the learner calls it, such as ``"ch11.output_side"``.
        answer: the right value: a number, a string (compared without regard to case) or a tuple.
        why: one sentence, shown with the right answer.
        hints: from a nudge to almost the answer.
        mistakes: a dictionary from a frequent wrong value to the sentence that explains it.
        tolerance: largest difference that still counts as equal; of an answer above 1, this share of the answer.

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

    def _judge(self, answer) -> None:
        if answer is ...:
            return self._not_attempted()
        if answer is None:
            return self._wrong("This is None: print(...) gives no value, nor does a function without return.")
        if self._same(answer, self.answer):
            return self._right(self.why)
        for value, sentence in self.mistakes.items():
            if self._same(answer, value):
                return self._wrong(sentence)
        return self._wrong(self._in_wrapping(answer) or f"{short(answer)} is not it. {self.name}.hint() helps.")

    def solution(self) -> None:
        """Print the answer and why it is so."""
        print(f"{self.name} = {short(self.answer)}")
        _say(self.why)

    def _same(self, first, second) -> bool:
        try:
            if isinstance(first, str) and isinstance(second, str):
                return first.strip().casefold() == second.strip().casefold()
            return not difference(first, second, self.tolerance)
        except Exception:  # an object that cannot be compared with anything
            return False

    def _in_wrapping(self, answer) -> str:
        """Say what stands around a right number: quotes or brackets."""
        with contextlib.suppress(Exception):
            if isinstance(answer, str) and self._same(float(answer.replace(",", "")), self.answer):
                return f"The number is right, but {short(answer)} is a text: leave out the quotes."
            if np.size(answer) == 1 and np.ndim(answer) and self._same(np.ravel(answer)[0], self.answer):
                return f"The value is right, but {short(answer)} is a list or an array: leave out the brackets."
        return ""


def _say(text: str) -> None:
    """Print lines that fit a notebook's page."""
    print(textwrap.fill(text, WIDTH, break_long_words=False, break_on_hyphens=False))


def _told(error: BaseException) -> str:
    """Write an error in one line; even one that cannot say what it is."""
    name = type(error).__name__
    try:
        text = textwrap.shorten(str(error), 300)
    except Exception:
        text = ""
    return f"{name}: {text}" if text else f"{name}."


def _is_stub(function: Callable) -> bool:
    """Tell whether a function was left as it stood: ``...``, ``pass``, a docstring or `NotImplementedError` alone.

    Judged by its code, which touches no argument and no name, never by what it returns: an answer that prints
    returns nothing, too.
    """
    function = inspect.unwrap(getattr(function, "func", function))  # of functools.partial, of a decorator
    code = getattr(function, "__code__", None) or getattr(type(function).__call__, "__code__", None)
    if code is None:
        return False
    named = {*dis.hasname, *dis.haslocal, *dis.hasfree}
    touched = {step.argval for step in dis.get_instructions(code) if step.opcode in named}
    return touched <= {"NotImplementedError"}


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
