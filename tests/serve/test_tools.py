"""How models are told of functions, and how their calls are understood."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.serve.fake_engine import fake_model
from tests.serve.test_chat import ask, chunks, text_of

from groundup.serve.protocol_chat import ChatRequest
from groundup.serve.tools import AutoReader, calls_of, messages_of, schema_of, toolbox_of

HERMES = """
{%- if tools %}{{ '<|im_start|>system\n' }}You may call:{% for tool in tools %}
{{ tool | tojson }}{% endfor %}{{ '<|im_end|>\n' }}{% endif %}
{%- for m in messages %}{{ '<|im_start|>' ~ m.role ~ '\n' ~ m.content }}
{%- for call in m.tool_calls or [] %}
<tool_call>{"name": "{{ call.function.name }}", "arguments":
{{- ' ' ~ call.function.arguments | tojson }}}</tool_call>
{%- endfor %}{{ '<|im_end|>\n' }}{% endfor %}
{%- if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}
"""
TOOLS = [
    {
        "type": "function",
        "function": {
            "name": name,
            "description": f"About {name}.",
            "parameters": {"type": "object", "properties": {"x": {"type": "string"}}},
        },
    }
    for name in ("weather", "time")
]
CALL = {"name": "weather", "arguments": {"x": "Rome"}}
OTHER = {"name": "time", "arguments": {"x": "[now]"}}
HI = {"role": "user", "content": "Hi"}


def toolbox(**fields):
    body = {"model": "m", "messages": [HI], "tools": TOOLS, **fields}
    return toolbox_of(ChatRequest.model_validate(body))


def found(calls):
    return calls and [
        {"name": call.function.name, "arguments": json.loads(call.function.arguments)}
        for call in calls
    ]


CALLS = {
    json.dumps(CALL): [CALL],
    json.dumps([CALL, OTHER]): [CALL, OTHER],
    f"\n {json.dumps([CALL], indent=2)}\n": [CALL],
    json.dumps({"name": "weather", "parameters": {"x": "Rome"}}): [CALL],
    json.dumps({"name": "weather", "arguments": '{"x": "Rome"}'}): [CALL],
    json.dumps({"name": "weather"}): [{"name": "weather", "arguments": {}}],
    f"<tool_call>\n{json.dumps(CALL)}\n</tool_call>": [CALL],
    f"<tool_call>{json.dumps(CALL)}</tool_call>\n<tool_call>{json.dumps(OTHER)}</tool_call>": [
        CALL,
        OTHER,
    ],
    f"<tool_call>{json.dumps(CALL)}": [CALL],
}
NO_CALLS = [
    "", "Hi", "[]", "{}", "[1, 2]", "null", '{"name": "other", "arguments": {}}',
    '{"name": ["weather"]}', '{"name": "weather", "arguments": [1]}', json.dumps([CALL, 5]),
    '{"name": "weather", "arguments": "no JSON"}', '[{"name": "weather", "argu', "<tool_call>x",
    json.dumps([CALL, {"name": "other", "arguments": {}}]), "<tool_call></tool_call>",
]  # fmt: skip


@pytest.mark.parametrize("text", CALLS)
def test_calls_are_understood(text):
    assert found(calls_of(text, toolbox())) == CALLS[text]


@pytest.mark.parametrize("text", NO_CALLS)
def test_what_is_no_call_of_a_known_function_is_none(text):
    assert calls_of(text, toolbox()) is None


@given(st.data())
def test_text_comes_back_whole_however_it_is_cut(data):
    """As text or as calls, and never a piece of a call as text."""
    prefix = data.draw(st.sampled_from(["", " ", "Sure. ", "a < b ", "<tool", "x<tool_cal"]))
    rest = data.draw(st.sampled_from([*CALLS, *NO_CALLS, "plain [1] {x}"]))
    text = prefix + rest
    reader, pieces, place = AutoReader(toolbox()), [], 0
    while place < len(text):
        step = data.draw(st.integers(1, 9))
        pieces.append(reader.push(text[place : place + step]))
        place += step
    last, calls = reader.finish()
    said = "".join(pieces) + last
    if calls:
        expected = CALLS[rest]
        assert found(calls) == expected
        assert said.strip() == ("" if not prefix.strip() else prefix.strip())
    else:
        assert said == text


def test_text_is_not_held_back_longer_than_it_must_be():
    reader = AutoReader(toolbox())
    assert reader.push("Hello ") == "Hello "
    assert reader.push("a <") == "a "
    assert reader.push("b") == "<b"
    assert reader.push("<tool_call") == ""
    assert reader.push("s>") == "<tool_calls>"


def test_one_call_at_most():
    one = toolbox(parallel_tool_calls=False)
    assert found(calls_of(json.dumps([CALL, OTHER]), one)) == [CALL]
    assert schema_of(toolbox(tool_choice="required", parallel_tool_calls=False))["maxItems"] == 1


def test_references_hold_where_a_schema_is_moved_to():
    parameters = {
        "type": "object",
        "properties": {"a": {"$ref": "#/$defs/a"}, "self": {"$ref": "#"}},
        "$defs": {"a": {"enum": ["$ref", {"$ref": 5}]}},
    }
    tool = {"type": "function", "function": {"name": "f", "parameters": parameters}}
    moved = schema_of(toolbox(tools=[TOOLS[0], tool], tool_choice="required"))["$defs"]["f1"]
    assert moved["properties"] == {
        "a": {"$ref": "#/$defs/f1/$defs/a"},
        "self": {"$ref": "#/$defs/f1"},
    }
    assert moved["$defs"] == parameters["$defs"]


HISTORY = [
    {"role": "system", "content": "Be brief."},
    HI,
    {
        "role": "assistant",
        "content": None,
        "tool_calls": [
            {
                "id": "call_1",
                "type": "function",
                "function": {"name": "weather", "arguments": '{"x": "Rome"}'},
            }
        ],
    },
    {"role": "tool", "tool_call_id": "call_1", "content": "Sunny."},
]


def read(**fields):
    request = ChatRequest.model_validate({"model": "m", "messages": HISTORY, **fields})
    return request.messages, toolbox_of(request)


def test_a_template_for_tools_gets_them_as_they_are():
    messages, box = read(tools=TOOLS)
    told = messages_of(messages, box, native=True)
    assert [message["role"] for message in told] == ["system", "user", "assistant", "tool"]
    assert told[2]["tool_calls"][0]["function"]["arguments"] == {"x": "Rome"}


def test_another_template_gets_plain_turns_and_is_told_in_the_system_message():
    messages, box = read(tools=TOOLS)
    system, _, called, result = messages_of(messages, box, native=False)
    assert system["content"].startswith("Be brief.\n\nYou can call functions.")
    assert "About weather." in system["content"]
    assert json.loads(called["content"]) == [CALL]
    assert result["role"] == "user"
    assert json.loads(result["content"]) == {"tool_call_id": "call_1", "result": "Sunny."}
    assert all(isinstance(message["content"], str) for message in (system, called, result))


def test_without_tools_nothing_is_told_of_them():
    messages, box = read()
    assert messages_of(messages, box, native=False)[0]["content"] == "Be brief."
    messages, box = read(tools=TOOLS, tool_choice="none")
    assert messages_of(messages, box, native=False)[0]["content"] == "Be brief."


def test_a_model_whose_template_has_tools(open_app, tokenizer):
    said = f"I look.<tool_call>{json.dumps(CALL)}</tool_call>"
    model = fake_model(tokenizer, template=HERMES, reply=lambda text: said, room=2000)
    client = open_app([model])
    [choice] = ask(client, messages=HISTORY, tools=TOOLS).json()["choices"]
    assert choice["finish_reason"] == "tool_calls"
    assert choice["message"]["content"] == "I look."
    assert choice["message"]["tool_calls"][0]["function"]["name"] == "weather"
    prompt = tokenizer.decode(client.engine.submitted[0].prompt)
    assert "You may call:" in prompt
    assert '<tool_call>{"name": "weather", "arguments": {"x": "Rome"}}</tool_call>' in prompt
    events = chunks(ask(client, messages=HISTORY, tools=TOOLS, stream=True))
    assert text_of(events) == "I look."
    ask(client, messages=HISTORY)
    assert "You may call:" not in tokenizer.decode(client.engine.submitted[-1].prompt)


def test_several_calls_in_a_stream_have_places_and_ids(open_app, tokenizer):
    model = fake_model(tokenizer, reply=lambda text: json.dumps([CALL, OTHER]), room=2000)
    events = chunks(ask(open_app([model]), tools=TOOLS, stream=True))
    parts = [p for e in events for c in e["choices"] for p in c["delta"].get("tool_calls", ())]
    assert [part["index"] for part in parts] == [0, 1]
    assert [part["function"]["name"] for part in parts] == ["weather", "time"]
    assert len({part["id"] for part in parts}) == 2
    assert events[-1]["choices"][0]["finish_reason"] == "tool_calls"


def test_json_that_is_no_call_is_text(open_app, tokenizer):
    model = fake_model(tokenizer, reply=lambda text: "[1, 2, 3]", room=2000)
    client = open_app([model])
    [choice] = ask(client, tools=TOOLS).json()["choices"]
    assert (choice["message"]["content"], choice["finish_reason"]) == ("[1, 2, 3]", "stop")
    assert choice["message"]["tool_calls"] is None
    assert text_of(chunks(ask(client, tools=TOOLS, stream=True))) == "[1, 2, 3]"
