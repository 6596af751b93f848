"""Input that breaks engines: repeated inputs, odd memory, nothing at all, NaN, changed data.

Judged by torch. Both sides compute in float64 with sums of at most some ten terms of size 1, so
they differ by some ten units in the last place: 1e-12 is four hundred of them and more.
"""

import copy
import pickle
import threading

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from groundup.autograd import functions
from groundup.autograd.linear import Linear
from groundup.autograd.module import Parameter
from groundup.autograd.record import gradients, is_recording, no_grad
from groundup.autograd.tensor import Tensor

INF, NAN = np.inf, np.nan
BOUND = {"rtol": 1e-12, "atol": 1e-12}


def normal(*shape):
    return np.random.default_rng(0).standard_normal(shape)


def picked(*index):
    """x[index] of arrays, for both engines."""

    def pick(x):
        is_torch = isinstance(x, torch.Tensor)
        parts = tuple(torch.tensor(part) if is_torch else np.array(part) for part in index)
        return x[parts[0] if len(parts) == 1 else parts]

    return pick


def conv2d(x, w):
    return (F if isinstance(x, torch.Tensor) else functions).conv2d(x, w, padding=1)


def attend(x):
    return F.scaled_dot_product_attention(x, x, x)


def check(function, *arrays, second=True):
    """Value, gradient, and gradient of the gradients' squares, where torch has one."""
    mine = [Tensor(array, requires_grad=True) for array in arrays]
    theirs = [torch.tensor(np.array(array, order="C"), requires_grad=True) for array in arrays]
    with np.errstate(all="ignore"):
        y, z = function(*mine), function(*theirs)
        np.testing.assert_allclose(y.data, z.detach().numpy(), **BOUND)
        assert y.shape == tuple(z.shape)
        g = normal(*y.shape)
        found = gradients(y, mine, g, create_graph=second)
        known = torch.autograd.grad(z, theirs, torch.tensor(g), create_graph=second)
        for one, other in zip(found, known, strict=True):
            np.testing.assert_allclose(one.data, other.detach().numpy(), **BOUND)
        total = sum((one * one).sum() for one in known)
        if second and total.requires_grad:
            own_total = sum((one * one).sum() for one in found)
            is_curved = own_total.requires_grad  # else our second derivative is 0
            found = gradients(own_total, mine) if is_curved else [None] * len(mine)
            known = torch.autograd.grad(total, theirs, allow_unused=True)
            for one, other in zip(found, known, strict=True):
                own = 0.0 if one is None else one.data
                np.testing.assert_allclose(
                    own, 0.0 if other is None else other.numpy(), rtol=1e-10, atol=1e-10
                )


ONE_INPUT_TWICE = {
    "product with its transpose": (lambda x: x @ x.T, [normal(3, 4)]),
    "cat": (lambda x: torch.cat([x, x]), [normal(3, 4)]),
    "stack": (lambda x: torch.stack([x, x, x], 1), [normal(3, 4)]),
    "quotient": (lambda x: x / x, [normal(3)]),
    "power": (lambda x: x**x, [np.abs(normal(3)) + 0.5]),
    "maximum": (lambda x: x.maximum(x), [normal(3)]),
    "where": (lambda x: x.where(x > 0, x), [normal(3)]),
    "linear": (lambda x: F.linear(x, x), [normal(3, 4)]),
    "attention": (attend, [normal(2, 3, 4)]),
    "convolution": (lambda x: conv2d(x, x), [normal(2, 2, 3, 3)]),
    "weight used twice": (
        lambda x, w: conv2d(conv2d(x, w), w),
        [normal(2, 2, 5, 5), normal(2, 2, 3, 3)],
    ),
    "gains and biases": (lambda x: F.layer_norm(x, (4,), x, x), [normal(4)]),
}


@pytest.mark.reference
@pytest.mark.parametrize("name", ONE_INPUT_TWICE)
def test_one_value_in_several_places_of_a_rule(name):
    function, inputs = ONE_INPUT_TWICE[name]
    check(function, *inputs)


def lstm(x, h, weight, bias):
    """One step of four equal roles: state twice, weights twice, biases twice."""
    if isinstance(x, Tensor):
        return functions.lstm(x, (h, h), (weight, weight, bias, bias))[0]
    state, cell, outputs = h, h, []
    for step in x:
        i, f, g, o = (F.linear(step, weight, bias) + F.linear(state, weight, bias)).chunk(4, -1)
        cell = f.sigmoid() * cell + i.sigmoid() * g.tanh()
        state = o.sigmoid() * cell.tanh()
        outputs.append(state)
    return torch.stack(outputs)


@pytest.mark.reference
def test_a_fused_recurrence_with_shared_weights():
    check(lstm, normal(3, 2, 3), normal(2, 3), normal(12, 3), normal(12))


