"""Functions that a model may ask for: how it is told of them, held to their form, and understood.

Models that were taught to call functions have a chat template that takes `tools`. To others, as
SmolLM2, a system message explains them, and calls and results in the history are written as plain
turns. Either way a call is JSON: `{"name": ..., "arguments": {...}}`.

- "required": a grammar lets the model write nothing but a list of such calls;
- a named function: nothing but its arguments;
- "auto": what the model writes is read: a list or an object of that form alone, or
  `<tool_call>...</tool_call>` after any text (Hermes, Qwen), with `parameters` for `arguments` too
  (Llama). What is no call of a known function is text.

Left out: formats that are no JSON (Mistral's, Python's), and streaming arguments before they end,
other than those of a named function.
"""

import json
import re
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from groundup.serve.errors import ApiError
from groundup.serve.protocol_chat import (
    AssistantMessage,
    CalledFunction,
    ChatMessage,
    ChatRequest,
    FunctionDefinition,
    NamedTool,
    ToolCall,
    ToolMessage,
)
from groundup.tokenizers.chat_template import ChatTemplate, Message

MOST_CALLS = 32
"""Calls that a grammar lets an answer have."""
OPEN, CLOSE = "<tool_call>", "</tool_call>"


@dataclass(frozen=True, kw_only=True)
class Toolbox:
    """What a request says about functions."""

    functions: tuple[FunctionDefinition, ...] = ()
    """Those on offer."""
    mode: str = "none"
    """ "none", "auto", "required", or "named"."""
    one_only: bool = False
    """Whether an answer may have one call at most."""

    @property
    def is_open(self) -> bool:
        """Whether there may be a call."""
        return self.mode != "none"


def toolbox_of(ask: ChatRequest) -> Toolbox:
    """What the request offers. Raises ApiError (400) when it contradicts itself."""
    functions = tuple(tool.function for tool in ask.tools or ())
    choice = ask.tool_choice or ("auto" if functions else "none")
    if choice != "none" and not functions:
        raise ApiError(400, "tool_choice is set, but there are no tools", param="tool_choice")
    if twice := _twice([function.name for function in functions]):
        raise ApiError(400, f"two tools are named {twice!r}", param="tools")
    one_only = ask.parallel_tool_calls is False
    if isinstance(choice, NamedTool):
        functions = tuple(f for f in functions if f.name == choice.function.name)
        if not functions:
            message = f"tool_choice names {choice.function.name!r}, which is not among the tools"
            raise ApiError(400, message, param="tool_choice")
        return Toolbox(functions=functions, mode="named", one_only=True)
    return Toolbox(functions=functions, mode=choice, one_only=one_only)


def _twice(names: Sequence[str]) -> str | None:
    return next((name for i, name in enumerate(names) if name in names[:i]), None)


# What the model reads


def takes_tools(template: ChatTemplate) -> bool:
    """Whether the template was made for functions."""
    return re.search(r"\btools\b", template.source) is not None


def messages_of(
    messages: Sequence[ChatMessage], toolbox: Toolbox, *, native: bool
) -> list[Message]:
    """The conversation for the chat template; `native`: the template knows what tools are."""
    told = [_native(message) if native else _plain(message) for message in messages]
    if native or not toolbox.is_open:
        return told
    instruction = _instruction(toolbox)
    if told[0]["role"] == "system":
        before = told[0]["content"]
        text = before if isinstance(before, str) else "".join(part["text"] for part in before)
        return [{"role": "system", "content": f"{text}\n\n{instruction}"}, *told[1:]]
    return [{"role": "system", "content": instruction}, *told]


def definitions(toolbox: Toolbox) -> list[dict[str, Any]]:
    """The functions as chat templates take them."""
    return [
        {"type": "function", "function": function.model_dump(exclude_none=True)}
        for function in toolbox.functions
    ]


def _native(message: ChatMessage) -> Message:
    data = message.model_dump(exclude_none=True)
    data["role"] = "system" if data["role"] == "developer" else data["role"]
    for call in data.get("tool_calls", ()):
        call["function"]["arguments"] = _parsed(call["function"]["arguments"])
    if data["role"] == "assistant":
        data.setdefault("content", "")
    return data


def _plain(message: ChatMessage) -> Message:
    """The message without what only a template for tools could write."""
    data = _native(message)
    if isinstance(message, ToolMessage):
        result = {"tool_call_id": message.tool_call_id, "result": data["content"]}
        return {"role": "user", "content": json.dumps(result, ensure_ascii=False)}
    if isinstance(message, AssistantMessage) and message.tool_calls:
        calls = [
            {"name": call["function"]["name"], "arguments": call["function"]["arguments"]}
            for call in data.pop("tool_calls")
        ]
        data["content"] = json.dumps(calls, ensure_ascii=False)
    return {"role": data["role"], "content": data["content"]}


