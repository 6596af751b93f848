"""OpenAI's own client against a real socket, unchanged and with its strict validation."""

import asyncio
import json

import numpy as np
import openai
import pydantic
import pytest
from openai import AsyncOpenAI, OpenAI
from tests.serve.fake_engine import fake_model
from tests.serve.real_server import RealServer

from groundup.inference.request import Delta
from groundup.serve.app import create_app
from groundup.serve.service import Service

HELLO = [{"role": "user", "content": "Hi there"}]


@pytest.fixture(scope="module")
def engine_and_server(tokenizer):
    model = fake_model(tokenizer)
    with RealServer(create_app(Service([model]))) as server:
        yield model.runner._engine, server


@pytest.fixture
def engine(engine_and_server):
    engine, _ = engine_and_server
    engine.submitted.clear()
    yield engine
    assert engine.running == {}


@pytest.fixture
def client(engine_and_server, engine):
    _, server = engine_and_server
    settings = {"api_key": "x", "max_retries": 0, "_strict_response_validation": True}
    with OpenAI(base_url=f"{server.url}/v1", **settings) as client:
        yield client


@pytest.fixture
def loose(engine_and_server, engine):
    """Without strict validation, which refuses what OpenAI itself sends: a null finish_reason in
    the chunks of completions, and embeddings as base64 (the client decodes them afterwards)."""
    _, server = engine_and_server
    with OpenAI(base_url=f"{server.url}/v1", api_key="x", max_retries=0) as client:
        yield client


def chat(client, **fields):
    return client.chat.completions.create(model="fake", messages=HELLO, **fields)


def test_a_chat(client):
    answer = chat(client, temperature=0, seed=1)
    assert answer.choices[0].message.content.startswith("You said: ")
    assert answer.usage.total_tokens == answer.usage.prompt_tokens + answer.usage.completion_tokens
    assert answer._request_id == answer.id.removeprefix("chatcmpl-")


def test_a_stream_with_usage_and_logprobs(client):
    stream = chat(
        client, stream=True, stream_options={"include_usage": True}, logprobs=True, top_logprobs=2
    )
    chunks = list(stream)
    text = "".join(c.choices[0].delta.content or "" for c in chunks if c.choices)
    assert text == chat(client).choices[0].message.content
    assert chunks[-1].usage.completion_tokens > 0
    assert any(c.choices and c.choices[0].logprobs for c in chunks)


def test_the_streaming_helper_of_the_client(client):
    with client.chat.completions.stream(model="fake", messages=HELLO) as stream:
        kinds = {event.type for event in stream}
        final = stream.get_final_completion()
    assert {"chunk", "content.delta", "content.done"} <= kinds
    assert final.choices[0].message.content == chat(client).choices[0].message.content


def test_fields_beyond_openais_go_as_extra_body(client, engine):
    chat(client, extra_body={"top_k": 5, "min_p": 0.1, "repetition_penalty": 1.2})
    assert engine.submitted[0].sampling.top_k == 5


def test_a_completion_and_its_stream(client, loose):
    answer = client.completions.create(model="fake", prompt=["the", "sea"], n=2, logprobs=2)
    assert [choice.text for choice in answer.choices] == ["You said: the"] * 2 + [
        "You said: sea"
    ] * 2
    stream = loose.completions.create(model="fake", prompt="the", stream=True)
    assert "".join(chunk.choices[0].text for chunk in stream) == "You said: the"


def test_embeddings_come_as_base64_unasked(client, loose):
    answer = loose.embeddings.create(model="fake", input=["the fox", "sea"])
    plain = client.embeddings.create(
        model="fake", input=["the fox", "sea"], encoding_format="float"
    )
    for row, other in zip(answer.data, plain.data, strict=True):
        assert isinstance(row.embedding, list)
        np.testing.assert_allclose(row.embedding, other.embedding, rtol=1e-6)


def test_models(client):
    assert [model.id for model in client.models.list()] == ["fake"]
    assert client.models.retrieve("fake").owned_by == "groundup"


def test_errors_become_the_clients_exceptions(client):
    with pytest.raises(openai.NotFoundError) as missing:
        client.models.retrieve("gpt-9")
    assert missing.value.code == "model_not_found"
    with pytest.raises(openai.BadRequestError) as wrong:
        chat(client, temperature=-1)
    assert wrong.value.param == "temperature"
    with pytest.raises(openai.RateLimitError) as full:
        chat(client, n=100)
    assert full.value.response.headers["retry-after"] == "1"


