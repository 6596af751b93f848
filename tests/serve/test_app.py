"""What holds for every route: ids, bounds, errors, health, draining, middleware."""

import asyncio
import json

import pytest
from fastapi import APIRouter
from starlette.middleware import Middleware
from tests.serve.fake_engine import fake_model
from tests.serve.test_chat import ask, chunks, refused

from groundup.inference.request import Delta, Request
from groundup.serve.asking import Caller
from groundup.serve.envelope import Envelope
from groundup.serve.errors import ApiError
from groundup.serve.observer import Silent
from groundup.serve.service import Service
from groundup.serve.settings import ServerSettings

JSON = {"content-type": "application/json"}


def test_a_decent_request_id_is_kept_and_another_is_made(client):
    kept = client.get("/health", headers={"x-request-id": "abc-1.2_3"})
    assert kept.headers["x-request-id"] == "abc-1.2_3"
    for bad in ("", "a b", "x" * 200, 'a"b'):
        made = client.get("/health", headers={"x-request-id": bad}).headers["x-request-id"]
        assert made != bad
        assert len(made) == 32


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/nowhere", 404),
        ("GET", "/v1/chat/completions", 405),
        ("DELETE", "/v1/models", 405),
        ("POST", "/health", 405),
    ],
)
def test_unknown_paths_and_methods_have_openais_shape(client, method, path, status):
    refused(client.request(method, path), status)


def test_a_large_body_is_refused_by_its_length(open_app):
    client = open_app(settings=ServerSettings(body_bytes=1000))
    answer = client.post("/v1/completions", content=b"x" * 1001, headers=JSON)
    refused(answer, 413, "1000 bytes", code="request_too_large")
    assert answer.headers["x-request-id"]


def test_a_large_body_is_refused_while_it_comes(open_app):
    client = open_app(settings=ServerSettings(body_bytes=1000))
    pieces = (b"x" * 100 for _ in range(1000))
    refused(client.post("/v1/completions", content=pieces, headers=JSON), 413)


def test_a_body_that_does_not_come_is_given_up():
    async def scenario():
        sent = []

        async def receive():
            await asyncio.sleep(60)

        async def send(message):
            sent.append(message)

        async def app(scope, receive, send):
            await receive()

        settings = ServerSettings(body_seconds=0.01)
        scope = {"type": "http", "headers": [], "method": "POST"}
        await Envelope(app, settings)(scope, receive, send)
        return sent

    start, body = asyncio.run(scenario())
    assert start["status"] == 408
    assert json.loads(body["body"])["error"]["code"] == "timeout"


def test_only_the_servers_own_names_are_answered_to(open_app):
    client = open_app(settings=ServerSettings(hosts=("localhost", "[::1]")))
    for host in ("localhost", "localhost:8000", "LOCALHOST:1", "[::1]:8000"):
        assert client.get("/health", headers={"host": host}).status_code == 200
    for host in ("evil.example", "localhost.evil.example", "", "127.0.0.1:80"):
        refused(client.get("/health", headers={"host": host}), 403, code="host_not_allowed")


def test_web_pages_of_other_origins_are_told_nothing(client):
    answer = client.get("/v1/models", headers={"origin": "https://evil.example"})
    assert "access-control-allow-origin" not in answer.headers
    assert client.options("/v1/models").status_code == 405


def test_a_full_queue_says_when_to_come_back(open_app, tokenizer):
    client = open_app([fake_model(tokenizer, max_queue=2)])
    answer = ask(client, n=3)
    refused(answer, 429, "busy", code="queue_full")
    assert int(answer.headers["retry-after"]) >= 1
    assert ask(client, n=2).status_code == 200


def test_health_and_readiness(client):
    assert client.get("/health").json() == {"status": "ok", "in_flight": 0}
    assert client.get("/ready").status_code == 200
    client.service.drain()
    assert client.get("/health").json()["status"] == "draining"
    assert client.get("/health").status_code == 200
    assert client.get("/ready").status_code == 503
    answer = ask(client)
    refused(answer, 503, code="draining")
    assert answer.headers["retry-after"]
    refused(client.post("/v1/embeddings", json={"model": "fake", "input": "a"}), 503)


