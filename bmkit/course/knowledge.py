"""The form of an exercise: what its author owes the learner, in one sentence each where it is missing."""

import ast
import inspect
import re
import textwrap
from collections.abc import Iterator
from types import ModuleType

from bmkit.check import Exercise, Question

__all__ = ["faults_of"]


def faults_of(module: ModuleType) -> list[str]:
    """Say what the exercises of a chapter still lack.

    Args:
        module: such as `bmkit.exercises.ch05`.

    Returns:
        One sentence a fault.

    Example:
        >>> from bmkit.exercises import ch05
        >>> faults_of(ch05)
        []
    """
    items = {name: one for name, one in vars(module).items() if isinstance(one, (Exercise, Question))}
    found = []
    listed = getattr(module, "__all__", None)
    if listed != sorted(items):
        found.append(f"__all__ is {listed}, expected {sorted(items)}, the names of the exercises in order")
    for name, item in items.items():
        place = f"{module.__name__.rpartition('.')[2]}.{name}"
        found += [f"{place}: {fault}" for fault in (*_common(item, place), *_of_its_kind(item))]
    return found


def _common(item: Exercise | Question, place: str) -> Iterator[str]:
    if item.name != place:
        yield f"it is called {item.name!r}, but learners find it at {place!r}"
    yes_or_no = isinstance(item, Question) and str(item.answer).casefold() in ("yes", "no")
    least = 1 if yes_or_no else 2
    if len(item.hints) < least or len(set(item.hints)) < len(item.hints):
        yield f"{len(item.hints)} hints; {least} different ones at least, from a nudge to almost the answer"
    for hint in item.hints:
        if len(hint) <= 10:
            yield f"the hint {hint!r} has {len(hint)} letters; one that helps has more than ten"
    sentences = [said for _, said in item.mistakes] if isinstance(item, Exercise) else list(item.mistakes.values())
    if len(set(sentences)) < len(sentences):
        yield "two mistakes are explained alike"
    for said in sentences:
        if len(said) <= 15 or not said.endswith("."):
            yield f"the mistake {said!r} is not explained in a whole sentence with a full stop"


def _of_its_kind(item: Exercise | Question) -> Iterator[str]:
    if isinstance(item, Question):
        if len(item.why) <= 10:
            yield f"why is {item.why!r}; say in a sentence why the answer is right"
        return
    if len(item.cases) < 3:
        yield f"{len(item.cases)} cases; fewer than three let a wrong answer through by luck"
    is_function = inspect.isfunction(item.reference)
    if not is_function or item.reference.__name__ == "<lambda>":
        kind = "lambda" if is_function else type(item.reference).__name__
        yield f"the reference is a {kind}; write a function with def and return, which solution() can print"
        return
    tree = ast.parse(textwrap.dedent(inspect.getsource(item.reference)))
    returned = [ast.unparse(node.value) for node in ast.walk(tree) if isinstance(node, ast.Return) and node.value]
    full = {re.sub(r"\s", "", text) for text in returned if len(text) > 12}
    for hint in item.hints:
        if re.sub(r"\s", "", hint) in full:
            yield f"the hint {hint!r} is the whole answer"
