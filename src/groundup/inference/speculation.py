"""Speculative decoding: guess the next tokens cheaply, check all guesses in one step of the model.

A step that computes 1 + k tokens of a sequence costs little more than a step of one, where reading
the weights is what takes the time. `NgramDrafter` guesses what followed when the text last went as
it goes now (prompt lookup; Saxena 2023): good where an answer repeats its prompt. A smaller model
guesses well everywhere, at a price (`draft_model`). Either way the text is what the model alone
would have written: exactly with temperature 0, in distribution otherwise.

A guess of a lookup is certain of itself, a point mass, and then exact acceptance needs no formula:
draw each place from the model as if there were no guess (with the place's own number of chance) and
keep drawing while what is drawn is what was guessed. That even gives the same tokens as without
speculation, number for number. `accept` is for guesses drawn from a distribution of their own.
"""

from collections.abc import Sequence

import torch
from torch import Tensor

from groundup.inference.sampling import Sampling, filtered

_LONGEST, _SHORTEST = 4, 2  # tokens that must agree for what followed to be a guess
_FEW = 3  # guesses; a step of four tokens costs a processor hardly more than one of one
_LONGEST_REST = 8  # steps


class NgramDrafter:
    """Guesses for one sequence, from what it said before. A step costs the same at any length.

    How many it guesses follows how many held: twice as many after all did, else one more than did,
    but at least three. When nothing holds twice in a row it rests, longer each time.
    """

    def __init__(self) -> None:
        self._after: dict[tuple[int, ...], int] = {}  # where the text went on, the last time
        self._indexed = 0
        self._size = _FEW
        self._rest = 0
        self._failures = 0

    def draft(self, tokens: Sequence[int], most: int) -> list[int]:
        """At most so many guesses of what follows the tokens, which only ever grow."""
        self._index(tokens)
        if self._rest > 0:
            self._rest -= 1
            return []
        start = self._find(tokens)
        if start is None:
            return []
        guesses: list[int] = []
        for place in range(start, start + min(self._size, most)):
            # past the end of the text, the guesses themselves are what repeats
            past = place - len(tokens)
            guesses.append(tokens[place] if past < 0 else guesses[past])
        return guesses

    def learn(self, drafted: int, held: int) -> None:
        """So many guesses were checked, and so many of them held."""
        if drafted == 0:
            return
        self._size = max(2 * drafted if held == drafted else held + 1, _FEW)
        self._failures = 0 if held else self._failures + 1
        self._rest = min(max(0, self._failures - 1), _LONGEST_REST)

    def _index(self, tokens: Sequence[int]) -> None:
        """Remember of each run of tokens that something follows, where that is."""
        for end in range(max(self._indexed, _SHORTEST), len(tokens)):
            for length in range(_SHORTEST, min(_LONGEST, end) + 1):
                self._after[tuple(tokens[end - length : end])] = end
        self._indexed = max(self._indexed, len(tokens))

    def _find(self, tokens: Sequence[int]) -> int | None:
        for length in range(min(_LONGEST, len(tokens) - 1), _SHORTEST - 1, -1):
            found = self._after.get(tuple(tokens[-length:]))
            if found is not None:
                return found
        return None


def accept(
    target_KV: Tensor, draft_KV: Tensor, guesses: Sequence[int], chances: Sequence[float]
) -> list[int]:
    """The guesses that hold, and one token more; together they are distributed as the target.

    The guess x, drawn from q, is taken with probability min(1, p(x) / q(x)). Where it is not, the
    token is drawn from what p has more than q, max(0, p - q), and the guesses after it are void;
    where all are taken, one more is drawn from p. Then P(x) = min(p, q) + (1 - sum of min(p, q)) *
    max(0, p - q) / sum of max(0, p - q) = p(x). With p and q that put all on one token (temperature
    0) a guess holds if it is the target's.

    `target_KV`: K + 1 rows, p at each guess's place and after the last; `draft_KV`: K rows, q, as
    the guesses were drawn from them; both as probabilities. `chances`: 2 K + 1 numbers in [0, 1).
    Leviathan, Kalman and Matias (2023), algorithm 1; Chen et al. (2023), algorithm 2.
    """
    taken: list[int] = []
    for place, guess in enumerate(guesses):
        p_V, q_V = target_KV[place], draft_KV[place]
        if chances[2 * place] * q_V[guess] >= p_V[guess]:
            return [*taken, _pick((p_V - q_V).clamp(min=0), chances[2 * place + 1])]
        taken.append(guess)
    return [*taken, _pick(target_KV[len(guesses)], chances[2 * len(guesses)])]


def _pick(weights_V: Tensor, chance: float) -> int:
    """Inversion, as in `sampling.sample`."""
    cumulative_V = weights_V.double().cumsum(-1)
    return int((cumulative_V <= chance * cumulative_V[-1]).sum())


def probabilities(logits_BV: Tensor, sampling: Sampling) -> Tensor:
    """What `sample` draws from, as probabilities in float64; with temperature 0, all on one."""
    if sampling.temperature == 0:
        likeliest_B = logits_BV.argmax(-1)
        return torch.nn.functional.one_hot(likeliest_B, logits_BV.shape[-1]).double()
    return filtered(logits_BV.double(), sampling).softmax(-1)
