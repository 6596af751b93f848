"""What surrounds the models, around a whole application: /metrics, /cost, logs, in one request."""

import io
import json
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families
from starlette.testclient import TestClient
from tests.serve.fake_engine import fake_model

from groundup.serve.app import create_app
from groundup.serve.keys import from_options
from groundup.serve.limits import Limits
from groundup.serve.operation import Operation
from groundup.serve.operation_config import OperationConfig
from groundup.serve.service import Service

QUESTION = {"model": "fake", "messages": [{"role": "user", "content": "my secret"}]}
KEY = {"authorization": "Bearer sk-1"}


@pytest.fixture
def operate(tokenizer, tmp_path):
    """A client of an application with these settings, and a function that ends it."""
    opened = []

    def open_(*, keys=None, limits=None, errors=None, **settings):
        model = fake_model(tokenizer)
        operation = Operation(
            OperationConfig(**settings), models={model.name: model.context}, keys=keys,
            limits=limits, errors=errors,
        )  # fmt: skip
        service = Service([model], observer=operation.observer, gate=operation.gate)
        app = create_app(
            service, middleware=operation.middleware, routers=[operation.router(service)]
        )
        client = TestClient(operation.around(app))
        client.__enter__()
        client.service, client.operation = service, operation
        opened.append(client)
        return client

    yield open_
    for client in opened:
        client.__exit__(None, None, None)
        client.operation.close()


def samples(client):
    text = client.get("/metrics").text
    return {
        (s.name, s.labels.get("finished_reason") or s.labels.get("reason")): s.value
        for family in text_string_to_metric_families(text)
        for s in family.samples
    }


def test_a_request_is_counted_logged_and_charged(operate, tmp_path):
    client = operate(log=tmp_path / "log.jsonl", price=3.6, keys=from_options(["sk-1"]))
    answer = client.post("/v1/chat/completions", json=QUESTION, headers=KEY)
    usage = answer.json()["usage"]
    found = samples(client)
    assert found["groundup:request_success_total", "stop"] == 1
    assert found["groundup:request_generation_tokens_sum", None] == usage["completion_tokens"]
    assert found["groundup:time_to_first_token_seconds_count", None] == 1
    assert found["groundup:num_requests_running", None] == 0
    bill = client.get("/cost", headers=KEY).json()
    assert bill["generated_tokens"] == usage["completion_tokens"]
    assert bill["keys"]["key-1"]["requests"] == 1
    page = client.get("/cost", headers={**KEY, "accept": "text/html"})
    assert page.headers["content-type"].startswith("text/html")
    assert "default-src 'none'" in page.headers["content-security-policy"]
    client.operation.close()
    text = (tmp_path / "log.jsonl").read_text()
    assert "secret" not in text
    rows = {row["event"]: row for row in map(json.loads, reversed(text.splitlines()))}
    request_id = answer.headers["x-request-id"]
    assert rows["finished"]["request_id"] == rows["http"]["request_id"] == request_id
    assert rows["finished"]["key"] == rows["http"]["key"] == "key-1"
    assert rows["finished"]["generated_tokens"] == usage["completion_tokens"]


def test_what_is_refused_is_counted_by_why(operate):
    client = operate(limits=Limits(requests_per_minute=1))
    assert client.post("/v1/chat/completions", json=QUESTION).status_code == 200
    assert client.post("/v1/chat/completions", json=QUESTION).status_code == 429
    client.service.drain()
    assert client.post("/v1/chat/completions", json=QUESTION).status_code == 503
    found = samples(client)
    assert found["groundup:admission_rejections_total", "limit"] == 1
    assert found["groundup:admission_rejections_total", "draining"] == 1


def test_prompts_are_logged_only_when_asked_for(operate):
    errors = io.StringIO()
    client = operate(log=Path("-"), errors=errors, log_prompts=1000)
    client.post("/v1/chat/completions", json=QUESTION)
    client.operation.close()
    assert "my secret" in errors.getvalue()


def test_another_prefix(operate):
    client = operate(metrics_prefix="vllm")
    assert "vllm:num_requests_running" in client.get("/metrics").text


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"shutdown_timeout": -1.0}, "shutdown_timeout is -1"),
        ({"price": float("nan")}, "price is nan"),
        ({"metrics_prefix": "a b"}, "metrics_prefix is 'a b'"),
        ({"log_prompts": 5}, "say where with --log"),
    ],
)
def test_settings_that_cannot_be(settings, said):
    with pytest.raises(ValueError, match=said):
        OperationConfig(**settings)


def test_a_log_needs_a_folder(tmp_path):
    config = OperationConfig(log=tmp_path / "none" / "log.jsonl")
    with pytest.raises(ValueError, match="there is no folder"):
        Operation(config, models={"m": 1})
