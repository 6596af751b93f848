"""A load test of the whole server with a real engine in it: nothing fails, nothing is left."""

import asyncio

import httpx
import pytest
import torch
from prometheus_client.parser import text_string_to_metric_families
from tests.serve.real_server import RealServer

from groundup.inference.engine import Engine, EngineConfig
from groundup.inference.open_engine import OpenedEngine
from groundup.inference.torch_backend import TorchBackend
from groundup.models.gpt import GPT
from groundup.models.gpt_config import GPTConfig
from groundup.serve.app import create_app
from groundup.serve.limits import Limits
from groundup.serve.load_summary import summarize
from groundup.serve.load_test import LoadTestConfig, replay
from groundup.serve.operation import Operation
from groundup.serve.operation_config import OperationConfig
from groundup.serve.service import Service, served
from groundup.serve.traces import TraceConfig
from groundup.tokenizers.chat_template import CHATML, ChatTemplate


@pytest.fixture
def serve(tokenizer):
    """Starts a server around a small random model with few blocks; ends it."""
    started = []

    def start(*, blocks=40, limits=None, **engine):
        torch.manual_seed(0)
        config = GPTConfig(vocab_size=tokenizer.vocab_size, context=512, depth=2, width=32, heads=2)
        backend = TorchBackend(GPT(config).eval(), cache_bytes=blocks * 16 * 2 * 2 * 32 * 4)
        opened = OpenedEngine(
            engine=Engine(backend, tokenizer, EngineConfig(**engine)), tokenizer=tokenizer,
            template=ChatTemplate(CHATML), name="small", note="random",
        )  # fmt: skip
        model = served(opened)
        operation = Operation(OperationConfig(), models={model.name: model.context}, limits=limits)
        service = Service([model], observer=operation.observer, gate=operation.gate)
        server = RealServer(create_app(service, routers=[operation.router(service)]))
        server.__enter__()
        started.append(server)
        return server

    yield start
    for server in started:
        server.__exit__(None, None, None)


def figures(server):
    text = httpx.get(f"{server.url}/metrics", trust_env=False).text
    return {
        (sample.name.removeprefix("groundup:"), sample.labels.get("finished_reason")): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def load(server, **trace):
    config = LoadTestConfig(url=server.url, extra='{"ignore_eos": true}', timeout=60)
    settings = {"system_words": 12, "prompt_words": 4, "max_tokens": 6} | trace
    return asyncio.run(replay(config, TraceConfig(**settings)))


def test_conversations_of_more_users_than_run_at_once(serve):
    server = serve(max_batch=4)
    found = summarize(load(server, users=6, requests=24, turns=2))
    assert (found.requests, found.errors) == (24, {})
    assert found.output_tokens == 24 * 6
    assert found.cached_tokens > 0
    after = figures(server)
    assert after["num_requests_running", None] == after["num_requests_waiting", None] == 0
    assert after["kv_cache_usage_perc", None] == 0
    assert after["request_success_total", "length"] == 24
    assert after["generation_tokens_total", None] == 24 * 6


def test_a_burst_beyond_the_queue_is_turned_away_and_the_others_are_served(serve):
    server = serve(max_batch=2, max_queue=2)
    calls = load(server, trace="burst", users=16, requests=16, rate=1000.0)
    found = summarize(calls)
    assert set(found.errors) <= {"HTTP 429"}
    assert found.requests >= 2
    assert found.requests + sum(found.errors.values()) == 16
    assert figures(server)["kv_cache_usage_perc", None] == 0


def test_clients_that_leave_in_mid_stream_free_their_memory_and_their_limit(serve):
    server = serve(limits=Limits(concurrency=4))
    body = {
        "model": "small", "messages": [{"role": "user", "content": "the quick"}], "stream": True,
        "max_tokens": 300, "ignore_eos": True,
    }  # fmt: skip

    async def leave(client):
        async with client.stream("POST", f"{server.url}/v1/chat/completions", json=body) as answer:
            assert answer.status_code == 200
            async for _ in answer.aiter_lines():
                return

    async def run():
        async with httpx.AsyncClient(timeout=60, trust_env=False) as client:
            for _ in range(3):
                await asyncio.gather(*(leave(client) for _ in range(4)))
                for _ in range(2000):
                    found = await asyncio.to_thread(figures, server)
                    if found["num_requests_running", None] == 0:
                        break
                    await asyncio.sleep(0.005)
            return found

    after = asyncio.run(run())
    assert after["request_success_total", "abort"] == 12
    assert after["kv_cache_usage_perc", None] == 0
    assert summarize(load(server, users=4, requests=8)).errors == {}
