import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from groundup.inference.sampling import (
    GREEDY,
    Chance,
    Sampling,
    filtered,
    min_p_filter,
    sample,
    top_k_filter,
    top_p_filter,
    typical_filter,
)


def random_logits(seed, rows=4, vocabulary=97, scale=3.0):
    return torch.randn(rows, vocabulary, generator=torch.Generator().manual_seed(seed)) * scale


@pytest.mark.reference
@pytest.mark.parametrize("seed", range(5))
def test_each_filter_equals_that_of_transformers(seed):
    from transformers.generation import logits_process as theirs

    logits = random_logits(seed)
    ids = torch.zeros(4, 1, dtype=torch.long)
    for k in (1, 5, 96, 97, 500):
        assert torch.equal(top_k_filter(logits, k), theirs.TopKLogitsWarper(k)(ids, logits))
    for p in (0.05, 0.5, 0.9, 0.999):
        assert torch.equal(top_p_filter(logits, p), theirs.TopPLogitsWarper(p)(ids, logits))
        assert torch.equal(min_p_filter(logits, p), theirs.MinPLogitsWarper(p)(ids, logits))
        assert torch.equal(typical_filter(logits, p), theirs.TypicalLogitsWarper(p)(ids, logits))


@pytest.mark.reference
@settings(deadline=None)
@given(
    seed=st.integers(0, 10_000),
    temperature=st.floats(0.1, 3),
    top_k=st.integers(1, 120),
    typical_p=st.floats(0.05, 0.99),
    top_p=st.floats(0.05, 0.99),
    min_p=st.floats(0.0, 0.5),
)
def test_the_chain_of_filters_equals_that_of_transformers(
    seed, temperature, top_k, typical_p, top_p, min_p
):
    from transformers.generation import logits_process as theirs

    logits = random_logits(seed).double()
    chain = theirs.LogitsProcessorList(
        [
            theirs.TemperatureLogitsWarper(temperature),
            theirs.TopKLogitsWarper(top_k),
            theirs.TypicalLogitsWarper(typical_p),
            theirs.TopPLogitsWarper(top_p),
            theirs.MinPLogitsWarper(min_p),
        ]
    )
    expected = chain(torch.zeros(4, 1, dtype=torch.long), logits)
    sampling = Sampling(
        temperature=temperature, top_k=top_k, typical_p=typical_p, top_p=top_p, min_p=min_p
    )
    ours = filtered(logits, sampling)
    torch.testing.assert_close(ours, expected, rtol=0, atol=0)


def test_the_draws_follow_the_filtered_distribution():
    logits = random_logits(1, rows=1, vocabulary=12, scale=1.5)
    sampling = Sampling(temperature=0.7, top_k=8, min_p=0.02)
    expected = filtered(logits.double(), sampling).softmax(-1)[0]
    chance, draws = Chance(0), 20_000
    chances = torch.tensor([chance.draw() for _ in range(draws)], dtype=torch.float64)
    ids = sample(logits.expand(draws, -1), sampling, chance_B=chances)
    counts = ids.bincount(minlength=12)
    allowed = expected > 0
    assert counts[~allowed].sum() == 0
    assert 2 <= allowed.sum() <= 8
    test = stats.chisquare(counts[allowed].numpy(), (expected[allowed] * draws).numpy())
    assert test.pvalue > 0.001


def test_the_smallest_and_the_largest_chance_draw_allowed_tokens():
    logits = torch.full((2, 50_000), -math.inf)
    logits[:, 17] = 1.0
    logits[:, 23] = 0.5
    chances = torch.tensor([0.0, 1 - 2**-52], dtype=torch.float64)
    assert sample(logits, Sampling(temperature=1.0), chance_B=chances).tolist() == [17, 23]


def test_a_sequence_draws_the_same_token_in_any_company():
    logits = random_logits(3, rows=6)
    chances = torch.rand(6, dtype=torch.float64, generator=torch.Generator().manual_seed(3))
    sampling = Sampling(temperature=1.2, top_p=0.9)
    together = sample(logits, sampling, chance_B=chances)
    alone = [sample(logits[i : i + 1], sampling, chance_B=chances[i : i + 1]) for i in range(6)]
    assert together.tolist() == [int(ids) for ids in alone]


