import math

import numpy as np
import pytest
import torch
from hypothesis import event, given, settings
from hypothesis import strategies as st

from groundup.inference.fast_draw import draw
from groundup.inference.penalties import History
from groundup.inference.row_sampling import NOTHING, RowSampling, adjusted, sample_rows
from groundup.inference.sampling import GREEDY, Sampling, sample

share = st.floats(1e-9, 1)
settings_of_any_kind = st.builds(
    Sampling,
    temperature=st.sampled_from([0.0, 1e-30, 1e-3, 0.1, 0.7, 1.0, 1.7, 1e30]) | st.floats(0.05, 3),
    top_k=st.none() | st.integers(1, 1200),
    typical_p=st.none() | share,
    top_p=st.none() | share,
    min_p=st.none() | st.just(0.0) | share,
)
chances = st.sampled_from([0.0, 0.5, 1 - 2**-52]) | st.integers(0, 2**52 - 1).map(
    lambda k: k / 2**52
)
original = sample.slot.original


@st.composite
def rows_of_logits(draw_, size=None):
    """Peaked and flat ones, with ties and with refused tokens."""
    generator = torch.Generator().manual_seed(draw_(st.integers(0, 2**32 - 1)))
    size = size or draw_(st.sampled_from([1, 2, 7, 97, 1100]))
    logits = torch.randn(size, generator=generator) * draw_(st.sampled_from([0.01, 1.0, 4.0, 30.0]))
    if draw_(st.booleans()):
        logits = logits.round()
    if draw_(st.booleans()):
        logits[torch.rand(size, generator=generator) < 0.5] = -math.inf
    return logits


def by_the_plain_twin(logits, sampling, chance):
    chance_B = torch.tensor([chance], dtype=torch.float64)
    return int(sample(logits[None], sampling, chance_B=chance_B))


@settings(max_examples=300, deadline=None)
@given(logits=rows_of_logits(), sampling=settings_of_any_kind, chance=chances)
def test_the_fast_draw_is_the_plain_one_wherever_it_is_sure(logits, sampling, chance):
    token = draw(logits.numpy(), sampling, chance)
    event(f"sure: {token is not None}")
    if not logits.isfinite().any():
        assert token == NOTHING
    elif token is not None:
        assert token == by_the_plain_twin(logits, sampling, chance)


@pytest.mark.parametrize(
    "sampling",
    [
        Sampling(temperature=1.0),
        Sampling(temperature=0.7, top_k=40),
        Sampling(temperature=0.7, top_p=0.9),
        Sampling(temperature=1.3, min_p=0.05),
        Sampling(temperature=1.0, typical_p=0.9),
        Sampling(temperature=1.0, top_k=50, typical_p=0.9, top_p=0.95, min_p=0.02),
    ],
)
def test_a_draw_from_a_large_vocabulary_is_sure_almost_always(sampling):
    generator = torch.Generator().manual_seed(1)
    logits = torch.randn(200, 5000, generator=generator) * 3
    chance = torch.rand(200, dtype=torch.float64, generator=generator)
    fast = [draw(row.numpy(), sampling, c) for row, c in zip(logits, chance.tolist(), strict=True)]
    assert fast.count(None) <= 1
    exact = sample(logits, sampling, chance_B=chance).tolist()
    assert all(a in (None, b) for a, b in zip(fast, exact, strict=True))


