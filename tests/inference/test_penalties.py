from collections import Counter

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from groundup.inference.penalties import History, count_penalty, repetition_penalty

tokens = st.lists(st.integers(0, 30), max_size=40)


@pytest.mark.reference
@given(seed=st.integers(0, 1000), penalty=st.floats(0.2, 3))
def test_the_repetition_penalty_equals_that_of_transformers(seed, penalty):
    from transformers.generation import logits_process as theirs

    generator = torch.Generator().manual_seed(seed)
    logits = torch.randn(4, 97, generator=generator) * 3
    ids = torch.randint(0, 97, (4, 12), generator=generator)
    seen = torch.zeros(4, 97, dtype=torch.bool).scatter_(1, ids, True)
    expected = theirs.RepetitionPenaltyLogitsProcessor(penalty)(ids, logits.clone())
    assert torch.equal(repetition_penalty(logits, seen, penalty), expected)


@given(
    answer=tokens, presence=st.floats(-2, 2), frequency=st.floats(-2, 2), seed=st.integers(0, 99)
)
def test_the_other_penalties_are_openais_formula(answer, presence, frequency, seed):
    logits = torch.randn(1, 31, generator=torch.Generator().manual_seed(seed))
    counts = torch.tensor([[answer.count(token) for token in range(31)]])
    ours = count_penalty(logits, counts, presence=presence, frequency=frequency)
    for token in range(31):
        c = answer.count(token)
        expected = logits[0, token].item() - c * frequency - (1 if c > 0 else 0) * presence
        assert ours[0, token].item() == pytest.approx(expected, abs=1e-5)


@given(prompt=tokens, answer=tokens, more=tokens)
def test_a_history_counts_the_answer_and_remembers_the_prompt(prompt, answer, more):
    def recount(history):
        ids, counts = history.arrays()
        assert len(set(ids.tolist())) == len(ids)
        return dict(zip(ids.tolist(), counts.tolist(), strict=True))

    history = History(prompt, answer[:5])
    for token in answer[5:]:
        history.add(token)
    before = dict.fromkeys(prompt, 0) | Counter(answer)
    assert recount(history) == before
    assert recount(history.extended(more)) == dict.fromkeys(prompt, 0) | Counter(answer + more)
    assert recount(history) == before
