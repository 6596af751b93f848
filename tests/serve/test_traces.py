"""Traces: the same seed gives the same requests; arrivals have the rate they are asked for."""

import itertools
import random
import statistics

import pytest
from hypothesis import given
from hypothesis import strategies as st

from groundup.serve.traces import TraceConfig, arrivals, conversations, words


@given(
    trace=st.sampled_from(["chat", "poisson", "burst"]),
    requests=st.integers(1, 50), turns=st.integers(1, 5), seed=st.integers(0, 99),
)  # fmt: skip
def test_there_are_as_many_requests_as_asked_for_and_the_same_again(trace, requests, turns, seed):
    config = TraceConfig(trace=trace, requests=requests, turns=turns, seed=seed)
    plan = conversations(config)
    assert sum(len(one.says) for one in plan) == requests
    assert plan == conversations(config)
    assert all(one.says and all(one.says) for one in plan)
    assert {one.system for one in plan} == {plan[0].system}
    if trace == "chat":
        assert all(one.at is None for one in plan)
        assert all(len(one.says) == turns for one in plan[:-1])
    else:
        times = [one.at for one in plan]
        assert times == sorted(times)
        assert times[0] == 0


def test_another_seed_gives_others():
    assert conversations(TraceConfig(seed=1)) != conversations(TraceConfig(seed=2))


def test_poisson_arrivals_are_exponential():
    """Their mean gap is 1 / rate, and so is its standard deviation: the law's own mark."""
    config = TraceConfig(trace="poisson", requests=20_000, rate=5.0)
    gaps = [b - a for a, b in itertools.pairwise(arrivals(config, random.Random(3)))]
    assert statistics.fmean(gaps) == pytest.approx(0.2, rel=0.03)
    assert statistics.stdev(gaps) == pytest.approx(0.2, rel=0.03)


def test_bursts_bring_all_users_at_once_at_the_same_mean_rate():
    config = TraceConfig(trace="burst", requests=20_000, users=8, rate=5.0)
    times = arrivals(config, random.Random(3))
    assert times[-1] == pytest.approx(20_000 / 5.0, rel=0.05)
    sizes = [len(list(group)) for _, group in itertools.groupby(times)]
    assert sizes == [8] * 2500


def test_lengths_have_the_mean_asked_for():
    config = TraceConfig(trace="poisson", requests=5000, prompt_words=40, system_words=300)
    plan = conversations(config)
    lengths = [len(one.says[0].split()) for one in plan]
    assert statistics.fmean(lengths) == pytest.approx(40, rel=0.05)
    assert statistics.stdev(lengths) > 10
    assert len(plan[0].system.split()) == 300
    assert len(words(random.Random(0), 25).split(".")) == 3
    assert conversations(TraceConfig(system_words=0))[0].system == ""


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"users": 0}, "users is 0"),
        ({"requests": 0}, "requests is 0"),
        ({"turns": 0}, "turns is 0"),
        ({"max_tokens": 0}, "max_tokens is 0"),
        ({"rate": 0.0}, "rate is 0"),
        ({"rate": float("inf")}, "rate is inf"),
        ({"rate": float("nan")}, "rate is nan"),
        ({"system_words": -1}, "system_words is -1"),
    ],
)
def test_what_gives_no_requests_is_refused(settings, said):
    with pytest.raises(ValueError, match=said):
        TraceConfig(**settings)
