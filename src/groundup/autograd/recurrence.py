r"""Recurrent layers over whole sequences: one formula for a step, one rule for all steps.

The cells are the formulas, in method names that torch's tensors share. The rules compute the same
for all T positions with one product for all inputs, and pass gradients back through time (Werbos,
"Backpropagation through time", 1990) with one product for each weight.

Weights and gates are laid out as torch's: rows of `weight_ih` are the gates one after the other.
A sequence shorter than T (`lengths`) keeps its state from its end on and gives zeros there, as a
packed sequence in torch. The result holds the outputs of T positions, then the last states.

Legend: T position, B sequence, C input features, F hidden width, G the gates' rows (F times 1, 3
or 4).
"""

from collections.abc import Callable
from typing import Any

import numpy as np

from groundup.autograd.rule import Array, FusedRule
from groundup.swap import replaceable


@replaceable
def rnn_cell(
    x_BC: Any, h_BF: Any, weight_ih: Any, weight_hh: Any, bias_ih: Any, bias_hh: Any
) -> Any:
    r"""$\tanh(W_{ih} x + b_{ih} + W_{hh} h + b_{hh})$.

    From Elman, "Finding structure in time" (1990).
    """
    return (x_BC @ weight_ih.T + bias_ih + h_BF @ weight_hh.T + bias_hh).tanh()


@replaceable
def lstm_cell(
    x_BC: Any,
    state: tuple[Any, Any],
    weight_ih: Any,
    weight_hh: Any,
    bias_ih: Any,
    bias_hh: Any,
) -> tuple[Any, Any]:
    r"""One step of an LSTM: the new $(h, c)$.

    $i, f, o = \sigma(\cdot)$, $g = \tanh(\cdot)$ of $W_{ih} x + b_{ih} + W_{hh} h + b_{hh}$, laid
    out as i, f, g, o; then $c' = f c + i g$ and $h' = o \tanh(c')$: the cell c is added to, not
    multiplied through, so that its gradient need not vanish. Hochreiter and Schmidhuber, "Long
    short-term memory" (1997); the forget gate: Gers et al. (2000). Leaves out peepholes.
    """
    h_BF, c_BF = state
    gates = x_BC @ weight_ih.T + bias_ih + h_BF @ weight_hh.T + bias_hh
    i, f, g, o = gates.chunk(4, -1)
    c_BF = f.sigmoid() * c_BF + i.sigmoid() * g.tanh()
    return o.sigmoid() * c_BF.tanh(), c_BF


@replaceable
def gru_cell(
    x_BC: Any, h_BF: Any, weight_ih: Any, weight_hh: Any, bias_ih: Any, bias_hh: Any
) -> Any:
    r"""One step of a GRU: $h' = (1 - z) n + z h$.

    $r, z = \sigma(W x + b + W' h + b')$, $n = \tanh(W_n x + b_n + r (W'_n h + b'_n))$, laid out as
    r, z, n. Cho et al., "Learning phrase representations" (2014), in torch's form, where the reset
    gate comes after the product.
    """
    r_x, z_x, n_x = (x_BC @ weight_ih.T + bias_ih).chunk(3, -1)
    r_h, z_h, n_h = (h_BF @ weight_hh.T + bias_hh).chunk(3, -1)
    z = (z_x + z_h).sigmoid()
    n = (n_x + (r_x + r_h).sigmoid() * n_h).tanh()
    return (1 - z) * n + z * h_BF


def is_running(lengths: Array | None, position: int) -> Array | None:
    """B x 1: which sequences have not ended before that position; None where all run."""
    if lengths is None or position < lengths.min():
        return None
    return (position < lengths)[:, None]


def _gates_of_inputs(x_TBC: Array, weight_ih: Array, bias: Array) -> Array:
    T, B, C = x_TBC.shape
    gates = x_TBC.reshape(T * B, C) @ weight_ih.T
    gates += bias
    return gates.reshape(T, B, -1)


def _keep(running: Array | None, new: Array, old: Array) -> Array:
    return new if running is None else np.where(running, new, old)