@st.composite
def rows_of_any_kind(draw_, size=60):
    token = st.integers(0, size - 1)
    words = -(-size // 32)
    bits = st.integers(0, 2**32 - 1)
    base = draw_(settings_of_any_kind)
    penalties = {
        "repetition_penalty": draw_(st.sampled_from([1.0, 1.3, 0.8])),
        "presence_penalty": draw_(st.sampled_from([0.0, 0.7, -1.0])),
        "frequency_penalty": draw_(st.sampled_from([0.0, 0.4])),
    }
    history = History(draw_(st.lists(token)), draw_(st.lists(token)))
    mask = draw_(st.none() | st.lists(bits, min_size=words, max_size=words))
    return RowSampling(
        sampling=Sampling(**(vars(base) | penalties)),
        chance=draw_(chances),
        history=history if draw_(st.booleans()) else None,
        logit_bias=tuple(draw_(st.dictionaries(token, st.floats(-5, 5), max_size=3)).items()),
        banned=tuple(draw_(st.lists(token, max_size=3))),
        allowed=draw_(st.none() | st.lists(token, min_size=1, max_size=30)),
        mask=None if mask is None else np.array(mask, dtype=np.uint32),
    )


def step_by_step(logits, row):
    """What a row should be drawn from, token by token in plain Python, and its draw."""
    values = [float(np.float32(value)) for value in logits.tolist()]
    s, bias = row.sampling, dict(row.logit_bias)
    ids, counts = row.history.arrays() if row.history else ((), ())
    counted = dict(zip(map(int, ids), map(int, counts), strict=True))
    for token in range(len(values)):
        value = values[token] + bias.get(token, 0.0)
        if token in counted:
            value = value / s.repetition_penalty if value > 0 else value * s.repetition_penalty
            value -= s.frequency_penalty * counted[token]
            value -= s.presence_penalty * (counted[token] > 0)
        in_mask = row.mask is None or int(row.mask[token // 32]) >> (token % 32) & 1
        in_list = row.allowed is None or token in row.allowed
        values[token] = value if in_mask and in_list else -math.inf
    without = [-math.inf if t in row.banned else value for t, value in enumerate(values)]
    return torch.tensor(without if max(without) > -math.inf else values)


@settings(max_examples=200, deadline=None)
@given(data=st.data(), logits=rows_of_logits(size=60))
def test_bias_penalties_and_masks_come_before_the_draw_in_this_order(data, logits):
    row = data.draw(rows_of_any_kind())
    expected = step_by_step(logits, row)
    ours = adjusted(logits, row)
    torch.testing.assert_close(ours, expected.float(), rtol=1e-6, atol=1e-5)
    (token,) = sample_rows(logits[None], [row])
    if not ours.isfinite().any():
        assert token == NOTHING
    else:
        simple = Sampling(**{k: v for k, v in vars(row.sampling).items() if "penalty" not in k})
        assert token == by_the_plain_twin(ours, simple, row.chance)
        assert ours[token] > -math.inf


@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_a_row_draws_the_same_in_any_company_and_in_groups(data):
    pairs = data.draw(
        st.lists(st.tuples(rows_of_logits(size=60), rows_of_any_kind()), min_size=1, max_size=6)
    )
    logits = torch.stack([pair[0] for pair in pairs])
    rows = [pair[1] for pair in pairs]
    together = sample_rows(logits, rows)
    alone = [sample_rows(logits[i : i + 1], rows[i : i + 1])[0] for i in range(len(rows))]
    assert together == alone
    with pytest.MonkeyPatch.context() as patch:  # as on another device: like rows together
        patch.setattr(sample.slot, "current", lambda *args, **named: original(*args, **named))
        assert sample_rows(logits, rows) == together


def test_a_learners_sample_runs(monkeypatch):
    calls = []

    def mine(logits_BV, sampling, *, chance_B, seen_BV=None, counts_BV=None):
        calls.append((sampling, None if seen_BV is None else seen_BV.nonzero().tolist()))
        return torch.full((len(logits_BV),), 3)

    monkeypatch.setattr(sample.slot, "current", mine)
    penalized = Sampling(temperature=0, repetition_penalty=2.0, seed=5)
    rows = [
        RowSampling(sampling=GREEDY),
        RowSampling(sampling=penalized, history=History([1, 4])),
        RowSampling(sampling=GREEDY, chance=0.3),
    ]
    assert sample_rows(torch.zeros(3, 8), rows) == [3, 3, 3]
    assert [call[1] for call in calls] == [None, [[0, 1], [0, 4]]]


def test_rows_with_nothing_to_draw_harm_no_others():
    logits = torch.zeros(4, 5)
    logits[0] = math.nan
    logits[1] = -math.inf
    logits[2, 1] = math.inf
    logits[3, 2] = 1.0
    for sampling in [GREEDY, Sampling(temperature=1.0, top_k=1)]:
        rows = [RowSampling(sampling=sampling, chance=0.2)] * 4
        assert sample_rows(logits, rows) == [NOTHING, NOTHING, NOTHING, 2]


def test_end_tokens_that_come_too_soon_are_drawn_only_if_nothing_else_may():
    logits = torch.tensor([[0.0, 9.0, 1.0]])
    assert sample_rows(logits, [RowSampling(sampling=GREEDY, banned=(1,))]) == [2]
    only_the_end = RowSampling(
        sampling=GREEDY, banned=(1,), mask=np.array([0b010], dtype=np.uint32)
    )
    assert sample_rows(logits, [only_the_end]) == [1]


def test_tokens_beyond_the_mask_are_refused():
    logits = torch.arange(70.0)[None]
    mask = np.array([0xFFFFFFFF, 0xFFFFFFFF], dtype=np.uint32)
    assert sample_rows(logits, [RowSampling(sampling=GREEDY, mask=mask)]) == [63]


def test_logits_are_not_changed():
    logits = torch.randn(2, 50)
    before = logits.clone()
    row = RowSampling(
        sampling=Sampling(repetition_penalty=1.5, top_k=5),
        history=History([1, 2], [3]),
        logit_bias=((4, 2.0),),
        banned=(5,),
        mask=np.array([0xFFFFFFFF, 0], dtype=np.uint32),
    )
    sample_rows(logits, [row, row])
    assert torch.equal(logits, before)
