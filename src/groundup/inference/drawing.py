"""What the engine asks of a step's logits: how to draw each token, and log-probabilities.

Legend: R row, V vocabulary.
"""

from collections.abc import Sequence

import torch
from torch import Tensor

from groundup.inference.answer import Answer
from groundup.inference.request import TokenLogprob
from groundup.inference.row_sampling import RowSampling


def settings_of(answer: Answer, drafts: Sequence[int] = ()) -> list[RowSampling]:
    """How the next tokens of an answer are drawn: after what it has, and after each draft more.

    The numbers of chance are only looked at: those that are used are drawn when the tokens are
    taken. Raises ValueError if the grammar cannot go on.
    """
    request, rows = answer.request, []
    chances = answer.chance.ahead(1 + len(drafts))
    for ahead, chance in enumerate(chances):
        count = answer.count + ahead
        history = answer.history
        if history is not None and ahead:
            history = history.extended(drafts[:ahead])
        rows.append(
            RowSampling(
                sampling=request.sampling,
                chance=chance,
                history=history,
                logit_bias=request.logit_bias,
                banned=tuple(request.stop_ids) if count < request.min_tokens else (),
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
