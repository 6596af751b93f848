"""The Ray Serve application: its replica's routes always, two replicas under Ray where it is."""

import importlib.util
import sys
from types import SimpleNamespace

import httpx
import pytest
from starlette.testclient import TestClient
from tests.serve.fake_engine import FakeEngine, make_tokenizer

from groundup.inference.open_engine import OpenedEngine
from groundup.serve.ray_app import application, replica_app
from groundup.tokenizers.chat_template import CHATML, ChatTemplate

QUESTION = {"model": "fake", "messages": [{"role": "user", "content": "hello"}]}
has_ray = importlib.util.find_spec("ray") is not None


def open_fake(source, *, config):
    tokenizer = make_tokenizer()
    engine = FakeEngine(tokenizer)
    engine.backend = SimpleNamespace(vocab_size=tokenizer.vocab_size)
    return OpenedEngine(
        engine=engine,
        tokenizer=tokenizer,
        template=ChatTemplate(CHATML),
        name=source,
        note="fake",
    )


def test_a_replica_has_all_routes():
    with TestClient(replica_app(open_fake("fake", config=None))) as client:
        answer = client.post("/v1/chat/completions", json=QUESTION)
        assert answer.json()["choices"][0]["message"]["content"].startswith("You said: ")
        assert client.get("/ready").status_code == 200
        assert "groundup:generation_tokens_total" in client.get("/metrics").text
        assert "<html" in client.get("/").text


def test_without_ray_it_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "ray", None)
    monkeypatch.setitem(sys.modules, "ray.serve", None)
    with pytest.raises(ValueError, match=r"pip install 'groundup\[cluster\]'"):
        application("smollm2")


@pytest.mark.slow
@pytest.mark.distributed
@pytest.mark.filterwarnings("default")
@pytest.mark.skipif(not has_ray, reason="the extra `cluster` (ray) is not installed")
def test_two_replicas_answer():
    import ray
    from ray import serve

    ray.init(num_cpus=4, include_dashboard=False, log_to_driver=False)
    try:
        serve.start(http_options={"host": "127.0.0.1", "port": 8321})
        serve.run(application("fake", replicas=2, cpus=0.5, open_=open_fake))
        with httpx.Client(base_url="http://127.0.0.1:8321", timeout=60, trust_env=False) as client:
            for _ in range(8):
                whole = client.post("/v1/chat/completions", json=QUESTION)
                assert whole.json()["choices"][0]["finish_reason"] == "stop"
            streamed = client.post("/v1/chat/completions", json=QUESTION | {"stream": True})
            assert streamed.text.rstrip().endswith("data: [DONE]")
            assert client.post("/v1/chat/completions", json={}).status_code == 400
        states = serve.status().applications["default"].deployments["groundup"].replica_states
        assert states["RUNNING"] == 2
    finally:
        serve.shutdown()
        ray.shutdown()
