"""The graders are graded: each exercise's checks pass the library, and fail what is wrong."""

import importlib.util
import inspect
import sys
from collections import Counter

import pytest

from groundup.course import checking, exercise, stub

ALL = [pytest.param(topic, one, id=one.name) for topic, one in exercise.exercises()]
SEEDS = (1, 2, 3)


def loaded(text, name, tmp_path):
    """What a file with this text defines under the name."""
    path = tmp_path / f"answer_{name}.py"
    path.write_text(text, encoding="utf-8")
    spec = importlib.util.spec_from_file_location(path.stem, path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[path.stem] = module
    try:
        spec.loader.exec_module(module)
    finally:
        del sys.modules[path.stem]
    return getattr(module, name)


def parameters(function):
    """What `swap` compares: a default written as `lambda` is another one in every file."""
    return [(p.name, p.kind, p.default) for p in inspect.signature(function).parameters.values()]


def test_names_are_unique():
    names = Counter(one.name for _, one in exercise.exercises())
    assert not [name for name, count in names.items() if count > 1]


@pytest.mark.parametrize(("topic", "one"), ALL)
def test_it_is_declared_as_it_should_be(topic, one):
    assert one.problems() == []
    assert all(one.hints), topic


@pytest.mark.parametrize(("topic", "one"), ALL)
@pytest.mark.parametrize("seed", SEEDS)
def test_the_library_passes_every_check(topic, one, seed):
    outcomes = list(checking.run(one, one.reference(), seed=seed, tier="deep"))
    assert [(o.check, o.status, o.problem, o.finding) for o in outcomes] == [
        (check.says, "passed", "", None) for check in one.checks
    ]


@pytest.mark.parametrize(("topic", "one"), ALL)
def test_the_stub_is_not_implemented(topic, one, tmp_path):
    subject = loaded(stub.stub(one), one.part, tmp_path)
    statuses = {o.status for o in checking.run(one, subject, seed=1, tier="core")}
    assert statuses == {"not implemented"}
    assert one.reference().__doc__ is None or subject.__doc__ == one.reference().__doc__


@pytest.mark.parametrize(("topic", "one"), ALL)
def test_the_solution_passes(topic, one, tmp_path):
    subject = loaded(stub.solution(one), one.part, tmp_path)
    for outcome in checking.run(one, subject, seed=1, tier="deep"):
        assert outcome.status == "passed", outcome


@pytest.mark.parametrize(("topic", "one"), ALL)
def test_what_a_learner_begins_with_can_stand_in_for_the_part(topic, one, tmp_path):
    if one.methods:
        return
    subject = loaded(stub.stub(one), one.part, tmp_path)
    assert parameters(subject) == parameters(one.reference())


@pytest.mark.parametrize(("topic", "one"), ALL)
@pytest.mark.parametrize("seed", SEEDS)
def test_each_mistake_fails_where_it_should_and_is_named(topic, one, seed):
    for mistake in one.mistakes:
        outcomes = checking.run(one, mistake.answer, seed=seed, tier="deep")
        [caught] = [o for o in outcomes if o.check == mistake.caught_by]
        assert caught.status == "failed", (mistake.says, caught)
        assert caught.mistake == mistake.says


def test_an_exercise_of_a_learner_is_found_by_its_topic():
    assert [one.name for one in exercise.of_topic("p04_transformer/attention")] == ["attention"]
    assert exercise.of_topic("p04_transformer/no_such_topic") == []
