"""Keys at the door of the whole application: who gets in, and what is told to who does not."""

import hashlib

import pytest
from starlette.middleware import Middleware

from groundup.serve.authentication import Authentication, is_open
from groundup.serve.gate import KeyGate
from groundup.serve.keys import Key, Keys
from groundup.serve.limits import Limits

SECRET = "sk-ölo-1"
QUESTION = {"model": "fake", "messages": [{"role": "user", "content": "hi"}]}
PATH = "/v1/chat/completions"


@pytest.fixture
def client(open_app):
    keys = Keys(
        [
            Key(
                name="ana",
                digest=hashlib.sha256(SECRET.encode()).digest(),
                limits=Limits(requests_per_minute=2),
            ),
            Key(name="ben", digest=hashlib.sha256(b"other").digest()),
        ]
    )
    middleware = [Middleware(Authentication, keys=keys)]
    return open_app(gate=KeyGate(keys), app_settings={"middleware": middleware})


def bearer(secret):
    return {"authorization": b"Bearer " + secret.encode()}


@pytest.mark.parametrize(
    "headers",
    [
        {},
        bearer("wrong"),
        {"authorization": b"Basic " + SECRET.encode()},
        {"authorization": b"Bearer"},
        {"authorization": b"Bearer \xff\xfe"},
        {"api-key": "other"},
    ],
)
def test_without_a_key_nothing_is_answered(client, headers):
    answer = client.post(PATH, json=QUESTION, headers=headers)
    assert answer.status_code == 401
    error = answer.json()["error"]
    assert (error["code"], error["type"]) == ("invalid_api_key", "invalid_request_error")
    assert "ana" not in answer.text
    assert answer.headers["x-request-id"]
    assert client.engine.submitted == []


def test_all_is_closed_but_what_is_open_for_a_reason(client):
    for path in ("/health", "/ready", "/openapi.json"):
        assert client.get(path).status_code == 200
    for path in ("/v1/models", "/cost", "/nothing", "/V1/models", "//v1/models", "/chat"):
        assert client.get(path).status_code == 401
    assert client.get("/v1/models", headers=bearer(SECRET)).status_code == 200
    assert is_open("/chat/chat_page.css")
    assert not is_open("/chatter")


def test_the_limit_of_a_key_is_its_own(client):
    for _ in range(2):
        assert client.post(PATH, json=QUESTION, headers=bearer(SECRET)).status_code == 200
    refused = client.post(PATH, json=QUESTION, headers=bearer(SECRET))
    assert refused.status_code == 429
    assert refused.json()["error"]["code"] == "rate_limit_exceeded"
    assert 1 <= int(refused.headers["retry-after"]) <= 30
    for _ in range(3):
        assert client.post(PATH, json=QUESTION, headers=bearer("other")).status_code == 200
