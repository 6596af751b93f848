"""Gradients of arrays: products, broadcasting, softmax, and a whole network by hand."""

import math
from itertools import pairwise
from types import SimpleNamespace

import numpy as np
import torch

from groundup.autograd.rule import Rule
from groundup.autograd.table import RULES
from groundup.course.exercise import Exercise
from groundup.maths.backpropagation import Backward

# A product of matrices

MATMUL_VJP = Exercise(
    "matmul_vjp",
    of="groundup.maths.vector_jacobian:matmul_vjp",
    title="How a gradient passes back through a product of matrices",
    minutes=25,
    hints=(
        "Write one entry of C = AB as a sum. Which entries of C does A[i, j] move, and how fast?",
        "A[i, j] moves all of row i of C, by B[j, :]; so its gradient is a sum over that row. The "
        "shapes leave only one way: A is (m, k), the gradient (m, n), B (k, n).",
        "Check the shapes, then `return G @ B.T, A.T @ G`.",
    ),
)


def _product(case, m, k, n):
    return {"A": case.array(m, k), "B": case.array(k, n), "gradient": case.array(m, n)}


def _torch_vjp(A, B, gradient):
    A, B = (torch.tensor(one, requires_grad=True) for one in (A, B))
    found = torch.autograd.grad(A @ B, (A, B), torch.tensor(gradient))
    return [one.numpy() for one in found]


@MATMUL_VJP.check("of square matrices, the gradients are torch's")
def _(matmul_vjp, case):
    given = _product(case, 2, 2, 2)
    case.same(list(matmul_vjp(**given)), _torch_vjp(**given), given=given)


@MATMUL_VJP.check("each gradient has the shape of what it is of")
def _(matmul_vjp, case):
    given = _product(case, 2, 3, 4)
    shapes = [np.shape(one) for one in matmul_vjp(**given)]
    case.same(shapes, [(2, 3), (3, 4)], given=given, says="the shapes are other ones")


@MATMUL_VJP.check("of oblong matrices, the gradients are torch's", tier="deep")
def _(matmul_vjp, case):
    given = _product(case, 3, 1, 2)
    case.same(list(matmul_vjp(**given)), _torch_vjp(**given), given=given)


@MATMUL_VJP.check("it is what differences say", tier="deep")
def _(matmul_vjp, case):
    given = _product(case, 2, 3, 2)
    step = case.array(2, 3)
    moved = ((given["A"] + step) @ given["B"] * given["gradient"]).sum()
    there = (given["A"] @ given["B"] * given["gradient"]).sum()
    got = (matmul_vjp(**given)[0] * step).sum()
    case.same(got, moved - there, given={**given, "step of A": step}, says="the slope is another")


@MATMUL_VJP.check("shapes that do not fit are refused", tier="deep")
def _(matmul_vjp, case):
    for given in (
        {**_product(case, 2, 3, 2), "gradient": case.array(3, 3)},
        {**_product(case, 2, 3, 2), "B": case.array(2, 2)},
    ):
        says = "wanted a ValueError"
        case.refuses(lambda given=given: matmul_vjp(**given), says=says, given=given)


_SQUARE = "of square matrices, the gradients are torch's"


@MATMUL_VJP.mistake(
    "the transposes are missing: the gradient goes the way of the product backwards, G B' and A' G",
    caught_by=_SQUARE,
)
def _(A, B, gradient):
    return gradient @ B, A @ gradient


@MATMUL_VJP.mistake(
    "the factors stand on the wrong sides: B stood on the right of A, so B' stands on the right "
    "of the gradient",
    caught_by=_SQUARE,
)
def _(A, B, gradient):
    return B.T @ gradient, gradient @ A.T


@MATMUL_VJP.mistake(
    "the two come in the wrong order: first that of A, then that of B", caught_by=_SQUARE
)
def _(A, B, gradient):
    return A.T @ gradient, gradient @ B.T


@MATMUL_VJP.mistake(
    "each is taken entry by entry, as if C were A * B; a product of matrices mixes rows and "
    "columns, and so does its gradient",
    caught_by=_SQUARE,
)
def _(A, B, gradient):
    return gradient * B, A * gradient


# Broadcasting undone