def _parsed(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text


def _instruction(toolbox: Toolbox) -> str:
    functions = json.dumps(
        [function.model_dump(exclude_none=True) for function in toolbox.functions],
        ensure_ascii=False,
    )
    if toolbox.mode == "named":
        name = toolbox.functions[0].name
        return (
            f"Answer with the arguments for a call of the function {name}, as a JSON object and "
            f"nothing else. The function: {functions}"
        )
    begin = "You can call functions." if toolbox.mode == "auto" else "Answer by calling functions."
    return (
        f"{begin} To call, answer with a JSON list and nothing else: "
        '[{"name": "the function\'s name", "arguments": {"argument": "value"}}]. '
        f"The functions: {functions}"
    )


# What it may write


def schema_of(toolbox: Toolbox) -> dict[str, Any] | None:
    """The JSON schema that an answer must follow; None if it may be any text."""
    if toolbox.mode == "named":
        return _parameters(toolbox.functions[0])
    if toolbox.mode != "required":
        return None
    calls, schemas = [], {}
    for i, function in enumerate(toolbox.functions):
        schemas[f"f{i}"] = _moved(_parameters(function), f"#/$defs/f{i}")
        calls.append(
            {
                "type": "object",
                "properties": {
                    "name": {"const": function.name},
                    "arguments": {"$ref": f"#/$defs/f{i}"},
                },
                "required": ["name", "arguments"],
                "additionalProperties": False,
            }
        )
    most = 1 if toolbox.one_only else MOST_CALLS
    items = calls[0] if len(calls) == 1 else {"anyOf": calls}
    return {"type": "array", "minItems": 1, "maxItems": most, "items": items, "$defs": schemas}


def _parameters(function: FunctionDefinition) -> dict[str, Any]:
    return function.parameters or {
        "type": "object",
        "properties": {},
        "additionalProperties": False,
    }


def _moved(schema: Any, place: str) -> Any:
    """A schema whose references to itself hold where it stands now."""
    if isinstance(schema, Mapping):
        return {
            key: place + value[1:]
            if key == "$ref" and isinstance(value, str) and value.startswith("#")
            else _moved(value, place)
            for key, value in schema.items()
        }
    return [_moved(item, place) for item in schema] if isinstance(schema, list) else schema


# What it wrote


def calls_of(text: str, toolbox: Toolbox) -> list[ToolCall] | None:
    """The calls that a text is, all of it; None if it is none, or names an unknown function."""
    text = text.strip()
    if text.startswith(OPEN):
        pieces = [piece.replace(CLOSE, "").strip() for piece in text.split(OPEN)[1:]]
    else:
        pieces = [text]
    found: list[Any] = []
    for piece in pieces:
        value = _parsed(piece)
        found += value if isinstance(value, list) else [value]
    known = {function.name for function in toolbox.functions}
    calls = [_call(value, known) for value in found]
    good = [call for call in calls if call is not None]
    if not good or len(good) < len(calls):
        return None
    return good[:1] if toolbox.one_only else good


def _call(value: Any, known: set[str]) -> ToolCall | None:
    name = value.get("name") if isinstance(value, dict) else None
    if not isinstance(name, str) or name not in known:
        return None
    arguments = value.get("arguments", value.get("parameters", {}))
    if isinstance(arguments, str):
        arguments = _parsed(arguments)
    if not isinstance(arguments, dict):
        return None
    return call_of(name, json.dumps(arguments, ensure_ascii=False))


def call_of(name: str, arguments: str) -> ToolCall:
    """A call with an id of its own."""
    return ToolCall(
        id=f"call_{secrets.token_hex(12)}",
        function=CalledFunction(name=name, arguments=arguments),
    )


class AutoReader:
    """Reads an answer that may turn out to be calls, as it comes.

    `push` gives the text that is certain to be text; `finish` the rest, or the calls.
    """

    def __init__(self, toolbox: Toolbox) -> None:
        self._toolbox = toolbox
        self._held = ""
        self._is_held = False
        self._is_begun = False

    def push(self, text: str) -> str:
        """What of the answer so far is certain to be text."""
        self._held += text
        if self._is_held:
            return ""
        if not self._is_begun:
            begin = self._held.lstrip()
            if not begin:
                return ""
            self._is_begun = True
            if begin[0] in "[{":
                self._is_held = True
                return ""
        place = self._held.find(OPEN)
        self._is_held = place >= 0
        if place < 0:
            place = len(self._held) - _overlap(self._held, OPEN)
        certain, self._held = self._held[:place], self._held[place:]
        return certain

    def finish(self) -> tuple[str, list[ToolCall]]:
        """What was held back: text, or calls."""
        calls = calls_of(self._held, self._toolbox) if self._is_held else None
        return ("", calls) if calls else (self._held, [])


def _overlap(text: str, mark: str) -> int:
    """How many characters at the end of the text begin the mark."""
    lengths = range(min(len(mark) - 1, len(text)), 0, -1)
    return next((n for n in lengths if mark.startswith(text[-n:])), 0)
