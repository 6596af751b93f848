"""A server told to stop: by signals to a process, and a whole service with an engine in it."""

import contextlib
import json
import signal
import subprocess
import sys
import threading
from pathlib import Path

import httpx
import pytest
from tests.serve.fake_engine import fake_model

from groundup.serve.app import create_app
from groundup.serve.drain import DrainingServer
from groundup.serve.listen import address, bind, configured
from groundup.serve.service import Service

SCRIPT = Path(__file__).parent / "drain_server.py"
COUNTED = [*map(str, range(10)), "over"]


def until_it_listens(client):
    for _ in range(2000):
        with contextlib.suppress(httpx.ConnectError):
            assert client.get("/ready").status_code == 200
            return
        threading.Event().wait(0.01)
    raise AssertionError("the server does not listen")


@contextlib.contextmanager
def server(timeout, pause):
    """A running server process and a client of it."""
    command = [sys.executable, str(SCRIPT), str(timeout), str(pause)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        url = process.stdout.readline().strip()
        with httpx.Client(base_url=url, timeout=20, trust_env=False) as client:
            until_it_listens(client)
            yield process, client
    finally:
        process.kill()
        process.stdout.close()
        process.wait()


@pytest.mark.distributed
def test_what_is_under_way_ends_and_nothing_new_begins():
    with server(timeout=20, pause=0.05) as (process, client):
        with client.stream("GET", "/count") as answer:
            coming = answer.iter_lines()
            first = next(coming)
            process.send_signal(signal.SIGTERM)
            assert process.stdout.readline().startswith("stopping: ")
            ready = httpx.get(f"{client.base_url}/ready", trust_env=False)
            assert [first, *coming] == COUNTED
        assert ready.status_code == 503  # it still listens, and says no
        assert process.wait(20) == 0
        assert process.stdout.read() == "ended, 0 counting\n"


@pytest.mark.distributed
def test_what_takes_too_long_is_cancelled():
    with server(timeout=0.1, pause=30) as (process, client):
        with client.stream("GET", "/count") as answer:
            coming = answer.iter_lines()
            next(coming)
            process.send_signal(signal.SIGTERM)
            assert list(coming) == ["over"]
        assert process.wait(20) == 0
        said = process.stdout.read().splitlines()
        assert [line.split()[0] for line in said] == ["stopping:", "that", "ended,"]


@pytest.mark.distributed
@pytest.mark.parametrize("second", [signal.SIGTERM, signal.SIGINT])
def test_a_second_signal_stops_at_once(second):
    with server(timeout=1000, pause=1000) as (process, client):
        with client.stream("GET", "/count") as answer:
            coming = answer.iter_lines()
            next(coming)
            process.send_signal(signal.SIGTERM)
            assert process.stdout.readline().startswith("stopping: ")
            process.send_signal(second)
            assert list(coming) == ["over"]
        assert process.wait(20) == 0
        assert process.stdout.read().splitlines() == ["stopping at once", "ended, 0 counting"]


@pytest.mark.distributed
def test_an_idle_server_goes_at_once_and_is_not_killed_by_the_signal():
    with server(timeout=1000, pause=0) as (process, _):
        process.send_signal(signal.SIGINT)
        assert process.wait(20) == 0


QUESTION = {
    "model": "fake", "stream": True, "messages": [{"role": "user", "content": "go on"}],
}  # fmt: skip


def held_back(step, go_on, first=3):
    """After a few steps, steps of nothing until `go_on` is set: no answer ends unlooked at."""
    steps = iter(range(first))

    def step_or_wait():
        if go_on.wait(0.01) or next(steps, None) is not None:
            return step()
        return []

    return step_or_wait


def ask_while_it_drains(url):
    with httpx.Client(base_url=url, timeout=20, trust_env=False) as client:
        assert client.post("/v1/chat/completions", json=QUESTION).status_code == 503
        assert client.get("/health").json()["status"] == "draining"


@pytest.mark.parametrize("timeout", [20.0, 0.0])
def test_an_engines_answers_end_or_are_cancelled_and_nothing_is_left(tokenizer, timeout):
    model = fake_model(tokenizer, reply=lambda prompt: "and so on " * 20)
    engine = model.runner._engine
    go_on = threading.Event()
    engine.step = held_back(engine.step, go_on)
    service = Service([model])
    listener = bind("127.0.0.1", 0)
    running = DrainingServer(configured(create_app(service)), service, timeout=timeout)
    thread = threading.Thread(target=running.run, args=([listener],), daemon=True)
    thread.start()
    with httpx.Client(base_url=address(listener), timeout=20, trust_env=False) as client:
        until_it_listens(client)
        with client.stream("POST", "/v1/chat/completions", json=QUESTION) as answer:
            lines = answer.iter_lines()
            next(lines)
            running._loop.call_soon_threadsafe(running.stop)
            if timeout:
                ask_while_it_drains(str(client.base_url))
                go_on.set()
            with contextlib.suppress(httpx.TransportError):
                rest = [line for line in lines if line]
    thread.join(20)
    listener.close()
    assert not thread.is_alive()
    assert engine.running == {}
    if timeout > 1:
        assert rest[-1] == "data: [DONE]"
        last = json.loads(rest[-2].removeprefix("data: "))
        assert last["choices"][0]["finish_reason"] == "stop"
        assert engine.cancelled == []
    else:
        assert engine.cancelled == [0]


def test_a_timeout_below_nothing_is_refused():
    with pytest.raises(ValueError, match="shutdown timeout is -1"):
        DrainingServer(configured(None), None, timeout=-1)
