"""The load test against scripted servers: what it sends, what it sees, what it makes of it."""

import asyncio
import dataclasses
import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.serve.replicas import answers, replicas, streams

from groundup.serve.load_summary import Call, gaps, spread, summarize
from groundup.serve.load_test import LoadTestConfig, replay
from groundup.serve.load_test_plot import plot
from groundup.serve.traces import TraceConfig

MODELS = answers(json.dumps({"data": [{"id": "the-model"}]}).encode())


def event(text=None, **fields):
    choices = [] if text is None else [{"index": 0, "delta": {"content": text}}]
    return b"data: " + json.dumps({"choices": choices, **fields}).encode() + b"\n\n"


USAGE = event(
    usage={
        "prompt_tokens": 7,
        "completion_tokens": 5,
        "prompt_tokens_details": {"cached_tokens": 4},
    }
)
GOOD = (event(""), event("Hel"), event("lo"), USAGE, b"data: [DONE]\n\n")


def server(chat):
    async def script(got, writer):
        await (MODELS if got.path == "/v1/models" else chat)(got, writer)

    return script


def run(chat, *, suffix="", **settings):
    """The calls, and the requests that arrived."""
    trace = TraceConfig(**({"users": 2, "requests": 6, "turns": 2, "system_words": 5} | settings))

    async def test():
        async with replicas(server(chat)) as [replica]:
            config = LoadTestConfig(
                url=replica.url + suffix, api_key="sk-1", extra='{"temperature": 0}', timeout=10
            )
            calls = await asyncio.wait_for(replay(config, trace), 30)
        return calls, replica.got

    return asyncio.run(test())


def test_every_request_of_the_trace_is_sent_and_counted():
    calls, got = run(streams(*GOOD), suffix="/v1/")
    models, *chats = got
    assert models.path == "/v1/models"
    assert len(calls) == len(chats) == 6
    for one in chats:
        assert (one.method, one.path) == ("POST", "/v1/chat/completions")
        assert one.headers["authorization"] == "Bearer sk-1"
        body = json.loads(one.body)
        assert body["model"] == "the-model"
        assert body["temperature"] == 0
        assert body["stream_options"] == {"include_usage": True}
    for call in calls:
        assert call.text == "Hello"
        assert len(call.pieces) == 2
        assert call.due <= call.pieces[0] <= call.pieces[1] <= call.end
        assert (call.prompt_tokens, call.cached_tokens, call.output_tokens) == (7, 4, 5)
        assert call.error == ""


def test_a_conversation_grows_by_the_servers_own_answers():
    _, got = run(streams(*GOOD), users=1, requests=2, turns=2)
    first, second = (json.loads(one.body)["messages"] for one in got[1:])
    assert [message["role"] for message in first] == ["system", "user"]
    assert second[:2] == first
    assert second[2] == {"role": "assistant", "content": "Hello"}
    assert second[3]["role"] == "user"


def test_no_more_users_than_asked_for():
    most, now = 0, 0

    async def chat(got, writer):
        nonlocal most, now
        now += 1
        most = max(most, now)
        await asyncio.sleep(0.01)
        now -= 1
        await streams(*GOOD)(got, writer)

    calls, _ = run(chat, users=3, requests=12)
    assert len(calls) == 12
    assert most == 3


def test_requests_at_a_rate_count_from_when_they_were_due():
    calls, _ = run(streams(*GOOD), trace="burst", users=4, requests=8, rate=400.0)
    assert len({call.due for call in calls}) == 2
    assert all(call.pieces[0] >= call.due for call in calls)


@pytest.mark.parametrize(
    ("chat", "error"),
    [
        (answers(b"{}", 429), "HTTP 429"),
        (streams(event("a"), then="break"), "RemoteProtocolError"),
        (streams(event("a")), "the stream ended too early"),
        (streams(event("a"), event(error={"code": "replica_failed"})), "replica_failed"),
        (streams(b"data: {nonsense\n\n"), "an event that is none of OpenAI's"),
        (streams(b"data: [1]\n\n"), "an event that is none of OpenAI's"),
    ],
)
def test_what_goes_wrong_is_an_error_of_the_request(chat, error):
    calls, _ = run(chat, requests=2)
    assert [call.error for call in calls] == [error] * 2
    assert summarize(calls).errors == {error: 2}
    assert summarize(calls).requests == 0


