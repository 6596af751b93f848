"""At least one sample for every rule of the table: a function both engines run, and its inputs.

A rule without a sample fails `test_rules.py`: who adds one adds its sample here, and has it judged
by torch, by differences, and to the second order.
"""

import numpy as np
import torch
import torch.nn.functional as F

from groundup.autograd import functions
from groundup.autograd.tensor import Tensor

RNG = np.random.default_rng(0)
MASK = RNG.random((3, 4)) < 0.5
PLACES = RNG.integers(0, 3, (2, 4))
LENGTHS = np.array([4, 2, 3])


def normal(*shape):
    return RNG.standard_normal(shape)


def positive(*shape):
    return RNG.random(shape) + 0.5


def apart(*shape):
    """Numbers no two of which are near, in random order: no tie, no kink at 0 nearby."""
    count = int(np.prod(shape))
    return (RNG.permutation(count) - count / 2 + 0.25).reshape(shape) / 3


def on(x, array):
    """A constant of the engine that x belongs to."""
    return torch.as_tensor(array) if isinstance(x, torch.Tensor) else Tensor(np.asarray(array))


def weights(gates, C=3, F=2):
    return [normal(gates * F, C), normal(gates * F, F), normal(gates * F), normal(gates * F)]


def recurrent(kind, gates):
    """Outputs and last states side by side, of sequences that end at different positions."""

    def run(x, h, *rest):
        if isinstance(x, torch.Tensor):
            return _torch_recurrent(kind, x, h, rest)
        if kind == "lstm":
            out, (last, cell) = functions.lstm(x, (h, rest[0]), rest[1:], LENGTHS)
            return functions.cat([out.flatten(), last.flatten(), cell.flatten()], 0)
        out, last = getattr(functions, kind)(x, h, rest, LENGTHS)
        return functions.cat([out.flatten(), last.flatten()], 0)

    states = [normal(3, 2)] * (2 if kind == "lstm" else 1)
    return run, [normal(4, 3, 3), *states, *weights(gates)]


def _torch_recurrent(kind, x, h, rest):
    module = {"rnn": torch.nn.RNN, "gru": torch.nn.GRU, "lstm": torch.nn.LSTM}[kind](3, 2).double()
    state = (h[None], rest[0][None]) if kind == "lstm" else h[None]
    names = ("weight_ih_l0", "weight_hh_l0", "bias_ih_l0", "bias_hh_l0")
    given = dict(zip(names, rest[-4:], strict=True))
    packed = torch.nn.utils.rnn.pack_padded_sequence(x, torch.tensor(LENGTHS), enforce_sorted=False)
    out, last = torch.func.functional_call(module, given, (packed, state))
    out, _ = torch.nn.utils.rnn.pad_packed_sequence(out)
    parts = last if kind == "lstm" else (last,)
    return torch.cat([out.flatten(), *(part.flatten() for part in parts)])


def targets(x):
    ids = np.array([0, 3, -100, 2, 2])
    return torch.tensor(ids) if isinstance(x, torch.Tensor) else ids


def cross_entropy(x):
    function = F.cross_entropy if isinstance(x, torch.Tensor) else functions.cross_entropy
    return function(x, targets(x))


