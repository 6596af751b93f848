"""A plain cell, an LSTM, a GRU, and the way back through time: what answers must do."""

import numpy as np
import torch

from groundup.autograd.recurrence import rnn
from groundup.autograd.tensor import Tensor
from groundup.course.exercise import Exercise

WEIGHTS = ("weight_ih", "weight_hh", "bias_ih", "bias_hh")


def _weights(case, gates, inputs=3, width=3):
    shapes = (gates * width, inputs), (gates * width, width), (gates * width,), (gates * width,)
    return {name: case.tensor(*shape) for name, shape in zip(WEIGHTS, shapes, strict=True)}


def _of_torch(kind, x, state, weights):
    """What torch's cell gives, with these weights."""
    width = weights["weight_hh"].shape[1]
    cell = kind(x.shape[1], width, dtype=torch.float64)
    cell.load_state_dict(weights)
    return cell(x, state)


def _ours(value):
    """Torch's tensors as ours."""
    if isinstance(value, tuple):
        return tuple(map(_ours, value))
    return Tensor(value.numpy())


def _gradients(results, inputs):
    """Of the sum of squares of the results."""
    return list(torch.autograd.grad(sum(one.square().sum() for one in results), inputs))


# The plain cell

RNN_CELL = Exercise(
    "rnn_cell",
    of="groundup.autograd.recurrence:rnn_cell",
    title="One step of a plain recurrent network",
    minutes=15,
    hints=(
        "The new state depends on two things: what came in, and the state before. Each has a "
        "weight and a bias of its own.",
        "Rows of the weights are outputs, so the product is with the transpose. Add the four terms "
        "and squash the sum once.",
        "`(x_BC @ weight_ih.T + bias_ih + h_BF @ weight_hh.T + bias_hh).tanh()`.",
    ),
)


def _step(case, gates, inputs=3, width=3):
    given = {"x_BC": case.tensor(2, inputs), "h_BF": case.tensor(2, width)}
    return given, _weights(case, gates, inputs, width)


@RNN_CELL.check("it is torch's RNNCell")
def _(rnn_cell, case):
    given, weights = _step(case, 1)
    expected = _of_torch(torch.nn.RNNCell, *given.values(), weights)
    case.same(rnn_cell(**given, **weights), expected, given={**given, **weights})


@RNN_CELL.check("without any weight it is the tanh of the biases")
def _(rnn_cell, case):
    given, weights = _step(case, 1)
    zeros = {"weight_ih": torch.zeros(3, 3).double(), "weight_hh": torch.zeros(3, 3).double()}
    weights |= zeros
    expected = (weights["bias_ih"] + weights["bias_hh"]).tanh().expand(2, 3)
    case.same(rnn_cell(**given, **weights), expected, given={**given, **weights})


@RNN_CELL.check("inputs may be wider than the state", tier="deep")
def _(rnn_cell, case):
    given, weights = _step(case, 1, 4, 2)
    expected = _of_torch(torch.nn.RNNCell, *given.values(), weights)
    case.same(rnn_cell(**given, **weights), expected, given={**given, **weights})


@RNN_CELL.check("it runs on groundup's own tensors", tier="deep")
def _(rnn_cell, case):
    given, weights = _step(case, 1)
    expected = _of_torch(torch.nn.RNNCell, *given.values(), weights).detach().numpy()
    got = rnn_cell(*map(_ours, (*given.values(), *weights.values())))
    case.same(np.asarray(got), expected, given={**given, **weights})


@RNN_CELL.mistake("the state before is left out", caught_by="it is torch's RNNCell")
def _(x_BC, h_BF, weight_ih, weight_hh, bias_ih, bias_hh):
    return (x_BC @ weight_ih.mT + bias_ih + bias_hh).tanh()


@RNN_CELL.mistake(
    "one of the two biases is missing: torch keeps both, and so do files that hold weights",
    caught_by="without any weight it is the tanh of the biases",
)
def _(x_BC, h_BF, weight_ih, weight_hh, bias_ih, bias_hh):
    return (x_BC @ weight_ih.mT + bias_ih + h_BF @ weight_hh.mT).tanh()


@RNN_CELL.mistake(
    "the weights are not transposed: a row of a weight makes one output",
    caught_by="it is torch's RNNCell",
)
def _(x_BC, h_BF, weight_ih, weight_hh, bias_ih, bias_hh):
    return (x_BC @ weight_ih + bias_ih + h_BF @ weight_hh + bias_hh).tanh()


