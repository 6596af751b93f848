"""The server over the real engine and a tiny GPT: what comes out is what the model says."""

import asyncio
import random

import httpx
import numpy as np
import pytest
import torch
from tests.serve.real_server import RealServer
from tests.serve.test_chat import ask as ask_chat
from tests.serve.test_completions import ask as ask_text
from tests.serve.tiny_model import tiny_gpt, tiny_model

from groundup.inference.generate import generate
from groundup.inference.sampling import GREEDY
from groundup.serve.app import create_app
from groundup.serve.service import Service


def nothing_is_held(model):
    stats = model.runner.stats()
    return (stats.running, stats.waiting, stats.blocks_free) == (0, 0, stats.blocks_total)


@pytest.fixture(scope="module")
def model(tokenizer):
    return tiny_model(tokenizer, context=256, max_tokens_per_step=64)


@pytest.fixture(scope="module")
def gpt(tokenizer):
    return tiny_gpt(tokenizer, context=256)


@pytest.fixture(scope="module")
def server(model):
    with RealServer(create_app(Service([model]))) as server:
        yield server
    assert nothing_is_held(model)


@pytest.fixture(scope="module")
def client(server):
    with httpx.Client(base_url=server.url, timeout=60) as client:
        yield client


def complete(client, prompt, **fields):
    answer = ask_text(client, prompt, model="tiny", **fields)
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_greedy_answers_are_the_models(client, gpt, model, tokenizer):
    prompts = ["the quick", "she sells sea shells by the sea shore. " * 4, "é🙂"]
    answer = complete(client, prompts, temperature=0, max_tokens=20)
    for prompt, choice in zip(prompts, answer["choices"], strict=True):
        ids, settings = tokenizer.encode(prompt), {"sampling": GREEDY, "stop_ids": model.end_ids}
        expected = generate(gpt, ids, max_tokens=20, **settings)
        assert choice["text"] == tokenizer.decode(list(expected))


def test_a_seed_gives_the_same_answers_and_they_differ_from_each_other(client):
    settings = {"temperature": 1.5, "max_tokens": 20, "n": 4, "seed": 11}
    first = [choice["text"] for choice in complete(client, "sea", **settings)["choices"]]
    again = [choice["text"] for choice in complete(client, "sea", **settings)["choices"]]
    assert first == again
    assert len(set(first)) == 4


def test_log_probabilities_are_the_models(client, gpt, tokenizer):
    text = "she sells sea shells by the sea shore. " * 6  # more than one step's tokens
    ids = tokenizer.encode(text)
    told = complete(client, text, echo=True, logprobs=3, max_tokens=1, temperature=0)
    logprobs = told["choices"][0]["logprobs"]
    with torch.no_grad():
        expected = gpt(torch.tensor([ids])).log_softmax(-1)[0]
    for place, (token, value) in enumerate(
        zip(ids[1:], logprobs["token_logprobs"][1:-1], strict=True)
    ):
        assert value == pytest.approx(expected[place, token].item(), abs=1e-4)
    best = [max(top.values()) for top in logprobs["top_logprobs"][1:-1]]
    np.testing.assert_allclose(best, expected[:-1].amax(-1), atol=1e-4)
    assert logprobs["token_logprobs"][-1] == pytest.approx(expected[-1].max().item(), abs=1e-4)


def test_embeddings_are_the_mean_of_hidden_states(client, gpt, tokenizer):
    texts = ["the fox", "she sells sea shells by the sea shore. " * 6]
    body = {"model": "tiny", "input": texts}
    rows = client.post("/v1/embeddings", json=body).json()["data"]
    for text, row in zip(texts, rows, strict=True):
        with torch.no_grad():
            hidden = gpt.hidden(torch.tensor([tokenizer.encode(text)]))[0].mean(0)
        np.testing.assert_allclose(
            row["embedding"], torch.nn.functional.normalize(hidden, dim=0), atol=1e-5
        )


def test_what_was_read_before_is_not_read_again(client):
    prompt = "the quick brown fox jumps over the lazy dog. " * 5
    first = complete(client, prompt, max_tokens=2)["usage"]
    again = complete(client, prompt, max_tokens=2)["usage"]
    assert again["prompt_tokens"] == first["prompt_tokens"]
    cached = again["prompt_tokens_details"]["cached_tokens"]
    assert cached >= first["prompt_tokens"] - 17
    salted = complete(client, prompt, max_tokens=2, cache_salt="mine")["usage"]
    assert salted["prompt_tokens_details"]["cached_tokens"] == 0


def test_an_answer_ends_where_the_context_does(client, tokenizer):
    prompt = tokenizer.encode("the ") * 250
    answer = complete(client, prompt[:250], max_tokens=100, ignore_eos=True)
    assert answer["choices"][0]["finish_reason"] == "length"
    assert answer["usage"]["completion_tokens"] == 7


def test_a_conversation_is_answered(client):
    answer = ask_chat(client, model="tiny", max_tokens=5, ignore_eos=True).json()
    assert answer["usage"]["completion_tokens"] == 5


async def one_user(client, seed):
    """Asks for something, perhaps leaves half-way; what came of it."""
    chance = random.Random(seed)
    stream, stay = chance.random() < 0.7, chance.random() < 0.6
    body = {
        "model": "tiny",
        "prompt": "the quick brown fox " * chance.randint(1, 8),
        "max_tokens": chance.randint(1, 30),
        "n": chance.choice([1, 1, 2]),
        "temperature": chance.choice([0, 1]),
        "ignore_eos": True,
        "stream": stream,
    }
    async with client.stream("POST", "/v1/completions", json=body) as answer:
        assert answer.status_code == 200
        lines = []
        async for line in answer.aiter_lines():
            lines.append(line)
            if not stay and len(lines) > 4:
                return "left"
        return "done" if not stream or "data: [DONE]" in lines else "cut"


def test_a_crowd_of_whom_some_leave_holds_nothing_afterwards(server, model):
    async def crowd():
        async with httpx.AsyncClient(
            base_url=server.url, timeout=120, limits=httpx.Limits(max_connections=120)
        ) as client:
            outcomes = await asyncio.gather(*(one_user(client, seed) for seed in range(60)))
            for _ in range(500):
                if nothing_is_held(model):
                    break
                await client.get("/health")
        return outcomes

    outcomes = asyncio.run(crowd())
    assert set(outcomes) == {"left", "done"}
    assert nothing_is_held(model)


def test_fewer_blocks_than_asked_for_are_shared_in_turn(tokenizer):
    """Memory for two long sequences, and six ask: all are answered, as each would be alone."""
    model = tiny_model(tokenizer, context=64, cache_bytes=2 * 64 * 2 * 2 * 64 * 4)
    backend = model.runner._engine.backend
    assert backend.block_count * backend.block_size <= 128
    with RealServer(create_app(Service([model]))) as server:
        with httpx.Client(base_url=server.url, timeout=60) as client:
            settings = {"max_tokens": 40, "temperature": 0, "ignore_eos": True}
            prompts = [f"{i} the quick brown fox" for i in range(6)]
            together = complete(client, prompts, **settings)["choices"]
            alone = [complete(client, prompt, **settings)["choices"][0] for prompt in prompts]
        assert [choice["text"] for choice in together] == [choice["text"] for choice in alone]
        assert nothing_is_held(model)
        assert model.runner.stats().preemptions > 0
