"""The router between clients and scripted replicas on real sockets: what passes, what is repeated.

The law: no byte of a stream reaches the client twice, whatever breaks and when.
"""

import asyncio
import functools
import itertools
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from prometheus_client.parser import text_string_to_metric_families
from tests.serve.replicas import answers, ask, breaks, replicas, streams

from groundup.serve.router import Router, RouterConfig
from groundup.serve.router_answer import whole_events
from groundup.serve.router_app import RouterApp, RouterAppConfig

PATH = "/v1/completions"
BODY = json.dumps({"model": "m", "prompt": "hello", "stream": True}).encode()


def asynchronous(test):
    @functools.wraps(test)
    def run(*args, **kwargs):
        asyncio.run(asyncio.wait_for(test(*args, **kwargs), 60))

    return run


def router_of(made, policy="round-robin", *, probe_seconds=0, **settings):
    app_config = RouterAppConfig(probe_seconds=probe_seconds, silence_seconds=10)
    config = RouterConfig(policy=policy, **settings)
    return RouterApp(Router([replica.url for replica in made], config), app_config)


@asynchronous
async def test_a_request_and_its_answer_pass_unchanged():
    headers = (
        (b"host", b"router"), (b"authorization", b"Bearer sk-1"), (b"x-request-id", b"abc"),
        (b"connection", b"keep-alive, x-hop"), (b"x-hop", b"1"), (b"content-type", b"a/b"),
    )  # fmt: skip
    reply = answers(b"\x00\xff", 418, "x-own: yes\r\ncontent-type: a/b\r\nkeep-alive: 5\r\n")
    async with replicas(reply) as made:
        app = router_of(made)
        async with app.running():
            answer = await ask(app, PATH, b"\x01\x02", headers=headers, query=b"a=1&b=%20")
    assert (answer.status, answer.body, answer.ended) == (418, b"\x00\xff", True)
    assert answer.headers["x-own"] == "yes"
    assert answer.headers["x-replica"] == "0"
    assert answer.headers["content-length"] == "2"
    assert "keep-alive" not in answer.headers
    [got] = made[0].got
    assert (got.method, got.path, got.body) == ("POST", f"{PATH}?a=1&b=%20", b"\x01\x02")
    assert got.headers["authorization"] == "Bearer sk-1"
    assert got.headers["x-request-id"] == "abc"
    assert got.headers["x-forwarded-for"] == "127.0.0.1"
    assert got.headers["host"] == made[0].url.removeprefix("http://")
    assert "x-hop" not in got.headers


@asynchronous
async def test_a_request_without_an_id_gets_one():
    async with replicas(answers()) as made:
        app = router_of(made)
        async with app.running():
            await ask(app, PATH)
            await ask(app, PATH)
    first, second = (got.headers["x-request-id"] for got in made[0].got)
    assert len(first) == 32
    assert first != second


@asynchronous
async def test_a_stream_passes_event_by_event():
    pieces = [b"data: 1\n", b"\ndata: 2\n\nda", b"ta: 3\n\n", b"data: [DONE]\n\n"]
    async with replicas(streams(*pieces)) as made:
        app = router_of(made)
        async with app.running():
            answer = await ask(app, PATH, BODY)
    assert answer.headers["content-type"] == "text/event-stream"
    assert "content-length" not in answer.headers
    assert answer.body == b"".join(pieces)
    assert all(piece.endswith(b"\n\n") for piece in answer.pieces)
    assert answer.ended


BEFORE_THE_FIRST_EVENT = {
    "nobody listens": None,
    "hangs up": breaks,
    "busy": answers(b"{}", 429),
    "draining": answers(b"{}", 503),
    "breaks in the head": streams(then="break"),
    "breaks in the first event": streams(b"data: hal", then="break"),
    "breaks in an answer": None,
}


