"""The serve verb's side of things; the server itself is tested in tests/serve."""

import importlib.util
import socket

import pytest
from starlette.testclient import TestClient
from tests.serve.fake_engine import make_tokenizer
from tests.serve.tiny_model import tiny_opened

from groundup.cli import _serving
from groundup.cli import serve as verb
from groundup.cli.main import main
from groundup.serve.listen import bind


@pytest.fixture(scope="module")
def tokenizer():
    return make_tokenizer()


@pytest.fixture
def visited(monkeypatch, tokenizer):
    """Serves tiny models, and instead of waiting lets a visitor in; what was opened, and how."""
    calls, visits = [], []

    def open_engine(source, **settings):
        calls.append((source, settings))
        return tiny_opened(tokenizer, context=64, name=source, config=settings["config"])

    class Visited:
        def __init__(self, config, service, **settings):
            self.app, self.service = config.app, service

        def run(self, sockets):
            [listener] = sockets
            host = f"127.0.0.1:{listener.getsockname()[1]}"
            with TestClient(self.app, base_url=f"http://{host}") as client:
                for visit in visits:
                    visit(client)

    monkeypatch.setattr(_serving, "open_engine", open_engine)
    monkeypatch.setattr(_serving, "DrainingServer", Visited)
    return calls, visits


def serve(*arguments):
    return main(["serve", *arguments, "--port", "0"])


def test_it_says_where_everything_is_and_all_is_there(visited, capsys):
    calls, visits = visited
    seen = {}

    def look(client):
        for path in ("/", "/docs", "/openapi.json", "/v1/models", "/metrics", "/cost", "/health"):
            seen[path] = client.get(path).status_code
        body = {"model": "one", "prompt": "sea", "max_tokens": 3, "ignore_eos": True}
        answer = client.post("/v1/completions", json=body).json()
        seen["tokens"] = answer["usage"]["completion_tokens"]
        stranger = client.get("/v1/models", headers={"host": "evil.example"})
        seen["stranger"] = stranger.status_code

    visits.append(look)
    assert serve("one", "--quant", "q8", "--max-queue", "7", "--cache-mb", "3") == 0
    [(source, settings)] = calls
    assert source == "one"
    assert (settings["quant"], settings["backend"]) == ("q8", "auto")
    assert (settings["config"].max_queue, settings["cache_bytes"]) == (7, 3 * 2**20)
    assert seen.pop("tokens") == 3
    assert seen.pop("stranger") == 403
    assert set(seen.values()) == {200}, seen
    told = capsys.readouterr().out
    for what in ("one: ", "chat page", "/v1", "/docs", "/metrics", "Ctrl-C"):
        assert what in told


def test_several_models_under_names(visited):
    calls, visits = visited
    names = []
    visits.append(
        lambda client: names.extend(m["id"] for m in client.get("/v1/models").json()["data"])
    )
    assert serve("a.gguf", "runs/b", "--name", "big", "--name", "small") == 0
    assert names == ["big", "small"]
    assert [source for source, _ in calls] == ["a.gguf", "runs/b"]


def test_keys_are_asked_for_where_there_are_some(visited, tmp_path):
    _, visits = visited
    keys = tmp_path / "keys.toml"
    keys.write_text('[[keys]]\nname = "ana"\nkey = "sk-of-ana"\n')
    seen = []

    def look(client):
        for key in ("", "wrong", "sk-given", "sk-of-ana"):
            answer = client.get("/v1/models", headers={"authorization": f"Bearer {key}"})
            seen.append(answer.status_code)
        seen.append(client.get("/health").status_code)

    visits.append(look)
    assert serve("one", "--api-key", "sk-given", "--keys", str(keys)) == 0
    assert seen == [401, 401, 200, 200, 200]


def test_other_machines_are_let_in_with_a_warning(visited, capsys):
    _, visits = visited
    seen = []
    visits.append(
        lambda client: seen.append(client.get("/health", headers={"host": "box"}).status_code)
    )
    assert serve("one", "--host", "0.0.0.0") == 0
    assert seen == [200]
    assert "--api-key" in capsys.readouterr().err


def test_named_origins_may_call_it_from_their_pages(visited):
    _, visits = visited
    seen = []

    def look(client):
        for origin in ("https://mine.example", "https://evil.example"):
            answer = client.get("/v1/models", headers={"origin": origin})
            seen.append(answer.headers.get("access-control-allow-origin"))

    visits.append(look)
    assert serve("one", "--cors", "https://mine.example") == 0
    assert seen == ["https://mine.example", None]


@pytest.mark.parametrize("missing", verb.NEEDED)
def test_what_is_missing_is_named(monkeypatch, capsys, missing):
    found = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name: None if name == missing else found(name)
    )
    assert main(["serve", "smollm2"]) == 1
    told = capsys.readouterr().err
    assert missing in told
    assert "pip install 'groundup[serve]'" in told


def test_a_port_that_is_taken_is_said_or_passed_over(monkeypatch):
    taken = bind("127.0.0.1", 0)
    try:
        port = taken.getsockname()[1]
        with pytest.raises(ValueError, match=f"port {port} of 127.0.0.1.*--port 0"):
            _serving.listen("127.0.0.1", port)
        monkeypatch.setattr(_serving, "FIRST_PORT", port)
        with _serving.listen("127.0.0.1", None) as other:
            assert port < other.getsockname()[1] < port + _serving.PORTS
    finally:
        taken.close()


def test_an_address_that_is_none_is_an_error(capsys):
    assert main(["serve", "smollm2", "--host", "256.1.1.1", "--port", "0"]) == 1
    assert "cannot listen" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([], "name a model"),
        (["a", "b", "--name", "x"], "1 names for 2 models"),
        (["a", "b", "--name", "x", "--name", "x"], "all different"),
    ],
)
def test_what_cannot_be_is_refused(visited, capsys, arguments, words):
    assert serve(*arguments) == 1
    assert words in capsys.readouterr().err


def test_a_listener_bears_no_silent_peer_for_ever():
    with bind("127.0.0.1", 0) as listener:
        assert listener.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)
        assert listener.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT) == 60_000
