import itertools

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from groundup.inference.sampling import GREEDY, Chance, Sampling, sample
from groundup.inference.speculation import NgramDrafter, accept, probabilities

tokens_of_few_kinds = st.lists(st.integers(0, 3), min_size=1, max_size=60)


def by_looking_everywhere(tokens, count):
    """What followed the last time that the last 4, or 3, or 2 tokens stood there."""
    for length in (4, 3, 2):
        end = tokens[-length:]
        for start in range(len(tokens) - length - 1, -1, -1):
            if len(end) == length and tokens[start : start + length] == end:
                text = list(tokens)
                for place in range(start + length, start + length + count):
                    text.append(text[place])
                return text[len(tokens) :]
    return []


@given(tokens=tokens_of_few_kinds, cuts=st.lists(st.integers(1, 60)), count=st.integers(1, 6))
def test_a_guess_is_what_followed_the_last_time(tokens, cuts, count):
    drafter = NgramDrafter()
    for cut in sorted(cuts):  # read bit by bit, as a sequence grows
        drafter.draft(tokens[:cut], 1)
    for _ in range(3):
        drafter.learn(count, count)  # so that as many as it may are guessed
    assert drafter.draft(tokens, count) == by_looking_everywhere(tokens, count)


def test_guesses_grow_while_they_hold_and_rest_when_they_fail():
    drafter, text = NgramDrafter(), [1, 2, 3] * 10
    sizes = []
    for _ in range(4):
        sizes.append(len(drafter.draft(text, 20)))
        drafter.learn(sizes[-1], sizes[-1])
    assert sizes == [3, 6, 12, 20]
    drafter.learn(20, 4)
    assert drafter.draft(text, 20) == [1, 2, 3, 1, 2]
    drafter.learn(5, 1)
    assert drafter.draft(text, 20) == [1, 2, 3]
    rests = []
    for _ in range(11):
        drafter.learn(3, 0)
        rests.append(next(n for n in itertools.count() if drafter.draft(text, 20)))
    assert rests == [0, 1, 2, 3, 4, 5, 6, 7, 8, 8, 8]
    drafter.learn(0, 0)  # nothing was computed: nothing is learnt
    assert len(drafter.draft(text, 20)) == 3
    drafter.learn(3, 1)
    drafter.learn(3, 0)
    assert drafter.draft(text, 20)


def distributions(seed, rows, size=5, sharp=1.5):
    generator = torch.Generator().manual_seed(seed)
    return (torch.randn(rows, size, generator=generator, dtype=torch.float64) * sharp).softmax(-1)


def pick(weights, chance):
    return accept(weights[None], weights[None], [], [chance])[0]


@pytest.mark.parametrize("seed", range(2))
def test_what_is_accepted_is_distributed_as_the_target(seed):
    """Three places with distributions that depend on nothing, two of them guessed."""
    p, q = distributions(seed, 3), distributions(seed + 100, 2)
    chance, draws = Chance(seed), 4000
    counts, pairs = torch.zeros(3, 5), torch.zeros(5, 5)
    for _ in range(draws):
        out: list[int] = []
        while len(out) < 3:  # void guesses are made again, as in later steps
            guesses = [pick(q[place], chance.draw()) for place in range(len(out), 2)]
            chances = [chance.draw() for _ in range(2 * len(guesses) + 1)]
            out += accept(p[len(out) :], q[len(out) :], guesses, chances)
        for place, token in enumerate(out):
            counts[place, token] += 1
        pairs[out[0], out[1]] += 1
    for place in range(3):
        expected = (p[place] * draws).numpy()
        assert stats.chisquare(counts[place].double().numpy(), expected).pvalue > 1e-4
    joint = (p[0][:, None] * p[1] * draws).flatten().numpy()
    assert stats.chisquare(pairs.double().flatten().numpy(), joint).pvalue > 1e-4


@given(seed=st.integers(0, 1000), data=st.data())
def test_the_probability_of_each_token_is_the_targets_to_the_last_digit(seed, data):
    """One guess, integrated over its chance exactly: a step function of one border."""
    p, q = distributions(seed, 2, sharp=3), distributions(seed + 1, 1, sharp=3)
    total = torch.zeros(5, dtype=torch.float64)
    for guess in range(5):
        border = min(1.0, float(p[0, guess] / q[0, guess]))
        below, above = border * 0.999, border + (1 - border) / 2
        assert accept(p, q, [guess], [below, 0.5, 0.5])[0] == guess
        total[guess] += q[0, guess] * border
        if border < 1:
            rest = (p[0] - q[0]).clamp(min=0)
            assert len(accept(p, q, [guess], [above, 0.5, 0.5])) == 1
            for token in range(5):
                edge = float(rest[: token + 1].sum() / rest.sum())
                if rest[token] > 1e-6:
                    assert accept(p, q, [guess], [above, edge - 1e-9, 0])[0] == token
            total += q[0, guess] * (1 - border) * rest / rest.sum()
    torch.testing.assert_close(total, p[0], rtol=1e-9, atol=1e-12)


@given(seed=st.integers(0, 1000), guesses=st.lists(st.integers(0, 4), max_size=4))
def test_with_temperature_0_guesses_hold_while_they_are_the_likeliest(seed, guesses):
    logits = torch.randn(len(guesses) + 1, 5, generator=torch.Generator().manual_seed(seed))
    p, q = probabilities(logits, GREEDY), torch.eye(5, dtype=torch.float64)[guesses]
    best = logits.argmax(-1).tolist()
    held = list(itertools.takewhile(lambda k: guesses[k] == best[k], range(len(guesses))))
    chances = [0.999] * (2 * len(guesses) + 1)
    assert accept(p, q, guesses, chances) == best[: len(held) + 1]


@settings(deadline=None)
@given(seed=st.integers(0, 1000), top_p=st.none() | st.floats(0.1, 1))
def test_probabilities_are_what_is_drawn_from(seed, top_p):
    logits = torch.randn(1, 20, generator=torch.Generator().manual_seed(seed))
    sampling = Sampling(temperature=0.7, top_p=top_p)
    p = probabilities(logits, sampling)
    edges = p.cumsum(-1)[0]
    for token in p[0].nonzero().flatten().tolist():
        inside = (edges[token] - p[0, token] / 2)[None]
        assert int(sample(logits, sampling, chance_B=inside)) == token
    assert float(p.sum()) == pytest.approx(1, abs=1e-12)