UNBROADCAST = Exercise(
    "unbroadcast",
    of="groundup.autograd.rule:unbroadcast",
    title="What broadcasting repeats, its gradient sums",
    minutes=25,
    hints=(
        "A bias of shape (4,) is added to each of 3 rows: it is used three times. What does the "
        "chain rule do with a value that is used three times?",
        "Sum over the dimensions that broadcasting put in front, and over those that had size 1 "
        "and were stretched. Then the shape must be the input's again, its ones included.",
        "`extra = g.ndim - len(shape)`; stretched: the extra + i where shape[i] is 1 and "
        "g.shape[extra + i] is not; `xp.sum(g, dim=(*range(extra), *stretched), keepdim=True)`, "
        "then `xp.reshape(g, shape=shape)`.",
    ),
)
_XP = SimpleNamespace(**{name: rule.forward for name, rule in RULES.items() if type(rule) is Rule})
"""The operations on plain arrays."""


def _of_broadcast(case, shape, to):
    """A gradient of shape `to`, and what torch makes of it for an input of `shape`."""
    g = case.array(*to)
    x = torch.zeros(shape, dtype=torch.float64, requires_grad=True)
    [found] = torch.autograd.grad(x.expand(to), x, torch.from_numpy(g))
    return {"g": g, "shape": shape}, found.numpy()


def _holds_for(unbroadcast, case, shape, to):
    given, expected = _of_broadcast(case, shape, to)
    case.same(np.asarray(unbroadcast(_XP, **given)), expected, given=given)


@UNBROADCAST.check("a row that was added to every row")
def _(unbroadcast, case):
    _holds_for(unbroadcast, case, (2,), (3, 2))


@UNBROADCAST.check("a column that was stretched keeps its dimension of one")
def _(unbroadcast, case):
    _holds_for(unbroadcast, case, (3, 1), (3, 2))


@UNBROADCAST.check("a single number that met a matrix")
def _(unbroadcast, case):
    _holds_for(unbroadcast, case, (), (3, 2))


@UNBROADCAST.check("both at once: dimensions in front, and one stretched", tier="deep")
def _(unbroadcast, case):
    _holds_for(unbroadcast, case, (3, 1), (2, 3, 4))
    _holds_for(unbroadcast, case, (1, 3, 1), (2, 3, 4))


@UNBROADCAST.check("where nothing was repeated, nothing changes", tier="deep")
def _(unbroadcast, case):
    _holds_for(unbroadcast, case, (3, 1), (3, 1))
    _holds_for(unbroadcast, case, (2, 3), (2, 3))


def _undone(xp, g, shape, *, reduce=np.sum, stretched=True, keeps=True):
    """The sums, with one thing otherwise."""
    extra = g.ndim - len(shape)
    ones = [extra + i for i, n in enumerate(shape) if n == 1 and g.shape[extra + i] != 1]
    g = reduce(g, axis=(*range(extra), *(ones if stretched else ())), keepdims=True)
    return g.reshape(shape) if keeps and g.size == math.prod(shape) else np.squeeze(g)


@UNBROADCAST.mistake(
    "the copies' gradients are averaged; each copy is a use of its own, and uses add",
    caught_by="a row that was added to every row",
)
def _(xp, g, shape):
    return _undone(xp, g, shape, reduce=np.mean)


@UNBROADCAST.mistake(
    "one copy's gradient is taken, and the others are forgotten: they add",
    caught_by="a row that was added to every row",
)
def _(xp, g, shape):
    return _undone(xp, g, shape, reduce=_first)


def _first(g, axis, keepdims):
    return g[tuple(slice(0, 1) if i in axis else slice(None) for i in range(g.ndim))]


@UNBROADCAST.mistake(
    "only the dimensions in front are summed; a size of 1 that was stretched was repeated too",
    caught_by="a column that was stretched keeps its dimension of one",
)
def _(xp, g, shape):
    return _undone(xp, g, shape, stretched=False)


@UNBROADCAST.mistake(
    "the sum has lost the dimension of one: the gradient needs the input's shape exactly",
    caught_by="a column that was stretched keeps its dimension of one",
)
def _(xp, g, shape):
    return _undone(xp, g, shape, keeps=False)


# Softmax

SOFTMAX_VJP = Exercise(
    "softmax_vjp",
    of="groundup.maths.vector_jacobian:softmax_vjp",
    title="How a gradient passes back through softmax",
    minutes=25,
    hints=(
        "Raise one score: its own share grows, and all others shrink, since shares sum to one.",
        "dp_i/dx_j = p_i (1 if i is j, else 0) - p_i p_j. Multiply that by the gradient and sum "
        "over i: one product entry by entry, and one sum. No n x n matrix is needed.",
        "`g = _like(gradient, p)`, then `p * (g - (p * g).sum(axis=-1, keepdims=True))`.",
    ),
)


