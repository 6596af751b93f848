"""The backpropagation project, end to end and small."""

import json

import numpy as np
import pytest

from groundup import swap
from groundup.cli.build import find_recipe, parse
from groundup.pipeline.backpropagation_study import (
    BackpropagationConfig,
    SpiralsConfig,
    spirals,
)
from groundup.pipeline.build import build
from groundup.recipes.backpropagation import backpropagation


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    lines = []
    folder = build(backpropagation(quick=True), tmp_path_factory.mktemp("runs"), say=lines.append)
    return folder, lines


def test_every_stage_does_its_part(built):
    folder, lines = built
    scalar, network, signals = (
        json.loads((folder / name / "result.json").read_text())
        for name in ("scalar", "network", "signals")
    )
    assert scalar["losses"][-1] < scalar["losses"][0]
    assert scalar["apart_from_tensors"] < 1e-14  # both in float64, sums of twenty terms
    assert 0.4 < network["accuracy"] <= 1
    assert set(signals) == {"he", "xavier", "orthogonal", "large", "small"}
    assert signals["small"][0][1] < 1e-3 * signals["he"][0][1] < signals["large"][0][1]
    assert (folder / "summary" / "backpropagation.png").stat().st_size > 20_000
    assert "both engines' gradients agree" in (folder / "summary" / "table.txt").read_text()
    assert len(lines) > 8


def test_it_is_not_done_twice(built):
    folder, _ = built
    lines = []
    build(backpropagation(quick=True), folder.parent, say=lines.append)
    assert all(line.endswith("up to date") for line in lines)


@pytest.mark.slow
def test_the_whole_project_parts_the_spirals(tmp_path):
    folder = build(backpropagation(), tmp_path)
    network = json.loads((folder / "network" / "result.json").read_text())
    assert network["accuracy"] > 0.95


def test_the_spirals_are_two_arms():
    points, labels = spirals(SpiralsConfig(points=400, noise=0.0))
    assert points.shape == (400, 2)
    assert labels.sum() == 200
    radius = np.hypot(*points.T)
    angle = np.arctan2(points[:, 1], points[:, 0])
    turned = (angle - 2 * np.pi * 1.5 * radius - np.pi * labels[:, 0]) / (2 * np.pi)
    np.testing.assert_allclose(turned, np.round(turned), atol=1e-4)


def test_bad_settings_and_a_learners_backpropagation(tmp_path):
    with pytest.raises(ValueError, match="points is 5"):
        SpiralsConfig(points=5)
    with pytest.raises(ValueError, match="folder's name"):
        BackpropagationConfig(name="")
    settings, _, _ = parse(find_recipe("backpropagation"), "backpropagation", ["--depth", "3"])
    assert settings.signals.depth == 3
    file = tmp_path / "mine.py"
    file.write_text("def backpropagate(result):\n    result.grad = 1.0\n", encoding="utf-8")
    use = swap.load(f"autograd.scalar:backpropagate={file}")
    folder = build(backpropagation(quick=True), tmp_path / "runs", uses=[use])
    scalar = json.loads((folder / "scalar" / "result.json").read_text())
    assert scalar["losses"][0] == scalar["losses"][-1]  # it passes nothing back: nothing is learnt
    assert scalar["apart_from_tensors"] > 1e-3
