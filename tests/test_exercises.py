"""One contract for every exercise and question of every chapter: right passes, wrong is refused with a reason."""

import ast
import importlib
import pkgutil
import re

import numpy as np
import pytest

from bmkit import exercises, scratch
from bmkit.check import Exercise, Question
from bmkit.course import knowledge

NAMES = (module.name for module in pkgutil.iter_modules(exercises.__path__))
CHAPTERS = sorted(name for name in NAMES if name.startswith("ch"))
MODULES = {name: importlib.import_module(f"bmkit.exercises.{name}") for name in CHAPTERS}


def collected(kind):
    for chapter, module in MODULES.items():
        for name, value in vars(module).items():
            if isinstance(value, kind):
                yield pytest.param(value, f"{chapter}.{name}", id=f"{chapter}.{name}")


def known_mistakes():
    for parameter in collected((Exercise, Question)):
        item, _ = parameter.values
        pairs = item.mistakes if isinstance(item, Exercise) else item.mistakes.items()
        for number, (mistake, sentence) in enumerate(pairs):
            yield pytest.param(item, mistake, sentence, id=f"{parameter.id}-mistake{number}")


each = pytest.mark.parametrize(("item", "place"), list(collected((Exercise, Question))))
each_exercise = pytest.mark.parametrize(("exercise", "place"), list(collected(Exercise)))
each_question = pytest.mark.parametrize(("question", "place"), list(collected(Question)))


@pytest.fixture
def verdict(capsys):
    """Check an answer and return what the learner reads."""

    def check(item, answer):
        item.check(answer)
        printed = capsys.readouterr().out
        assert item.name in printed
        return printed

    return check


def plus_one(result):
    """Spoil a result, whatever it is made of."""
    if isinstance(result, (tuple, list)):
        return type(result)(plus_one(part) for part in result)
    if isinstance(result, str):
        return result + "!"
    if isinstance(result, (bool, np.bool_)):
        return not result
    return result + 1


def one_more_axis(result):
    return np.asarray(result)[np.newaxis]


def stub(*arguments): ...


@pytest.mark.parametrize("chapter", CHAPTERS)
def test_the_exercises_of_a_chapter_have_the_common_form(chapter):
    assert re.fullmatch(r"ch\d\d", chapter)
    faults = knowledge.faults_of(MODULES[chapter])
    assert not faults, "\n".join(faults)


def test_there_are_chapters():
    assert {"ch00", "ch04", "ch11"} <= set(CHAPTERS)


@each
def test_an_untouched_answer_is_not_attempted(verdict, item, place):
    assert verdict(item, ...).startswith(f"○ {place}: not attempted yet")


@each
def test_none_is_an_attempt(verdict, item, place):  # what a call of print, or of a function without return, gives
    assert verdict(item, None).startswith(f"✗ {place}: not yet. ")


@each_exercise
def test_an_untouched_stub_is_not_attempted(verdict, exercise, place):
    assert verdict(exercise, stub).startswith(f"○ {place}: not attempted yet")


@each_exercise
def test_a_forgotten_return_is_called_that(verdict, exercise, place):
    def forgetful(*arguments):
        exercise.reference(*arguments)

    assert "your function returned nothing. End it with return and the result" in verdict(exercise, forgetful)


@each_exercise
def test_the_reference_passes_its_own_check(verdict, exercise, place):
    assert verdict(exercise, exercise.reference) == f"✓ {place}: right. All {len(exercise.cases)} cases agree.\n"


# References that are written out for the page, where the formula of `bmkit.scratch` takes other arguments.
WRITTEN_OUT = {
    "ch00.accuracy": scratch.accuracy,
    "ch01.forward": lambda x, *weights: scratch.mlp_forward(x, weights),
    "ch05.momentum": lambda w, g, v, rate, beta: scratch.momentum_step(w, g, v, learning_rate=rate, momentum=beta),
    "ch06.penalty_slope": lambda w, l1, l2: scratch.l1_penalty_gradient(w, l1) + scratch.l2_penalty_gradient(w, l2),
    "ch08.scale_like": lambda train, other: scratch.standardize(other, train.mean(axis=0), train.std(axis=0)),
    "ch16.layer_norm": lambda x, epsilon: scratch.layer_norm(x, epsilon=epsilon),
}