@RNN_CELL.mistake(
    "the two parts are squashed apart and then added; add first, then one tanh",
    caught_by="it is torch's RNNCell",
)
def _(x_BC, h_BF, weight_ih, weight_hh, bias_ih, bias_hh):
    return (x_BC @ weight_ih.mT + bias_ih).tanh() + (h_BF @ weight_hh.mT + bias_hh).tanh()


# The LSTM

LSTM_CELL = Exercise(
    "lstm_cell",
    of="groundup.autograd.recurrence:lstm_cell",
    title="One step of an LSTM",
    minutes=30,
    hints=(
        "Two states: c is the memory, h what of it is shown. Three gates between 0 and 1 say what "
        "is kept, what is written, what is shown; a fourth part is what there is to write.",
        "One sum of four terms gives all parts, one after the other: i, f, g, o. Sigmoid for the "
        "gates i, f and o, tanh for g. c' = f c + i g; h' = o tanh(c').",
        "`i, f, g, o = gates.chunk(4, -1)`, `c = f.sigmoid() * c + i.sigmoid() * g.tanh()`, "
        "`return o.sigmoid() * c.tanh(), c`.",
    ),
)


def _lstm_step(case, inputs=3, width=3):
    state = case.tensor(2, width), case.tensor(2, width)
    given = {"x_BC": case.tensor(2, inputs), "state": state}
    return given, _weights(case, 4, inputs, width)


def _opened(weights, i, f, g, o):
    """The cell with no weights: each gate's bias as given."""
    zeros = {name: torch.zeros_like(one) for name, one in weights.items()}
    gates = torch.tensor([i, f, g, o], dtype=torch.float64).repeat_interleave(3)
    return {**zeros, "bias_ih": gates}


@LSTM_CELL.check("h and c are those of torch's LSTMCell")
def _(lstm_cell, case):
    given, weights = _lstm_step(case)
    expected = _of_torch(torch.nn.LSTMCell, *given.values(), weights)
    case.same(tuple(lstm_cell(**given, **weights)), expected, given={**given, **weights})


@LSTM_CELL.check("with f open and i shut, the cell keeps what it held")
def _(lstm_cell, case):
    given, weights = _lstm_step(case)
    weights = _opened(weights, i=-40, f=40, g=1, o=40)
    c = given["state"][1]
    h_and_c = lstm_cell(**given, **weights)
    case.same(h_and_c[1], c, given={**given, **weights}, says="c is not what it was")
    case.same(h_and_c[0], c.tanh(), given={**given, **weights}, says="h is not tanh(c)")


@LSTM_CELL.check("with f shut and i open, the cell is written anew")
def _(lstm_cell, case):
    given, weights = _lstm_step(case)
    weights = _opened(weights, i=40, f=-40, g=1, o=0)
    c = torch.ones(2, 3, dtype=torch.float64).tanh()
    expected = 0.5 * c.tanh(), c
    case.same(tuple(lstm_cell(**given, **weights)), expected, given={**given, **weights})


@LSTM_CELL.check("both biases count, and inputs may be wider", tier="deep")
def _(lstm_cell, case):
    given, weights = _lstm_step(case, 4, 2)
    expected = _of_torch(torch.nn.LSTMCell, *given.values(), weights)
    case.same(tuple(lstm_cell(**given, **weights)), expected, given={**given, **weights})


@LSTM_CELL.check("gradients are torch's", tier="deep")
def _(lstm_cell, case):
    given, weights = _lstm_step(case)
    inputs = [given["x_BC"], *given["state"]]
    for one in inputs:
        one.requires_grad_()
    ours = _gradients(lstm_cell(**given, **weights), inputs)
    theirs = _gradients(_of_torch(torch.nn.LSTMCell, *given.values(), weights), inputs)
    case.same(ours, theirs, given={**given, **weights}, says="a gradient is another one")


@LSTM_CELL.check("it runs on groundup's own tensors", tier="deep")
def _(lstm_cell, case):
    given, weights = _lstm_step(case)
    expected = _of_torch(torch.nn.LSTMCell, *given.values(), weights)
    got = lstm_cell(*map(_ours, (*given.values(), *weights.values())))
    wanted = [one.detach().numpy() for one in expected]
    case.same([np.asarray(one) for one in got], wanted, given={**given, **weights})