WHOLE = normal(4, 6)
MEMORY = {
    "transposed": WHOLE.T,
    "every other, backwards": WHOLE[::2, ::-1],
    "broadcast": np.broadcast_to(WHOLE[:1], (4, 6)),
    "by columns": np.asfortranarray(WHOLE),
}


@pytest.mark.reference
@pytest.mark.parametrize("memory", MEMORY)
@pytest.mark.parametrize(
    "function",
    [
        lambda x: (x * 2).sum(0),
        lambda x: x.softmax(-1),
        lambda x: x.reshape(-1) * 3,
        lambda x: x @ x.mT,
        lambda x: x.relu().cumsum(0),
        lambda x: F.layer_norm(x, x.shape[-1:]),
    ],
)
def test_memory_in_any_order(memory, function):
    check(function, MEMORY[memory])


@pytest.mark.reference
def test_images_with_channels_last():
    images = np.transpose(normal(2, 5, 6, 3), (0, 3, 1, 2))
    check(conv2d, images, normal(4, 3, 3, 3)[::-1])
    check(lambda x: F.max_pool2d(x, 2), images)
    check(lambda x: F.avg_pool2d(x, 2), images)


NOTHING = {
    "sum": (lambda x: x.sum(), [(0, 3)]),
    "product over nothing": (lambda a, b: a @ b, [(2, 0), (0, 3)]),
    "cat": (lambda a, b: torch.cat([a, b]), [(0, 3), (2, 3)]),
    "broadcast against one": (lambda a, b: a * b, [(0, 1), (1, 3)]),
    "linear": (F.linear, [(0, 3), (2, 3), (2,)]),
    "layer norm": (lambda x, w: F.layer_norm(x, (3,), w, w), [(0, 3), (3,)]),
    "log softmax": (lambda x: x.log_softmax(-1), [(3, 0)]),
    "picked by no mask": (lambda x: x[x > 99], [(3,)]),
    "attention": (attend, [(0, 3, 4)]),
    "convolution": (conv2d, [(0, 2, 3, 3), (2, 2, 3, 3)]),
    "max pooling": (lambda x: F.max_pool2d(x, 2), [(0, 2, 4, 4)]),
    "avg pooling": (lambda x: F.avg_pool2d(x, 2), [(0, 2, 4, 4)]),
}


@pytest.mark.reference
@pytest.mark.parametrize("name", NOTHING)
def test_arrays_of_size_0(name):
    function, shapes = NOTHING[name]
    check(function, *(normal(*shape) for shape in shapes))


@pytest.mark.reference
@pytest.mark.parametrize(
    "function",
    [
        lambda x: x.sum(-1),
        lambda x: x.amax(),
        lambda x: x.logsumexp(0),
        lambda x: x.reshape(1, 1),
        lambda x: x.expand(2, 3),
        lambda x: x[None] * x[...],
        lambda x: x.permute(()).clamp(0, 1),
    ],
)
def test_arrays_without_dimensions(function):
    check(function, np.array(0.7))


@pytest.mark.reference
@pytest.mark.parametrize(
    "index",
    [
        ([-1, 0, -1, 2, 3],),  # -1 and 3 are one row
        ([[-1, 3], [0, -4]],),
        ([0, 3, -1], [1, 2, -1]),
        ([True, False, True, True],),
    ],
)
def test_one_row_by_two_numbers_gets_both_gradients(index):
    check(picked(*index), normal(4, 3))


SPECIAL = np.array([0.0, -0.0, INF, -INF, NAN, 1e300, -1e300, 1e-310, 1, -1, 710, -710])
NAN_PAIR = [np.array([1, NAN, 3.0]), np.array([NAN, 1, 3.0])]


@pytest.mark.reference
@pytest.mark.parametrize(
    "name",
    [
        "exp",
        "log",
        "sqrt",
        "rsqrt",
        "reciprocal",
        "square",
        "sin",
        "tanh",
        "sigmoid",
        "erf",
        "relu",
        "log1p",
        "expm1",
    ],
)
def test_infinities_nan_and_the_ends_of_the_range(name):
    check(lambda x: getattr(x, name)(), SPECIAL, second=False)


@pytest.mark.reference
@pytest.mark.parametrize(
    ("function", "inputs"),
    [
        (lambda a, b: a.maximum(b), NAN_PAIR),
        (lambda a, b: a.minimum(b), NAN_PAIR),
        (lambda x: x.logsumexp(0), [np.array([NAN, 1, 2])]),
        (lambda x: x.logsumexp(0), [np.array([-INF, 1, 2])]),
        (lambda x: x.amax(0), [np.array([1, INF, INF])]),
        (lambda x: x.masked_fill(x != x, 0.0), [np.array([NAN, 2])]),
        (lambda x: F.max_pool2d(x, 2), [np.array([[[1, NAN], [3.0, 2]]])]),
        (lambda x: x.std(0), [np.ones(3)]),
        (lambda x: F.layer_norm(x, (3,)), [np.full((2, 3), 2.0)]),
        (lambda a, b: a**b, [np.zeros(3), np.array([0.0, 1, 2])]),
        (lambda a, b: a / b, [np.array([1.0, 0, -1]), np.zeros(3)]),
    ],
)
def test_nan_passes_and_kinks_are_torchs(function, inputs):
    check(function, *inputs, second=False)


