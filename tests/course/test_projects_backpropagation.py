"""B1: a workspace of the library's solutions passes; each named mistake fails at its gates."""

from dataclasses import replace

import pytest
from tests.course.answers import solutions, spoil

from groundup.course import project, project_run
from groundup.models.array_training import ArrayTraining
from groundup.pipeline.backpropagation_data import SpiralsConfig
from groundup.pipeline.backpropagation_scalar import ScalarConfig
from groundup.pipeline.backpropagation_study import NetworkConfig

VALUES = "the values are right"
RULES = "every rule's slope is the measured one"
PATHS = "gradients add up over every path"
TWICE = "a second pass adds to the first"
LONG = "a record of 5,000 values is walked through"
BROADCAST = "gradients of tensors that broadcast are the measured ones"
AGREE = "both engines agree on a network's gradients"
REFERENCE = "the network ends at the reference's loss"
LEARNED, SPIRALS = "the network has learned", "with tensors it tells the spirals apart"
VALUE, ORDER = "autograd.scalar:Value", "autograd.scalar:topological_order"
BACK, STRETCHED = "autograd.scalar:backpropagate", "autograd.rule:unbroadcast"

BREADTH_FIRST = """order, seen = [result], {id(result)}
    for value in order:
        order += [p for p in value.parents if not (id(p) in seen or seen.add(id(p)))]
    return order[::-1]"""
RECURSION = """order, seen = [], set()

    def visit(value):
        if id(value) not in seen:
            seen.add(id(value))
            for parent in value.parents:
                visit(parent)
            order.append(value)

    visit(result)
    return order"""
MISTAKES = {
    "tanh's slope is 1 - y": (VALUE, "1 - result**2", "1 - result", {RULES, PATHS}),
    "a product's slopes are swapped": (
        VALUE, "(other.data, self.data)", "(self.data, other.data)", {RULES, PATHS},
    ),
    "exp is off by a little": (
        VALUE, "math.exp(self.data)", "(1 + self.data + self.data**2 / 2)", {VALUES, RULES},
    ),
    "relu lets a gradient through where it is closed": (
        VALUE, "(float(self.data > 0),)", "(1.0,)", {RULES},
    ),
    "a gradient is assigned, not added": (
        BACK, "passed.get(id(parent), 0.0) + gradient", "gradient", {RULES, PATHS},
    ),
    "grad is overwritten by the second pass": (
        BACK, "value.grad += gradient", "value.grad = gradient", {TWICE},
    ),
    "values are visited in the order in which they are met": (
        ORDER, "order: list[Value] = []", BREADTH_FIRST, {PATHS},
    ),
    "the walk calls itself": (
        ORDER, "order: list[Value] = []", RECURSION, {LONG},
    ),
}  # fmt: skip
TENSORS = {
    "the copies' gradients are averaged": (
        STRETCHED, "return g if", "g = g * 0.5 if extra or stretched else g\n    return g if",
    ),
    "what was stretched is not summed": (STRETCHED, "if extra or stretched:", "if extra:"),
}  # fmt: skip


@pytest.fixture
def tiny(monkeypatch):
    """The study at a size that takes no time and learns nothing."""
    from groundup.course.projects.backpropagation import gates

    small = replace(
        gates.STUDY,
        data=SpiralsConfig(points=40),
        scalar=ScalarConfig(steps=2, points=4),
        network=NetworkConfig(train=ArrayTraining(steps=3)),
    )
    monkeypatch.setattr(gates, "STUDY", small)


def failed(outcome):
    return {one.gate.name for one in outcome.verdicts if not one.passed}


def test_the_solutions_pass_every_gate_and_all_of_them_ran(tmp_path):
    one = project.find("backpropagation")
    solutions(one, tmp_path / "mine")
    outcome = project_run.run(one, tmp_path / "runs", workspace=tmp_path / "mine")
    assert [one for one in outcome.verdicts if not one.passed] == []
    assert [one.part.of for one in outcome.parts.standings if not one.calls] == []


@pytest.mark.parametrize("says", MISTAKES)
def test_each_mistake_fails_at_its_gates(says, tmp_path, tiny):
    part, right, wrong, gates = MISTAKES[says]
    one = project.find("backpropagation")
    spoil(solutions(one, tmp_path / "mine")[part], right, wrong)
    outcome = project_run.run(one, tmp_path / "runs", workspace=tmp_path / "mine")
    early = {VALUES, RULES, PATHS, TWICE, LONG, BROADCAST}
    assert failed(outcome) & early == gates


@pytest.mark.parametrize("says", TENSORS)
def test_each_mistake_with_tensors_fails_where_they_broadcast(says, tmp_path, tiny):
    part, right, wrong = TENSORS[says]
    one = project.find("backpropagation")
    spoil(solutions(one, tmp_path / "mine")[part], right, wrong)
    outcome = project_run.run(one, tmp_path / "runs", workspace=tmp_path / "mine")
    assert BROADCAST in failed(outcome)
    assert not failed(outcome) & {VALUES, RULES, PATHS, TWICE, LONG}


def test_a_wrong_rule_trains_another_network_than_the_reference(tmp_path):
    one = project.find("backpropagation")
    spoil(solutions(one, tmp_path / "mine")[VALUE], "1 - result**2", "1 - result")
    outcome = project_run.run(one, tmp_path / "runs", workspace=tmp_path / "mine")
    assert failed(outcome) >= {RULES, AGREE, REFERENCE}


def test_a_class_that_changed_is_trained_anew(tmp_path, tiny):
    one = project.find("backpropagation")
    file = solutions(one, tmp_path / "mine")[VALUE]
    right = project_run.run(one, tmp_path / "runs", workspace=tmp_path / "mine")
    assert REFERENCE not in failed(right)
    spoil(file, "1 - result**2", "1 - result")
    wrong = project_run.run(one, tmp_path / "runs", workspace=tmp_path / "mine")
    assert AGREE in failed(wrong)
