"""The whole idea on one page: reverse-mode differentiation of single numbers.

A `Value` knows the values it was computed from and, for each, the *local* derivative of itself with
respect to it. The chain rule then says how the last value changes with any earlier one: multiply
along every path, add over the paths.

    a, b = Value(2.0), Value(-3.0)
    c = a * b + a
    c.backward()
    a.grad, b.grad                                  # (-2.0, 2.0): dc/da = b + 1, dc/db = a

`groundup.autograd.tensor` is the same for arrays; a test holds them equal. Reverse mode: Linnainmaa
(1970); applied to networks: Rumelhart, Hinton and Williams, "Learning representations by
back-propagating errors" (1986). Left out: arrays, second derivatives, freeing the record.
"""

import math
from collections.abc import Sequence

from groundup.swap import replaceable


class Value:
    """A number, the values it came from, and the local derivative with respect to each."""

    def __init__(
        self, data: float, parents: Sequence["Value"] = (), slopes: Sequence[float] = ()
    ) -> None:
        self.data = float(data)
        self.grad = 0.0
        self.parents = tuple(parents)
        self.slopes = tuple(slopes)

    def __add__(self, other: "Value | float") -> "Value":
        other = value_of(other)
        return Value(self.data + other.data, (self, other), (1.0, 1.0))

    def __mul__(self, other: "Value | float") -> "Value":
        other = value_of(other)
        return Value(self.data * other.data, (self, other), (other.data, self.data))

    def __pow__(self, exponent: float) -> "Value":
        slope = exponent * self.data ** (exponent - 1) if exponent else 0.0
        return Value(self.data**exponent, (self,), (slope,))

    def exp(self) -> "Value":
        """$e^x$, its own derivative."""
        result = math.exp(self.data)
        return Value(result, (self,), (result,))

    def log(self) -> "Value":
        """The natural logarithm, with derivative 1 / x. ValueError unless x > 0."""
        return Value(math.log(self.data), (self,), (1 / self.data,))

    def tanh(self) -> "Value":
        """The hyperbolic tangent, with derivative $1 - y^2$."""
        result = math.tanh(self.data)
        return Value(result, (self,), (1 - result**2,))

    def relu(self) -> "Value":
        """X where it is positive, else 0."""
        return Value(max(self.data, 0.0), (self,), (float(self.data > 0),))

    def __neg__(self) -> "Value":
        return self * -1

    def __sub__(self, other: "Value | float") -> "Value":
        return self + value_of(other) * -1

    def __truediv__(self, other: "Value | float") -> "Value":
        return self * value_of(other) ** -1

    def __radd__(self, other: float) -> "Value":
        return self + other

    def __rmul__(self, other: float) -> "Value":
        return self * other

    def __rsub__(self, other: float) -> "Value":
        return value_of(other) - self

    def __rtruediv__(self, other: float) -> "Value":
        return value_of(other) / self

    def __repr__(self) -> str:
        return f"Value({self.data:g}, grad={self.grad:g})"

    def backward(self) -> None:
        """Add to every earlier value's `grad` the derivative of this one with respect to it."""
        backpropagate(self)


def value_of(number: Value | float) -> Value:
    """A constant as a Value."""
    return number if isinstance(number, Value) else Value(number)


@replaceable
def backpropagate(result: Value) -> None:
    r"""The chain rule over the whole record: $\bar x = \sum_{y\ \text{of}\ x} \bar y \, dy/dx$.

    Values are visited from the result back, each after all that were computed from it; otherwise a
    part of its gradient would be missing when it is passed on. In b = a + a; c = b + b, b must have
    collected both of its uses in c before it hands anything to a. Gradients add to `grad`, as the
    passes over several examples of a batch do.
    """
    passed = {id(result): 1.0}
    for value in reversed(topological_order(result)):
        gradient = passed[id(value)]
        value.grad += gradient
        for parent, slope in zip(value.parents, value.slopes, strict=True):
            passed[id(parent)] = passed.get(id(parent), 0.0) + gradient * slope


@replaceable
def topological_order(result: Value) -> list[Value]:
    """Every value `result` was computed from, each after its parents; without recursion.

    A value is put down when it is met a second time on the stack, after its parents were.
    """
    order: list[Value] = []
    seen: set[int] = set()
    stack = [(result, False)]
    while stack:
        value, parents_are_done = stack.pop()
        if parents_are_done:
            order.append(value)
        elif id(value) not in seen:
            seen.add(id(value))
            stack.append((value, True))
            stack.extend((parent, False) for parent in value.parents)
    return order
