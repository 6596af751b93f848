"""Recurrent networks: layers of an RNN, LSTM or GRU, in one direction or both.

Names and layout of the weights are torch's (`weight_ih_l0`, `weight_hh_l0_reverse`, ...), so that
`state_dict` goes both ways. Legend: B sequence, T position, C input features, F hidden width.
"""

from typing import Any, ClassVar

import numpy as np

from groundup.autograd import functions
from groundup.autograd.dropout import dropout
from groundup.autograd.initialization import torch_default
from groundup.autograd.module import Module, Parameter
from groundup.autograd.rule import Array
from groundup.autograd.tensor import Tensor

State = Any
"""The state of all layers and directions: layers x B x F; an LSTM's is (h, c)."""


class Recurrent(Module):
    """Stacked layers over B x T x C; a member says its kind and how many gates it has.

    `layers`: each reads the outputs of the one before. `bidirectional`: a second network reads each
    layer's input backwards, and the outputs stand side by side (Schuster and Paliwal, 1997).
    `dropout`: between layers, while training.

    `forward(x, state, lengths)` gives the outputs, B x T x F (2F if bidirectional), and the last
    states. A sequence shorter than T (`lengths`, B integers) has zeros as outputs beyond its end,
    and its last state is that at its end: what torch does with packed sequences. The reverse
    direction begins at each sequence's own end.

    Truncated backpropagation through time: give the last state of one piece, through `detached`, to
    the next; gradients then end at the border (Williams and Peng, 1990).
    """

    gates: ClassVar[int] = 1
    kind: ClassVar[str] = "rnn"

    def __init__(
        self,
        C: int,
        F: int,
        *,
        rng: np.random.Generator,
        layers: int = 1,
        bidirectional: bool = False,
        dropout: float = 0.0,
    ) -> None:
        super().__init__()
        self.layers, self.width, self.dropout, self.rng = layers, F, dropout, rng
        self.suffixes = ("", "_reverse") if bidirectional else ("",)
        for layer in range(layers):
            inputs = C if layer == 0 else F * len(self.suffixes)
            for suffix in self.suffixes:
                for name, shape in (
                    ("weight_ih", (self.gates * F, inputs)),
                    ("weight_hh", (self.gates * F, F)),
                    ("bias_ih", (self.gates * F,)),
                    ("bias_hh", (self.gates * F,)),
                ):
                    parameter = Parameter(torch_default(shape, rng, F))
                    setattr(self, f"{name}_l{layer}{suffix}", parameter)

    def forward(
        self, x: Tensor, state: State | None = None, lengths: Any = None
    ) -> tuple[Tensor, State]:
        """Outputs of the last layer and the last states of all."""
        steps = x.transpose(0, 1)
        T, B = steps.shape[:2]
        ends = self._ends(lengths, T, B)
        last = []
        for layer in range(self.layers):
            if layer and self.dropout and self.training:
                steps = dropout(steps, self.dropout, self.rng)
            outputs = []
            for direction, suffix in enumerate(self.suffixes):
                begin = self._state_of(state, layer * len(self.suffixes) + direction, B, x)
                given = _reversed(steps, ends) if suffix else steps
                output, end = self._run(given, begin, f"l{layer}{suffix}", ends)
                outputs.append(_reversed(output, ends) if suffix else output)
                last.append(end)
            steps = outputs[0] if len(outputs) == 1 else functions.cat(outputs, -1)
        return steps.transpose(0, 1), self._together(last)

    def _ends(self, lengths: Any, T: int, B: int) -> Array | None:
        if lengths is None:
            return None
        ends = np.asarray(lengths)
        if ends.shape != (B,) or ends.dtype.kind not in "iu" or ends.min() < 1 or ends.max() > T:
            raise ValueError(f"lengths {ends} are not {B} integers from 1 to {T}")
        return None if (ends == T).all() else ends

    def _weights(self, suffix: str) -> list[Parameter]:
        names = ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
        return [getattr(self, f"{name}_{suffix}") for name in names]

    def _state_of(self, state: State | None, index: int, B: int, like: Tensor) -> Any:
        if state is None:
            return Tensor(np.zeros((B, self.width), like.dtype))
        return state[index]

    def _run(self, steps: Tensor, begin: Any, suffix: str, ends: Array | None) -> Any:
        run = functions.rnn if self.kind == "rnn" else functions.gru
        return run(steps, begin, self._weights(suffix), ends)

    def _together(self, last: list[Any]) -> State:
        return functions.stack(last)


class RNN(Recurrent):
    r"""$h_t = \tanh(W_{ih} x_t + b_{ih} + W_{hh} h_{t-1} + b_{hh})$; as `torch.nn.RNN`."""


class GRU(Recurrent):
    """`gru_cell` at each position; as `torch.nn.GRU`."""

    gates = 3
    kind = "gru"


class LSTM(Recurrent):
    """`lstm_cell` at each position; as `torch.nn.LSTM`. Its state is (h, c)."""

    gates = 4
    kind = "lstm"

    def _state_of(self, state: State | None, index: int, B: int, like: Tensor) -> Any:
        if state is None:
            zeros = Tensor(np.zeros((B, self.width), like.dtype))
            return zeros, zeros
        return state[0][index], state[1][index]

    def _run(self, steps: Tensor, begin: Any, suffix: str, ends: Array | None) -> Any:
        return functions.lstm(steps, begin, self._weights(suffix), ends)

    def _together(self, last: list[Any]) -> State:
        return functions.stack([h for h, _ in last]), functions.stack([c for _, c in last])


def detached(state: State) -> State:
    """A state without its history: gradients end here."""
    if isinstance(state, tuple):
        return tuple(detached(part) for part in state)
    return state.detach()


def _reversed(steps: Tensor, ends: Array | None) -> Tensor:
    """T x B x ... with each sequence's own positions in reverse; what lies beyond its end stays."""
    if ends is None:
        return steps.flip(0)
    T, B = steps.shape[:2]
    at = np.arange(T)[:, None]
    return steps[np.where(at < ends, ends - 1 - at, at), np.arange(B)]