SAMPLES = {
    "add": [(lambda a, b: a + b, [normal(3, 4), normal(4)]), (lambda a: 2 + a, [normal(3)])],
    "sub": [(lambda a, b: a - b, [normal(3, 1), normal(3, 4)]), (lambda a: 1 - a, [normal(3)])],
    "mul": [
        (lambda a, b: a * b, [normal(3, 4), normal(1, 4)]),
        (lambda a: a * a, [normal(3)]),
        (lambda a, b: a * b, [normal(1).reshape(()), normal(2, 3)]),
    ],
    "div": [(lambda a, b: a / b, [normal(3, 4), positive(4)]), (lambda a: 2 / a, [positive(3)])],
    "pow": [
        (lambda a: a**2, [normal(3)]),
        (lambda a: a**3, [normal(3)]),
        (lambda a: a**0.5, [positive(3)]),
        (lambda a: a**-1.5, [positive(3)]),
        (lambda a: a**0, [normal(3)]),
        (lambda a, b: a**b, [positive(3, 4), normal(4)]),
        (lambda a: 2.0**a, [normal(3)]),
    ],
    "maximum": [(lambda a, b: a.maximum(b), [apart(3, 4), apart(3, 4) + 0.1])],
    "minimum": [(lambda a, b: a.minimum(b), [apart(3, 4), apart(4) + 0.1])],
    "where": [(lambda a, b: a.where(on(a, MASK), b), [normal(3, 4), normal(4)])],
    "neg": [(lambda a: -a, [normal(3)])],
    "abs": [(lambda a: a.abs(), [apart(3, 4)])],
    "sign": [(lambda a: a.sign() * a, [apart(3, 4)])],
    "exp": [(lambda a: a.exp(), [normal(3)])],
    "expm1": [(lambda a: a.expm1(), [normal(3) * 1e-3])],
    "log": [(lambda a: a.log(), [positive(3)])],
    "log1p": [(lambda a: a.log1p(), [positive(3)])],
    "sqrt": [(lambda a: a.sqrt(), [positive(3)])],
    "rsqrt": [(lambda a: a.rsqrt(), [positive(3)])],
    "reciprocal": [(lambda a: a.reciprocal(), [positive(3)])],
    "square": [(lambda a: a.square(), [normal(3)])],
    "sin": [(lambda a: a.sin(), [normal(3)])],
    "cos": [(lambda a: a.cos(), [normal(3)])],
    "tanh": [(lambda a: a.tanh(), [normal(3, 4)])],
    "sigmoid": [(lambda a: a.sigmoid(), [normal(3, 4) * 20])],
    "softplus": [(lambda a: F.softplus(a, 1.0, 1e9), [normal(3, 4) * 20])],
    "erf": [(lambda a: a.erf(), [normal(3, 4) * 2])],
    "relu": [(lambda a: a.relu(), [apart(3, 4)]), (lambda a: F.relu(a), [apart(4)])],
    "leaky_relu": [(lambda a: F.leaky_relu(a, 0.2), [apart(3, 4)])],
    "silu": [(lambda a: F.silu(a), [normal(3, 4) * 3])],
    "gelu": [(lambda a: F.gelu(a), [normal(3, 4) * 2])],
    "gelu_tanh": [(lambda a: F.gelu(a, approximate="tanh"), [normal(3, 4) * 2])],
    "clamp": [
        (lambda a: a.clamp(-1, 1.0), [apart(3, 4)]),
        (lambda a: a.clamp(min=0.1), [apart(3, 4)]),
        (lambda a: a.clamp(max=0.1), [apart(3, 4)]),
    ],
    "to": [(lambda a: a.float().double() * a, [normal(3).astype(np.float32).astype(float)])],
    "sum": [
        (lambda a: a.sum(), [normal(3, 4)]),
        (lambda a: a.sum(-1), [normal(3, 4)]),
        (lambda a: a.sum((0, 2), keepdim=True), [normal(3, 4, 2)]),
    ],
    "mean": [(lambda a: a.mean(1), [normal(3, 4)]), (lambda a: a.mean(), [normal(3, 4)])],
    "amax": [(lambda a: a.amax(1), [apart(3, 4)]), (lambda a: a.max(), [apart(3, 4)])],
    "amin": [(lambda a: a.amin((0, 1)), [apart(3, 4)]), (lambda a: a.min(), [apart(3, 4)])],
    "logsumexp": [
        (lambda a: a.logsumexp(1), [normal(3, 4) * 30]),
        (lambda a: a.logsumexp((0, 1), keepdim=True), [normal(3, 4)]),
    ],
    "softmax": [(lambda a: a.softmax(0), [normal(3, 4)]), (lambda a: a.softmax(-1), [normal(4)])],
    "log_softmax": [(lambda a: a.log_softmax(-1), [normal(3, 4) * 30])],
    "cumsum": [(lambda a: a.cumsum(1), [normal(3, 4)])],
    "reshape": [
        (lambda a: a.reshape(2, -1), [normal(3, 4)]),
        (lambda a: a.flatten(1, 2).unsqueeze(1).squeeze(1), [normal(2, 3, 4)]),
    ],
    "expand": [
        (lambda a: a.expand(2, 3, 4), [normal(3, 1)]),
        (lambda a: a.repeat_interleave(2, 0), [normal(3, 4)]),
    ],
    "permute": [
        (lambda a: a.permute(2, 0, 1), [normal(2, 3, 4)]),
        (lambda a: a.transpose(-1, 0), [normal(2, 3, 4)]),
        (lambda a: a.T, [normal(3, 4)]),
    ],
    "flip": [(lambda a: a.flip(0, 1), [normal(3, 4)])],
    "roll": [(lambda a: a.roll((1, -2), (0, 1)), [normal(3, 4)])],
    "tril": [(lambda a: a.tril(1), [normal(3, 4)])],
    "triu": [(lambda a: a.triu(-1), [normal(3, 4)])],
    "cat": [(lambda a, b: torch.cat([a, b, a], 1), [normal(3, 2), normal(3, 1)])],
    "stack": [(lambda a, b: torch.stack([a, b, a], 1), [normal(3, 2), normal(3, 2)])],
    "pad": [(lambda a: F.pad(a, (1, 2, 0, 3), value=2.0), [normal(3, 2)])],
    "windows": [(lambda a: a.unfold(1, 3, 2), [normal(2, 8)])],
    "fold": [(lambda a: a.unfold(0, 2, 1).square(), [normal(5, 2)])],
    "getitem": [
        (lambda a: a[1:, ::2], [normal(3, 5)]),
        (lambda a: a[..., None, 0], [normal(3, 5)]),
        (lambda a: a[on(a, PLACES)], [normal(3, 5)]),
        (lambda a: a[on(a, PLACES), 1], [normal(3, 5)]),
        (lambda a: a[on(a, MASK)], [normal(3, 4)]),
        (lambda a: a.chunk(3, 1)[2], [normal(2, 7)]),
        (lambda a: a.unbind(1)[2], [normal(2, 7)]),
        (lambda a: a.index_select(1, on(a, PLACES[0])), [normal(2, 7)]),
    ],
    "put_back": [(lambda a: a[on(a, PLACES)].square(), [normal(3, 5)])],
    "gather": [
        (lambda a: a.gather(0, on(a, PLACES)), [normal(3, 4)]),
        (lambda a: a.max(1).values, [apart(3, 4)]),
        (lambda a: a.min(0, keepdim=True).values, [apart(3, 4)]),
    ],
    "scatter_add": [(lambda a: a.gather(0, on(a, PLACES)).square(), [normal(3, 4)])],
    "masked_fill": [(lambda a: a.masked_fill(on(a, MASK), 1.5).square(), [normal(3, 4)])],
    "matmul": [
        (lambda a, b: a @ b, [normal(3, 4), normal(4, 2)]),
        (lambda a, b: a @ b, [normal(4), normal(4)]),
        (lambda a, b: a @ b, [normal(4), normal(4, 2)]),
        (lambda a, b: a @ b, [normal(3, 4), normal(4)]),
        (lambda a, b: a @ b, [normal(4), normal(5, 4, 2)]),
        (lambda a, b: a @ b, [normal(5, 3, 4), normal(4)]),
        (lambda a, b: a @ b, [normal(5, 3, 4), normal(4, 2)]),
        (lambda a, b: a @ b, [normal(3, 4), normal(5, 4, 2)]),
        (lambda a, b: a @ b, [normal(2, 1, 3, 4), normal(5, 4, 2)]),
    ],
    "linear": [
        (lambda x, w, b: F.linear(x, w, b), [normal(2, 3, 4), normal(5, 4), normal(5)]),
        (lambda x, w: F.linear(x, w), [normal(3, 4), normal(5, 4)]),
    ],
    "einsum": [
        (lambda a, b: torch.einsum("bij,bjk->bik", a, b), [normal(2, 3, 4), normal(2, 4, 5)]),
        (lambda a, b: torch.einsum("ij,kj", a, b), [normal(3, 4), normal(5, 4)]),
        (lambda a: torch.einsum("ij->j", a), [normal(3, 4)]),
        (
            lambda a, b, c: torch.einsum("i,ij,j->", a, b, c),
            [normal(3), normal(3, 4), normal(4)],
        ),
    ],
    "cross_entropy": [(cross_entropy, [normal(5, 4) * 3])],
    "layer_norm": [
        (
            lambda x, w, b: F.layer_norm(x, (4,), w, b),
            [normal(2, 3, 4), normal(4), normal(4)],
        ),
        (lambda x: F.layer_norm(x, (3, 4), eps=1e-3), [normal(2, 3, 4)]),
    ],
    "attention": [
        (
            lambda q, k, v: F.scaled_dot_product_attention(q, k, v, is_causal=True),
            [normal(2, 2, 4, 3), normal(2, 2, 4, 3), normal(2, 2, 4, 3)],
        ),
        (
            lambda q, k, v: F.scaled_dot_product_attention(
                q, k, v, on(q, MASK | ~MASK.any(1)[:, None])
            ),
            [normal(3, 2), normal(4, 2), normal(4, 5)],
        ),
    ],
    "conv2d": [
        (
            lambda x, w, b: F.conv2d(x, w, b, stride=2, padding=(1, 2)),
            [normal(2, 3, 6, 5), normal(4, 3, 3, 2), normal(4)],
        ),
        (
            lambda x, w: F.conv2d(x, w, None, 1, 1, 2, 2),
            [normal(2, 4, 6, 7), normal(2, 2, 3, 2)],
        ),
    ],
    "max_pool2d": [
        (lambda x: F.max_pool2d(x, 2), [apart(2, 1, 4, 6)]),
        (lambda x: F.max_pool2d(x, (3, 2), 2, 1), [apart(1, 2, 5, 6)]),
    ],
    "avg_pool2d": [(lambda x: F.avg_pool2d(x, 3, 2, 1), [normal(2, 1, 5, 6)])],
    "rnn": [recurrent("rnn", 1)],
    "lstm": [recurrent("lstm", 4)],
    "gru": [recurrent("gru", 3)],
}