_LSTM = "h and c are those of torch's LSTMCell"


def _lstm(x, state, *weights, order="ifgo", write="tanh", show="new", out="tanh", names="hc"):
    """The step, with one thing otherwise."""
    h, c = state
    ih, hh, b_ih, b_hh = weights
    parts = dict(zip(order, (x @ ih.mT + b_ih + h @ hh.mT + b_hh).chunk(4, -1), strict=True))
    i, f, o = (parts[name].sigmoid() for name in "ifo")
    g = parts["g"].tanh() if write == "tanh" else parts["g"].sigmoid()
    new = f * c + i * g
    shown = new if show == "new" else c
    pair = {"h": o * (shown.tanh() if out == "tanh" else shown), "c": new}
    return tuple(pair[name] for name in names)


@LSTM_CELL.mistake(
    "the last two parts have changed places: the rows are i, f, g, o, as torch lays them out",
    caught_by=_LSTM,
)
def _(x_BC, state, weight_ih, weight_hh, bias_ih, bias_hh):
    return _lstm(x_BC, state, weight_ih, weight_hh, bias_ih, bias_hh, order="ifog")


@LSTM_CELL.mistake(
    "what is written goes through a sigmoid; g is no gate: with tanh it may be negative, "
    "or the cell could only grow",
    caught_by=_LSTM,
)
def _(x_BC, state, weight_ih, weight_hh, bias_ih, bias_hh):
    return _lstm(x_BC, state, weight_ih, weight_hh, bias_ih, bias_hh, write="sigmoid")


@LSTM_CELL.mistake("h shows the old cell; the output gate opens on the new one", caught_by=_LSTM)
def _(x_BC, state, weight_ih, weight_hh, bias_ih, bias_hh):
    return _lstm(x_BC, state, weight_ih, weight_hh, bias_ih, bias_hh, show="old")


@LSTM_CELL.mistake("the tanh of the new cell is missing in h = o tanh(c')", caught_by=_LSTM)
def _(x_BC, state, weight_ih, weight_hh, bias_ih, bias_hh):
    return _lstm(x_BC, state, weight_ih, weight_hh, bias_ih, bias_hh, out="plain")


@LSTM_CELL.mistake("c and h come in the wrong order: first h, then c", caught_by=_LSTM)
def _(x_BC, state, weight_ih, weight_hh, bias_ih, bias_hh):
    return _lstm(x_BC, state, weight_ih, weight_hh, bias_ih, bias_hh, names="ch")


# The GRU

GRU_CELL = Exercise(
    "gru_cell",
    of="groundup.autograd.recurrence:gru_cell",
    title="One step of a GRU",
    minutes=25,
    hints=(
        "One state, two gates: z says how much of the old state stays, r how much of it is looked "
        "at for the new proposal n.",
        "The parts from x and from h are needed apart, for r multiplies only what came from h, its "
        "bias included. h' = (1 - z) n + z h.",
        "Chunk `x @ weight_ih.T + bias_ih` and `h @ weight_hh.T + bias_hh` into r, z, n each; "
        "`n = (n_x + (r_x + r_h).sigmoid() * n_h).tanh()`.",
    ),
)


@GRU_CELL.check("it is torch's GRUCell")
def _(gru_cell, case):
    given, weights = _step(case, 3)
    expected = _of_torch(torch.nn.GRUCell, *given.values(), weights)
    case.same(gru_cell(**given, **weights), expected, given={**given, **weights})


@GRU_CELL.check("with z open, the state stays")
def _(gru_cell, case):
    given, weights = _step(case, 3)
    bias = torch.tensor([0.0, 50, 0], dtype=torch.float64).repeat_interleave(3)
    weights |= {"bias_ih": bias, "weight_ih": 0 * weights["weight_ih"]}
    weights |= {"weight_hh": 0 * weights["weight_hh"]}
    case.same(gru_cell(**given, **weights), given["h_BF"], given={**given, **weights})


@GRU_CELL.check("inputs may be wider than the state", tier="deep")
def _(gru_cell, case):
    given, weights = _step(case, 3, 4, 2)
    expected = _of_torch(torch.nn.GRUCell, *given.values(), weights)
    case.same(gru_cell(**given, **weights), expected, given={**given, **weights})