def _shares(case, *shape):
    powers = np.exp(case.array(*shape))
    return {"p": powers / powers.sum(-1, keepdims=True), "gradient": case.array(*shape)}


def _torch_softmax(p, gradient):
    x = torch.tensor(np.log(p), requires_grad=True)
    return torch.autograd.grad(x.softmax(-1), x, torch.tensor(gradient))[0].numpy()


@SOFTMAX_VJP.check("for two even shares, half of each counts against the other")
def _(softmax_vjp, case):
    given = {"p": [0.5, 0.5], "gradient": [1.0, 0.0]}
    case.same(softmax_vjp(**given), np.array([0.25, -0.25]), given=given)


@SOFTMAX_VJP.check("it is torch's")
def _(softmax_vjp, case):
    given = _shares(case, 4)
    case.same(softmax_vjp(**given), _torch_softmax(**given), given=given)


@SOFTMAX_VJP.check("rows do not mix", tier="deep")
def _(softmax_vjp, case):
    given = _shares(case, 3, 3)
    case.same(softmax_vjp(**given), _torch_softmax(**given), given=given)


@SOFTMAX_VJP.check("a gradient that is the same for all changes nothing", tier="deep")
def _(softmax_vjp, case):
    given = {**_shares(case, 4), "gradient": np.full(4, 3.0)}
    case.same(softmax_vjp(**given), np.zeros(4), given=given, says="shares cannot all grow")


@SOFTMAX_VJP.check("another shape is refused", tier="deep")
def _(softmax_vjp, case):
    given = {"p": [0.5, 0.5], "gradient": [1.0, 0.0, 0.0]}
    case.refuses(lambda: softmax_vjp(**given), says="wanted a ValueError", given=given)


_TWO = "for two even shares, half of each counts against the other"


@SOFTMAX_VJP.mistake(
    "only the diagonal p (1 - p) is there, as for a sigmoid: raising one score also lowers all "
    "other shares",
    caught_by=_TWO,
)
def _(p, gradient):
    p = np.asarray(p)
    return p * (1 - p) * gradient


@SOFTMAX_VJP.mistake(
    "the mean of the gradient is taken off, not its mean *weighted by the shares*",
    caught_by="it is torch's",
)
def _(p, gradient):
    p, g = np.asarray(p), np.asarray(gradient)
    return p * (g - g.mean(axis=-1, keepdims=True))


@SOFTMAX_VJP.mistake("the factor p in front is missing: a share near 0 cannot move", caught_by=_TWO)
def _(p, gradient):
    g = np.asarray(gradient)
    return g - (p * g).sum(axis=-1, keepdims=True)


@SOFTMAX_VJP.mistake(
    "the sum runs over all rows; each row is a softmax of its own, so sum over the last axis alone",
    caught_by="rows do not mix",
)
def _(p, gradient):
    p, g = np.asarray(p), np.asarray(gradient)
    return p * (g - (p * g).sum())


# A network

NETWORK = Exercise(
    "network_gradients",
    of="groundup.maths.backpropagation:backpropagate",
    title="Backpropagation through a network, by hand",
    minutes=60,
    hints=(
        "Forward first, and keep what each layer was given. Which of these does the way back need?",
        "At the last scores the gradient is (p - onehot) / batch. For each layer, last first: "
        "affine_vjp gives the gradients at its input, W and b; before the layer below, multiply by "
        "1 - H^2, H being the tanh that came *out of* it.",
        "`inputs` holds X, H_1, ..; `for (W, _), H in zip(reversed(weights), "
        "reversed(inputs[:-1])): gradient, at_W, at_b = affine_vjp(H, W, gradient)`; put the pair "
        "in front of the list; below the first layer there is no tanh.",
    ),
)


def _network(case, sizes, batch=3):
    layers = [(case.array(a, b), case.array(b)) for a, b in pairwise(sizes)]
    labels = case.integers(0, sizes[-1] - 1, batch)
    return {"X": case.array(batch, sizes[0]), "labels": labels, "layers": layers}