def _of_inputs(
    d_TBG: Array,
    x_TBC: Array,
    h_TBF: Array,
    weight_ih: Array | None,
    d_hidden: Array | None = None,
) -> tuple[Any, ...]:
    """Gradients of x, weight_ih, weight_hh, bias_ih and bias_hh from those of all gates.

    `weight_ih` None: that of x is not wanted. `d_hidden`: of the gates' share from the state, where
    it is not the same (the GRU's).
    """
    flat = d_TBG.reshape(-1, d_TBG.shape[-1])
    flat_hidden = flat if d_hidden is None else d_hidden.reshape(flat.shape)
    x, h = x_TBC.reshape(len(flat), -1), h_TBF.reshape(len(flat), -1)
    d_bias = flat.sum(0)
    d_bias_hidden = d_bias if d_hidden is None else flat_hidden.sum(0)
    d_x = None if weight_ih is None else (flat @ weight_ih).reshape(x_TBC.shape)
    return d_x, flat.T @ x, flat_hidden.T @ h, d_bias, d_bias_hidden


# The simple network


def rnn(
    x_TBC: Array,
    h_BF: Array,
    weight_ih: Array,
    weight_hh: Array,
    bias_ih: Array,
    bias_hh: Array,
    lengths: Array | None,
) -> tuple[Array, Any]:
    """`rnn_cell` at every position: (T + 1) x B x F, the outputs and the last state."""
    gates = _gates_of_inputs(x_TBC, weight_ih, bias_ih + bias_hh)
    T, B, F = gates.shape
    states = np.empty((T + 1, B, F), gates.dtype)
    states[0] = h_BF
    result = np.empty((T + 1, B, F), gates.dtype)
    for t in range(T):
        new = np.tanh(gates[t] + states[t] @ weight_hh.T)
        running = is_running(lengths, t)
        states[t + 1] = _keep(running, new, states[t])
        result[t] = new if running is None else new * running
    result[T] = states[T]
    return result, states


def rnn_backward(g: Array, y: Array, kept: Any, *inputs: Any, wanted: Any) -> tuple[Any, ...]:
    r"""$\bar h_{t-1} = W_{hh}^T\,(\bar h_t (1 - h_t^2))$: a product of T such factors."""
    x_TBC, _, weight_ih, weight_hh, _, _, lengths = inputs
    states = kept
    d_gates = np.empty_like(states[1:])
    d_h = g[-1]
    for t in reversed(range(len(x_TBC))):
        running = is_running(lengths, t)
        d_new = _keep(running, g[t] + d_h, np.zeros_like(d_h))
        d_gates[t] = d_new * (1 - states[t + 1] ** 2)
        d_h = _keep(running, d_gates[t] @ weight_hh, d_h)
    through = weight_ih if wanted[0] else None
    d_x, d_ih, d_hh, d_bias, _ = _of_inputs(d_gates, x_TBC, states[:-1], through)
    return d_x, d_h, d_ih, d_hh, d_bias, d_bias, None


# The LSTM


def lstm(
    x_TBC: Array,
    h_BF: Array,
    c_BF: Array,
    weight_ih: Array,
    weight_hh: Array,
    bias_ih: Array,
    bias_hh: Array,
    lengths: Array | None,
) -> tuple[Array, Any]:
    r"""`lstm_cell` at every position: (T + 2) x B x F, the outputs, the last h and the last c.

    $\sigma(x) = (1 + \tanh(x/2)) / 2$, so that all gates take one tanh: the weights of i, f and o
    are halved first. The gates are kept as 4 x T x B x F, in the order i, f, o, g.
    """
    T, B, C = x_TBC.shape
    F = weight_hh.shape[1]
    half_411 = np.array([0.5, 0.5, 0.5, 1], weight_ih.dtype)[:, None, None]
    to_gates = gates_apart(weight_ih) * half_411
    recurrent = np.ascontiguousarray(np.swapaxes(gates_apart(weight_hh) * half_411, 1, 2))
    gates = np.matmul(x_TBC.reshape(T * B, C), np.swapaxes(to_gates, 1, 2))
    gates += gates_apart(bias_ih + bias_hh)[:, None] * half_411
    gates = gates.reshape(4, T, B, F)
    h, c = (np.empty((T + 1, B, F), gates.dtype) for _ in range(2))
    h[0], c[0] = h_BF, c_BF
    tanh_c = np.empty((T, B, F), gates.dtype)
    result = np.empty((T + 2, B, F), gates.dtype)
    gate, product = np.empty((4, B, F), gates.dtype), np.empty((B, F), gates.dtype)
    for t in range(T):
        np.matmul(h[t], recurrent, out=gate)
        gate += gates[:, t]
        np.tanh(gate, out=gate)
        gate[:3] *= 0.5
        gate[:3] += 0.5
        gates[:, t] = gate
        i, f, o, n = gate
        new_h, new_c = h[t + 1], c[t + 1]
        np.multiply(f, c[t], out=new_c)
        np.multiply(i, n, out=product)
        new_c += product
        np.tanh(new_c, out=tanh_c[t])
        np.multiply(o, tanh_c[t], out=new_h)
        result[t] = new_h
        running = is_running(lengths, t)
        if running is not None:
            result[t] *= running
            np.copyto(new_h, h[t], where=~running)
            np.copyto(new_c, c[t], where=~running)
    result[T], result[T + 1] = h[T], c[T]
    return result, (gates, h, c, tanh_c)


