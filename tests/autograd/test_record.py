"""The engine's record: what is kept, for how long, and in which order gradients pass."""

import gc
import tracemalloc
import weakref

import numpy as np
import pytest

from groundup.autograd.record import gradients, is_recording, no_grad
from groundup.autograd.tensor import Tensor


def leaf(*values):
    return Tensor(np.array(values), requires_grad=True)


def test_a_shared_value_is_complete_before_it_passes_on():
    a = leaf(3.0)
    b = a + a
    c = b + b
    c.backward()
    assert a.grad.tolist() == [4.0]


def test_gradients_of_two_leaves_do_not_share_memory():
    a, b = leaf(1.0, 2.0), leaf(3.0, 4.0)
    (a + b).sum().backward()
    a.grad.data *= 0
    assert b.grad.tolist() == [1.0, 1.0]


def test_gradients_add_up_over_calls_and_the_sum_is_new_memory():
    a = leaf(1.0)
    (a * 2).backward()
    first = a.grad
    (a * 3).backward()
    assert a.grad.tolist() == [5.0]
    assert first.tolist() == [2.0]


def test_a_record_is_thrown_away_after_backward_unless_it_is_kept():
    a = leaf(2.0)
    y = a * a
    y.backward(retain_graph=True)
    y.backward()
    assert a.grad.tolist() == [8.0]
    with pytest.raises(ValueError, match="retain_graph=True"):
        y.backward()


def test_nothing_is_recorded_under_no_grad_also_after_an_error():
    a = leaf(1.0)
    with no_grad():
        assert not is_recording()
        assert not (a * 2).requires_grad
    with pytest.raises(IndexError), no_grad():
        a[5]
    assert is_recording()
    assert (a * 2).requires_grad


def test_constants_get_no_gradient_and_no_record():
    a, constant = leaf(1.0), Tensor([2.0])
    y = constant * 3
    assert y.node is None
    (a * y).backward()
    assert constant.grad is None


def test_integers_and_comparisons_are_not_recorded():
    a = leaf(1.0, 2.0)
    assert not (a > 1.5).requires_grad
    assert not a.argmax().requires_grad
    assert not a.long().requires_grad


def test_a_chain_of_any_depth_needs_no_recursion():
    a = leaf(1.0)
    y = a
    for _ in range(20_000):
        y = y + 1
    y.backward()
    assert a.grad.tolist() == [1.0]


def test_values_are_freed_without_the_garbage_collector():
    gc.disable()
    try:
        a = leaf(1.0, 2.0)
        middle = a.exp()
        watch = weakref.ref(middle)
        loss = (middle * middle).sum()
        del middle
        assert watch() is not None  # the record needs it
        loss.backward()
        assert watch() is None  # thrown away at once, though `loss` is still there
        again = (a.exp() * 2).sum()
        del again
        second = a.tanh()
        watch = weakref.ref(second)
        result = second.sum()
        del second, result
        assert watch() is None
    finally:
        gc.enable()


def test_steps_of_training_leave_no_memory_behind():
    weight = Tensor(np.ones((50, 50)), requires_grad=True)
    x = Tensor(np.ones((20, 50)))

    def step():
        loss = (x @ weight).tanh().square().mean()
        loss.backward()
        weight.grad = None

    step()
    tracemalloc.start()
    try:
        step()
        before = tracemalloc.get_traced_memory()[0]
        for _ in range(20):
            step()
        assert tracemalloc.get_traced_memory()[0] - before < 10_000  # a step makes 100 kB
    finally:
        tracemalloc.stop()


def test_a_value_in_the_middle_keeps_its_gradient_when_asked():
    a = leaf(2.0)
    b = a * 3
    b.retain_grad()
    (b * b).backward()
    assert b.grad.tolist() == [12.0]
    assert a.grad.tolist() == [36.0]


def test_gradients_of_chosen_values_leave_grad_alone():
    a, unused = leaf(2.0), leaf(5.0)
    b = a * a
    y = b * a
    found = gradients(y, [a, b, unused])
    # b is among the inputs, so what passes through b to a is not counted for a, as in torch
    assert found[0].tolist() == [4.0]
    assert found[1].tolist() == [2.0]
    assert found[2] is None
    assert a.grad is None


def test_third_derivatives():
    x = leaf(2.0)
    first = gradients(x**4, [x], create_graph=True)[0]
    second = gradients(first, [x], create_graph=True)[0]
    third = gradients(second, [x])[0]
    assert (first.item(), second.item(), third.item()) == (32.0, 48.0, 48.0)


def test_create_graph_puts_a_gradient_that_can_be_differentiated():
    x = leaf(3.0)
    (x**3).backward(create_graph=True)
    penalty = (x.grad * x.grad).sum()
    x.grad = None
    penalty.backward()
    assert x.grad.tolist() == [2 * 27.0 * 18.0]


def test_bad_calls_are_refused():
    a = leaf(1.0, 2.0)
    with pytest.raises(ValueError, match="reduce it"):
        (a * 2).backward()
    with pytest.raises(ValueError, match=r"shape \(3,\)"):
        (a * 2).backward(np.ones(3))
    with pytest.raises(ValueError, match="requires_grad=True on an input"):
        Tensor([1.0]).backward()
