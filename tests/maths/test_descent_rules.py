"""Every rule equals the function of the room `optimizers` and torch's optimizer, step by step."""

from functools import partial

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from groundup.maths import descent_rules as rules
from groundup.optimizers.adam import adam_step
from groundup.optimizers.adamw import adamw_step
from groundup.optimizers.rmsprop import rmsprop_step
from groundup.optimizers.sgd import sgd_step

STEPS = 20
# 20 steps, each with some ten roundings of numbers below 10: 20 * 10 * 10 * 1.1e-16 < 1e-12
TOLERANCE = 1e-12
DECAYS = st.sampled_from([0.0, 0.1])
RATES = st.floats(1e-3, 0.5)
SEEDS = st.integers(0, 2**31)


def walk(rule, seed):
    """The parameters after each step, with gradients that do not depend on them."""
    rng = np.random.default_rng(seed)
    parameter, state, path = rng.normal(size=(2, 3)), None, []
    for t in range(1, STEPS + 1):
        parameter, state = rule(parameter, rng.normal(size=(2, 3)), state, t)
        path.append(parameter)
    return np.array(path)


def with_state(step, first, *, counts=False):
    """A function of `optimizers` as a rule: its first state, and whether it wants the step."""

    def rule(parameter, gradient, state, t):
        state = first(parameter) if state is None else state
        return step(parameter, gradient, state, t) if counts else step(parameter, gradient, state)

    return rule


def pair_of_zeros(p):
    return np.zeros_like(p), np.zeros_like(p)


def by_torch(optimizer, seed):
    rng = np.random.default_rng(seed)
    parameter = torch.tensor(rng.normal(size=(2, 3)), requires_grad=True)
    optimizer, path = optimizer([parameter]), []
    for _ in range(STEPS):
        parameter.grad = torch.tensor(rng.normal(size=(2, 3)))
        optimizer.step()
        path.append(parameter.detach().numpy().copy())
    return np.array(path)


def same(seed, rule, theirs, torchs):
    ours = walk(rule, seed)
    assert np.abs(ours - walk(theirs, seed)).max() <= TOLERANCE
    assert np.abs(ours - by_torch(torchs, seed)).max() <= TOLERANCE


@pytest.mark.reference
@settings(max_examples=25)
@given(SEEDS, RATES, DECAYS)
def test_gradient_descent(seed, lr, decay):
    flags = {"lr": lr, "weight_decay": decay}
    same(
        seed,
        partial(rules.gradient_descent, **flags),
        with_state(partial(sgd_step, **flags), np.zeros_like),
        partial(torch.optim.SGD, **flags),
    )


@pytest.mark.reference
@pytest.mark.parametrize("ahead", [False, True])
@settings(max_examples=25)
@given(SEEDS, RATES, DECAYS, st.floats(0.01, 0.99))
def test_momentum_and_nesterov(ahead, seed, lr, decay, mu):
    flags = {"lr": lr, "weight_decay": decay, "momentum": mu, "nesterov": ahead}
    rule = rules.nesterov if ahead else rules.momentum
    same(
        seed,
        partial(rule, lr=lr, weight_decay=decay, mu=mu),
        with_state(partial(sgd_step, **flags), np.zeros_like),
        partial(torch.optim.SGD, **flags),
    )


@pytest.mark.reference
@settings(max_examples=25)
@given(SEEDS, RATES, DECAYS, st.floats(0, 0.999), st.sampled_from([1e-8, 1e-3]))
def test_rmsprop(seed, lr, decay, alpha, eps):
    flags = {"lr": lr, "weight_decay": decay, "alpha": alpha, "eps": eps}
    same(
        seed,
        partial(rules.rmsprop, **flags),
        with_state(partial(rmsprop_step, **flags), np.zeros_like),
        partial(torch.optim.RMSprop, **flags),
    )


@pytest.mark.reference
@pytest.mark.parametrize("decoupled", [False, True])
@settings(max_examples=25)
@given(
    SEEDS, RATES, DECAYS, st.floats(0, 0.99), st.floats(0.5, 0.999), st.sampled_from([1e-8, 1e-3])
)
def test_adam_and_adamw(decoupled, seed, lr, decay, beta1, beta2, eps):
    flags = {"lr": lr, "weight_decay": decay, "betas": (beta1, beta2), "eps": eps}
    same(
        seed,
        partial(rules.adamw if decoupled else rules.adam, **flags),
        with_state(
            partial(adamw_step if decoupled else adam_step, **flags), pair_of_zeros, counts=True
        ),
        partial(torch.optim.AdamW if decoupled else torch.optim.Adam, **flags),
    )


@given(SEEDS, st.floats(1e-6, 1e6))
def test_adam_does_not_care_for_the_scale_of_the_gradient(seed, scale):
    def scaled(parameter, gradient, state, t):
        return rules.adam(parameter, scale * gradient, state, t, lr=0.1, eps=0.0)

    # a common factor cancels but for some roundings a step
    assert (
        np.abs(walk(scaled, seed) - walk(partial(rules.adam, lr=0.1, eps=0.0), seed)).max() < 1e-11
    )


def test_a_rule_leaves_its_arguments_alone():
    for rule in (rules.momentum, rules.nesterov, rules.rmsprop, rules.adam, rules.adamw):
        p, g = np.ones(2), np.full(2, 3.0)
        _, state = rule(p, g, None, 1, lr=0.1)
        copies = [part.copy() for part in (state if isinstance(state, tuple) else (state,))]
        rule(p, g, state, 2, lr=0.1)
        assert p.tolist() == [1, 1]
        assert g.tolist() == [3, 3]
        for part, copy in zip(state if isinstance(state, tuple) else (state,), copies, strict=True):
            assert (part == copy).all()