def test_an_engine_that_failed_is_told_in_openais_shape(client):
    client.engine.failure = RuntimeError("the kernel broke: secret detail")
    answer = ask(client)
    refused(answer, 500, code="engine_failed")
    assert "secret" not in answer.text
    assert client.get("/health").status_code == 503
    assert client.get("/health").json()["status"] == "failed"
    assert client.get("/ready").status_code == 503
    refused(ask(client), 500, code="engine_failed")
    assert client.get("/v1/models").status_code == 200
    client.engine.running.clear()


def test_an_engine_that_fails_in_mid_stream_is_an_event(client):
    steps = client.engine.step

    def fail_later():
        if client.engine.steps == 3:
            raise RuntimeError("the kernel broke")
        return steps()

    client.engine.step = fail_later
    answer = ask(client, stream=True)
    assert answer.status_code == 200
    events = [json.loads(line[6:]) for line in answer.text.split("\n\n")[:-2]]
    assert answer.text.endswith("data: [DONE]\n\n")
    assert events[-1]["error"]["code"] == "engine_failed"
    assert len(events) > 2
    client.engine.running.clear()


def test_one_request_that_fails_is_its_own_affair(open_app, tokenizer):
    client = open_app([fake_model(tokenizer)])
    engine = client.engine
    steps = engine.step

    def one_fails():
        bad = [n for n, one in engine.running.items() if one.answer.request.max_tokens == 7]
        for number in bad:
            del engine.running[number]
        told = [Delta(request_id=n, finish_reason="error", error="bad grammar") for n in bad]
        return [*told, *steps()]

    engine.step = one_fails
    refused(ask(client, max_tokens=7), 500, "bad grammar", code="answer_failed")
    stream = ask(client, max_tokens=7, stream=True)
    assert json.loads(stream.text.split("\n\n")[-3][6:])["error"]["code"] == "answer_failed"
    assert ask(client, max_tokens=8).status_code == 200
    assert client.get("/health").status_code == 200


def test_an_answer_that_takes_too_long_is_ended(open_app, tokenizer):
    model = fake_model(tokenizer, room=10**6)
    client = open_app([model], settings=ServerSettings(answer_seconds=0.05))
    answer = ask(client, max_tokens=10**6, ignore_eos=True)
    refused(answer, 504, code="timeout")
    stream = ask(client, max_tokens=10**6, ignore_eos=True, stream=True)
    assert json.loads(stream.text.split("\n\n")[-3][6:])["error"]["code"] == "timeout"


def test_what_fails_in_the_server_itself_tells_no_detail(open_app, tokenizer):
    routes = APIRouter()

    @routes.get("/broken")
    async def broken():
        raise RuntimeError("secret")

    client = open_app(app_settings={"routers": [routes]})
    with pytest.raises(RuntimeError, match="secret"):  # the test client raises it as well
        client.get("/broken")


class Door(Silent):
    """Lets nobody in whose key is "bad", and writes down who came and went."""

    def __init__(self):
        self.seen, self.used, self.refusals = [], [], []

    def admit(self, asked):
        self.seen.append(asked)
        if asked.key == "bad":
            raise ApiError(429, "slow down", code="rate_limit_exceeded", retry_after=7)

    def left(self, asked, used):
        self.used.append((asked.key, used))

    def refused(self, model, reason):
        self.refusals.append(reason)


class KeyOf:
    """Middleware that takes the name of a key from a header."""

    def __init__(self, app):
        self.app = app

    async def __call__(self, scope, receive, send):
        if scope["type"] == "http":
            headers = dict(scope["headers"])
            scope["state"].update(key=headers.get(b"key", b"").decode(), priority=-3)
            if b"forbidden" in headers:
                raise ApiError(401, "no", code="invalid_api_key")
        await self.app(scope, receive, send)


