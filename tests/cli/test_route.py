"""The route verb: what it accepts, and one process between a client and two servers."""

import contextlib
import signal
import subprocess
import sys
import threading
from collections import Counter

import httpx
import pytest
from tests.serve.fake_engine import fake_model
from tests.serve.real_server import RealServer

from groundup.cli import route as verb
from groundup.serve.app import create_app
from groundup.serve.service import Service
from groundup.tokenizers.bpe import BPE

REPLICA = ["--replica", "http://127.0.0.1:8001/v1/"]


@pytest.fixture
def served(monkeypatch):
    made = []
    monkeypatch.setattr(verb, "_serve", lambda options, router: made.append((options, router)) or 0)
    return made


def test_options_reach_the_router(served):
    other = ["--replica", "https://two.example", "--policy", "least-loaded", "--retries", "1"]
    assert verb.run([*REPLICA, *other, "--port", "0"]) == 0
    [(options, router)] = served
    assert list(router.replicas) == ["http://127.0.0.1:8001", "https://two.example"]
    assert (router.config.policy, router.config.retries) == ("least-loaded", 1)
    assert (options.host, options.port) == ("127.0.0.1", 0)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "at least one replica"),
        ([*REPLICA, *REPLICA], "twice"),
        (["--replica", "127.0.0.1:8001"], "wanted an address"),
        (["--replica", "ftp://x"], "wanted an address"),
        (["--replica", "http://x/y"], "wanted an address"),
    ],
)
def test_replicas_that_cannot_be(served, arguments, said):
    with pytest.raises(ValueError, match=said):
        verb.run(arguments)
    assert served == []


def test_what_is_missing_is_said(served, monkeypatch):
    monkeypatch.setattr(verb.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(ValueError, match="pip install httpx prometheus_client uvicorn"):
        verb.run(REPLICA)


@contextlib.contextmanager
def routed(*urls):
    """`groundup route` in a process of its own; gives its URL."""
    replicas = [word for url in urls for word in ("--replica", url)]
    command = [sys.executable, "-m", "groundup", "route", *replicas, "--port", "0"]
    command += ["--policy", "round-robin"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        url = process.stdout.readline().split()[1].removesuffix("/v1")
        yield process, url
    finally:
        process.kill()
        process.stdout.close()
        process.wait()


def until(holds):
    for _ in range(2000):
        with contextlib.suppress(httpx.TransportError):
            if holds():
                return
        threading.Event().wait(0.01)
    raise AssertionError("it did not happen")


@pytest.mark.distributed
def test_two_servers_behind_one_address_and_one_that_stops():
    tokenizer = BPE.train(["You said: hello, hello, hello. "], vocab_size=300)
    models = [fake_model(tokenizer) for _ in range(2)]
    services = [Service([model]) for model in models]
    question = {"model": "fake", "messages": [{"role": "user", "content": "hello"}], "stream": True}
    first, second = (RealServer(create_app(service)) for service in services)
    with first, second, routed(first.url, second.url) as (process, url):
        with httpx.Client(base_url=url, timeout=20, trust_env=False) as client:
            until(lambda: client.get("/ready").status_code == 200)

            def ask():
                answer = client.post("/v1/chat/completions", json=question)
                assert answer.status_code == 200
                assert answer.text.count("[DONE]") == 1
                return answer.headers["x-replica"]

            assert Counter(ask() for _ in range(6)) == {"0": 3, "1": 3}
            services[0].drain()  # its readiness says no; asked anyway, it refuses and is retried
            assert {ask() for _ in range(4)} == {"1"}
            until(lambda: not client.get("/router").json()["replicas"][0]["ready"])
            assert {ask() for _ in range(2)} == {"1"}
        process.send_signal(signal.SIGTERM)
        assert process.wait(20) == 0
    assert all(not model.runner._engine.running for model in models)
