"""The backpropagation project, end to end and small."""

import json
import math
from dataclasses import replace

import numpy as np
import pytest

from groundup import swap
from groundup.autograd.scalar import Value
from groundup.cli.build import find_recipe, parse
from groundup.pipeline.backpropagation_data import SpiralsConfig, spirals
from groundup.pipeline.backpropagation_scalar import ScalarConfig, scalar_loss
from groundup.pipeline.backpropagation_study import (
    BackpropagationConfig,
    NetworkConfig,
    SignalsConfig,
)
from groundup.pipeline.backpropagation_summary import table
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
    losses = json.loads((folder / "scalar" / "result.json").read_text())["losses"]
    assert losses[-1] < 0.6 * losses[0]
    assert np.all(np.diff(losses) < 0)  # the rate is small enough for plain descent


def test_the_spirals_are_two_arms():
    points, labels = spirals(SpiralsConfig(points=400, noise=0.0))
    assert points.shape == (400, 2)
    assert labels.sum() == 200
    radius = np.hypot(*points.T)
    angle = np.arctan2(points[:, 1], points[:, 0])
    turned = (angle - 2 * np.pi * 1.5 * radius - np.pi * labels[:, 0]) / (2 * np.pi)
    np.testing.assert_allclose(turned, np.round(turned), atol=1e-4)


def test_bad_settings_and_a_learners_backpropagation(tmp_path):
    for make, words in (
        (lambda: SpiralsConfig(points=5), "points is 5"),
        (lambda: SpiralsConfig(turns=math.nan), "turns nan"),
        (lambda: SpiralsConfig(noise=math.inf), "noise inf"),
        (lambda: ScalarConfig(points=0), "all must be above 0"),
        (lambda: ScalarConfig(lr=math.inf), "all must be above 0"),
        (lambda: NetworkConfig(hidden=(8, 0)), "layers of 1 or more neurons"),
        (lambda: NetworkConfig(activation="odd"), "one of relu, leaky_relu"),
        (lambda: SignalsConfig(depth=0), "both must be above 0"),
        (lambda: BackpropagationConfig(name=""), "folder's name"),
    ):
        with pytest.raises(ValueError, match=words):
            make()
    settings, _, _ = parse(find_recipe("backpropagation"), "backpropagation", ["--depth", "3"])
    assert settings.signals.depth == 3
    file = tmp_path / "mine.py"
    file.write_text("def backpropagate(result):\n    result.grad = 1.0\n", encoding="utf-8")
    use = swap.load(f"autograd.scalar:backpropagate={file}")
    folder = build(backpropagation(quick=True), tmp_path / "runs", uses=[use])
    scalar = json.loads((folder / "scalar" / "result.json").read_text())
    assert scalar["losses"][0] == scalar["losses"][-1]  # it passes nothing back: nothing is learnt
    assert scalar["apart_from_tensors"] > 1e-3


def refuse(constant):
    raise AssertionError(f"{constant} is not JSON")


def test_what_no_float32_holds_is_null_in_the_files(tmp_path):
    deep = replace(backpropagation(quick=True), signals=SignalsConfig(depth=60))
    folder = build(deep, tmp_path)
    for stage in ("signals", "summary"):
        text = (folder / stage / "result.json").read_text()
        found = json.loads(text, parse_constant=refuse)
    assert [None, None] in found["signals"]["large"]
    lines = table(found["scalar"], found["network"], found["signals"])
    assert any("large" in line and "it explodes" in line for line in lines)
    assert any("small" in line and "it has vanished" in line for line in lines)


@pytest.mark.parametrize("weight", [0.0, 3.0, -3.0, 900.0, -900.0])
def test_the_scalar_loss_is_logaddexp_and_does_not_overflow(weight):
    value = Value(weight)
    points, labels = np.array([[1.0], [0.5]]), np.array([1.0, 0.0])
    loss = scalar_loss([[[value]]], [[Value(0.0)]], points, labels)
    loss.backward()
    wrong = np.array([-weight, 0.5 * weight])
    assert loss.data == pytest.approx(np.logaddexp(0, wrong).mean(), rel=1e-14, abs=1e-300)
    share = 0.5 * (1 + np.tanh(wrong / 2))  # the sigmoid: the loss's slope
    assert value.grad == pytest.approx((share * [-1.0, 0.5]).mean(), rel=1e-12, abs=1e-15)


def test_a_rate_beyond_reason_is_a_clear_error(tmp_path):
    wild = replace(backpropagation(quick=True), scalar=ScalarConfig(steps=6, lr=1e308))
    with pytest.raises(ValueError, match=r"the loss is (nan|inf) at step \d; lower the rate"):
        build(wild, tmp_path)
    settings = backpropagation(quick=True)
    train = replace(settings.network.train, lr=1e30)
    wild = replace(settings, network=replace(settings.network, train=train, activation="relu"))
    with pytest.raises(ValueError, match="lower the"):
        build(wild, tmp_path)
