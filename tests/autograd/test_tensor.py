"""What a tensor is and takes: types, errors, and torch's functions handed over."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from groundup.autograd.functions import cat, einsum, embedding, layer_norm, maximum, pad, where
from groundup.autograd.tensor import Tensor


def test_python_numbers_become_float32_as_in_torch_and_arrays_stay_what_they_are():
    assert Tensor([1.0, 2.0]).dtype == np.float32
    assert Tensor([1, 2]).dtype == np.int64
    assert Tensor([True]).dtype == np.bool_
    array = np.arange(3.0)
    assert Tensor(array).dtype == np.float64
    assert Tensor(array).data is array
    assert Tensor(torch.ones(2)).dtype == np.float32


TYPES = ["float32", "float64", "int64", "int32", "bool"]


@pytest.mark.reference
@pytest.mark.parametrize("first", TYPES)
@pytest.mark.parametrize("second", TYPES)
@pytest.mark.parametrize("shapes", [((2,), (2,)), ((), (2,)), ((2,), ()), ((), ())])
def test_types_of_two_operands_meet_as_in_torch(first, second, shapes):
    a, b = (np.ones(shape, kind) for shape, kind in zip(shapes, (first, second), strict=True))
    if first == second == "bool":
        return
    mine = (Tensor(a) * Tensor(b)).dtype
    other = (torch.tensor(a) * torch.tensor(b)).dtype
    assert str(other) == f"torch.{mine}"


@pytest.mark.reference
@pytest.mark.parametrize("kind", ["int64", "int32", "bool"])
@pytest.mark.parametrize(
    "function",
    [lambda x: x * 2.5, lambda x: 2.5 - x, lambda x: x / 2, lambda x: 1 / x, lambda x: x / x],
)
def test_whole_numbers_become_float32_where_fractions_come_in(kind, function):
    x = np.array([1, 1], kind)
    if kind == "bool" and function(np.array([2.0]))[0] == 0.5:
        return  # torch refuses 2.5 - bool
    mine, other = function(Tensor(x)), function(torch.tensor(x))
    assert str(other.dtype) == f"torch.{mine.dtype}"
    assert mine.tolist() == other.tolist()


@pytest.mark.parametrize("number", [2, 2.5, True])
@pytest.mark.parametrize("kind", ["float32", "float64"])
def test_numbers_do_not_widen_a_tensor(number, kind):
    x = Tensor(np.ones(2, kind), requires_grad=True)
    for y in (x + number, number - x, x / number, number / x, x**number, x * np.float64(2)):
        assert y.dtype == kind
        y.sum().backward()
        assert x.grad.dtype == kind


def test_an_array_beside_a_tensor_leaves_the_operation_to_the_tensor():
    x = Tensor(np.ones(2), requires_grad=True)
    for y in (np.ones(2) * x, np.ones(2) + x, np.ones((2, 2)) @ x, np.float64(2) * x):
        assert isinstance(y, Tensor)
        assert y.requires_grad
    with pytest.raises(TypeError):
        np.exp(x)
    np.testing.assert_array_equal(np.asarray(x), [1, 1])


def test_torchs_tensors_beside_ours():
    x = Tensor(np.ones((2, 2)), requires_grad=True)
    y = (x * torch.full((2, 2), 3.0, dtype=torch.float64)).masked_fill(torch.eye(2).bool(), 0.0)
    y.sum().backward()
    assert x.grad.tolist() == [[0, 3], [3, 0]]


def test_torchs_functions_run_on_ours_and_an_unknown_one_is_named():
    x = Tensor(np.ones((2, 3)), requires_grad=True)
    assert isinstance(F.silu(torch.cat([x, x])), Tensor)
    assert isinstance(F.softmax(x, dim=-1), Tensor)
    with pytest.raises(TypeError, match="torch's cosh is not among"):
        torch.cosh(x)


@pytest.mark.parametrize(
    ("make", "error", "words"),
    [
        (lambda: Tensor("text"), TypeError, "real numbers"),
        (lambda: Tensor([1j]), TypeError, "real numbers"),
        (lambda: Tensor([1, 2], requires_grad=True), TypeError, "only floating numbers"),
        (lambda: Tensor([1]).requires_grad_(), TypeError, "only floating numbers"),
        (lambda: Tensor([1.0], requires_grad=True).numpy(), ValueError, "detach"),
        (lambda: Tensor(np.ones((2, 2))).sum(2), IndexError, "no dimension 2"),
        (lambda: Tensor(np.ones((2, 2))).transpose(0, 2), IndexError, "no dimension 2"),
        (lambda: Tensor(np.ones((2, 3))).split([1, 1], 1), ValueError, "are not the 3"),
        (lambda: Tensor(np.ones((2, 3))) @ Tensor(np.ones((2, 3))), ValueError, "matmul"),
        (lambda: Tensor(np.ones((2, 3))) + Tensor(np.ones((2, 2))), ValueError, "broadcast"),
        (lambda: Tensor(np.ones(3)).reshape(2), ValueError, "reshape"),
        (lambda: einsum("ii->i", Tensor(np.ones((2, 2)))), ValueError, "twice"),
        (lambda: pad(Tensor(np.ones(2)), (1, 2, 3)), ValueError, "pairs"),
        (lambda: Tensor(np.ones(2))[Tensor([0.5])], IndexError, "integer"),
        (lambda: [1, 2, 3][Tensor(np.array(0.0))], TypeError, "only integers"),
        (lambda: bool(Tensor(np.ones(2))), ValueError, "ambiguous"),
        (lambda: Tensor([1, 2]).mean(), TypeError, r"use \.float\(\)"),
    ],
)
def test_what_cannot_be_is_refused(make, error, words):
    with pytest.raises(error, match=words):
        make()


def test_shapes_and_conversions():
    x = Tensor(np.arange(6.0).reshape(2, 3), requires_grad=True)
    assert (x.shape, x.ndim, x.dim(), x.size(), x.size(1)) == ((2, 3), 2, 2, (2, 3), 3)
    assert (x.numel(), len(x), x.element_size(), x.device, x.is_leaf) == (6, 2, 8, "cpu", True)
    assert x.is_floating_point()
    assert x.detach().numpy() is x.data
    assert float(x.sum()) == 15.0
    assert int(Tensor([3])) == 3
    assert [1, 2, 3][Tensor(np.array(1))] == 2
    assert x.new_zeros(2, 2).tolist() == [[0, 0], [0, 0]]
    assert x.new_ones((2,)).dtype == np.float64
    assert x.float().dtype == np.float32
    assert x.float().type_as(x).dtype == np.float64
    assert x.to(torch.float32).dtype == np.float32
    assert x.to(x) is x
    assert x.contiguous() is x
    assert [row.shape for row in x] == [(3,), (3,)]
    assert x.unflatten(1, (3, 1)).shape == (2, 3, 1)
    assert x.expand_as(Tensor(np.ones((4, 2, 3)))).shape == (4, 2, 3)
    assert x.view(3, 2).mT.shape == (2, 3)
    copy = x.clone()
    copy.sum().backward()
    assert copy.data is not x.data
    assert x.grad.tolist() == [[1] * 3] * 2
    assert Tensor([1, 2]).clone().tolist() == [1, 2]
    assert Tensor(np.array(1.5)).squeeze().shape == ()
    assert Tensor(np.array(1.5)).flatten().shape == (1,)


def test_what_has_no_gradient_is_numpys():
    x = Tensor(np.array([[1.0, 5, 2], [7, 0, 7]]))
    assert x.argmax().item() == 3
    assert x.argmax(1).tolist() == [1, 0]
    assert x.argmin(0).tolist() == [0, 1, 0]
    assert (x > 1).any(1).tolist() == [True, True]
    assert (x >= 0).all().item() is True
    assert (~(x <= 1) & (x < 7) | (x == 7)).tolist() == [[False, True, True], [True, False, True]]
    assert (np.ones((2, 3), bool) & (x != 7)).tolist() == [[True] * 3, [False, True, False]]
    assert x.long().tolist() == [[1, 5, 2], [7, 0, 7]]


def test_functions_beside_the_methods():
    a, b = Tensor(np.array([1.0, 4.0])), Tensor(np.array([2.0, 3.0]))
    assert maximum(a, b).tolist() == [2, 4]
    assert maximum(2.5, b).tolist() == [2.5, 3]
    assert where(a > 2, a, 0.0).tolist() == [0, 4]
    assert where(a > 2, 0.0, b).tolist() == [2, 0]
    assert cat([a, b.detach()], -1).tolist() == [1, 4, 2, 3]
    assert embedding(np.array([1, 1]), a).tolist() == [4, 4]
    assert layer_norm(a, (2,)).tolist() == pytest.approx([-1, 1], abs=1e-5)


def test_it_is_printed_with_what_matters():
    assert repr(Tensor([1.5, 2.0], requires_grad=True)) == (
        "Tensor([1.5, 2. ], requires_grad=True)"
    )
    assert repr(Tensor(np.ones(1))) == "Tensor([1.], dtype=float64)"


def test_a_row_of_infinities_and_of_nothing():
    """As torch: softmax of nothing allowed is NaN, its logsumexp is -infinity."""
    x = Tensor(np.full((1, 3), -np.inf), requires_grad=True)
    assert np.isnan(x.softmax(-1).data).all()
    assert x.logsumexp(-1).item() == -np.inf
    assert Tensor(np.ones((0, 3))).softmax(-1).shape == (0, 3)
    assert Tensor(np.ones((2, 0))).logsumexp(-1).tolist() == [-np.inf, -np.inf]
    assert Tensor(np.array([1000.0, -1000.0])).sigmoid().tolist() == [1.0, 0.0]
    assert Tensor(np.array([1e4, 0.0])).logsumexp(0).item() == 1e4
