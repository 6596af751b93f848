"""The next token of every row of a mixed batch, each with settings of its own, and fast.

Legend: R row, B row of a group, V vocabulary, N token that occurred.

What comes before the draw is done here: logit bias, then (as in vLLM, llama.cpp and transformers)
the penalties, then what may not be drawn at all. The draw is `fast_draw.draw`, or its plain twin
`sampling.sample` where that is not sure, on a device that is no processor, and while a learner's
function stands in for it.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from groundup.inference.fast_draw import NOTHING, draw
from groundup.inference.penalties import History, count_penalty, repetition_penalty
from groundup.inference.sampling import Sampling, only, sample
from groundup.swap import is_replaced

__all__ = ["NOTHING", "RowSampling", "adjusted", "sample_rows"]

_NO_PENALTIES: dict[str, Any] = {
    "repetition_penalty": 1.0,
    "presence_penalty": 0.0,
    "frequency_penalty": 0.0,
}


@dataclass(frozen=True, kw_only=True)
class RowSampling:
    """How one row of a batch is drawn."""

    sampling: Sampling
    """Temperature, filters and penalties."""
    chance: float = 0.0
    """In [0, 1), from `Chance`; not looked at with temperature 0."""
    history: History | None = None
    """The tokens so far, where `sampling.looks_back`."""
    logit_bias: Sequence[tuple[int, float]] = ()
    """Pairs of a token and what is added to its logit."""
    banned: Sequence[int] = ()
    """Tokens that may not be drawn, unless nothing else may: end tokens that come too soon."""
    allowed: Sequence[int] | None = None
    """The only tokens that may be drawn; None: all."""
    mask: NDArray[np.uint32] | None = None
    """A grammar's: token t may be drawn if bit t % 32 of word t // 32 is set."""

    @property
    def adjusts(self) -> bool:
        """Whether `adjusted` would change anything."""
        if self.logit_bias or self.banned or self.allowed is not None or self.mask is not None:
            return True
        return self.history is not None and self.sampling.looks_back


def sample_rows(logits_RV: Tensor, rows: Sequence[RowSampling]) -> list[int]:
    """The next token of each row, as `sample` draws it from `adjusted` logits; or `NOTHING`.

    On a processor each row costs what its own settings need (greedy: one argmax). On another
    device, and with a learner's `sample`, rows of like settings go through `sample` together.
    """
    assert len(logits_RV) == len(rows), "every row of logits has its settings"
    if logits_RV.device.type != "cpu" or is_replaced(sample):
        return _in_groups(logits_RV, rows)
    plain_RV = logits_RV.float().numpy()
    return [
        _drawn(adjusted(logits_RV[i], row).numpy() if row.adjusts else plain_RV[i], row)
        for i, row in enumerate(rows)
    ]


def adjusted(logits_V: Tensor, row: RowSampling, *, penalties: bool = True) -> Tensor:
    """Logits (float32) after bias, penalties, and all that may not be drawn at minus infinity."""
    sampling, history = row.sampling, row.history
    logits_V = logits_V.float()
    if row.logit_bias:
        ids, values = zip(*row.logit_bias, strict=True)
        logits_V = logits_V.clone()
        logits_V.index_add_(
            0, logits_V.new_tensor(ids, dtype=torch.long), logits_V.new_tensor(values)
        )
    if penalties and history is not None and sampling.looks_back:
        logits_V = _penalized(logits_V, sampling, history)
    if row.allowed is not None:
        logits_V = only(logits_V, row.allowed)
    if row.mask is not None:
        logits_V = logits_V.masked_fill(_refused(row.mask, logits_V), -torch.inf)
    if row.banned:
        later_V = logits_V.index_fill(
            0, torch.tensor(row.banned, device=logits_V.device), -torch.inf
        )
        logits_V = later_V if later_V.amax() > -torch.inf else logits_V
    return logits_V


def _penalized(logits_V: Tensor, sampling: Sampling, history: History) -> Tensor:
    """Only the tokens that occurred are looked at."""
    ids_N, counts_N = (torch.from_numpy(a).to(logits_V.device) for a in history.arrays())
    weaker_N = logits_V[ids_N]
    if sampling.repetition_penalty != 1:
        all_N = torch.ones_like(ids_N, dtype=torch.bool)
        weaker_N = repetition_penalty(weaker_N, all_N, sampling.repetition_penalty)
    presence, frequency = sampling.presence_penalty, sampling.frequency_penalty
    weaker_N = count_penalty(weaker_N, counts_N, presence=presence, frequency=frequency)
    return logits_V.index_copy(0, ids_N, weaker_N)


def _refused(mask: NDArray[np.uint32], logits_V: Tensor) -> Tensor:
    bits = np.unpackbits(mask.view(np.uint8), count=len(logits_V), bitorder="little")
    return torch.from_numpy(bits == 0).to(logits_V.device)


def _drawn(logits_V: NDArray[np.float32], row: RowSampling) -> int:
    """From logits that are adjusted."""
    token = draw(logits_V, row.sampling, row.chance)
    if token is not None:
        return token
    settings = replace(row.sampling, **_NO_PENALTIES)
    chance_B = torch.tensor([row.chance], dtype=torch.float64)
    return int(sample(torch.from_numpy(logits_V)[None], settings, chance_B=chance_B))


def _in_groups(logits_RV: Tensor, rows: Sequence[RowSampling]) -> list[int]:
    """By the plain twin, rows of the same settings together; a learner's does the penalties too."""
    is_learners = is_replaced(sample)
    done = {"seed": None} if is_learners else {"seed": None, **_NO_PENALTIES}
    groups: defaultdict[Sampling, list[int]] = defaultdict(list)
    for place, row in enumerate(rows):
        groups[replace(row.sampling, **done)].append(place)
    ids = [NOTHING] * len(rows)
    for sampling, places in groups.items():
        logits_BV = torch.stack(
            [adjusted(logits_RV[i], rows[i], penalties=not is_learners) for i in places]
        )
        chances = [rows[i].chance for i in places]
        chance_B = torch.tensor(chances, dtype=torch.float64, device=logits_BV.device)
        occurred = {}
        if sampling.looks_back:
            occurred = _occurrences(logits_BV, [rows[i].history for i in places])
        drawn_B = sample(logits_BV, sampling, chance_B=chance_B, **occurred)
        drawn_B = drawn_B.where(logits_BV.amax(-1).isfinite(), NOTHING)
        for place, token in zip(places, drawn_B.tolist(), strict=True):
            ids[place] = token
    return ids


def _occurrences(logits_BV: Tensor, histories: Sequence[History | None]) -> dict[str, Tensor]:
    seen_BV = torch.zeros_like(logits_BV, dtype=torch.bool)
    counts_BV = torch.zeros_like(logits_BV, dtype=torch.long)
    for place, history in enumerate(histories):
        if history is not None:
            ids_N, counts_N = (torch.from_numpy(a).to(logits_BV.device) for a in history.arrays())
            seen_BV[place, ids_N] = True
            counts_BV[place, ids_N] = counts_N
    return {"seen_BV": seen_BV, "counts_BV": counts_BV}