def gates_apart(rows: Array) -> Array:
    """The rows (or biases) of i, f, g, o as 4 x F (x ...), in the order i, f, o, g."""
    return rows.reshape(4, -1, *rows.shape[1:])[[0, 1, 3, 2]]


def gates_together(rows: Array) -> Array:
    """The reverse of `gates_apart`."""
    return rows[[0, 1, 3, 2]].reshape(-1, *rows.shape[2:])


def lstm_backward(g: Array, y: Array, kept: Any, *inputs: Any, wanted: Any) -> tuple[Any, ...]:
    r"""Back through time: $\bar c_{t-1} = f_t \bar c_t$ passes straight through the cell."""
    x_TBC, _, _, weight_ih, weight_hh, _, _, lengths = inputs
    gates, h, c, tanh_c = kept
    T, B, F = tanh_c.shape
    recurrent = gates_apart(weight_hh)
    d_gates = np.empty_like(gates)
    d_gate, slopes = (np.empty((4, B, F), gates.dtype) for _ in range(2))
    d_h, d_c = g[T], g[T + 1].copy()
    for t in reversed(range(T)):
        running = is_running(lengths, t)
        gate = gates[:, t]
        i, f, o, n = gate
        np.subtract(1, gate[:3], out=slopes[:3])
        slopes[:3] *= gate[:3]
        np.multiply(n, n, out=slopes[3])
        np.subtract(1, slopes[3], out=slopes[3])
        d_new_h = g[t] + d_h
        d_new_c = 1 - tanh_c[t] * tanh_c[t]
        d_new_c *= o
        d_new_c *= d_new_h
        d_new_c += d_c
        np.multiply(d_new_c, n, out=d_gate[0])
        np.multiply(d_new_c, c[t], out=d_gate[1])
        np.multiply(d_new_h, tanh_c[t], out=d_gate[2])
        np.multiply(d_new_c, i, out=d_gate[3])
        d_gate *= slopes
        if running is not None:
            d_gate *= running
        d_gates[:, t] = d_gate
        d_h = _keep(running, np.matmul(d_gate, recurrent, out=slopes).sum(0), d_h)
        d_new_c *= f
        d_c = _keep(running, d_new_c, d_c)
    flat = d_gates.reshape(4, T * B, F)
    rows = np.swapaxes(flat, 1, 2)
    d_ih = gates_together(np.matmul(rows, x_TBC.reshape(T * B, -1)))
    d_hh = gates_together(np.matmul(rows, h[:-1].reshape(T * B, F)))
    d_bias = gates_together(flat.sum(1))
    d_x = None
    if wanted[0]:
        d_x = np.matmul(flat, gates_apart(weight_ih)).sum(0).reshape(x_TBC.shape)
    return d_x, d_h, d_c, d_ih, d_hh, d_bias, d_bias, None


# The GRU


