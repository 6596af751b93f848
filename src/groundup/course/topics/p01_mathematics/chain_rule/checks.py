"""The chain rule as a machine: local slopes, an order, and the walk back."""

import math

import numpy as np
import torch

from groundup.autograd.scalar import Value as Ours
from groundup.course.exercise import Exercise

# Local slopes

VALUE = Exercise(
    "value",
    of="groundup.autograd.scalar:Value",
    methods=("__add__", "__mul__", "__pow__", "exp", "log", "tanh", "relu"),
    title="A number that remembers where it came from",
    minutes=30,
    hints=(
        "Each operation knows two things: its result, and how fast the result moves when one input "
        "moves and the others stand still. The second is the slope.",
        "A result is Value(number, parents, slopes), one slope a parent, in the same order. Slopes "
        "are plain numbers, taken where the inputs are now: of a * b they are b and a.",
        "`Value(self.data * other.data, (self, other), (other.data, self.data))`; e^x is its own "
        "slope; of x^n it is n x^(n-1), but 0 for n = 0; of log 1/x; of tanh 1 - y^2 of the "
        "result y; of relu 1 where x is above 0 and else 0.",
    ),
)


def _made(result):
    """What an operation left behind."""
    return {
        "data": result.data,
        "parents": [parent.data for parent in result.parents],
        "slopes": list(result.slopes),
    }


def _expected(data, parents, slopes):
    return {"data": float(data), "parents": parents, "slopes": [float(slope) for slope in slopes]}


@VALUE.check("a sum moves as fast as each of its terms")
def _(value, case):
    a, b = case.array(2).tolist()
    case.same(_made(value(a) + value(b)), _expected(a + b, [a, b], [1, 1]), given={"a": a, "b": b})


@VALUE.check("a product moves as fast as the other factor is large")
def _(value, case):
    a, b = case.array(2).tolist()
    case.same(_made(value(a) * value(b)), _expected(a * b, [a, b], [b, a]), given={"a": a, "b": b})


@VALUE.check("powers, e^x, log and tanh have the slopes of the textbook")
def _(value, case):
    x = float(case.chance.uniform(0.5, 2.0))
    y = math.tanh(x)
    for got, expected in (
        (value(x) ** 3, _expected(x**3, [x], [3 * x**2])),
        (value(x) ** -1, _expected(1 / x, [x], [-1 / x**2])),
        (value(x).exp(), _expected(math.exp(x), [x], [math.exp(x)])),
        (value(x).log(), _expected(math.log(x), [x], [1 / x])),
        (value(x).tanh(), _expected(y, [x], [1 - y**2])),
    ):
        case.same(_made(got), expected, given={"x": x})


@VALUE.check("relu passes on what is above 0, and nothing else")
def _(value, case):
    for x, y, slope in ((2.0, 2.0, 1), (-2.0, 0.0, 0), (0.0, 0.0, 0)):
        case.same(_made(value(x).relu()), _expected(y, [x], [slope]), given={"x": x})


@VALUE.check("plain numbers may stand on either side", tier="deep")
def _(value, case):
    x = float(case.chance.uniform(0.5, 2.0))
    for got, expected in (
        (value(x) + 1, x + 1),
        (2 * value(x), 2 * x),
        (1 - value(x), 1 - x),
        (1 / value(x), 1 / x),
    ):
        case.same(got.data, expected, given={"x": x})


@VALUE.check("x^0 is 1 and does not move, also at 0", tier="deep")
def _(value, case):
    for x in (0.0, 3.0):
        case.same(_made(value(x) ** 0), _expected(1, [x], [0]), given={"x": x})


@VALUE.check("the derivative of a long expression is torch's", tier="deep")
def _(value, case):
    numbers = case.chance.uniform(0.5, 2.0, 2).tolist()
    a, b = (value(number) for number in numbers)
    (((a * b + a).tanh() / b - (a**2).log()).exp() * (b - 1).relu()).backward()
    u, v = torch.tensor(numbers, dtype=torch.float64, requires_grad=True).unbind()
    result = (((u * v + u).tanh() / v - (u**2).log()).exp() * (v - 1).relu()).sum()
    expected = [float(one) for one in torch.autograd.grad(result, (u, v))]
    case.same([a.grad, b.grad], expected, given={"a, b": numbers}, says="a gradient is wrong")


