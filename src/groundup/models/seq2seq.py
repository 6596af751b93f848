r"""Sequence to sequence: an encoder reads, a decoder writes, with or without attention between.

Without attention all the decoder knows of the input is the encoder's last state (Sutskever et al.,
"Sequence to sequence learning with neural networks", 2014). With attention each step of the decoder
looks at all of the encoder's states, weighted by how well they fit: additively,
$v^T \tanh(W s + U h)$ (Bahdanau et al., "Neural machine translation by jointly learning to align
and translate", 2015), or by a product, $s^T W h$ (Luong et al., 2015).

Legend: B sequence, S input position, T output position, F hidden width, V vocabulary.
"""

import math
from collections.abc import Sequence
from typing import Any, Literal

import numpy as np

from groundup.autograd import functions
from groundup.autograd.linear import Embedding, Linear
from groundup.autograd.module import Module
from groundup.autograd.recurrent import GRU
from groundup.autograd.tensor import Tensor
from groundup.models.array_training import in_evaluation
from groundup.models.rnn import padded
from groundup.swap import replaceable

AttentionKind = Literal["none", "additive", "product"]


@replaceable
def attention_weights(scores_BTS: Any, mask_BS: Any) -> Any:
    """Softmax over the input positions that are there (mask True), 0 elsewhere."""
    return scores_BTS.masked_fill(~mask_BS[:, None, :], -math.inf).softmax(-1)


