"""Derivatives of functions against torch.func, and against each other."""

import numpy as np
import pytest
import torch

from groundup.autograd.transforms import gradient, hessian, hessian_product, jacobian, jvp, vjp

X = np.random.default_rng(0).standard_normal((2, 3))
U = np.random.default_rng(1).standard_normal((2, 3))


def to_vector(x):
    return (x.exp() @ x.transpose(0, 1)).tanh().flatten()


def to_number(x):
    return (x**3).sum() + (x[0] * x[1]).sum().exp()


@pytest.mark.reference
def test_they_are_torchs():
    at, along = torch.tensor(X), torch.tensor(U)
    reference = torch.autograd.functional
    wanted = reference.jacobian(to_number, at)
    np.testing.assert_allclose(gradient(to_number, X), wanted, rtol=1e-12)
    wanted = reference.jacobian(to_vector, at)
    np.testing.assert_allclose(jacobian(to_vector, X), wanted, rtol=1e-11)
    wanted = reference.hessian(to_number, at)
    np.testing.assert_allclose(hessian(to_number, X), wanted, rtol=1e-11)
    wanted = reference.jvp(to_vector, at, along)[1]
    np.testing.assert_allclose(jvp(to_vector, X, U), wanted, rtol=1e-11)


def test_products_are_those_of_the_matrices():
    rows = jacobian(to_vector, X)
    v = np.arange(4.0)
    np.testing.assert_allclose(vjp(to_vector, X, v), np.tensordot(v, rows, 1), rtol=1e-12)
    np.testing.assert_allclose(jvp(to_vector, X, U), np.tensordot(rows, U, 2), rtol=1e-12)
    curvature = hessian(to_number, X)
    np.testing.assert_allclose(
        hessian_product(to_number, X, U), np.tensordot(curvature, U, 2), rtol=1e-12
    )
    np.testing.assert_allclose(curvature, curvature.transpose(2, 3, 0, 1), rtol=1e-12)


def test_linear_and_constant_functions():
    assert hessian(lambda x: x.sum(), X).shape == (2, 3, 2, 3)
    assert not hessian(lambda x: x.sum(), X).any()
    assert not gradient(lambda x: x.detach().sum(), X).any()
    assert not jacobian(lambda x: x.detach(), X).any()
    assert not jvp(lambda x: x.detach(), X, U).any()
    assert not hessian(lambda x: x.detach().sum(), X).any()
    np.testing.assert_allclose(jvp(lambda x: x * 2, X, U), 2 * U)
    assert gradient(lambda x: (x * x).sum(), [1, 2]).tolist() == [2.0, 4.0]