def _wrong(name, method):
    """The library's class with one method otherwise."""
    return type("Value", (Ours,), {name: method})


def _times(slopes):
    def multiply(self, other):
        other = other if isinstance(other, Ours) else Ours(other)
        return Ours(self.data * other.data, (self, other), slopes(self.data, other.data))

    return multiply


_PRODUCT = "a product moves as fast as the other factor is large"
VALUE.mistake(
    "each factor of a product has itself as its slope: it is the *other* factor that says how "
    "fast the product moves",
    caught_by=_PRODUCT,
)(_wrong("__mul__", _times(lambda a, b: (a, b))))
VALUE.mistake(
    "the slopes of a product are those of a sum: moving a by 1 moves a * b by b, not by 1",
    caught_by=_PRODUCT,
)(_wrong("__mul__", _times(lambda a, b: (1.0, 1.0))))
VALUE.mistake(
    "the slope of tanh is 1 - x^2 of what went in: it is 1 - y^2 of what came out",
    caught_by="powers, e^x, log and tanh have the slopes of the textbook",
)(_wrong("tanh", lambda self: Ours(math.tanh(self.data), (self,), (1 - self.data**2,))))
VALUE.mistake(
    "the exponent is not taken down by one: the slope of x^n is n x^(n-1)",
    caught_by="powers, e^x, log and tanh have the slopes of the textbook",
)(_wrong("__pow__", lambda self, n: Ours(self.data**n, (self,), (n * self.data**n,))))
VALUE.mistake(
    "the slope of relu is 1 everywhere: where x is not above 0 the result stands still",
    caught_by="relu passes on what is above 0, and nothing else",
)(_wrong("relu", lambda self: Ours(max(self.data, 0.0), (self,), (1.0,))))


# The order

ORDER = Exercise(
    "topological_order",
    of="groundup.autograd.scalar:topological_order",
    title="An order in which every value comes after what made it",
    minutes=30,
    hints=(
        "When may a value be put down? Draw d = a + c with c = b * b and b = a * 3, and write down "
        "an order that works: a cannot come after b.",
        "Depth first: a value is put down when all its parents are, so it has to be met twice, "
        "once on the way in and once on the way out. Each is gone into once only.",
        "A stack of (value, parents_are_done) pairs instead of recursion. Popped with True: append "
        "it. Else, if it is new: push (value, True), then (parent, False) for each parent.",
    ),
)


def _uneven():
    """Values of d = a + c, c = b * b, b = a * 3: a is used early and late."""
    a = Ours(2.0)
    b = a * 3  # 6
    c = b * b  # 36
    return [a, b.parents[1], b, c, a + c]


def _chain(length):
    value = Ours(1.0)
    for _ in range(length):
        value = value.relu()
    return value


def _too_early(order):
    """Values that stand before one of their parents, in words."""
    place = {id(value): number for number, value in enumerate(order)}
    return [
        f"{value.data:g} stands before {parent.data:g}, which it was made from"
        for value in order
        for parent in value.parents
        if place.get(id(parent), -1) > place[id(value)]
    ]


@ORDER.check("a chain comes in its order")
def _(topological_order, case):
    x = case.array(1).item()
    y = Ours(x).exp()
    z = y.tanh()
    got = [value.data for value in topological_order(z)]
    case.same(got, [x, y.data, z.data], given={"z": f"tanh(exp({x:.3g}))"})


@ORDER.check("every value is there once, however often it is used")
def _(topological_order, case):
    *_, d = values = _uneven()
    got = sorted(value.data for value in topological_order(d))
    expected = sorted(value.data for value in values)
    case.same(got, expected, given={"d": "a + c, c = b * b, b = a * 3, a = 2"})


@ORDER.check("each comes after all it was made from")
def _(topological_order, case):
    d = _uneven()[-1]
    given = {"d": "a + c, c = b * b, b = a * 3, a = 2"}
    order = topological_order(d)
    says = "a value stands before one of its parents"
    case.same(_too_early(order), [], given=given, says=says)