def test_temperature_zero_takes_the_likeliest_after_the_penalty():
    logits = torch.tensor([[2.0, 3.0, -1.0], [1.0, 0.5, 0.9]])
    nothing = torch.zeros(2, dtype=torch.float64)
    assert sample(logits, GREEDY, chance_B=nothing).tolist() == [1, 0]
    seen = torch.tensor([[False, True, False], [True, False, False]])
    strict = Sampling(temperature=0.0, repetition_penalty=2.0)
    assert sample(logits, strict, chance_B=nothing, seen_BV=seen).tolist() == [0, 2]


def test_a_low_temperature_approaches_greedy():
    logits = random_logits(5)
    chances = torch.full((4,), 0.999, dtype=torch.float64)
    cold = sample(logits, Sampling(temperature=1e-4), chance_B=chances)
    assert torch.equal(cold, logits.argmax(-1))


def test_top_p_always_keeps_the_likeliest_and_ties_at_top_k_stay():
    certain = torch.tensor([[10.0, 0.0, 0.0]])
    assert top_p_filter(certain, 0.01).isfinite().tolist() == [[True, False, False]]
    tied = torch.tensor([[1.0, 1.0, 1.0, 0.0]])
    assert top_k_filter(tied, 2).isfinite().tolist() == [[True, True, True, False]]


def test_chance_depends_on_seed_and_index_alone():
    first, again = Chance(7, 3), Chance(7, 3)
    numbers = [first.draw() for _ in range(5)]
    assert numbers == [again.draw() for _ in range(5)]
    assert numbers != [Chance(7, 4).draw() for _ in range(5)]
    assert Chance(None).draw() != Chance(None).draw()
    assert all(0 <= number < 1 for number in numbers)


def test_numbers_looked_at_ahead_are_the_ones_drawn_later():
    plain, looked = Chance(7), Chance(7)
    numbers = [plain.draw() for _ in range(6)]
    assert looked.ahead(3) == numbers[:3]
    assert looked.draw() == numbers[0]
    assert looked.ahead(4) == numbers[1:5]
    assert [looked.draw() for _ in range(5)] == numbers[1:]


def test_penalties_on_what_the_answer_has_are_taken_from_the_logits():
    logits = torch.tensor([[1.0, 2.0, 3.0, 0.0]])
    counts = torch.tensor([[0, 1, 3, 0]])
    chance = torch.zeros(1, dtype=torch.float64)
    present = Sampling(temperature=0, presence_penalty=1.5)
    assert sample(logits, present, chance_B=chance, counts_BV=counts).item() == 2
    frequent = Sampling(temperature=0, frequency_penalty=0.9)
    assert sample(logits, frequent, chance_B=chance, counts_BV=counts).item() == 1
    both = Sampling(temperature=0, presence_penalty=0.2, frequency_penalty=0.9)
    assert sample(logits, both, chance_B=chance, counts_BV=counts).item() == 0
    assert both.looks_back
    assert not GREEDY.looks_back


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"temperature": -0.1}, "temperature is -0.1"),
        ({"temperature": 1e-320}, r"must be 0 \(greedy\), or from 1e-30"),
        ({"typical_p": 0.0}, "typical_p is 0.0"),
        ({"presence_penalty": math.inf}, "presence_penalty is inf"),
        ({"frequency_penalty": math.nan}, "frequency_penalty is nan"),
        ({"temperature": math.nan}, "temperature is nan"),
        ({"top_k": 0}, "top_k is 0"),
        ({"top_p": 0.0}, "top_p is 0.0"),
        ({"top_p": 1.5}, "top_p is 1.5"),
        ({"min_p": -0.5}, "min_p is -0.5"),
        ({"repetition_penalty": 0.0}, "repetition_penalty is 0.0"),
    ],
)
def test_settings_that_describe_no_distribution_are_refused(wrong, message):
    with pytest.raises(ValueError, match=message):
        Sampling(**wrong)
