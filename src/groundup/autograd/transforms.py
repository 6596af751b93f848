r"""Derivatives of functions: gradient, Jacobian, Hessian, and products with them.

Reverse mode gives $v^T J$ in one pass, whatever the number of inputs, so a Jacobian takes one pass
for each output. $J u$ comes from differentiating $v^T J$ once more, with respect to v, in which it
is linear (Pearlmutter, "Fast exact multiplication by the Hessian", 1994, and the double-backward
trick that followed from it).
"""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from groundup.autograd.record import gradients
from groundup.autograd.rule import Array
from groundup.autograd.tensor import Tensor

Function = Callable[[Tensor], Tensor]


def _leaf(x: ArrayLike) -> Tensor:
    array = np.array(x)
    return Tensor(array if array.dtype.kind == "f" else array.astype(float), requires_grad=True)


def _or_zeros(g: Any, like: Tensor) -> Tensor:
    return like.new_zeros(like.shape) if g is None else g


def gradient(f: Function, x: ArrayLike) -> Array:
    """The gradient at x of a function to one number, in x's shape."""
    at = _leaf(x)
    return vjp(f, at.data, np.ones(f(at).shape))


def vjp(f: Function, x: ArrayLike, v: ArrayLike) -> Array:
    """$v^T J$ at x: the gradient of $v^T f(x)$, in x's shape; v has the shape of f(x)."""
    at = _leaf(x)
    result = f(at)
    if not result.requires_grad:
        return np.zeros_like(at.data)
    return _or_zeros(gradients(result, [at], np.asarray(v))[0], at).data


def jvp(f: Function, x: ArrayLike, u: ArrayLike) -> Array:
    """$J u$ at x: how f changes along u; u has the shape of x."""
    at = _leaf(x)
    result = f(at)
    if not result.requires_grad:
        return np.zeros_like(result.data)
    dummy = Tensor(np.zeros_like(result.data), requires_grad=True)
    back = _or_zeros(gradients(result, [at], dummy, create_graph=True)[0], at)
    if not back.requires_grad:
        return np.zeros_like(result.data)
    return _or_zeros(gradients(back, [dummy], np.asarray(u))[0], dummy).data


def jacobian(f: Function, x: ArrayLike) -> Array:
    r"""$\partial f_i / \partial x_j$ at x, of shape f(x).shape + x.shape."""
    at = _leaf(x)
    result = f(at)
    rows = np.zeros((result.numel(), *at.shape), at.dtype)
    if result.requires_grad:
        for i in range(result.numel()):
            one = np.zeros(result.numel(), result.dtype)
            one[i] = 1
            rows[i] = _or_zeros(gradients(result, [at], one.reshape(result.shape))[0], at).data
    return rows.reshape(*result.shape, *at.shape)


def hessian(f: Function, x: ArrayLike) -> Array:
    r"""$\partial^2 f / \partial x_i \partial x_j$ at x of a function to one number."""
    return jacobian(lambda at: _recorded_gradient(f, at), x)


def hessian_product(f: Function, x: ArrayLike, u: ArrayLike) -> Array:
    r"""$H u$ without H: the gradient of $u^T \nabla f$, at the price of a few gradients."""
    return vjp(lambda at: _recorded_gradient(f, at), x, u)


def _recorded_gradient(f: Function, at: Tensor) -> Tensor:
    result = f(at)
    if not result.requires_grad:
        return at.new_zeros(at.shape)
    return _or_zeros(gradients(result, [at], create_graph=True)[0], at)