@ORDER.check("a record of many thousand steps is no problem", tier="deep")
def _(topological_order, case):
    result = _chain(5_000)
    try:
        count = len(topological_order(result))
    except RecursionError:
        count = "RecursionError"
    case.same(count, 5_001, given={"result": "relu, 5,000 times"}, says="the count is wrong")


@ORDER.check("what is used twice is not gone into twice", tier="deep")
def _(topological_order, case):
    value = Ours(1.0)
    for _ in range(12):
        value = value + value
    count = len(topological_order(value))
    case.same(count, 13, given={"result": "x + x, 12 times over"}, says="the count is wrong")


@ORDER.mistake(
    "each value is put down on the way in, before its parents; put it down on the way out, when "
    "its parents are there",
    caught_by="a chain comes in its order",
)
def _(result):
    order, seen, stack = [], set(), [result]
    while stack:
        value = stack.pop()
        if id(value) not in seen:
            seen.add(id(value))
            order.append(value)
            stack.extend(value.parents)
    return order


@ORDER.mistake(
    "values are ordered by how few steps lead back to them (breadth first, turned round): one that "
    "is used both early and late then stands after what it made",
    caught_by="each comes after all it was made from",
)
def _(result):
    order, seen = [result], {id(result)}
    for value in order:
        for parent in value.parents:
            if id(parent) not in seen:
                seen.add(id(parent))
                order.append(parent)
    return order[::-1]


def _recursive(result, *, remembers):
    order, seen = [], set()

    def visit(value):
        if remembers and id(value) in seen:
            return
        seen.add(id(value))
        for parent in value.parents:
            visit(parent)
        order.append(value)

    visit(result)
    return order


@ORDER.mistake(
    "nothing remembers what was seen, so a value comes as often as it is used, and the work "
    "doubles with each use",
    caught_by="every value is there once, however often it is used",
)
def _(result):
    return _recursive(result, remembers=False)


@ORDER.mistake(
    "it calls itself for each parent, and Python ends that after about a thousand calls; a record "
    "can be far longer: use a stack of your own",
    caught_by="a record of many thousand steps is no problem",
)
def _(result):
    return _recursive(result, remembers=True)


# The walk back

BACKPROPAGATE = Exercise(
    "backpropagate",
    of="groundup.autograd.scalar:backpropagate",
    title="The chain rule over a whole record",
    minutes=40,
    hints=(
        "How fast does the result move with itself? Begin with that, and hand to each parent what "
        "the slope makes of it.",
        "A value's gradient is the sum over its uses of the use's gradient times its slope. It may "
        "be handed on only when that sum is complete: after all that use the value.",
        "`passed = {id(result): 1.0}`; over `reversed(topological_order(result))`: add passed of "
        "the value to its grad, then for each parent and slope "
        "`passed[id(parent)] = passed.get(id(parent), 0.0) + gradient * slope`.",
    ),
)


@BACKPROPAGATE.check("of a * b + a the gradients are b + 1 and a")
def _(backpropagate, case):
    a, b = (Ours(number) for number in case.array(2))
    backpropagate(a * b + a)
    given = {"a": a.data, "b": b.data}
    says = "the gradients of a and b are other ones"
    case.same([a.grad, b.grad], [b.data + 1, a.data], given=given, says=says)


@BACKPROPAGATE.check("the result itself has the gradient 1")
def _(backpropagate, case):
    result = Ours(3.0).exp()
    backpropagate(result)
    case.same(result.grad, 1.0, given={"result": "exp(3)"})


@BACKPROPAGATE.check("a value waits for all its uses before it hands on")
def _(backpropagate, case):
    a = Ours(2.0)
    b = a * 3
    c = b * b
    d = b + c  # b is used here and in c
    backpropagate(d)
    given = {"d": "b + c, c = b * b, b = a * 3, a = 2"}
    says = "the gradients of a, b and c are other ones"
    case.same([a.grad, b.grad, c.grad], [39.0, 13.0, 1.0], given=given, says=says)


@BACKPROPAGATE.check("it is what differences say")
def _(backpropagate, case):
    def function(x, y):
        h = x * y
        return (h + x * 2.0) * h + h * h * y

    at, h = case.chance.uniform(0.5, 1.5, 2).tolist(), 1e-6
    values = [Ours(number) for number in at]
    backpropagate(function(*values))
    x, y = at
    slopes = [
        (function(x + h, y) - function(x - h, y)) / (2 * h),
        (function(x, y + h) - function(x, y - h)) / (2 * h),
    ]
    got = [value.grad for value in values]
    case.same(got, slopes, given={"x": x, "y": y}, says="the slopes are others", tolerance=1e-6)


