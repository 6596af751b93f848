"""Proximal Newton: both ways to step arrive at the same minimum, and no step goes up."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from groundup.classical import proximal_newton as module
from groundup.classical.logistic_loss import LogisticObjective
from groundup.classical.proximal_newton import (
    class_step,
    joint_step,
    line_search,
    proximal_newton,
    steepest_slope,
)


def make(seed, classes=3, l2=0.01, fit_intercept=True):
    rng = np.random.default_rng(seed)
    X, numbers = rng.normal(size=(40, 4)), rng.integers(classes, size=40)
    targets = (np.arange(classes)[:, None] == numbers).astype(float)
    if classes == 2:
        targets = targets[1:]
    return LogisticObjective(X, targets, np.full(40, 1 / 40), l2, fit_intercept)


def cost(objective, W, l1):
    return objective.value(W.ravel()) + l1 * np.abs(W[:, objective.penalised]).sum()


@settings(max_examples=40)
@given(
    seed=st.integers(0, 2**32 - 1),
    classes=st.integers(2, 4),
    l1=st.sampled_from([0.0, 0.02, 0.2]),
    fit_intercept=st.booleans(),
)
def test_no_step_goes_up_and_parabolas_fall_first(seed, classes, l1, fit_intercept):
    objective = make(seed, classes, fit_intercept=fit_intercept)
    W = np.random.default_rng(seed).normal(size=objective.shape)
    before = cost(objective, W, l1)
    for _ in range(4):
        for k in range(len(W)):
            step = np.zeros_like(W)
            step[k] = class_step(objective, W, k, l1, 1e-10)
            line_search(objective, W, step, l1)
            now = cost(objective, W, l1)
            assert now <= before + 1e-14
            before = now
    if len(W) > 1:
        line_search(objective, W, joint_step(objective, W, l1, 1e-10), l1)
        assert cost(objective, W, l1) <= before + 1e-14


@pytest.mark.parametrize("l1", [0.0, 0.03])
@pytest.mark.parametrize("fit_intercept", [True, False])
def test_class_by_class_it_arrives_where_all_together_do(monkeypatch, l1, fit_intercept):
    objective = make(1, l2=0.02, fit_intercept=fit_intercept)
    start = np.zeros(objective.shape)
    joint, few, arrived = proximal_newton(objective, start, l1, tol=1e-9)
    assert arrived
    monkeypatch.setattr(module, "_LARGEST_HESSIAN", 0)
    apart, many, arrived = proximal_newton(objective, start, l1, tol=1e-9, max_iter=10_000)
    assert arrived
    assert few < many
    if fit_intercept:  # a shift of all intercepts is free
        joint[:, -1] -= joint[:, -1].mean()
        apart[:, -1] -= apart[:, -1].mean()
    # slopes of 1e-9 over a curvature of at least 0.02
    np.testing.assert_allclose(joint, apart, rtol=0, atol=1e-6)


def test_the_steepest_slope_is_zero_at_a_kink_that_holds():
    objective = make(2, classes=2)
    W = np.zeros(objective.shape)
    W, _, _ = proximal_newton(objective, W, 10.0, tol=1e-10)
    assert (W[:, :-1] == 0).all()
    assert steepest_slope(objective, W, 10.0) <= 1e-10
    assert steepest_slope(objective, W, 0.0) > 1e-3


def test_rounds_that_were_too_few_are_told():
    objective = make(3)
    _, rounds, arrived = proximal_newton(
        objective, np.zeros(objective.shape), 0.01, tol=1e-12, max_iter=1
    )
    assert rounds == 1
    assert not arrived


def test_a_step_that_would_rise_is_not_taken():
    objective = make(4)
    W = np.zeros(objective.shape)
    gradient = objective.gradient(W.ravel()).reshape(W.shape)
    assert not line_search(objective, W, gradient, 0.0)
    assert (W == 0).all()
    assert line_search(objective, W, -1e6 * gradient, 0.0)  # far too long, so it is shortened