def gru(
    x_TBC: Array,
    h_BF: Array,
    weight_ih: Array,
    weight_hh: Array,
    bias_ih: Array,
    bias_hh: Array,
    lengths: Array | None,
) -> tuple[Array, Any]:
    """`gru_cell` at every position: (T + 1) x B x F, the outputs and the last state."""
    gates = _gates_of_inputs(x_TBC, weight_ih, bias_ih)
    T, B, _ = gates.shape
    F = weight_hh.shape[1]
    states = np.empty((T + 1, B, F), gates.dtype)
    states[0] = h_BF
    result = np.empty((T + 1, B, F), gates.dtype)
    from_state = np.empty((T, B, F), gates.dtype)
    for t in range(T):
        gate = gates[t]
        hidden = states[t] @ weight_hh.T
        hidden += bias_hh
        rz = gate[:, : 2 * F]
        rz += hidden[:, : 2 * F]
        rz *= 0.5
        np.tanh(rz, out=rz)
        rz += 1
        rz *= 0.5
        from_state[t] = hidden[:, 2 * F :]
        n = gate[:, 2 * F :]
        n += rz[:, :F] * from_state[t]
        np.tanh(n, out=n)
        new = n + rz[:, F:] * (states[t] - n)
        running = is_running(lengths, t)
        states[t + 1] = _keep(running, new, states[t])
        result[t] = new if running is None else new * running
    result[T] = states[T]
    return result, (gates, states, from_state)


def gru_backward(g: Array, y: Array, kept: Any, *inputs: Any, wanted: Any) -> tuple[Any, ...]:
    """Back through time; the candidate's share from the state passes through the reset gate."""
    x_TBC, _, weight_ih, weight_hh, _, _, lengths = inputs
    gates, states, from_state = kept
    T, _, F = from_state.shape
    d_gates, d_hidden = np.empty_like(gates), np.empty_like(gates)
    d_h = g[T]
    for t in reversed(range(T)):
        running = is_running(lengths, t)
        r, z, n = (gates[t][:, k * F : (k + 1) * F] for k in range(3))
        d_new = g[t] + d_h
        d_n = d_new * (1 - z) * (1 - n * n)
        d_gates[t][:, :F] = d_n * from_state[t] * r * (1 - r)
        d_gates[t][:, F : 2 * F] = d_new * (states[t] - n) * z * (1 - z)
        d_gates[t][:, 2 * F :] = d_n
        if running is not None:
            d_gates[t] *= running
        d_hidden[t] = d_gates[t]
        d_hidden[t][:, 2 * F :] *= r
        d_h = _keep(running, d_hidden[t] @ weight_hh + d_new * z, d_h)
    d_x, d_ih, d_hh, d_bias_ih, d_bias_hh = _of_inputs(
        d_gates, x_TBC, states[:-1], weight_ih if wanted[0] else None, d_hidden
    )
    return d_x, d_h, d_ih, d_hh, d_bias_ih, d_bias_hh, None


# The plain twins: a cell at every position


def plain_recurrence(cell: Callable[..., Any]) -> Callable[..., Any]:
    """A cell with one state at every position, with a rule's arguments and layout."""

    def run(xp: Any, x_TBC: Any, h_BF: Any, *rest: Any) -> Any:
        *weights, lengths = rest
        outputs = []
        for t in range(x_TBC.shape[0]):
            new_BF = cell(x_TBC[t], h_BF, *weights)
            running = is_running(lengths, t)
            h_BF = new_BF if running is None else new_BF.where(running, h_BF)
            outputs.append(new_BF if running is None else new_BF * running)
        return xp.stack(*outputs, h_BF, dim=0)

    return run


def plain_lstm(xp: Any, x_TBC: Any, h_BF: Any, c_BF: Any, *rest: Any) -> Any:
    """`lstm_cell` at every position, with the rule's arguments and layout."""
    *weights, lengths = rest
    outputs = []
    for t in range(x_TBC.shape[0]):
        new_h, new_c = lstm_cell(x_TBC[t], (h_BF, c_BF), *weights)
        running = is_running(lengths, t)
        h_BF = new_h if running is None else new_h.where(running, h_BF)
        c_BF = new_c if running is None else new_c.where(running, c_BF)
        outputs.append(new_h if running is None else new_h * running)
    return xp.stack(*outputs, h_BF, c_BF, dim=0)


RECURRENCE = {
    "rnn": FusedRule(rnn, rnn_backward, plain_recurrence(rnn_cell)),
    "lstm": FusedRule(lstm, lstm_backward, plain_lstm),
    "gru": FusedRule(gru, gru_backward, plain_recurrence(gru_cell)),
}
