"""B2: the library's solutions pass all gates; each named mistake fails at its gate."""

from dataclasses import replace

import pytest
from tests.course.answers import solutions, spoil

from groundup.course import project, project_run
from groundup.models.array_training import ArrayTraining
from groundup.pipeline.names_study import NetworkConfig, SamplesConfig

FIRST, GRADIENT = "the first loss is the reference's", "gradients through time are the reference's"
LOSSES, BITS = "the first updates are the reference's", "it needs at most 3.4 bits for a character"
TRIGRAM = "it is better than a trigram model of the same names"
CELL, ADAM = "autograd.recurrence:lstm_cell", "optimizers.adam:adam_step"

MISTAKES = {
    "gates are taken in another order": (
        CELL, "i, f, g, o = gates", "i, f, o, g = gates", {FIRST, GRADIENT, LOSSES},
    ),
    "the cell's state does not pass through tanh": (
        CELL, "o.sigmoid() * c_BF.tanh()", "o.sigmoid() * c_BF", {FIRST, GRADIENT, LOSSES},
    ),
    "no gradient passes through the old cell state": (
        CELL, "f.sigmoid() * c_BF +", "f.sigmoid() * c_BF.detach() +", {GRADIENT, LOSSES},
    ),
    "the averages' beginning is not corrected": (
        ADAM, "m / (1 - beta1**step)", "m", {LOSSES},
    ),
    "the schedule does not fall": (
        "optimizers.schedules:schedule", "math.cos(math.pi * x)) / 2", "1) / 2", {LOSSES},
    ),
}  # fmt: skip


@pytest.fixture
def tiny(monkeypatch):
    """The study at a size that takes no time and learns nothing."""
    from groundup.course.projects.rnn_text import gates

    network = NetworkConfig(kind="lstm", width=6, train=ArrayTraining(steps=3, batch_size=8))
    samples = SamplesConfig(count=10, temperatures=(0.8,))
    monkeypatch.setattr(gates, "STUDY", replace(gates.STUDY, network=network, samples=samples))


def failed(outcome):
    return {one.gate.name for one in outcome.verdicts if not one.passed}


def test_a_network_that_has_not_learned_is_held_at_the_bars(tmp_path, tiny):
    one = project.find("rnn_text")
    solutions(one, tmp_path / "mine")
    outcome = project_run.run(one, tmp_path / "runs", workspace=tmp_path / "mine")
    assert {BITS, TRIGRAM, "they read like names"} <= failed(outcome)
    assert not failed(outcome) & {FIRST, GRADIENT, LOSSES}
    assert [one.part.of for one in outcome.parts.standings if not one.calls] == []


@pytest.mark.parametrize("says", MISTAKES)
def test_each_mistake_fails_at_its_gates(says, tmp_path, tiny):
    part, right, wrong, gates = MISTAKES[says]
    one = project.find("rnn_text")
    spoil(solutions(one, tmp_path / "mine")[part], right, wrong)
    outcome = project_run.run(one, tmp_path / "runs", workspace=tmp_path / "mine")
    assert failed(outcome) & {FIRST, GRADIENT, LOSSES} == gates


@pytest.mark.slow
def test_the_solutions_pass_every_gate(tmp_path):
    one = project.find("rnn_text")
    solutions(one, tmp_path / "mine")
    outcome = project_run.run(one, tmp_path / "runs", workspace=tmp_path / "mine")
    assert [one for one in outcome.verdicts if not one.passed] == []