@GRU_CELL.check("gradients are torch's", tier="deep")
def _(gru_cell, case):
    given, weights = _step(case, 3)
    inputs = [one.requires_grad_() for one in given.values()]
    ours = _gradients([gru_cell(**given, **weights)], inputs)
    theirs = _gradients([_of_torch(torch.nn.GRUCell, *given.values(), weights)], inputs)
    case.same(ours, theirs, given={**given, **weights}, says="a gradient is another one")


def _gru(x, h, *weights, keeps="h", reset="after"):
    """The step, with one thing otherwise."""
    ih, hh, b_ih, b_hh = weights
    (r_x, z_x, n_x), (r_h, z_h, n_h) = (
        part.chunk(3, -1) for part in (x @ ih.mT + b_ih, h @ hh.mT + b_hh)
    )
    r, z = (r_x + r_h).sigmoid(), (z_x + z_h).sigmoid()
    if reset == "before":
        n_h = (r * h) @ hh.chunk(3)[2].mT + b_hh.chunk(3)[2]
    elif reset == "without bias":
        n_h = r * (h @ hh.chunk(3)[2].mT) + b_hh.chunk(3)[2]
    elif reset == "after":
        n_h = r * n_h
    n = (n_x + n_h).tanh()
    return (1 - z) * n + z * h if keeps == "h" else z * n + (1 - z) * h


@GRU_CELL.mistake(
    "z is read the other way round: an open z keeps the old state, as in torch",
    caught_by="with z open, the state stays",
)
def _(x_BC, h_BF, weight_ih, weight_hh, bias_ih, bias_hh):
    return _gru(x_BC, h_BF, weight_ih, weight_hh, bias_ih, bias_hh, keeps="n")


@GRU_CELL.mistake(
    "r is multiplied into the state before the product, as in the first paper; torch, and the "
    "weights in files, have it after",
    caught_by="it is torch's GRUCell",
)
def _(x_BC, h_BF, weight_ih, weight_hh, bias_ih, bias_hh):
    return _gru(x_BC, h_BF, weight_ih, weight_hh, bias_ih, bias_hh, reset="before")


@GRU_CELL.mistake(
    "r should also multiply the state's bias: r * (W h + b)", caught_by="it is torch's GRUCell"
)
def _(x_BC, h_BF, weight_ih, weight_hh, bias_ih, bias_hh):
    return _gru(x_BC, h_BF, weight_ih, weight_hh, bias_ih, bias_hh, reset="without bias")


@GRU_CELL.mistake("r is not used at all", caught_by="it is torch's GRUCell")
def _(x_BC, h_BF, weight_ih, weight_hh, bias_ih, bias_hh):
    return _gru(x_BC, h_BF, weight_ih, weight_hh, bias_ih, bias_hh, reset="never")


# Back through time

BACK = Exercise(
    "rnn_backward",
    of="groundup.autograd.recurrence:rnn_backward",
    title="Backpropagation through time",
    minutes=50,
    hints=(
        "Unroll the loop: the state of step t is used twice, as the output of step t and by step "
        "t + 1. What does the chain rule do with two uses?",
        "Walk t backwards with d_h, the gradient of the state from later steps. At t the state has "
        "g[t] + d_h; times 1 - h^2 of the state that step *made* that is the gradient of its sum; "
        "times weight_hh it is the d_h for t - 1. Collect the sums' gradients for the weights.",
        "`states = kept`, `d_h = g[-1]`; for t reversed: `d_new = _keep(running, g[t] + d_h, "
        "zeros)`, `d_gates[t] = d_new * (1 - states[t + 1] ** 2)`, `d_h = _keep(running, "
        "d_gates[t] @ weight_hh, d_h)`; then `_of_inputs(d_gates, x, states[:-1], ...)`.",
    ),
)


def _sequence(case, T=3, B=2, C=2, F=2, lengths=None):
    """A gradient for every output and the last state, and what the forward pass kept."""
    shapes = (T, B, C), (B, F), (F, C), (F, F), (F,), (F,)
    inputs = [0.7 * case.array(*shape) for shape in shapes]
    y, kept = rnn(*inputs, lengths)
    return case.array(T + 1, B, F), y, kept, [*inputs, lengths]


