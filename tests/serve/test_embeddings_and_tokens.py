"""/v1/embeddings, /v1/models, /tokenize, /detokenize and /tokenizer_info over a fake engine."""

import asyncio
import base64
import threading
from dataclasses import replace

import numpy as np
import pytest
from lm_eval import utils
from lm_eval.utils import RemoteTokenizer
from tests.serve.fake_engine import fake_model
from tests.serve.test_chat import refused

from groundup.serve.asking import Caller
from groundup.serve.service import Service
from groundup.serve.settings import ServerSettings


def embed(client, texts, **fields):
    return client.post("/v1/embeddings", json={"model": "fake", "input": texts, **fields})


def test_embeddings_of_texts_and_ids(client):
    encode = client.engine.tokenizer.encode
    answer = embed(client, ["the fox", "sea"]).json()
    assert [row["index"] for row in answer["data"]] == [0, 1]
    ids = embed(client, [encode("the fox"), encode("sea")]).json()
    assert [row["embedding"] for row in ids["data"]] == [r["embedding"] for r in answer["data"]]
    assert answer["usage"]["prompt_tokens"] == len(encode("the fox")) + len(encode("sea"))
    one = embed(client, "the fox").json()["data"]
    assert one == answer["data"][:1]
    assert np.linalg.norm(one[0]["embedding"]) == pytest.approx(1, abs=1e-6)


def test_embeddings_as_base64_are_the_same_numbers(client):
    plain = embed(client, ["the fox", "sea"]).json()["data"]
    coded = embed(client, ["the fox", "sea"], encoding_format="base64").json()["data"]
    for row, code in zip(plain, coded, strict=True):
        numbers = np.frombuffer(base64.b64decode(code["embedding"]), "<f4")
        np.testing.assert_array_equal(numbers, np.float32(row["embedding"]))


def test_dimensions_are_those_of_the_model_or_refused(client):
    assert embed(client, "sea", dimensions=3).status_code == 200
    refused(embed(client, "sea", dimensions=2), 400, "have 3", param="dimensions")


@pytest.mark.parametrize("texts", ["", [], [""], [[]], [1.5], ["a", 1], None])
def test_inputs_that_are_no_texts_are_refused(client, texts):
    refused(embed(client, texts), 400)


def test_a_text_that_is_too_long_is_refused(client):
    answer = embed(client, ["sea", "the " * 600])
    refused(answer, 400, code="context_length_exceeded", param="input")


def test_texts_that_take_too_long_are_dropped(open_app):
    client = open_app(settings=ServerSettings(answer_seconds=0.05))
    step = client.engine.step
    client.engine.step = lambda: (threading.Event().wait(0.005) and []) or []
    refused(embed(client, ["sea", "shore"]), 504, "fewer texts", code="timeout")
    client.engine.step = step
    for _ in range(1000):
        if not client.engine.has_work():
            break
        threading.Event().wait(0.005)
    assert len(client.engine.cancelled) == 2
    assert client.service.in_flight == 0
    assert embed(client, "sea").status_code == 200


def test_a_text_that_fails_is_an_error_of_its_request_alone(client):
    step = client.engine.step
    client.engine.step = lambda: [replace(delta, vector=(), finish_reason="error", error="broke")
                                  for delta in step()]  # fmt: skip
    refused(embed(client, ["sea", "shore"]), 500, "broke", code="answer_failed")
    client.engine.step = step
    assert client.service.is_healthy
    assert embed(client, "sea").status_code == 200


def test_texts_whose_reader_leaves_are_dropped(tokenizer):
    model = fake_model(tokenizer)
    engine, service = model.runner._engine, Service([model])
    engine.gate.clear()

    async def scenario():
        asked = Caller(request_id="r", endpoint="/x", at=0.0).asked("fake", [], stream=False)
        task = asyncio.ensure_future(service.embed(model, [[5], [6], [7]], asked))
        await asyncio.to_thread(engine.at_gate.wait, 5)
        service.drain()
        assert not await service.drained(0.01)  # a server that stops waits for texts too
        task.cancel()
        await asyncio.wait([task])
        engine.gate.set()
        assert await service.drained(5)
        assert not engine.has_work()
        assert len(engine.cancelled) == 2

    async def closed_in_any_case():
        service.start()
        try:
            await scenario()
        finally:
            engine.gate.set()
            service.close()

    asyncio.run(closed_in_any_case())


