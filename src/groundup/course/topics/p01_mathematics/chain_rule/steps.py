"""The chain rule: slopes along paths, an order, one walk back; then arrays."""

import math

import numpy as np
from numpy.typing import NDArray

from groundup.autograd.scalar import Value, backpropagate, topological_order
from groundup.autograd.tensor import Tensor
from groundup.maths.backpropagation import chain_cost
from groundup.maths.vector_jacobian import matmul_vjp

Array = NDArray[np.float64]

# The problem


def by_wiggling() -> dict[str, float]:
    """The slope of one weight, by moving it a little"""

    def loss(w: float) -> float:
        return (math.tanh(w * 0.5 + 0.1) - 1.0) ** 2

    step = 1e-6
    return {"slope": (loss(2 + step) - loss(2 - step)) / (2 * step)}


def wiggles_needed() -> float:
    """Runs of a model of 10 million weights for one gradient, each moved up and down"""
    return float(2 * 10_000_000)


# Gears


def gears() -> dict[str, float]:
    """Three functions in a row: the slopes multiply"""
    x = 0.5
    u = 3 * x  # moves 3 times as fast as x
    v = u**2  # moves 2u times as fast as u
    y = math.sin(v)  # moves cos(v) times as fast as v
    by_rule = math.cos(v) * 2 * u * 3
    step = 1e-6
    wiggled = (math.sin((3 * (x + step)) ** 2) - math.sin((3 * (x - step)) ** 2)) / (2 * step)
    return {"y": y, "product of the slopes": by_rule, "by moving x": wiggled}


def two_paths() -> dict[str, float]:
    """A value that is used twice: multiply along each path, add over the paths"""
    x = 3.0
    a, b = 2 * x, x**2
    y = a * b
    along_a, along_b = b * 2, a * 2 * x
    return {"y": y, "along a": along_a, "along b": along_b, "sum": along_a + along_b}


def paths_of_a_ladder() -> float:
    """Paths from the first to the last value when x + x is taken 30 times over"""
    return float(2**30)


# The scalar engine


def record() -> list[dict[str, object]]:
    """What an expression leaves behind: each value, its parents, its slopes"""
    a, b = Value(2.0), Value(-3.0)
    c = a * b
    d = c + a
    names = {id(a): "a", id(b): "b", id(c): "c = a * b", id(d): "d = c + a"}
    return [
        {
            "value": names[id(value)],
            "data": value.data,
            "parents": ", ".join(names[id(parent)][0] for parent in value.parents),
            "slopes": ", ".join(f"{slope:g}" for slope in value.slopes),
        }
        for value in topological_order(d)
    ]


def walk() -> None:
    """The walk back, line by line, over d = a * b + a"""
    a, b = Value(2.0), Value(-3.0)
    backpropagate(a * b + a)


def a_used_late() -> tuple[Value, Value, Value, Value]:
    """Values of d = b + c, c = b * b, b = a * 3: b is used by both c and d"""
    a = Value(2.0)
    b = a * 3
    c = b * b
    return a, b, c, b + c


def in_the_order_met() -> dict[str, float]:
    """Hand on gradients as soon as a value is met, from the result back"""
    a, b, c, d = a_used_late()
    passed, queue, seen = {id(d): 1.0}, [d], {id(d)}
    for value in queue:
        value.grad = passed[id(value)]
        for parent, slope in zip(value.parents, value.slopes, strict=True):
            passed[id(parent)] = passed.get(id(parent), 0.0) + value.grad * slope
            if id(parent) not in seen:
                seen.add(id(parent))
                queue.append(parent)
    return {"gradient of a": a.grad, "of b": b.grad, "of c": c.grad}


def in_topological_order() -> dict[str, float]:
    """The same in the order the library walks"""
    a, b, c, d = a_used_late()
    backpropagate(d)
    return {"gradient of a": a.grad, "of b": b.grad, "of c": c.grad}


# Which way


def multiplications() -> list[dict[str, object]]:
    """Products of numbers, for a chain of layers, from the inputs and from the loss"""
    rows: list[dict[str, object]] = []
    for name, sizes in (
        ("1000 inputs, one loss", [1000, 100, 100, 1]),
        ("one input, 1000 outputs", [1, 100, 100, 1000]),
        ("as many in as out", [100, 100, 100, 100]),
    ):
        forward, reverse = chain_cost(sizes)
        rows.append({"chain": name, "from the inputs": forward, "from the loss": reverse})
    return rows


# Arrays


def one_rule() -> dict[str, Array]:
    """A product of matrices: the gradient passes back in two more products"""
    A, B = np.array([[1.0, 2.0], [0.0, 1.0]]), np.array([[3.0], [1.0]])
    gradient = np.array([[1.0], [10.0]])
    at_A, at_B = matmul_vjp(A, B, gradient)
    return {"C = AB": A @ B, "gradient of A": at_A, "gradient of B": at_B}


def one_neuron() -> dict[str, object]:
    """A neuron's gradients: number by number, and as arrays"""
    w, x = [0.5, -1.0, 2.0], [1.0, 2.0, 0.5]
    values = [Value(one) for one in w]
    total = Value(0.0)
    for value, one in zip(values, x, strict=True):
        total = total + value * one
    ((total.tanh() - 1.0) ** 2).backward()
    weights = Tensor(np.array(w), requires_grad=True)
    (((weights * Tensor(np.array(x))).sum().tanh() - 1.0) ** 2).backward()
    assert weights.grad is not None, "backward gave it one"
    return {"numbers": np.array([value.grad for value in values]), "arrays": weights.grad.data}


def broadcast_bias() -> dict[str, Array]:
    """A bias that is added to three rows is used three times"""
    x = Tensor(np.arange(6.0).reshape(3, 2))
    bias = Tensor(np.zeros(2), requires_grad=True)
    weights = np.array([[1.0, 2.0], [10.0, 20.0], [100.0, 200.0]])
    ((x + bias) * Tensor(weights)).sum().backward()
    assert bias.grad is not None, "backward gave it one"
    return {"gradient of the sum": weights, "gradient of the bias": bias.grad.data}


# What goes wrong


def forgotten_zero() -> list[dict[str, float]]:
    """The gradient of w^2 at 3, asked for three times"""
    w = Value(3.0)
    rows = []
    for ask in (1, 2, 3):
        (w * w).backward()
        rows.append({"time": ask, "grad": w.grad})
    return rows


def too_deep() -> str:
    """A recursive visit of a record of 5,000 steps"""

    def visit(value: Value, order: list[Value]) -> None:
        for parent in value.parents:
            visit(parent, order)
        order.append(value)

    value = Value(1.0)
    for _ in range(5000):
        value = value + 0.0
    try:
        visit(value, [])
    except RecursionError as problem:
        return f"{type(problem).__name__}; ours: {len(topological_order(value))} values in order"
    return "no error"


def vanishing() -> list[dict[str, float]]:
    """The slope that is left after so many tanh in a row, from 0.5"""
    rows = []
    for depth in (1, 5, 20, 80):
        x = Value(0.5)
        y = x
        for _ in range(depth):
            y = (y * 1.5).tanh()
        y.backward()
        rows.append({"layers": depth, "slope": x.grad})
    return rows
