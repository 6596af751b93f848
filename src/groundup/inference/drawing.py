"""What the engine asks of a step's logits: the next tokens of each answer, and log-probabilities.

Legend: R row, V vocabulary.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from groundup.inference.answer import Answer
from groundup.inference.request import TokenLogprob
from groundup.inference.row_sampling import NOTHING, RowSampling, sample_rows


@dataclass(frozen=True)
class Drawing:
    """The rows of one answer: after what it has, and after each of its drafts."""

    answer: Answer
    drafts: list[int]
    rows: list[RowSampling]
    first: int
    """The first row's place among the logits."""

    @classmethod
    def of(
        cls, answer: Answer, drafts: list[int], end: int, *, never: tuple[int, ...] = ()
    ) -> "Drawing":
        """`end`: one past the last row; `never`: ids that are no tokens.

        Raises ValueError if the grammar cannot go on.
        """
        rows = _settings(answer, drafts, never)
        return cls(answer, drafts, rows, end - len(rows))

    def held(self, drawn: list[int]) -> list[int]:
        """What was drawn, up to the first that is not the draft it was to be.

        Raises ValueError if nothing could be drawn.
        """
        held = drawn[:1]
        for draft, token in zip(self.drafts, drawn[1:], strict=True):
            if held[-1] != draft:
                break
            held.append(token)
        if NOTHING in held:
            raise ValueError("no token may follow, or the model's logits are no numbers")
        return held


def draw(drawings: Sequence[Drawing], logits_RV: Tensor) -> list[list[int] | Exception]:
    """The tokens of all rows, drawn together; one by one if that fails, to find whose fault it is.

    A draft's row is drawn as if the draft held, with the number of chance that is then due.
    """
    rows = [row for one in drawings for row in one.rows]
    places = [one.first + ahead for one in drawings for ahead in range(len(one.rows))]
    if not rows:
        return []
    chosen_RV = logits_RV if len(places) == len(logits_RV) else logits_RV[places]
    try:
        flat = sample_rows(chosen_RV, rows)
    except Exception as problem:
        if len(drawings) == 1:
            return [problem]
        return [found for one in drawings for found in draw([one], logits_RV)]
    drawn: list[list[int] | Exception] = []
    first = 0
    for one in drawings:
        drawn.append(flat[first : first + len(one.rows)])
        first += len(one.rows)
    return drawn


def _settings(answer: Answer, drafts: Sequence[int], never: tuple[int, ...]) -> list[RowSampling]:
    request, rows = answer.request, []
    for ahead, chance in enumerate(answer.chance.ahead(1 + len(drafts))):
        count, history = answer.count + ahead, answer.history
        if history is not None and ahead:
            history = history.extended(drafts[:ahead])
        rows.append(
            RowSampling(
                sampling=request.sampling,
                chance=chance,
                history=history,
                logit_bias=request.logit_bias,
                banned=never + (tuple(request.stop_ids) if count < request.min_tokens else ()),
                allowed=request.first_ids if count == 0 else None,
                mask=None if request.grammar is None else request.grammar.mask(),
            )
        )
    return rows


def logprobs_of(logits_RV: Tensor, tokens: Sequence[int], top: int) -> list[TokenLogprob]:
    """Of each row the log-probability of its token, and those of the `top` likeliest.

    Of the model's own distribution: the softmax of its logits, before penalties and filters.
    """
    log_RV = logits_RV.float().log_softmax(-1)
    ids_R1 = torch.tensor(tokens, device=log_RV.device)[:, None]
    own = log_RV.gather(-1, ids_R1)[:, 0].tolist()
    best = log_RV.topk(min(top, log_RV.shape[-1]), dim=-1)
    places = zip(tokens, own, best.indices.tolist(), best.values.tolist(), strict=True)
    return [
        TokenLogprob(token=token, logprob=value, top=tuple(zip(ids, values, strict=True)))
        for token, value, ids, values in places
    ]