@pytest.mark.parametrize("place", WRITTEN_OUT)
def test_a_reference_written_out_is_the_formula_of_scratch(verdict, place):
    chapter, name = place.split(".")
    assert verdict(getattr(MODULES[chapter], name), WRITTEN_OUT[place]).startswith(f"✓ {place}: right.")


@each_exercise
@pytest.mark.parametrize("spoil", [plus_one, one_more_axis, lambda result: "text"], ids=["+1", "shape", "text"])
def test_a_wrong_answer_is_refused_and_the_case_is_named(verdict, exercise, place, spoil):
    printed = verdict(exercise, lambda *arguments: spoil(exercise.reference(*arguments)))
    assert printed.startswith(f"✗ {place}: not yet. ")
    reason = printed.split("not yet. ")[1].strip()
    assert len(reason) > 20 and (reason.startswith("For ") or reason in [said for _, said in exercise.mistakes])


@each_exercise
def test_an_answer_right_in_all_but_the_last_case_is_refused(verdict, exercise, place):
    calls = iter(range(len(exercise.cases)))

    def almost(*arguments):
        result = exercise.reference(*arguments)
        return plus_one(result) if next(calls, 0) == len(exercise.cases) - 1 else result

    assert verdict(exercise, almost).startswith(f"✗ {place}: not yet. For ")


@each_exercise
def test_code_that_stops_is_refused_with_its_error(verdict, exercise, place):
    def stops(*arguments):
        raise ZeroDivisionError("by nothing")

    assert "your code stopped with ZeroDivisionError: by nothing" in verdict(exercise, stops)


@pytest.mark.parametrize(("item", "mistake", "sentence"), known_mistakes())
def test_a_known_mistake_is_wrong_and_its_sentence_is_what_the_learner_sees(verdict, item, mistake, sentence):
    assert verdict(item, mistake) == f"✗ {item.name}: not yet. {sentence}\n"


@each_question
def test_a_question_accepts_its_answer_and_says_why(verdict, question, place):
    assert verdict(question, question.answer) == f"✓ {place}: right. {question.why}\n"


@each_question
def test_a_question_refuses_other_answers(verdict, question, place):
    spoiled = plus_one(question.answer)
    if isinstance(question.answer, (int, float)):  # beyond what the question lets pass
        spoiled = question.answer + 1 + 3 * question.tolerance * max(abs(question.answer), 1)
    kinds = [spoiled, "nothing of the sort", [spoiled, spoiled], float("nan"), lambda: question.answer]
    for answer in kinds:
        assert verdict(question, answer).startswith(f"✗ {place}: not yet. ")
    assert f"{place}.hint() helps" in verdict(question, "nothing of the sort")


@each_question
def test_a_question_tells_neighbours_apart(verdict, question, place):
    if isinstance(question.answer, (int, float)):
        relative = max(abs(question.answer), 1.0)
        assert verdict(question, question.answer + relative * question.tolerance / 2).startswith("✓")
        assert verdict(question, question.answer + relative * question.tolerance * 3).startswith("✗")


@each
def test_hints_are_a_ladder(capsys, item, place):
    for number, hint in enumerate(item.hints, start=1):
        item.hint()
        assert capsys.readouterr().out == f"Hint {number} of {len(item.hints)}: {hint}\n"
    item._hints_given = 0  # as found: exercises live as long as their module


@each
def test_the_solution_shows_the_answer(capsys, item, place):
    item.solution()
    printed = capsys.readouterr().out
    if isinstance(item, Exercise):
        assert item.reference.__name__ in printed and "return" in printed and '"""' not in printed
        ast.parse(printed)  # what is shown can be run
    else:
        assert printed.startswith(f"{place} = ") and item.why in printed
        shown = printed.split("\n")[0].removeprefix(f"{place} = ")
        value = ast.literal_eval(shown)
        right = value == item.answer or np.allclose(value, item.answer, rtol=max(item.tolerance, 1e-4))
        assert right, "the printed answer is not accepted"