def test_models_are_listed(open_app, tokenizer):
    client = open_app([fake_model(tokenizer), fake_model(tokenizer, name="runs/second")])
    listed = client.get("/v1/models").json()
    assert [card["id"] for card in listed["data"]] == ["fake", "runs/second"]
    assert client.get("/v1/models/runs/second").json() == listed["data"][1]
    assert listed["data"][0]["max_model_len"] == 512
    refused(client.get("/v1/models/third"), 404, code="model_not_found")


def test_each_model_answers_by_its_name(open_app, tokenizer):
    second = fake_model(tokenizer, name="second", reply=lambda text: "I am the second")
    client = open_app([fake_model(tokenizer), second])
    for name, expected in {"fake": "You said: sea", "second": "I am the second"}.items():
        body = {"model": name, "prompt": "sea"}
        answer = client.post("/v1/completions", json=body).json()
        assert (answer["model"], answer["choices"][0]["text"]) == (name, expected)


def test_text_to_ids_and_back(client):
    tokenizer = client.engine.tokenizer
    answer = client.post(
        "/tokenize", json={"prompt": "the fox 🙂", "return_token_strs": True}
    ).json()
    assert answer["tokens"] == tokenizer.encode("the fox 🙂")
    assert (answer["count"], answer["max_model_len"]) == (len(answer["tokens"]), 512)
    assert len(answer["token_strs"]) == answer["count"]
    back = client.post("/detokenize", json={"model": "fake", "tokens": answer["tokens"]})
    assert back.json() == {"prompt": "the fox 🙂"}
    assert client.post("/tokenize", json={"prompt": ""}).json()["tokens"] == []


def test_a_conversations_ids_are_those_that_the_chat_reads(client):
    messages = [{"role": "user", "content": "Hi"}]
    ids = client.post("/tokenize", json={"messages": messages}).json()["tokens"]
    client.post("/v1/chat/completions", json={"model": "fake", "messages": messages})
    assert ids == list(client.engine.submitted[0].prompt)
    body = {"messages": messages, "add_generation_prompt": False}
    assert len(client.post("/tokenize", json=body).json()["tokens"]) < len(ids)


def test_ids_beyond_the_vocabulary_are_refused(client):
    refused(client.post("/detokenize", json={"tokens": [10**6]}), 400, param="tokens")
    refused(client.post("/tokenize", json={"prompt": "a", "model": "x"}), 404)
    refused(client.post("/tokenize", json={"prompt": 1}), 400)


def test_lm_eval_uses_the_tokenizer_from_afar(client, monkeypatch):
    """Its `RemoteTokenizer`, with the test client in place of its HTTP session."""

    class Session:
        def __init__(self):
            self.headers = {}

        def request(self, method, url, timeout, verify, **fields):
            answer = client.request(method, url, **fields)
            answer.raise_for_status()
            return answer

    monkeypatch.setattr(utils.requests, "Session", Session)
    remote = RemoteTokenizer("http://testserver/v1/completions")
    assert remote.eos_token == client.engine.tokenizer.end_token
    assert remote.eos_token_id == client.engine.tokenizer.special_tokens[remote.eos_token]
    assert remote.encode("the fox") == client.engine.tokenizer.encode("the fox")
    assert remote.decode(remote.encode("the fox")) == "the fox"
    text = remote.apply_chat_template([{"role": "user", "content": "Hi"}])
    assert text == "<|im_start|>user\nHi<|im_end|>\n<|im_start|>assistant\n"
    assert utils.check_remote_tokenizer_support("http://testserver/v1/completions")