def test_without_usage_pieces_are_counted():
    calls, _ = run(streams(event("a"), event("b"), b"data: [DONE]\n\n"), requests=1)
    assert calls[0].output_tokens == 2


@pytest.mark.parametrize(
    ("reply", "said"),
    [(answers(b"{}", 401), "lists no model"), (answers(b'{"data": []}'), "lists no model")],
)
def test_a_server_without_models_is_said(reply, said):
    async def test():
        async with replicas(reply) as [replica]:
            await replay(LoadTestConfig(url=replica.url), TraceConfig())

    with pytest.raises(ValueError, match=said):
        asyncio.run(test())


def test_no_server_is_said():
    async def test():
        async with replicas(None) as [replica]:
            await replay(LoadTestConfig(url=replica.url), TraceConfig())

    with pytest.raises(ValueError, match=r"no server answers at http.*is it running"):
        asyncio.run(test())


@pytest.mark.parametrize("extra", ["{", "[]", "3"])
def test_extra_fields_must_be_an_object(extra):
    with pytest.raises(ValueError, match="wanted a JSON object"):
        LoadTestConfig(url="x", extra=extra).fields()


def test_a_summary_by_hand():
    calls = [
        Call(due=1.0, pieces=[2.0, 2.5, 4.0], end=4.5, output_tokens=6, prompt_tokens=10),
        Call(due=0.0, pieces=[1.0], end=3.0, output_tokens=1, prompt_tokens=20, cached_tokens=5),
        Call(due=0.0, end=5.0, error="HTTP 500"),
    ]
    found = summarize(calls)
    assert (found.requests, found.errors) == (2, {"HTTP 500": 1})
    assert found.seconds == 5.0
    assert (found.prompt_tokens, found.cached_tokens, found.output_tokens) == (30, 5, 7)
    assert found.output_tokens_per_second == pytest.approx(7 / 5)
    assert found.requests_per_second == pytest.approx(2 / 5)
    assert found.first_token.mean == pytest.approx(1.0)
    assert found.between_tokens.percentiles["p50"] == pytest.approx(1.0)
    assert found.between_tokens.count == 2
    assert found.per_output_token.mean == pytest.approx(2.0 / 5)
    assert found.whole.mean == pytest.approx(3.25)


@given(st.lists(st.floats(0, 100), min_size=1, max_size=50))
def test_percentiles_are_numpys(values):
    found = spread(values)
    assert found.count == len(values)
    for p in (50, 90, 95, 99):
        assert found.percentiles[f"p{p}"] == pytest.approx(float(np.percentile(values, p)))


def test_nothing_sums_up_to_nothing():
    found = summarize([])
    assert (found.requests, found.seconds, found.first_token) == (0, 0.0, None)
    assert spread([]) is None
    assert gaps([Call(due=0.0, pieces=[1.0])]) == []


def test_a_plot_is_drawn(tmp_path):
    calls = [
        Call(due=0.1 * i, pieces=[1.0, 1.5, 2.0 + i], end=2.0 + i, output_tokens=6)
        for i in range(5)
    ]
    calls += [Call(due=0.0, end=1.0, error="HTTP 500")]
    full, empty = tmp_path / "deep" / "load.png", tmp_path / "nothing.svg"
    plot(calls, full, title="a test")
    plot([], empty, title="nothing")
    assert full.read_bytes().startswith(b"\x89PNG")
    assert "<svg" in empty.read_text(encoding="utf-8")


def test_a_plot_needs_a_known_ending(tmp_path):
    with pytest.raises(ValueError, match=r"end it in .png"):
        plot([], tmp_path / "load.txt", title="")


def test_the_key_is_not_shown():
    config = LoadTestConfig(url="x", api_key="sk-secret")
    assert "sk-secret" not in repr(config)
    assert dataclasses.asdict(config)["api_key"] == "sk-secret"
