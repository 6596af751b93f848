"""/v1/chat/completions over a fake engine."""

import json

from groundup.serve.protocol_chat import ChatChunk, ChatCompletion


def ask(client, **fields):
    body = {"model": "fake", "messages": [{"role": "user", "content": "Hi there"}], **fields}
    return client.post("/v1/chat/completions", json=body)


def chunks(answer):
    """The events of a stream, checked against the documented shape; the last is [DONE]."""
    assert answer.headers["content-type"].startswith("text/event-stream")
    lines = [line for line in answer.text.split("\n\n") if line]
    assert all(line.startswith("data: ") for line in lines)
    assert lines[-1] == "data: [DONE]"
    events = [json.loads(line.removeprefix("data: ")) for line in lines[:-1]]
    for event in events:
        ChatChunk.model_validate(event)
    return events


def test_answers(client):
    answer = ask(client)
    assert answer.status_code == 200
    told = ChatCompletion.model_validate(answer.json())
    [choice] = told.choices
    assert choice.message.content.startswith("You said: ")
    assert choice.message.content.endswith("<|im_start|>assistant\n")
    assert choice.finish_reason == "stop"
    assert told.usage.prompt_tokens == len(client.engine.submitted[0].prompt)
    assert told.usage.prompt_tokens_details.cached_tokens == 3
    assert told.id == f"chatcmpl-{answer.headers['x-request-id']}"
