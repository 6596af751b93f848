"""Functions of tensors that are not methods, with torch's names and arguments.

Torch's own functions come here when they are given a Tensor of ours (`TORCH_FUNCTIONS`).
"""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from groundup.autograd.arithmetic import Arithmetic
from groundup.autograd.record import ON_VALUES, Recorded, apply
from groundup.autograd.recurrence import gru_cell, lstm_cell, rnn_cell
from groundup.autograd.rule import FusedRule
from groundup.autograd.table import RULES
from groundup.swap import is_replaced

Pair = int | Sequence[int]


def _first(name: str, *parts: Any, **settings: Any) -> Any:
    values = [part if isinstance(part, Recorded) else np.asarray(part) for part in parts]
    return apply(RULES[name], *values, **settings)


def cat(tensors: Sequence[Any], dim: int = 0) -> Any:
    """Laid one after the other along `dim`; the other sizes must be equal."""
    return _first("cat", *tensors, dim=dim % tensors[0].ndim)


def stack(tensors: Sequence[Any], dim: int = 0) -> Any:
    """Laid side by side along a new dimension."""
    return _first("stack", *tensors, dim=dim % (tensors[0].ndim + 1))


def einsum(subscripts: str, *operands: Any) -> Any:
    """Einstein's summation, as "ij,jk->ik". Left out: ellipses, a letter twice in one operand."""
    clean = subscripts.replace(" ", "")
    inputs, arrow, result = clean.partition("->")
    if "." in clean or any(len(set(name)) < len(name) for name in inputs.split(",")):
        raise ValueError(f"{subscripts!r} has an ellipsis or a letter twice in one operand")
    if not arrow:
        letters = inputs.replace(",", "")
        result = "".join(sorted(c for c in set(letters) if letters.count(c) == 1))
    return _first("einsum", *operands, subscripts=f"{inputs}->{result}")


def where(condition: Any, a: Any, b: Any) -> Any:
    """A where the condition holds, else b; one of them is a Tensor."""
    if isinstance(a, Arithmetic):
        return a.where(condition, b)
    held = condition.data if isinstance(condition, Recorded) else np.asarray(condition)
    return b.where(~held, a)


def linear(x: Any, weight: Any, bias: Any = None) -> Any:
    r"""$x W^T + b$ for W of outputs x inputs."""
    parts = (x, weight) if bias is None else (x, weight, bias)
    return _first("linear", *parts)


def pad(x: Any, widths: Sequence[int], mode: str = "constant", value: float | None = None) -> Any:
    """A border of `value`; `widths` are torch's: (before, after) from the last dimension back."""
    if mode != "constant" or len(widths) % 2 or len(widths) > 2 * x.ndim:
        raise ValueError(f"pad takes mode 'constant' and pairs of widths, not {mode!r}, {widths}")
    pairs = [(widths[i], widths[i + 1]) for i in range(0, len(widths), 2)]
    full = ((0, 0),) * (x.ndim - len(pairs)) + tuple(reversed(pairs))
    return apply(RULES["pad"], x, widths=full, value=value or 0.0)


def softplus(x: Any, beta: float = 1.0, threshold: float = 20.0) -> Any:
    r"""$\ln(1 + e^{\beta x}) / \beta$, and x itself where $\beta x$ is above the threshold."""
    return ((x * beta).softplus() / beta).where(x * beta <= threshold, x)


def embedding(ids: Any, weight: Any) -> Any:
    """The rows of `weight` that the ids name."""
    return weight[ids]


def cross_entropy(
    logits: Any,
    targets: Any,
    weight: Any = None,
    size_average: Any = None,
    ignore_index: int = -100,
    reduce: Any = None,
    reduction: str = "mean",
    label_smoothing: float = 0.0,
) -> Any:
    r"""The mean of $-\ln \mathrm{softmax}(z)_t$ in nats; logits N x V, targets N.

    The arguments are torch's; ValueError for weights, other reductions, label smoothing (which
    `losses.smoothed_cross_entropy` has) and other shapes.
    """
    ids = targets.data if isinstance(targets, Recorded) else np.asarray(targets)
    if weight is not None or reduction != "mean" or label_smoothing or size_average or reduce:
        raise ValueError("cross_entropy is a mean without class weights or smoothing")
    if logits.ndim != 2 or ids.shape != logits.shape[:1] or ids.dtype.kind not in "iu":
        raise ValueError(
            f"cross_entropy wants logits N x V and N integer targets, and has "
            f"{tuple(logits.shape)} and {ids.shape} of {ids.dtype}"
        )
    return apply(RULES["cross_entropy"], logits, ids, ignore=ignore_index)


def layer_norm(
    x: Any, shape: Sequence[int], weight: Any = None, bias: Any = None, eps: float = 1e-5
) -> Any:
    """Mean 0 and variance 1 over the last dimensions (of that shape), then gains and biases."""
    return apply(RULES["layer_norm"], x, weight, bias, eps=eps, dims=len(shape))


def maximum(a: Any, b: Any) -> Any:
    """The larger of two, element by element."""
    return a.maximum(b) if isinstance(a, Arithmetic) else b.maximum(a)


def attend(
    q: Any,
    k: Any,
    v: Any,
    attn_mask: Any = None,
    dropout_p: float = 0.0,
    is_causal: bool = False,
    scale: float | None = None,
) -> Any:
    r"""$\mathrm{softmax}(q k^T / \sqrt D)\, v$ as one rule; the mask is True where q may look."""
    if dropout_p:
        raise ValueError("attention without dropout only; apply dropout to what comes out")
    mask = None if attn_mask is None else np.asarray(attn_mask)
    if mask is not None and (mask.dtype != np.bool_ or is_causal):
        raise ValueError("attention's mask is boolean, and stands alone or is_causal does")
    if is_causal:
        mask = np.tri(q.shape[-2], k.shape[-2], dtype=bool)
    factor = q.shape[-1] ** -0.5 if scale is None else scale
    return apply(RULES["attention"], q, k, v, mask, scale=factor)


