"""Costs: by hand, and as the server's page and JSON."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from groundup.serve.cost import Costs
from groundup.serve.observer import Asked, Life
from groundup.serve.routes_operation import as_json, as_page


class Clock:
    now = 100.0

    def __call__(self):
        return self.now


def life(key, prompt, generated, *, cached=0, scheduled=1.0):
    asked = Asked(
        request_id="r", endpoint="/", model="m", key=key, prompt_tokens=prompt, max_tokens=9,
        sequences=1, at=0.0,
    )  # fmt: skip
    return Life(
        asked=asked, number=1, prompt_tokens=prompt, max_tokens=9, submitted_at=0.0,
        scheduled_at=scheduled, generated_tokens=generated, cached_tokens=cached,
        finish_reason="stop",
    )  # fmt: skip


def test_a_bill_by_hand():
    clock = Clock()
    costs = Costs(3.6, clock=clock)  # a thousandth a second
    clock.now += 500
    costs.stepped("m", None, 20.0)
    costs.stepped("m", None, 30.0)
    costs.finished(life("ana", 600, 100, cached=64))
    costs.finished(life("ben", 200, 100))
    costs.finished(life("ben", 999, 0, scheduled=None))  # cancelled while it waited
    bill = costs.bill()
    assert bill.cost == pytest.approx(0.5)
    assert bill.per_million == pytest.approx(500.0)  # 0.5 for 1000 tokens
    assert bill.per_million_busy == pytest.approx(50.0)
    assert (bill.usage.prompt_tokens, bill.usage.cached_tokens) == (800, 64)
    assert (bill.usage.generated_tokens, bill.usage.requests) == (200, 3)
    assert bill.share("ana") == pytest.approx(0.35)
    assert bill.share("nobody") == 0.0


@given(st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, 99), st.integers(0, 99))))
def test_the_shares_sum_up_to_the_whole(uses):
    clock = Clock()
    costs = Costs(1.0, clock=clock)
    clock.now += 3600
    for key, prompt, generated in uses:
        costs.finished(life(key, prompt, generated))
    bill = costs.bill()
    total = sum(bill.share(key) for key in bill.by_key)
    assert total == pytest.approx(bill.cost if bill.usage.tokens else 0.0)


def test_before_the_first_answer_there_is_no_price():
    told = as_json(Costs(1.0).bill())
    assert told["per_million_tokens"] is None
    assert "nothing was answered yet" in as_page(told)


def test_a_page_for_people_names_escaped():
    clock = Clock()
    costs = Costs(2.0, clock=clock)
    clock.now += 3600
    costs.finished(life("<b>ana</b>", 1000, 1_000_000))
    page = as_page(as_json(costs.bill()))
    assert "<b>" not in page
    assert "&lt;b&gt;ana" in page
    assert "1,000,000" in page
    assert "1.9980" in page


def test_a_key_sees_its_own():
    costs = Costs(1.0, clock=Clock())
    costs.finished(life("ana", 1, 2))
    costs.finished(life("ben", 1, 2))
    assert list(as_json(costs.bill())["keys"]) == ["ana", "ben"]
    assert list(as_json(costs.bill(), "ben")["keys"]) == ["ben"]
    assert as_json(costs.bill(), "carl")["keys"] == {}


def test_a_price_below_nothing_is_refused():
    with pytest.raises(ValueError, match="price_per_hour is -1"):
        Costs(-1.0)
