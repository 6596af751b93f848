r"""The recurrent language model: a state is carried from symbol to symbol, and predicts the next.

$p(w_t \mid w_{<t}) = \mathrm{softmax}(W h_t + b)$ with $h_t$ from an RNN, LSTM or GRU. Mikolov et
al., "Recurrent neural network based language model" (2010). It runs on the NumPy engine.

Legend: B sequence, T position, F hidden width, V vocabulary.
"""

import math
from collections.abc import Sequence
from typing import Any, Literal

import numpy as np

from groundup.autograd import functions
from groundup.autograd.dropout import Dropout
from groundup.autograd.linear import Embedding, Linear
from groundup.autograd.module import Module
from groundup.autograd.recurrent import GRU, LSTM, RNN, Recurrent, State, detached
from groundup.autograd.tensor import Tensor
from groundup.models.array_training import in_evaluation

Kind = Literal["rnn", "lstm", "gru"]
KINDS: dict[str, type[Recurrent]] = {"rnn": RNN, "lstm": LSTM, "gru": GRU}
IGNORED = -100
"""The target of a position that does not count."""


class RecurrentLM(Module):
    """Symbols to vectors, a recurrent network over them, and logits of the symbol after each."""

    def __init__(
        self,
        V: int,
        *,
        rng: np.random.Generator,
        kind: Kind = "gru",
        width: int = 128,
        layers: int = 1,
        dropout: float = 0.0,
    ) -> None:
        super().__init__()
        if kind not in KINDS:
            raise ValueError(
                f"there is no recurrent network {kind!r}; there are: {', '.join(KINDS)}"
            )
        self.embedding = Embedding(V, width, rng=rng)
        self.recurrent = KINDS[kind](width, width, rng=rng, layers=layers, dropout=dropout)
        self.dropout = Dropout(dropout, rng=rng)
        self.head = Linear(width, V, rng=rng)

    def forward(self, ids_BT: Any, state: State | None = None) -> tuple[Tensor, State]:
        """Logits B x T x V of the symbol after each, and the state after the last."""
        x_BTF, state = self.recurrent(self.dropout(self.embedding(ids_BT)), state)
        return self.head(self.dropout(x_BTF)), state

    def loss(self, ids_BT: Any, targets_BT: Any) -> Tensor:
        """Mean cross-entropy in nats over the targets that are not -100."""
        logits_BTV, _ = self(ids_BT)
        flat = logits_BTV.flatten(0, 1)
        result: Tensor = functions.cross_entropy(flat, np.asarray(targets_BT).reshape(-1))
        return result

    def piece_loss(self, ids_BT: Any, targets_BT: Any, state: State | None) -> tuple[Tensor, State]:
        """The loss of one piece of a long text, and the state for the next, without its history.

        Truncated backpropagation through time: gradients reach back to the piece's first symbol.
        """
        logits_BTV, after = self(ids_BT, state)
        flat, targets = logits_BTV.flatten(0, 1), np.asarray(targets_BT).reshape(-1)
        return functions.cross_entropy(flat, targets), detached(after)

    def bits(self, ids_BT: Any, targets_BT: Any) -> tuple[float, int]:
        """Bits that the targets cost in all, and how many count."""
        counted = int((np.asarray(targets_BT) != IGNORED).sum())
        with in_evaluation(self):
            nats = self.loss(ids_BT, targets_BT).item() * counted if counted else 0.0
        return nats / math.log(2), counted

    def generate(
        self,
        *,
        start: int,
        end: int,
        count: int,
        longest: int,
        temperature: float,
        rng: np.random.Generator,
    ) -> list[list[int]]:
        r"""Sequences drawn symbol by symbol from $p^{1/\tau}$, each up to `end` or `longest`.

        Temperature 0 takes the likeliest symbol.
        """
        if not temperature >= 0:
            raise ValueError(f"temperature is {temperature}; it must be 0 or more")
        ids, state = np.full((count, 1), start), None
        drawn: list[Any] = []
        with in_evaluation(self):
            for _ in range(longest):
                logits_B1V, state = self(ids, state)
                ids = draw(logits_B1V.data[:, 0].astype(np.float64), temperature, rng)[:, None]
                drawn.append(ids)
        rows = np.concatenate(drawn, 1).tolist() if drawn else [[] for _ in range(count)]
        return [row[: row.index(end)] if end in row else row for row in rows]


def draw(logits_BV: Any, temperature: float, rng: np.random.Generator) -> Any:
    r"""One symbol for each row, with probability $\propto e^{z / \tau}$.

    The largest of $z / \tau$ + Gumbel noise is such a draw (Gumbel, 1954; Maddison et al., 2014).
    """
    if temperature == 0:
        return logits_BV.argmax(1)
    return (logits_BV / temperature + rng.gumbel(size=logits_BV.shape)).argmax(1)


def padded(sequences: Sequence[Sequence[int]], start: int, end: int) -> tuple[Any, Any]:
    """Inputs and targets B x T: each sequence between `start` and `end`, the rest not counted."""
    longest = max(map(len, sequences), default=0) + 1
    inputs = np.full((len(sequences), longest), end)
    targets = np.full((len(sequences), longest), IGNORED)
    for row, sequence in enumerate(sequences):
        inputs[row, : len(sequence) + 1] = [start, *sequence]
        targets[row, : len(sequence) + 1] = [*sequence, end]
    return inputs, targets