async def half_an_answer(got, writer):
    writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{")
    writer.close()


BEFORE_THE_FIRST_EVENT["breaks in an answer"] = half_an_answer


@pytest.mark.parametrize("failure", BEFORE_THE_FIRST_EVENT)
@asynchronous
async def test_what_fails_before_its_first_event_is_answered_by_another_unseen(failure):
    good = streams(b"data: 1\n\n", b"data: [DONE]\n\n")
    async with replicas(BEFORE_THE_FIRST_EVENT[failure], good) as made:
        app = router_of(made)
        async with app.running():
            answer = await ask(app, PATH, BODY)
    assert (answer.status, answer.body) == (200, b"data: 1\n\ndata: [DONE]\n\n")
    assert answer.headers["x-replica"] == "1"
    assert [got.body for got in made[1].got] == [BODY]
    assert app.retries == 1
    first = app.router.replicas[made[0].url]
    assert first.in_flight == 0
    assert first.broken == (failure not in ("busy", "draining"))


@asynchronous
async def test_what_fails_later_ends_with_an_error_and_is_not_repeated():
    bad = streams(b"data: 1\n\n", b"data: 2\n\ndata: ha", then="break")
    good = streams(b"data: other\n\n")
    async with replicas(bad, good) as made:
        app = router_of(made)
        async with app.running():
            answer = await ask(app, PATH, BODY)
    *events, error, nothing = answer.body.split(b"\n\n")
    assert events == [b"data: 1", b"data: 2"]
    assert nothing == b""
    told = json.loads(error.removeprefix(b"data: "))["error"]
    assert told["code"] == "replica_failed"
    assert made[1].got == []
    assert answer.ended
    assert app.retries == 0


@given(cuts=st.lists(st.integers(0, 76), max_size=6), breaks_at=st.integers(0, 76))
@settings(max_examples=15)
def test_however_a_stream_is_cut_and_broken_no_event_comes_twice_or_torn(cuts, breaks_at):
    text = b"".join(b'data: {"token": %d}\n\n' % i for i in range(4))
    places = [0, *sorted(cut for cut in cuts if cut < breaks_at), breaks_at]
    pieces = [text[a:b] for a, b in itertools.pairwise(places)]

    async def run():
        bad = streams(*(p for p in pieces if p), then="break")
        async with replicas(bad, streams(text)) as made:
            app = router_of(made)
            async with app.running():
                return await ask(app, PATH, BODY), len(made[1].got)

    answer, repeated = asyncio.run(run())
    *events, last = answer.body.split(b"\n\n")
    assert last == b""
    tokens = [json.loads(event.removeprefix(b"data: ")) for event in events]
    before = text[:breaks_at].count(b"\n\n")
    if repeated:
        assert before == 0
        assert [t["token"] for t in tokens] == [0, 1, 2, 3]
    else:
        assert [t.get("token") for t in tokens] == [*range(before), None]
        assert "error" in tokens[-1]


@asynchronous
async def test_when_all_are_busy_the_last_says_so_itself():
    busy = answers(b'{"error": {}}', 429, "retry-after: 7\r\n")
    async with replicas(busy, busy) as made:
        app = router_of(made)
        async with app.running():
            answer = await ask(app, PATH, BODY)
    assert (answer.status, answer.headers["retry-after"]) == (429, "7")
    assert len(made[0].got) == len(made[1].got) == 1


@asynchronous
async def test_no_more_retries_than_allowed_and_then_an_error():
    async with replicas(breaks, breaks, breaks, breaks) as made:
        app = router_of(made, retries=1)
        async with app.running():
            answer = await ask(app, PATH, BODY)
    assert answer.status == 502
    assert answer.json()["error"]["code"] == "replica_failed"
    assert sum(len(replica.got) for replica in made) == 2


@asynchronous
async def test_when_no_replica_is_left_it_is_503_with_a_time():
    async with replicas(None) as made:
        app = router_of(made, failures=1, eject_seconds=30.0)
        async with app.running():
            assert (await ask(app, PATH, BODY)).status == 502
            answer = await ask(app, PATH, BODY)
            ready = await ask(app, "/ready", method="GET")
    assert answer.status == ready.status == 503
    assert answer.json()["error"]["code"] == "no_replica"
    assert 1 <= int(answer.headers["retry-after"]) <= 30


@asynchronous
async def test_a_client_that_leaves_ends_the_replicas_work_and_is_not_its_failure():
    async with replicas(streams(b"data: 1\n\n", then="silence")) as made:
        app = router_of(made)
        async with app.running():
            answer = await ask(app, PATH, BODY, leave_after=1)
            replica = app.router.replicas[made[0].url]
            assert (replica.in_flight, replica.broken, replica.answered) == (0, 0, 0)
    assert answer.pieces == [b"data: 1\n\n"]


@asynchronous
async def test_a_replica_whose_probe_says_no_is_left_out_until_it_says_yes():
    async with replicas(answers(), answers()) as made:
        made[0].ready = False
        app = router_of(made, probe_seconds=0.01)
        async with app.running():
            await probed(app, made[0], ready=False)
            for _ in range(3):
                assert (await ask(app, PATH, BODY)).headers["x-replica"] == "1"
            made[0].ready = True
            await probed(app, made[0], ready=True)
            seen = {(await ask(app, PATH, BODY)).headers["x-replica"] for _ in range(2)}
    assert seen == {"0", "1"}


async def probed(app, replica, *, ready):
    for _ in range(2000):
        if app.router.replicas[replica.url].ready == ready:
            return
        await asyncio.sleep(0.005)
    raise AssertionError("the probe does not see it")


@asynchronous
async def test_who_begins_alike_meets_the_same_replica():
    async with replicas(answers(), answers(), answers()) as made:
        app = router_of(made, "prefix")
        async with app.running():
            for prompt in ("a", "b", "c", "d", "e"):
                body = json.dumps({"model": "m", "prompt": prompt * 50}).encode()
                seen = {(await ask(app, PATH, body)).headers["x-replica"] for _ in range(3)}
                assert len(seen) == 1
            for broken in (b"{", b"[" * 100_000, b"\xff"):
                assert (await ask(app, PATH, broken)).status == 200  # the replica's to refuse
    assert sum(bool(replica.got) for replica in made) > 1


@asynchronous
async def test_too_large_a_body_is_refused_here():
    async with replicas(answers()) as made:
        app = RouterApp(Router([made[0].url]), RouterAppConfig(body_bytes=10))
        async with app.running():
            answer = await ask(app, PATH, b"x" * 11)
            assert (await ask(app, PATH, b"x" * 10)).status == 200
    assert (answer.status, answer.json()["error"]["code"]) == (413, "too_large")
    assert len(made[0].got) == 1


@asynchronous
async def test_its_own_pages():
    async with replicas(answers(), None) as made:
        app = router_of(made)
        async with app.running():
            await ask(app, PATH, BODY)
            await ask(app, PATH, BODY)
            health, ready, known, metrics = [
                await ask(app, path, method="GET")
                for path in ("/health", "/ready", "/router", "/metrics")
            ]
    assert (health.status, ready.status) == (200, 200)
    assert [r["url"] for r in known.json()["replicas"]] == [replica.url for replica in made]
    found = {
        (sample.name, sample.labels.get("replica"), sample.labels.get("outcome")): sample.value
        for family in text_string_to_metric_families(metrics.body.decode())
        for sample in family.samples
    }
    assert found["groundup:router_requests_total", made[0].url, "answered"] == 2
    assert found["groundup:router_requests_total", made[1].url, "broken"] == 1
    assert found["groundup:router_retries_total", None, None] == 1
    assert found["groundup:router_in_flight", made[0].url, None] == 0
    assert found["groundup:router_replica_up", made[0].url, None] == 1


@asynchronous
async def test_told_to_stop_it_takes_no_more_and_ends_what_it_has():
    goes_on = asyncio.Event()

    async def slow(got, writer):
        await goes_on.wait()
        await answers()(got, writer)

    async with replicas(slow) as made:
        app = router_of(made)
        async with app.running():
            assert await app.drained(0)
            first = asyncio.ensure_future(ask(app, PATH, BODY))
            while not made[0].got:
                await asyncio.sleep(0.001)
            app.drain()
            refused, ready = await ask(app, PATH, BODY), await ask(app, "/ready", method="GET")
            assert (refused.status, ready.status) == (503, 503)
            assert not await app.drained(0.01)
            goes_on.set()
            assert await app.drained(20)
            assert (await first).status == 200


@asynchronous
async def test_told_again_it_hangs_up():
    async with replicas(streams(b"data: 1\n\n", then="silence")) as made:
        app = router_of(made)
        async with app.running():
            first = asyncio.ensure_future(ask(app, PATH, BODY))
            while not made[0].got:
                await asyncio.sleep(0.001)
            app.abort()
            await first
            assert await app.drained(0)


@asynchronous
async def test_the_server_starts_and_stops_it():
    app = router_of([type("Nobody", (), {"url": "http://127.0.0.1:9"})])
    told = []
    orders = [{"type": "lifespan.shutdown"}, {"type": "lifespan.startup"}]

    async def receive():
        return orders.pop()

    async def send(message):
        told.append(message["type"])

    await app({"type": "lifespan"}, receive, send)
    assert told == ["lifespan.startup.complete", "lifespan.shutdown.complete"]
    await app({"type": "websocket"}, receive, send)
    assert told[-1] == "websocket.close"


@given(st.lists(st.binary(max_size=4) | st.sampled_from([b"\n", b"\n\n", b"\r\n\r\n", b"x\n\ny"])))
def test_events_are_cut_at_their_ends_and_no_byte_is_lost(pieces):
    async def run():
        async def source():
            for piece in pieces:
                yield piece

        return [events async for events in whole_events(source())]

    found = asyncio.run(run())
    assert b"".join(found) == b"".join(pieces)
    for events in found[:-1]:
        assert events.endswith((b"\n\n", b"\r\n\r\n"))