def _unrolled(g, inputs):
    """The gradients by torch, step by step."""
    *arrays, lengths = inputs
    x, h, w_ih, w_hh, b_ih, b_hh = leaves = [torch.tensor(a, requires_grad=True) for a in arrays]
    total = torch.zeros((), dtype=torch.float64)
    for t in range(len(x)):
        new = (x[t] @ w_ih.mT + b_ih + h @ w_hh.mT + b_hh).tanh()
        runs = torch.ones(len(h), 1) if lengths is None else torch.tensor(t < lengths)[:, None]
        total = total + (new * runs * torch.tensor(g[t])).sum()
        h = torch.where(runs.bool(), new, h)
    total = total + (h * torch.tensor(g[-1])).sum()
    return [one.numpy() for one in torch.autograd.grad(total, leaves)]


_NAMES = ("x_TBC", "h_BF", *WEIGHTS)


def _goes_back(rnn_backward, case, names=_NAMES, **shape):
    g, y, kept, inputs = _sequence(case, **shape)
    given = dict(zip(("g", "states", *_NAMES), (g, kept, *inputs), strict=False))
    found = rnn_backward(g, y, kept, *inputs, wanted=[True] * 6 + [False])
    got = {name: found[_NAMES.index(name)] for name in names}
    wanted = dict(zip(_NAMES, _unrolled(g, inputs), strict=True))
    expected = {name: wanted[name] for name in names}
    case.same(got, expected, given=given, says="a gradient is another one")


@BACK.check("one step: the gradients are torch's")
def _(rnn_backward, case):
    _goes_back(rnn_backward, case, T=1)


@BACK.check("three steps: the gradient reaches the first state")
def _(rnn_backward, case):
    _goes_back(rnn_backward, case, names=["h_BF"])


@BACK.check("three steps: all gradients are torch's")
def _(rnn_backward, case):
    _goes_back(rnn_backward, case)


@BACK.check("a sequence that has ended keeps its state, and passes its gradient by", tier="deep")
def _(rnn_backward, case):
    _goes_back(rnn_backward, case, lengths=np.array([1, 3]))


@BACK.check("that of the inputs is left out where nobody wants it", tier="deep")
def _(rnn_backward, case):
    g, y, kept, inputs = _sequence(case)
    found = rnn_backward(g, y, kept, *inputs, wanted=[False] + [True] * 5 + [False])
    case.same(found[0], None, given={"wanted": "all but x"})


def _back(g, kept, inputs, *, outputs=True, made=1, turned=False, carried=True, all_steps=True):
    """The walk back, with one thing otherwise."""
    x, _, w_ih, w_hh, *_ = inputs
    d_gates, d_h = np.zeros_like(kept[1:]), g[-1]
    for t in reversed(range(len(x))):
        d_gates[t] = ((g[t] if outputs else 0) + d_h) * (1 - kept[t + made] ** 2)
        d_h = d_gates[t] @ (w_hh.T if turned else w_hh) if carried or t == 0 else 0 * d_h
    counted = d_gates if all_steps else d_gates[:1]
    d_hh = np.einsum("tbf,tbg->fg", counted, kept[: len(counted)])
    d_ih = np.einsum("tbf,tbc->fc", counted, x[: len(counted)])
    bias = counted.sum((0, 1))
    return d_gates @ w_ih, d_h, d_ih, d_hh, bias, bias, None


_FIRST = "three steps: the gradient reaches the first state"


@BACK.mistake(
    "the gradients of the outputs in between are left out: each state is used by its output too",
    caught_by=_FIRST,
)
def _(g, y, kept, *inputs, wanted):
    return _back(g, kept, inputs, outputs=False)


@BACK.mistake(
    "the slope of tanh is taken at the state *before* the step; it is 1 - h^2 of the state the "
    "step made",
    caught_by="one step: the gradients are torch's",
)
def _(g, y, kept, *inputs, wanted):
    return _back(g, kept, inputs, made=0)


@BACK.mistake(
    "on the way back the weights are transposed the wrong way: forward was h W', so back is d W",
    caught_by=_FIRST,
)
def _(g, y, kept, *inputs, wanted):
    return _back(g, kept, inputs, turned=True)


@BACK.mistake(
    "each step starts from nothing: what later steps say about a state is lost between steps",
    caught_by=_FIRST,
)
def _(g, y, kept, *inputs, wanted):
    return _back(g, kept, inputs, carried=False)


@BACK.mistake(
    "the weights get the gradient of one step; all steps use the same weights, so it is the sum",
    caught_by="three steps: all gradients are torch's",
)
def _(g, y, kept, *inputs, wanted):
    return _back(g, kept, inputs, all_steps=False)
