"""Penalties: tokens that occurred become less likely, and what occurred so far.

Legend: B sequence, V vocabulary, N distinct token.

The repetition penalty looks at the prompt and the answer, the presence and the frequency penalty at
the answer only: OpenAI's documented formula, and what vLLM does with all three. (llama.cpp looks at
the last 64 tokens of both for each of them.) The repetition penalty comes first, as in vLLM and
llama.cpp.
"""

from array import array
from collections.abc import Iterable, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor


def repetition_penalty(logits_BV: Tensor, seen_BV: Tensor, penalty: float) -> Tensor:
    """Logits of tokens that occurred: divided by the penalty if positive, multiplied if negative.

    Keskar et al. (2019), CTRL, section 4.1, with the sign handled as the field does since.
    `seen_BV` is True where a token occurred in the prompt or the answer.
    """
    weaker_BV = torch.where(logits_BV > 0, logits_BV / penalty, logits_BV * penalty)
    return torch.where(seen_BV, weaker_BV, logits_BV)


def count_penalty(
    logits_BV: Tensor, counts_BV: Tensor, *, presence: float, frequency: float
) -> Tensor:
    """Logit - frequency * count - presence * [count > 0], of the token's count in the answer.

    From OpenAI's API reference ("Frequency and presence penalties"). Negative ones attract.
    """
    return logits_BV - frequency * counts_BV - presence * (counts_BV > 0)


class History:
    """Which tokens one sequence has had; kept up to date token by token."""

    def __init__(self, prompt: Sequence[int], answer: Iterable[int] = ()) -> None:
        self._ids = array("q", dict.fromkeys(prompt))
        self._counts = array("q", bytes(8 * len(self._ids)))
        self._places = {token: place for place, token in enumerate(self._ids)}
        for token in answer:
            self.add(token)

    def add(self, token: int) -> None:
        """One more token of the answer."""
        place = self._places.setdefault(token, len(self._ids))
        if place == len(self._ids):
            self._ids.append(token)
            self._counts.append(0)
        self._counts[place] += 1

    def extended(self, tokens: Iterable[int]) -> "History":
        """What it would be after these tokens too; itself it stays as it is."""
        longer = History(())
        longer._ids, longer._counts = self._ids[:], self._counts[:]
        longer._places = dict(self._places)
        for token in tokens:
            longer.add(token)
        return longer

    def arrays(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """The tokens that occurred, `ids_N`, and how often the answer has each, `counts_N`."""
        return np.array(self._ids, dtype=np.int64), np.array(self._counts, dtype=np.int64)