class Seq2Seq(Module):
    """A bidirectional GRU that reads, a GRU that writes, and attention of the given kind.

    `start` and `end` are ids of the output vocabulary; inputs are padded with anything beyond their
    lengths.
    """

    def __init__(
        self,
        inputs: int,
        outputs: int,
        *,
        rng: np.random.Generator,
        width: int = 64,
        attention: AttentionKind = "additive",
        start: int = 0,
        end: int = 1,
    ) -> None:
        super().__init__()
        if attention not in ("none", "additive", "product"):
            raise ValueError(f"attention is {attention!r}; it is one of none, additive, product")
        self.attention, self.start, self.end = attention, start, end
        self.read_table = Embedding(inputs, width, rng=rng)
        self.write_table = Embedding(outputs, width, rng=rng)
        self.encoder = GRU(width, width, rng=rng, bidirectional=True)
        self.bridge = Linear(2 * width, width, rng=rng)
        self.decoder = GRU(width, width, rng=rng)
        self.key = Linear(2 * width, width, rng=rng, has_bias=False)
        self.query = Linear(width, width, rng=rng, has_bias=False)
        self.score = Linear(width, 1, rng=rng, has_bias=False)
        seen = 3 * width if attention != "none" else width
        self.head = Linear(seen, outputs, rng=rng)

    def encode(self, ids_BS: Any, lengths_B: Any) -> tuple[Tensor, Tensor]:
        """All states (B x S x 2F) and the first state of the decoder (1 x B x F)."""
        states_BSF, last = self.encoder(self.read_table(ids_BS), None, lengths_B)
        both_BF = functions.cat([last[0], last[1]], -1)
        return states_BSF, self.bridge(both_BF).tanh().unsqueeze(0)

    def decode(
        self, ids_BT: Any, state: Tensor, memory_BSF: Tensor, lengths_B: Any
    ) -> tuple[Tensor, Tensor, Tensor | None]:
        """Logits (B x T x V) after each output, the state after the last, the weights on the input.

        The weights (B x T x S) are None without attention.
        """
        states_BTF, state = self.decoder(self.write_table(ids_BT), state)
        if self.attention == "none":
            return self.head(states_BTF), state, None
        mask_BS = np.arange(memory_BSF.shape[1]) < np.asarray(lengths_B)[:, None]
        weights_BTS = attention_weights(self.scores(states_BTF, memory_BSF), mask_BS)
        context_BTF = weights_BTS @ memory_BSF
        return self.head(functions.cat([states_BTF, context_BTF], -1)), state, weights_BTS

    def scores(self, states_BTF: Tensor, memory_BSF: Tensor) -> Tensor:
        """How well each input position fits each output position, B x T x S."""
        keys_BSF = self.key(memory_BSF)
        if self.attention == "product":
            scale = 1 / math.sqrt(keys_BSF.shape[-1])
            products: Tensor = self.query(states_BTF) @ keys_BSF.transpose(1, 2)
            return products * scale
        mixed = self.query(states_BTF).unsqueeze(2) + keys_BSF.unsqueeze(1)  # B x T x S x F
        result: Tensor = self.score(mixed.tanh()).squeeze(-1)
        return result

    def forward(self, ids_BS: Any, lengths_B: Any, written_BT: Any) -> Tensor:
        """Logits with the right outputs so far given ("teacher forcing")."""
        memory_BSF, state = self.encode(ids_BS, lengths_B)
        logits_BTV, _, _ = self.decode(written_BT, state, memory_BSF, lengths_B)
        return logits_BTV

    def loss(self, inputs: Sequence[Sequence[int]], outputs: Sequence[Sequence[int]]) -> Tensor:
        """Mean cross-entropy in nats of the outputs and their ends."""
        ids_BS, lengths_B = side_by_side(inputs)
        written_BT, targets_BT = padded(outputs, self.start, self.end)
        logits_BTV = self(ids_BS, lengths_B, written_BT)
        result: Tensor = functions.cross_entropy(logits_BTV.flatten(0, 1), targets_BT.reshape(-1))
        return result

    def translate(
        self, inputs: Sequence[Sequence[int]], *, longest: int = 50
    ) -> tuple[list[list[int]], Any]:
        """The likeliest output symbol by symbol ("greedy"), and the weights on the inputs.

        Each ends before `end` or after `longest` symbols. The weights are B x T x S, or None.
        ValueError for a `longest` below 1.
        """
        if longest < 1:
            raise ValueError(f"longest is {longest}; an output needs room for 1 symbol or more")
        ids_BS, lengths_B = side_by_side(inputs)
        rows: list[Any] = []
        looks: list[Any] = []
        with in_evaluation(self):
            memory_BSF, state = self.encode(ids_BS, lengths_B)
            ids = np.full((len(inputs), 1), self.start)
            for _ in range(longest):
                logits, state, weights = self.decode(ids, state, memory_BSF, lengths_B)
                ids = logits.data[:, -1:].argmax(-1)
                rows.append(ids)
                looks.append(None if weights is None else weights.data)
                if (np.concatenate(rows, 1) == self.end).any(1).all():
                    break
        written = [_until(row, self.end) for row in np.concatenate(rows, 1).tolist()]
        return written, None if looks[0] is None else np.concatenate(looks, 1)

    def beam(self, ids: Sequence[int], *, width: int = 4, longest: int = 50) -> list[int]:
        """The likeliest output that a search over `width` beginnings at once finds, for one input.

        Beginnings are compared by log probability; an ended one by that over its length, so that
        short ones are not preferred. It stops when `width` have ended; one that did not end counts
        only where none did. With width 1 it is `translate`. ValueError for sizes below 1.
        """
        if width < 1 or longest < 1:
            raise ValueError(
                f"the beam's width is {width}, longest {longest}; both must be 1 or more"
            )
        ids_BS, lengths_B = side_by_side([ids])
        ended: list[tuple[float, list[int]]] = []
        with in_evaluation(self):
            memory_BSF, state = self.encode(ids_BS, lengths_B)
            alive: list[tuple[float, list[int], Tensor]] = [(0.0, [], state)]
            for _ in range(longest):
                alive, done = self._grow(alive, memory_BSF, lengths_B, width)
                ended += done
                if not alive or len(ended) >= width:
                    break
        return max(ended)[1] if ended else alive[0][1]

    def _grow(
        self,
        alive: list[tuple[float, list[int], Tensor]],
        memory_BSF: Tensor,
        lengths_B: Any,
        width: int,
    ) -> tuple[list[tuple[float, list[int], Tensor]], list[tuple[float, list[int]]]]:
        """One symbol more: the best beginnings, and those that ended."""
        grown = []
        for total, row, state in alive:
            last = np.array([[row[-1] if row else self.start]])
            logits, after, _ = self.decode(last, state, memory_BSF, lengths_B)
            chances = logits[0, 0].log_softmax(-1).data
            best = np.argsort(-chances)[: width + 1]
            grown += [(total + float(chances[i]), [*row, int(i)], after) for i in best]
        grown.sort(key=lambda item: -item[0])
        done = [(t / len(row), row[:-1]) for t, row, _ in grown[:width] if row[-1] == self.end]
        return [item for item in grown if item[1][-1] != self.end][:width], done


def side_by_side(sequences: Sequence[Sequence[int]]) -> tuple[Any, Any]:
    """Sequences as B x S, filled up with 0, and their lengths. ValueError for an empty one."""
    lengths = np.array([len(sequence) for sequence in sequences])
    if len(lengths) == 0 or lengths.min() < 1:
        raise ValueError("there is an empty sequence among the inputs, or none at all")
    ids = np.zeros((len(sequences), lengths.max()), np.int64)
    for row, sequence in enumerate(sequences):
        ids[row, : len(sequence)] = sequence
    return ids, lengths


def _until(row: list[int], end: int) -> list[int]:
    return row[: row.index(end)] if end in row else row