@pytest.mark.reference
def test_integers_keep_their_values():
    whole = np.array([1, 2])
    np.testing.assert_allclose((1.5 ** Tensor(whole)).data, (1.5 ** torch.tensor(whole)).numpy())
    np.testing.assert_array_equal((2 ** Tensor(whole)).data, (2 ** torch.tensor(whole)).numpy())
    small = np.array([200, 100], np.uint8)
    largest = np.array([2**31 - 1, 1], np.int32)
    for array in (small, largest, small > 0):
        assert Tensor(array).sum().dtype == np.int64
        assert Tensor(array).sum().item() == torch.tensor(array).sum().item()
        assert Tensor(array).cumsum(0).tolist() == torch.tensor(array).cumsum(0).tolist()
    assert (Tensor(small) + Tensor(small)).tolist() == (torch.tensor(small) * 2).tolist()


def test_half_precision_stays_half():
    x = Tensor(normal(3, 4).astype(np.float16), requires_grad=True)
    y = ((x * 2.5).softmax(-1) @ x.mT).tanh().sum()
    y.backward()
    assert y.dtype == x.grad.dtype == np.float16


def leaf(*values):
    return Tensor(np.array(values), requires_grad=True)


def test_data_changed_after_recording_is_what_the_gradient_sees():
    """As with torch's `.data`: nothing watches it. What was computed keeps its value."""
    x = leaf(1.0, 2.0)
    other = torch.tensor([1.0, 2.0], requires_grad=True)
    y, z = (x * x).sum(), (other * other).sum()
    x.data[:] = 10
    other.data[:] = 10
    y.backward()
    z.backward()
    assert y.item() == z.item() == 5
    assert x.grad.tolist() == other.grad.tolist() == [20, 20]


def test_a_leaf_itself_and_gradients_changed_by_hand():
    x, seed = leaf(1.0, 2.0), np.ones(2)
    x.retain_grad()
    x.backward(seed)
    x.grad.data *= 5
    assert seed.tolist() == [1, 1]
    x.backward(seed)
    assert x.grad.tolist() == [6, 6]
    x.grad *= 2
    assert not x.grad.requires_grad
    x.sum().backward()
    assert x.grad.tolist() == [13, 13]


def test_kept_gradients_of_views_share_no_memory():
    x = leaf(1.0, 2.0)
    y = x * 1
    z = y.reshape(2, 1)
    y.retain_grad()
    z.retain_grad()
    z.sum().backward()
    for one in (x, y, z):
        assert one.grad.shape == one.shape
        one.grad.data *= 7
    assert (x.grad.tolist(), y.grad.tolist(), z.grad.tolist()) == ([7, 7], [7, 7], [[7], [7]])


@pytest.mark.parametrize("copied", [copy.deepcopy, lambda x: pickle.loads(pickle.dumps(x))])
def test_parameters_and_modules_can_be_copied(copied):
    layer = Linear(3, 2, rng=np.random.default_rng(0))
    layer(Tensor(np.ones((1, 3), np.float32))).sum().backward()
    twin = copied(layer)
    for one, other in zip(layer.parameters(), twin.parameters(), strict=True):
        assert isinstance(other, Parameter)
        assert other.requires_grad
        assert not np.shares_memory(one.data, other.data)
        np.testing.assert_array_equal(one.data, other.data)
        np.testing.assert_array_equal(one.grad.data, other.grad.data)


def test_gradients_under_no_grad_and_after_an_error_within():
    x = leaf(2.0)
    y = x * x
    with no_grad():
        y.backward()
    assert x.grad.tolist() == [4]
    with pytest.raises(KeyError), no_grad(), no_grad():
        raise KeyError
    assert is_recording()


def test_no_grad_of_one_thread_is_not_anothers_and_threads_share_weights():
    weight = Tensor(normal(20, 20), requires_grad=True)

    def gradient():
        return gradients((weight @ weight).tanh().sum(), [weight])[0].data

    expected, found, recording = gradient(), [], []

    def work():
        recording.append(is_recording())
        found.extend(gradient() for _ in range(20))

    with no_grad():
        threads = [threading.Thread(target=work) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert recording == [True] * 4
    assert len(found) == 80
    for one in found:
        np.testing.assert_array_equal(one, expected)


@pytest.mark.parametrize("seed", [np.array([1j]), np.array(["a"]), np.array([None])])
def test_a_gradient_that_is_no_real_number_is_refused(seed):
    with pytest.raises(ValueError, match="real numbers"):
        (leaf(1.0) * 2).backward(seed)