@BACKPROPAGATE.check("a second pass adds to what is there", tier="deep")
def _(backpropagate, case):
    a = Ours(2.0)
    b = a * 3
    c = b * b
    backpropagate(c)
    backpropagate(c)
    given = {"c": "b * b, b = a * 3, a = 2", "passes": 2}
    case.same([a.grad, b.grad], [72.0, 24.0], given=given, says="twice 36 and twice 12 is wanted")


@BACKPROPAGATE.check("a record of many thousand steps is no problem", tier="deep")
def _(backpropagate, case):
    x = Ours(1.0)
    y = x
    for _ in range(5_000):
        y = y + 1.0
    try:
        backpropagate(y)
    except RecursionError:
        case.holds(False, "it calls itself for each step, which Python ends after a thousand")
    case.same(x.grad, 1.0, given={"result": "x + 1 + 1 ..., 5,000 times"})


@BACKPROPAGATE.check("it is torch's on a small network", tier="deep")
def _(backpropagate, case):
    w, v, x = case.array(3, 2), case.array(3), case.array(2)
    rows = [[Ours(number) for number in row] for row in w]
    out = Ours(0.0)
    for row, weight in zip(rows, v, strict=True):
        out = out + (row[0] * x[0] + row[1] * x[1]).tanh() * float(weight)
    backpropagate(out)
    W = torch.tensor(w, requires_grad=True)
    ((W @ torch.tensor(x)).tanh() @ torch.tensor(v)).backward()
    got = np.array([[one.grad for one in row] for row in rows])
    case.same(got, W.grad.numpy(), given={"W": w, "v": v, "x": x}, says="the gradient of W")


def _ordered(result, way):
    """Values from the result back: in the right order, or as they are met."""
    if way == "right":
        return _recursive_order(result)[::-1]
    order, seen = [result], {id(result)}
    for value in order:
        for parent in value.parents:
            if id(parent) not in seen:
                seen.add(id(parent))
                order.append(parent)
    return order


def _recursive_order(result):
    order, seen, stack = [], set(), [(result, False)]
    while stack:
        value, done = stack.pop()
        if done:
            order.append(value)
        elif id(value) not in seen:
            seen.add(id(value))
            stack += [(value, True), *((parent, False) for parent in value.parents)]
    return order


def _back(result, *, start=1.0, way="right", adds=True, through=True, own=False):
    """The walk, with one thing otherwise."""
    passed = {id(result): start}
    for value in _ordered(result, way):
        gradient = passed[id(value)]
        value.grad += gradient
        handed = value.grad if own else gradient
        for parent, slope in zip(value.parents, value.slopes, strict=True):
            part = handed * slope if through else slope
            passed[id(parent)] = (passed.get(id(parent), 0.0) if adds else 0.0) + part


@BACKPROPAGATE.mistake(
    "a later use overwrites an earlier one: over all uses of a value the gradients *add*",
    caught_by="of a * b + a the gradients are b + 1 and a",
)
def _(result):
    _back(result, adds=False)


@BACKPROPAGATE.mistake(
    "values hand on as soon as they are met, before all their uses have reported: go in reverse "
    "topological order",
    caught_by="a value waits for all its uses before it hands on",
)
def _(result):
    _back(result, way="as met")


@BACKPROPAGATE.mistake(
    "the slopes are handed on alone: multiply each by the gradient that came from above",
    caught_by="a value waits for all its uses before it hands on",
)
def _(result):
    _back(result, through=False)


@BACKPROPAGATE.mistake(
    "the walk starts with a gradient of 0, and 0 times everything is 0: the result moves with "
    "itself at rate 1",
    caught_by="the result itself has the gradient 1",
)
def _(result):
    _back(result, start=0.0)


@BACKPROPAGATE.mistake(
    "`grad` itself is handed on; it holds what earlier passes left, so a second pass counts the "
    "first again: keep this pass's gradients apart",
    caught_by="a second pass adds to what is there",
)
def _(result):
    _back(result, own=True)
