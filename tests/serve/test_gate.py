"""The gate: limits of keys as OpenAI's errors, and every reservation settled."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from groundup.serve.errors import ApiError
from groundup.serve.gate import KeyGate
from groundup.serve.keys import Key, Keys
from groundup.serve.limits import Limits
from groundup.serve.observer import Asked


class Clock:
    now = 0.0

    def __call__(self):
        return self.now


def asked(key="", prompt=10, most=40):
    return Asked(
        request_id="r", endpoint="/v1/completions", model="m", key=key,
        prompt_tokens=prompt, max_tokens=most, sequences=1, at=0.0,
    )  # fmt: skip


def gate(clock, **limits):
    keys = Keys(
        [
            Key(name="ana", digest=b"a" * 32, limits=Limits(**limits)),
            Key(name="ben", digest=b"b" * 32),
        ]
    )
    return KeyGate(keys, clock=clock)


def test_one_keys_limit_is_not_anothers():
    door = gate(Clock(), concurrency=1)
    door.admit(asked("ana"))
    with pytest.raises(ApiError):
        door.admit(asked("ana"))
    for _ in range(5):
        door.admit(asked("ben"))
    door.left(asked("ana"), 1)
    door.admit(asked("ana"))


def test_a_refusal_is_a_429_that_says_when_to_come_back():
    clock = Clock()
    door = gate(clock, tokens_per_minute=100)
    door.admit(asked("ana"))
    door.admit(asked("ana"))
    with pytest.raises(ApiError) as caught:
        door.admit(asked("ana"))
    refusal = caught.value
    assert refusal.status == 429
    assert refusal.headers() == {"retry-after": "30"}
    assert refusal.body()["error"]["type"] == "rate_limit_error"
    assert refusal.body()["error"]["code"] == "rate_limit_exceeded"
    assert "100 tokens a minute" in refusal.message
    clock.now = 30.0
    door.admit(asked("ana"))


@given(st.lists(st.integers(0, 50), max_size=20))
def test_what_all_requests_used_is_what_is_missing(uses):
    clock = Clock()
    door = gate(clock, tokens_per_minute=10_000)
    requests = [asked("ana") for _ in uses]
    for one in requests:
        door.admit(one)
    for one, used in zip(requests, uses, strict=True):
        door.left(one, used)
    account = door._accounts["ana"]
    assert account.inside == 0
    assert account._tokens.level == pytest.approx(10_000 - sum(uses))


def test_without_keys_all_share_one_account():
    door = KeyGate(without_key=Limits(requests_per_minute=2), clock=Clock())
    door.admit(asked())
    door.admit(asked())
    with pytest.raises(ApiError, match="2 requests a minute"):
        door.admit(asked())
