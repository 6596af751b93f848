"""Limits of a key: the bucket by its formula, the account by a model that counts in fractions."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from groundup.serve.limits import Account, Bucket, Limits


def test_a_bucket_is_full_at_first_and_refilled_evenly():
    bucket = Bucket(60, now=0)
    assert bucket.wait(60, now=0) == 0
    bucket.take(60, now=0)
    assert bucket.wait(1, now=0) == pytest.approx(1)
    assert bucket.wait(30, now=10) == pytest.approx(20)
    assert bucket.wait(60, now=1000) == 0
    bucket.take(0, now=1000)
    assert bucket.level == 60  # not more than it can hold


def test_more_than_a_minutes_worth_waits_for_a_full_bucket_and_leaves_a_debt():
    bucket = Bucket(60, now=0)
    assert bucket.wait(600, now=0) == 0
    bucket.take(600, now=0)
    assert bucket.level == -540
    assert bucket.wait(1, now=0) == pytest.approx(541)
    bucket.take(-590, now=0)
    assert bucket.level == 50


def test_a_clock_that_stands_still_or_goes_back_gives_nothing():
    bucket = Bucket(60, now=100)
    bucket.take(60, now=100)
    assert bucket.wait(1, now=0) == pytest.approx(1)
    assert bucket.wait(1, now=100) == pytest.approx(1)


@given(
    limit=st.integers(1, 100),
    events=st.lists(st.tuples(st.integers(0, 200), st.integers(0, 90)), max_size=40),
)
def test_over_any_time_no_more_is_let_in_than_was_refilled(limit, events):
    account = Account(Limits(tokens_per_minute=limit), now=0)
    level, now = Fraction(limit), 0
    for amount, passed in events:
        now += passed
        level = min(Fraction(limit), level + Fraction(passed * limit, 60))
        refusal = account.enter(amount, now=now)
        assert (refusal is None) == (level >= min(amount, limit))
        if refusal is None:
            level -= amount
        else:
            missing = min(amount, limit) - level
            assert refusal.wait == pytest.approx(float(missing * 60 / limit))


@given(reserve=st.integers(0, 500), now=st.floats(0, 1e6), limit=st.integers(1, 300))
def test_who_waits_as_told_passes(reserve, now, limit):
    account = Account(Limits(tokens_per_minute=limit, requests_per_minute=limit), now=now)
    assert account.enter(limit, now=now) is None
    refusal = account.enter(reserve, now=now)
    if refusal is not None:
        assert account.enter(reserve, now=now + refusal.wait) is None


def test_each_limit_stops_and_names_itself():
    requests = Account(Limits(requests_per_minute=2), now=0)
    assert requests.enter(10, now=0) is None
    assert requests.enter(10, now=0) is None
    refusal = requests.enter(10, now=0)
    assert (refusal.what, refusal.allowed, refusal.wait) == ("requests", 2, pytest.approx(30))
    assert "2 requests a minute" in refusal.sentence()
    crowd = Account(Limits(concurrency=1), now=0)
    assert crowd.enter(10, now=0) is None
    assert crowd.enter(10, now=0).what == "concurrency"
    assert "1 requests at a time" in crowd.enter(10, now=0).sentence()
    crowd.leave(10, 3, now=0)
    assert crowd.enter(10, now=0) is None


def test_a_refusal_changes_nothing():
    """A request stopped by one limit takes nothing from the others."""
    account = Account(Limits(requests_per_minute=2, tokens_per_minute=100), now=0)
    assert account.enter(100, now=0) is None
    for _ in range(5):
        assert account.enter(50, now=0).what == "tokens"
    assert account.inside == 1
    account.leave(100, 0, now=0)
    assert account.enter(100, now=0) is None  # the second request of two


def test_what_was_reserved_and_not_used_is_given_back():
    account = Account(Limits(tokens_per_minute=100), now=0)
    assert account.enter(100, now=0) is None
    account.leave(100, 40, now=0)
    assert account.enter(60, now=0) is None
    assert account.enter(1, now=0).wait == pytest.approx(0.6)


def test_the_longest_wait_is_told():
    account = Account(Limits(requests_per_minute=1, concurrency=1), now=0)
    assert account.enter(1, now=0) is None
    assert account.enter(1, now=0).what == "requests"
    assert account.enter(1, now=59.5).what == "concurrency"


def test_without_limits_all_pass():
    account = Account(Limits(), now=0)
    assert all(account.enter(10**9, now=0) is None for _ in range(100))


@pytest.mark.parametrize("name", ["requests_per_minute", "tokens_per_minute", "concurrency"])
def test_a_limit_below_one_is_refused(name):
    with pytest.raises(ValueError, match=f"{name} is 0"):
        Limits(**{name: 0})


def test_leaving_without_having_entered_is_a_defect():
    with pytest.raises(AssertionError, match="entered"):
        Account(Limits(), now=0).leave(1, 1, now=0)
