"""What a hostile peer sends over a real socket is answered or dropped, and nobody else waits."""

import json
import select
import socket
import threading
import time

import pytest
from pydantic import ValidationError
from tests.serve.fake_engine import fake_model
from tests.serve.real_server import RealServer

from groundup.serve.app import create_app
from groundup.serve.listen import Patient
from groundup.serve.pages import chat_page
from groundup.serve.protocol_chat import ChatRequest
from groundup.serve.protocol_completions import CompletionRequest
from groundup.serve.protocol_tokens import DetokenizeRequest, EmbeddingRequest, TokenizeChat
from groundup.serve.service import Service
from groundup.serve.settings import ServerSettings

PATH = "/v1/chat/completions"
ASKED = {"model": "fake", "messages": [{"role": "user", "content": "hi"}], "max_tokens": 3}
HOSTS = ("localhost", "127.0.0.1", "[::1]")


@pytest.fixture(scope="module")
def service(tokenizer):
    settings = ServerSettings(hosts=HOSTS, body_bytes=3_000_000, body_seconds=0.3)
    return Service([fake_model(tokenizer)], settings=settings)


@pytest.fixture(scope="module")
def server(service):
    with RealServer(create_app(service, routers=[chat_page()])) as server:
        yield server
        answer = send(server, request(json.dumps(ASKED)))
        assert answer.startswith(b"HTTP/1.1 200"), "after all that it still answers"
    assert service.in_flight == 0
    assert not service.runners["fake"]._engine.running


def request(body, *, path=PATH, **headers):
    """A whole request as bytes; `content_type="..."` becomes a header."""
    body = body if isinstance(body, bytes) else body.encode()
    named = {"host": "127.0.0.1", "content_type": "application/json", "connection": "close"}
    named |= {"content_length": str(len(body))} | headers
    lines = [f"POST {path} HTTP/1.1", *(f"{k.replace('_', '-')}: {v}" for k, v in named.items())]
    return "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + body


def connect(server):
    return socket.create_connection(("127.0.0.1", server.port), timeout=20)


def send(server, data):
    """All that comes back until the server hangs up."""
    with connect(server) as peer:
        peer.sendall(data)
        return rest(peer)


def rest(peer):
    answer = b""
    try:
        while piece := peer.recv(1 << 16):
            answer += piece
    except ConnectionResetError:
        pass
    return answer


def status_of(answer):
    return int(answer.split(b" ", 2)[1])


def error_of(answer):
    return json.loads(answer.split(b"\r\n\r\n", 1)[1])["error"]


MANY = 20_000
CHAT = {
    "unknown fields": {f"x{i}": 0 for i in range(MANY)},
    "parts of no kind": {"messages": [{"role": "user", "content": [{}] * MANY}]},
    "parts that are texts": {"messages": [{"role": "user", "content": ["a"] * MANY}]},
    "messages of no role": {"messages": [{}] * MANY},
    "calls of nothing": {"messages": [{"role": "assistant", "tool_calls": [{}] * MANY}]},
    "stop texts": {"stop": ["a"] * MANY},
    "stop texts that are none": {"stop": [{}] * MANY},
    "stop ids": {"stop_token_ids": [0.5] * MANY},
    "biases": {"logit_bias": {f"x{i}": 0 for i in range(MANY)}},
    "tools": {"tools": [{}] * MANY},
    "modalities": {"modalities": ["sound"] * MANY},
    "choices": {"structured_outputs": {"choice": [0] * MANY}},
    "fields of an option": {"stream_options": {f"x{i}": 0 for i in range(MANY)}},
}
FLOODS = [pytest.param(ChatRequest, PATH, ASKED | fields, id=name) for name, fields in CHAT.items()]
FLOODS += [
    pytest.param(CompletionRequest, "/v1/completions", {"prompt": [["a"]] * MANY}, id="no ids"),
    pytest.param(CompletionRequest, "/v1/completions", {"prompt": [None] * MANY}, id="no prompts"),
    pytest.param(EmbeddingRequest, "/v1/embeddings", {"input": [[]] * MANY}, id="empty inputs"),
    pytest.param(EmbeddingRequest, "/v1/embeddings", {"input": [0.5] * MANY}, id="half an id"),
    pytest.param(TokenizeChat, "/tokenize", {"messages": [{}] * MANY}, id="no messages"),
    pytest.param(DetokenizeRequest, "/detokenize", {"tokens": [None] * MANY}, id="no tokens"),
]