def test_the_client_comes_back_when_told_to(engine_and_server, engine):
    """Its own retries: the first try meets a full queue."""
    submit, tries = engine.submit, []

    def full_at_first(request):
        tries.append(request)
        if len(tries) == 1:
            engine.max_queue = 0
        try:
            return submit(request)
        finally:
            engine.max_queue = 64

    engine.submit = full_at_first
    try:
        with OpenAI(base_url=f"{engine_and_server[1].url}/v1", api_key="x") as patient:
            assert chat(patient).choices[0].finish_reason == "stop"
    finally:
        del engine.submit
    assert len(tries) == 2


def test_an_error_in_mid_stream_is_raised(client, engine, monkeypatch):
    steps = engine.step

    def fails():
        told = [Delta(request_id=n, finish_reason="error", error="broken") for n in engine.running]
        return steps() if engine.steps % 4 else (engine.running.clear(), told)[1]

    monkeypatch.setattr(engine, "step", fails)
    engine.steps = 1
    with pytest.raises(openai.APIError, match="broken"):
        list(chat(client, stream=True))


def test_leaving_a_stream_cancels_it(client, engine):
    engine.room = 10**6
    try:
        stream = chat(client, stream=True, max_tokens=10**5, extra_body={"ignore_eos": True})
        next(iter(stream))
        stream.close()
        for _ in range(1000):
            if not engine.running:
                break
            chat(client, max_tokens=1)  # time passes as the server works
        assert engine.running == {}
        assert engine.cancelled
    finally:
        engine.room = 512


def test_the_async_client_and_many_streams_at_once(engine_and_server, engine):
    _, server = engine_and_server
    engine.max_queue = 1000

    async def one(client, i):
        messages = [{"role": "user", "content": f"number {i}"}]
        stream = await client.chat.completions.create(model="fake", messages=messages, stream=True)
        text = ""
        async for chunk in stream:
            text += chunk.choices[0].delta.content or ""
        return f" {i}<|" in text

    async def all_of_them():
        settings = {"api_key": "x", "_strict_response_validation": True, "max_retries": 0}
        async with AsyncOpenAI(base_url=f"{server.url}/v1", **settings) as client:
            return await asyncio.gather(*(one(client, i) for i in range(120)))

    try:
        assert all(asyncio.run(all_of_them()))
    finally:
        engine.max_queue = 64


TOOLS = [
    {
        "type": "function",
        "function": {
            "name": "weather",
            "description": "The weather in a city.",
            "parameters": {
                "type": "object",
                "properties": {"city": {"type": "string"}},
                "required": ["city"],
            },
        },
    }
]


def test_tools_that_the_model_asks_for_of_itself(client, engine, monkeypatch):
    call = json.dumps([{"name": "weather", "arguments": {"city": "Rome"}}])
    monkeypatch.setattr(engine, "reply", lambda text: call)
    answer = chat(client, tools=TOOLS)
    [choice] = answer.choices
    assert (choice.finish_reason, choice.message.content) == ("tool_calls", None)
    [asked] = choice.message.tool_calls
    assert asked.function.name == "weather"
    assert json.loads(asked.function.arguments) == {"city": "Rome"}
    with client.chat.completions.stream(model="fake", messages=HELLO, tools=TOOLS) as stream:
        for _ in stream:
            pass
        final = stream.get_final_completion()
    [streamed] = final.choices[0].message.tool_calls
    assert streamed.function.arguments == asked.function.arguments
    history = [
        *HELLO,
        choice.message.model_dump(),
        {"role": "tool", "tool_call_id": asked.id, "content": "Sunny."},
    ]
    monkeypatch.setattr(engine, "reply", lambda text: "It is sunny.")
    after = client.chat.completions.create(model="fake", messages=history, tools=TOOLS)
    assert after.choices[0].message.content == "It is sunny."
    assert "Sunny." in engine.tokenizer.decode(engine.submitted[-1].prompt)


class Dog(pydantic.BaseModel):
    name: str
    age: int


def test_an_answer_parsed_into_a_type(client, engine, monkeypatch):
    """The client writes the schema and reads the answer; what is said must fit its grammar."""
    monkeypatch.setattr(engine, "reply", lambda text: '{"name":"Rex","age":3}')
    answer = client.chat.completions.parse(model="fake", messages=HELLO, response_format=Dog)
    assert answer.choices[0].message.parsed == Dog(name="Rex", age=3)
    assert engine.submitted[0].grammar is not None


def test_a_forced_call_parsed_into_a_type(client, engine, monkeypatch):
    said = json.dumps([{"name": "Dog", "arguments": {"name": "Rex", "age": 3}}])
    monkeypatch.setattr(engine, "reply", lambda text: said)
    answer = client.chat.completions.parse(
        model="fake", messages=HELLO, tools=[openai.pydantic_function_tool(Dog)],
        tool_choice="required",
    )  # fmt: skip
    [call] = answer.choices[0].message.tool_calls
    assert call.function.parsed_arguments == Dog(name="Rex", age=3)