def conv2d(
    x: Any,
    weight: Any,
    bias: Any = None,
    stride: Pair = 1,
    padding: Pair = 0,
    dilation: Pair = 1,
    groups: int = 1,
) -> Any:
    """Convolution of images (B x C x height x width) with F x C/groups x U x V weights."""
    settings: dict[str, Any] = {"stride": _pair(stride), "padding": _pair(padding)}
    settings |= {"dilation": _pair(dilation), "groups": groups}
    if x.ndim != 4 or x.shape[1] != weight.shape[1] * groups or weight.shape[0] % groups:
        raise ValueError(
            f"images of shape {tuple(x.shape)} do not fit weights of shape {tuple(weight.shape)} "
            f"in {groups} groups; wanted B x C x height x width and F x C/groups x U x V"
        )
    return apply(RULES["conv2d"], x, weight, bias, **settings)


def max_pool2d(
    x: Any,
    kernel_size: Pair,
    stride: Pair | None = None,
    padding: Pair = 0,
    dilation: Pair = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
) -> Any:
    """The largest of each window of the last two dimensions; without a stride windows touch."""
    if _pair(dilation) != (1, 1) or ceil_mode or return_indices:
        raise ValueError("max_pool2d knows no dilation, ceil_mode or indices")
    window = _pair(kernel_size)
    step = window if stride is None else _pair(stride)
    return apply(RULES["max_pool2d"], x, window=window, stride=step, padding=_pair(padding))


def avg_pool2d(
    x: Any,
    kernel_size: Pair,
    stride: Pair | None = None,
    padding: Pair = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
    divisor_override: int | None = None,
) -> Any:
    """The mean of each window of the last two dimensions; a border's zeros count."""
    if ceil_mode or not count_include_pad or divisor_override is not None:
        raise ValueError("avg_pool2d knows no ceil_mode, and divides by the whole window")
    window = _pair(kernel_size)
    step = window if stride is None else _pair(stride)
    return apply(RULES["avg_pool2d"], x, window=window, stride=step, padding=_pair(padding))


def _pair(size: Pair) -> tuple[int, int]:
    if isinstance(size, int):
        return size, size
    one, *other = size
    return one, other[0] if other else one


def _recurrence(name: str, cell: Callable[..., Any], *inputs: Any) -> Any:
    """The rule for all steps; step by step while a learner's cell stands in for ours."""
    rule = RULES[name]
    if is_replaced(cell) and isinstance(rule, FusedRule):
        return rule.plain(ON_VALUES, *inputs)
    return apply(rule, *inputs)


def rnn(x: Any, h: Any, weights: Sequence[Any], lengths: Any = None) -> tuple[Any, Any]:
    """A tanh network over T x B x C: outputs T x B x F and the last state B x F.

    `weights`: weight_ih, weight_hh, bias_ih, bias_hh, as in `groundup.autograd.recurrence`.
    """
    packed = _recurrence("rnn", rnn_cell, x, h, *weights, lengths)
    return packed[:-1], packed[-1]


def gru(x: Any, h: Any, weights: Sequence[Any], lengths: Any = None) -> tuple[Any, Any]:
    """A GRU over T x B x C: outputs T x B x F and the last state B x F."""
    packed = _recurrence("gru", gru_cell, x, h, *weights, lengths)
    return packed[:-1], packed[-1]


def lstm(
    x: Any, state: tuple[Any, Any], weights: Sequence[Any], lengths: Any = None
) -> tuple[Any, tuple[Any, Any]]:
    """An LSTM over T x B x C: outputs T x B x F and the last (h, c), each B x F."""
    packed = _recurrence("lstm", lstm_cell, x, *state, *weights, lengths)
    return packed[:-2], (packed[-2], packed[-1])


TORCH_FUNCTIONS: dict[str, Callable[..., Any]] = {
    "cat": cat,
    "stack": stack,
    "einsum": einsum,
    "where": where,
    "linear": linear,
    "pad": pad,
    "embedding": embedding,
    "layer_norm": layer_norm,
    "maximum": maximum,
    "softmax": lambda x, dim, _stacklevel=3, dtype=None: x.softmax(dim),
    "log_softmax": lambda x, dim, _stacklevel=3, dtype=None: x.log_softmax(dim),
    "relu": lambda x, inplace=False: x.relu(),
    "leaky_relu": lambda x, negative_slope=0.01, inplace=False: x.leaky_relu(negative_slope),
    "softplus": softplus,
    "cross_entropy": cross_entropy,
    "flip": lambda x, dims: x.flip(dims),
    "add": lambda a, b, alpha=1: a + b * alpha,
    "sub": lambda a, b, alpha=1: a - b * alpha,
    "mul": lambda a, b: a * b,
    "div": lambda a, b: a / b,
    "neg": lambda x: -x,
    "matmul": lambda a, b: a @ b,
    "mm": lambda a, b: a @ b,
    "bmm": lambda a, b: a @ b,
    "mv": lambda a, b: a @ b,
    "dot": lambda a, b: a @ b,
    "silu": lambda x, inplace=False: x.silu(),
    "scaled_dot_product_attention": attend,
    "conv2d": conv2d,
    "max_pool2d": max_pool2d,
    "avg_pool2d": avg_pool2d,
}
"""Torch's functions by name, where they are not methods of the same signature."""