def test_middleware_says_who_asks_and_the_gate_lets_in(open_app):
    door = Door()
    layers = {"middleware": [Middleware(KeyOf)]}
    client = open_app(app_settings=layers, gate=door, observer=door)
    body = {"model": "fake", "prompt": ["sea", "fox"], "n": 2, "max_tokens": 3}
    headers = {"key": "ana", "traceparent": "00-abc-def-01", "x-request-id": "one"}
    answer = client.post("/v1/completions", json=body, headers=headers)
    assert answer.status_code == 200
    [asked] = door.seen
    assert (asked.key, asked.request_id, asked.traceparent) == ("ana", "one", "00-abc-def-01")
    assert (asked.endpoint, asked.sequences, asked.max_tokens) == ("/v1/completions", 4, 12)
    assert asked.prompt_tokens == answer.json()["usage"]["prompt_tokens"]
    assert client.engine.submitted[0].priority == -3
    [(key, used)] = door.used
    assert key == "ana"
    assert used > 12

    refusal = client.post("/v1/completions", json=body, headers={"key": "bad"})
    refused(refusal, 429, code="rate_limit_exceeded")
    assert refusal.headers["retry-after"] == "7"
    refused(client.get("/v1/models", headers={"forbidden": "1"}), 401, code="invalid_api_key")
    assert len(door.used) == 1
    assert door.refusals == ["limit"]

    client.post("/v1/embeddings", json={"model": "fake", "input": "sea"}, headers=headers)
    assert door.used[1:] == [("ana", len(client.engine.tokenizer.encode("sea")))]


def test_who_was_admitted_but_not_taken_has_left(open_app, tokenizer):
    door = Door()
    client = open_app([fake_model(tokenizer, max_queue=1)], gate=door, observer=door)
    refused(ask(client, n=2), 429)
    assert door.used == [("", 0)]
    assert door.refusals == ["queue_full"]


def test_draining_waits_and_aborting_ends(tokenizer):
    async def scenario():
        model = fake_model(tokenizer, room=10**6)
        service = Service([model])
        service.start()
        requests = [Request(prompt=(5,), max_tokens=10**6)]
        caller = Caller(request_id="r", endpoint="/x", at=0.0)
        asked = caller.asked("fake", requests, stream=False)
        flight = await service.submit(model, requests, asked)
        service.drain()
        assert not await service.drained(0.01)
        service.abort()
        assert await service.drained(5)
        deltas = [delta async for _, delta in flight]
        assert deltas[-1].finish_reason == "cancelled"
        service.close()

    asyncio.run(scenario())


def test_a_service_has_models_with_names_of_their_own(tokenizer):
    with pytest.raises(ValueError, match="all different"):
        Service([fake_model(tokenizer), fake_model(tokenizer)])
    with pytest.raises(ValueError, match="one or more"):
        Service([])


@pytest.mark.parametrize("fields", [{"body_bytes": 0}, {"answer_seconds": float("inf")}])
def test_bounds_that_let_nothing_through_are_refused(fields):
    with pytest.raises(ValueError, match=next(iter(fields))):
        ServerSettings(**fields)


def test_the_document_names_every_status_and_no_422(client):
    document = client.get("/openapi.json").json()
    for path, operations in document["paths"].items():
        for operation in operations.values():
            assert "422" not in operation["responses"]
            if path.startswith("/v1/c"):
                assert {"200", "400", "404", "413", "429", "500", "503"} <= set(
                    operation["responses"]
                )
    schemas = document["components"]["schemas"]
    assert "temperature" in schemas["ChatRequest"]["properties"]
    chunk = document["paths"]["/v1/chat/completions"]["post"]["responses"]["200"]["content"]
    assert set(chunk) == {"application/json", "text/event-stream"}


def test_a_stream_is_not_held_back_by_proxies(client):
    answer = ask(client, stream=True)
    assert answer.headers["x-accel-buffering"] == "no"
    assert answer.headers["cache-control"] == "no-cache"
    assert chunks(answer)