def _torch_network(X, labels, layers):
    """The loss, the gradients of all parameters in order, and that of X."""
    x = torch.tensor(X, requires_grad=True)
    parameters = [torch.tensor(one, requires_grad=True) for layer in layers for one in layer]
    h = x
    for i in range(0, len(parameters), 2):
        h = (h.tanh() if i else h) @ parameters[i] + parameters[i + 1]
    loss = torch.nn.functional.cross_entropy(h, torch.tensor(labels))
    found = torch.autograd.grad(loss, [*parameters, x])
    *gradients, at_input = (one.numpy() for one in found)
    return loss.item(), gradients, at_input


def _flat(found):
    return [one for pair in found.gradients for one in pair]


@NETWORK.check("one layer: the loss and its gradients are torch's")
def _(backpropagate, case):
    given = _network(case, (2, 3))
    loss, gradients, _ = _torch_network(**given)
    found = backpropagate(**given)
    case.same(found.loss, loss, given=given, says="the loss is another one")
    case.same(_flat(found), gradients, given=given, says="a gradient is another one")


@NETWORK.check("two layers: the gradients are torch's")
def _(backpropagate, case):
    given = _network(case, (2, 3, 2))
    _, gradients, _ = _torch_network(**given)
    case.same(_flat(backpropagate(**given)), gradients, given=given)


@NETWORK.check("four layers, and the gradient at the input", tier="deep")
def _(backpropagate, case):
    given = _network(case, (2, 3, 4, 3, 2))
    _, gradients, at_input = _torch_network(**given)
    found = backpropagate(**given)
    case.same(_flat(found), gradients, given=given)
    case.same(found.at_input, at_input, given=given, says="the gradient at X is another one")


@NETWORK.check("layers that do not fit, or are not there, are refused", tier="deep")
def _(backpropagate, case):
    given = _network(case, (2, 3, 2))
    for wrong in ({**given, "layers": []}, {**given, "X": case.array(3, 4)}):
        says = "wanted a ValueError"
        case.refuses(lambda wrong=wrong: backpropagate(**wrong), says=says, given=wrong)


def _back(X, labels, layers, *, mean=True, slope=lambda h, z: 1 - h**2, on_input=False, bias=sum):
    """The network, with one thing otherwise."""
    inputs, sums = [np.asarray(X)], []
    for number, (W, b) in enumerate(layers):
        sums.append(inputs[-1] @ W + b)
        inputs.append(sums[-1] if number == len(layers) - 1 else np.tanh(sums[-1]))
    scores, rows = sums[-1], np.arange(len(X))
    logs = scores - np.log(np.exp(scores).sum(1, keepdims=True))
    g = np.exp(logs)
    g[rows, labels] -= 1
    g = g / len(X) if mean else g
    gradients = []
    for number in reversed(range(len(layers))):
        gradients.insert(0, (inputs[number].T @ g, bias(g)))
        g = g @ layers[number][0].T
        if number or on_input:
            z = sums[number - 1] if number else inputs[0]
            g = g * slope(inputs[number], z)
    return Backward(float(-logs[rows, labels].mean()), gradients, g)


@NETWORK.mistake(
    "the gradient of the loss is not divided by the batch: the loss is a mean, its gradient too",
    caught_by="one layer: the loss and its gradients are torch's",
)
def _(X, labels, layers):
    return _back(X, labels, layers, mean=False)


@NETWORK.mistake(
    "the bias's gradient is averaged over the rows; the bias was added to every row, so sum",
    caught_by="one layer: the loss and its gradients are torch's",
)
def _(X, labels, layers):
    return _back(X, labels, layers, bias=lambda g: g.mean(0))


@NETWORK.mistake(
    "the slope of tanh is missing on the way back: times 1 - H^2 before each layer below",
    caught_by="two layers: the gradients are torch's",
)
def _(X, labels, layers):
    return _back(X, labels, layers, slope=lambda h, z: 1.0)


@NETWORK.mistake(
    "the slope of tanh is taken at what went in: it is 1 - H^2 of what came out",
    caught_by="two layers: the gradients are torch's",
)
def _(X, labels, layers):
    return _back(X, labels, layers, slope=lambda h, z: 1 - z**2)


@NETWORK.mistake(
    "the gradient at X is multiplied by 1 - X^2, but X came out of no tanh",
    caught_by="four layers, and the gradient at the input",
)
def _(X, labels, layers):
    return _back(X, labels, layers, on_input=True)