@pytest.mark.parametrize(("model", "path", "fields"), FLOODS)
def test_many_wrong_things_are_few_errors(server, model, path, fields):
    """To list a million would take a minute, in which nobody else were answered."""
    body = {"model": "fake"} | fields
    with pytest.raises(ValidationError) as refusal:
        model.model_validate(body)
    assert refusal.value.error_count() <= 8
    answer = send(server, request(json.dumps(body), path=path))
    assert status_of(answer) == 400
    assert len(error_of(answer)["message"]) < 1000


def test_too_many_prompts_are_refused_before_they_are_tokenized(server, tokenizer, monkeypatch):
    monkeypatch.setattr(tokenizer, "encode", None)
    body = json.dumps({"model": "fake", "prompt": ["a"] * MANY})
    answer = send(server, request(body, path="/v1/completions"))
    assert status_of(answer) == 400
    assert "20000 prompts" in error_of(answer)["message"]


HALF = b'{"model": "fake", "messages": [{"role": "user", "content": "'
TEXTS = {
    "half a character as an escape": HALF + b'\\ud800"}]}',
    "half a character in bytes": HALF + b'\xed\xa0\x80"}]}',
    "no UTF-8": HALF + b'\xff\xfe"}]}',
    "torn": HALF,
    "deep": b"[" * 100_000 + b"]" * 100_000,
    "deep in a field": HALF + b'"}], "metadata": ' + b'{"a":' * 50_000 + b"1" + b"}" * 50_001,
    "a number of 5000 digits": HALF + b'"}], "seed": ' + b"9" * 5000 + b"}",
    "an infinite number": HALF + b'"}], "temperature": 1e999}',
    "no number": HALF + b'"}], "top_p": NaN}',
}


@pytest.mark.parametrize("name", TEXTS)
def test_text_that_is_none_is_refused(server, name):
    answer = send(server, request(TEXTS[name]))
    assert status_of(answer) == 400
    assert error_of(answer)["message"]


@pytest.mark.parametrize(
    "content", ["\0", "\u202e\u2066", "\U0010ffff", "e" + "\u0301" * 200, "\r\n"]
)
@pytest.mark.parametrize("ascii_only", [True, False])
def test_odd_text_is_text(server, content, ascii_only):
    asked = ASKED | {"messages": [{"role": "user", "content": content}]}
    answer = send(server, request(json.dumps(asked, ensure_ascii=ascii_only)))
    assert status_of(answer) == 200


CHUNKED = (
    b"POST /tokenize HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
    b"Transfer-Encoding: chunked\r\n\r\n"
)
REFUSED = {
    "another host": (b"GET /v1/models HTTP/1.1\r\nHost: evil.example\r\n\r\n", 403),
    "another host as a suffix": (b"GET / HTTP/1.1\r\nHost: localhost.evil.example\r\n\r\n", 403),
    "another host before an @": (b"GET / HTTP/1.1\r\nHost: localhost@evil.example\r\n\r\n", 403),
    "no host": (b"GET /v1/models HTTP/1.0\r\n\r\n", 403),
    "two hosts": (b"GET / HTTP/1.1\r\nHost: localhost\r\nHost: evil.example\r\n\r\n", 400),
    "two lengths": (request("{}", Content_Length="1"), 400),
    "a length below 0": (request("", content_length="-1"), 400),
    "a length of 30 digits": (request("", content_length="9" * 30), 400),
    "a length too large": (request("", content_length="3000001"), 413),
    "chunks that are none": (CHUNKED + b"zz\r\n", 400),
    "a header of 200 kB": (request("", x=("a" * 200_000)), 400),
    "10000 headers": (request("", **{f"x{i}": "a" for i in range(10_000)}), 400),
    "an address of 200 kB": (b"GET /" + b"a" * 200_000 + b" HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    "a NUL in the address": (b"GET /chat/\0 HTTP/1.1\r\nHost: localhost\r\n\r\n", 400),
    "no HTTP": (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 400),
    "a form": (request("a=b", content_type="application/x-www-form-urlencoded"), 415),
    "JSON as text, as web pages may send it": (request("{}", content_type="text/plain"), 415),
    "JSON as nothing": (request("{}", content_type=""), 415),
}


@pytest.mark.parametrize("name", REFUSED)
def test_requests_that_are_none_are_refused(server, name):
    data, status = REFUSED[name]
    data = data.replace(b"HTTP/1.1\r\nHost", b"HTTP/1.1\r\nConnection: close\r\nHost")
    assert status_of(send(server, data)) == status


@pytest.mark.parametrize(
    "path",
    [
        b"/chat/../../../../etc/passwd",
        b"/chat/..%2f..%2fconfig.py",
        b"/v1/models/../../../etc/passwd",
        b"/chat/%00%ff%zz",
        b"http://evil.example/chat/pages.py",
        b"//etc/passwd",
    ],
)
def test_no_path_leads_out(server, path):
    answer = send(
        server, b"GET " + path + b" HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
    )
    assert status_of(answer) == 404
    assert b"root:" not in answer
    assert b"import" not in answer


def test_a_header_cannot_add_a_header(server):
    answer = send(server, request(json.dumps(ASKED), x_request_id="a%0d%0aset-cookie: b\xff"))
    head = answer.split(b"\r\n\r\n", 1)[0].lower()
    assert b"set-cookie" not in head
    assert status_of(answer) == 200


def test_a_page_of_another_origin_gets_no_permission(server):
    asked = b"OPTIONS " + PATH.encode() + b" HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
    asked += b"Origin: https://evil.example\r\nAccess-Control-Request-Method: POST\r\n\r\n"
    assert b"access-control" not in send(server, asked).lower()


def test_what_does_not_end_is_given_up_and_holds_nobody_up(server, monkeypatch):
    monkeypatch.setattr(Patient, "header_seconds", 0.3)
    half = [
        b"",
        b"GET / HT",
        b"GET / HTTP/1.1\r\nHost: localhost\r\nX-",
        request("", content_length="9"),
    ]
    peers = [connect(server) for _ in half for _ in range(20)]
    for peer, data in zip(peers, half * 20, strict=True):
        peer.sendall(data)
    assert status_of(send(server, request(json.dumps(ASKED)))) == 200
    ends = [rest(peer) for peer in peers]
    assert {end.split(b"\r\n")[0] for end in ends} == {b"", b"HTTP/1.1 408 Request Timeout"}
    for peer in peers:
        peer.close()


def test_headers_that_drip_do_not_win_time(server, monkeypatch):
    monkeypatch.setattr(Patient, "header_seconds", 0.3)
    with connect(server) as peer:
        peer.sendall(b"GET / HTTP/1.1\r\n")
        end = time.monotonic() + 20
        while not select.select([peer], [], [], 0.05)[0] and time.monotonic() < end:
            peer.sendall(b"X: a\r\n")
        assert rest(peer) == b""


def test_who_leaves_in_mid_stream_leaves_nothing_behind(server, service, tokenizer):
    engine = service.runners["fake"]._engine
    engine.gate.clear()
    asked = json.dumps(ASKED | {"stream": True, "max_tokens": 400})
    peers = [connect(server) for _ in range(30)]
    for number, peer in enumerate(peers):
        peer.sendall(request(asked))
        if number % 3 == 0:  # one that has half closed, and goes
            peer.shutdown(socket.SHUT_WR)
    for peer in peers:
        peer.close()
    engine.gate.set()
    waited = threading.Event()
    for _ in range(1000):
        if service.in_flight == 0 and not engine.running:
            break
        waited.wait(0.01)
    assert service.in_flight == 0
    assert not engine.running


def test_a_crowd_is_answered(server):
    """500 connections at once, each with a request: answered, or told that the server is full."""
    peers = [connect(server) for _ in range(500)]
    for peer in peers:
        peer.sendall(request(json.dumps(ASKED)))
    statuses = [status_of(rest(peer)) for peer in peers]
    for peer in peers:
        peer.close()
    assert set(statuses) <= {200, 429}
    assert 200 in statuses


def test_more_connections_than_allowed_are_turned_away(tokenizer):
    service = Service([fake_model(tokenizer)])
    with RealServer(create_app(service), connections=4) as server:
        peers = [connect(server) for _ in range(8)]
        for peer in peers:
            peer.sendall(b"GET /health HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        statuses = {status_of(rest(peer)) for peer in peers}
        for peer in peers:
            peer.close()
        assert 503 in statuses
        assert statuses <= {200, 503}
