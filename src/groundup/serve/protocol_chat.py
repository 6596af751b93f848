"""/v1/chat/completions: its request, its answer, and the chunks of a stream."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from groundup.serve.protocol import MOST_ALTERNATIVES, Generation, Strict, Told, Usage, Whole

MOST_TOOLS = 128
"""Functions that a model may be offered."""
FunctionName = Annotated[str, Field(pattern=r"^[a-zA-Z0-9_-]{1,64}$")]


class _Part(BaseModel):
    """A part of a message: what a client adds to it is not looked at."""

    model_config = ConfigDict(extra="ignore", strict=True, use_attribute_docstrings=True)


class TextPart(_Part):
    """Text; no model here reads images or sound."""

    type: Literal["text"]
    text: str


Content = str | Annotated[list[TextPart], Field(min_length=1, fail_fast=True)]


class CalledFunction(_Part):
    """A function with its arguments, as JSON text."""

    name: str
    arguments: str


class ToolCall(_Part):
    """A call of a function that the model asked for."""

    id: str
    type: Literal["function"] = "function"
    function: CalledFunction


class SystemMessage(_Part):
    """Who the model is to be."""

    role: Literal["system", "developer"]
    content: Content


class UserMessage(_Part):
    """What a person says."""

    role: Literal["user"]
    content: Content


class AssistantMessage(_Part):
    """What the model said before."""

    role: Literal["assistant"]
    content: Content | None = None
    tool_calls: Annotated[list[ToolCall], Field(fail_fast=True)] | None = None


class ToolMessage(_Part):
    """What a function that the model asked for gave."""

    role: Literal["tool"]
    content: Content
    tool_call_id: str


ChatMessage = Annotated[
    SystemMessage | UserMessage | AssistantMessage | ToolMessage, Field(discriminator="role")
]


class FunctionDefinition(Strict):
    """A function that the model may ask for."""

    name: FunctionName
    description: str | None = None
    parameters: dict[str, Any] | None = None
    """The JSON schema of its arguments; without it, none."""
    strict: bool | None = None
    """Arguments always follow the schema where calls are required or a function is named."""


class Tool(Strict):
    """A tool: functions are the only kind."""

    type: Literal["function"]
    function: FunctionDefinition


class _Named(Strict):
    name: FunctionName


class NamedTool(Strict):
    """The one function that is to be called."""

    type: Literal["function"]
    function: _Named


class JsonSchema(Strict):
    """A schema with its name."""

    name: FunctionName
    description: str | None = None
    schema_: dict[str, Any] | None = Field(None, alias="schema")
    strict: bool | None = None
    """Answers always follow the schema."""


class TextFormat(Strict):
    """Any text."""

    type: Literal["text"]


class JsonObjectFormat(Strict):
    """Any JSON object."""

    type: Literal["json_object"]


class JsonSchemaFormat(Strict):
    """JSON that follows a schema."""

    type: Literal["json_schema"]
    json_schema: JsonSchema


ResponseFormat = Annotated[
    TextFormat | JsonObjectFormat | JsonSchemaFormat, Field(discriminator="type")
]


class ChatRequest(Generation):
    """A conversation to go on with."""

    messages: Annotated[list[ChatMessage], Field(min_length=1, max_length=4096, fail_fast=True)]
    """What was said, the oldest first."""
    max_tokens: Annotated[int, Field(ge=1), Whole] | None = None
    """Longest answer in tokens; by default what the context has room for."""
    max_completion_tokens: Annotated[int, Field(ge=1), Whole] | None = None
    """The same under its newer name, which wins."""
    logprobs: bool | None = None
    """Whether to tell each token's log-probability."""
    top_logprobs: Annotated[int, Field(ge=0, le=MOST_ALTERNATIVES), Whole] | None = None
    """And those of so many of the likeliest tokens in its place."""
    response_format: ResponseFormat | None = None
    """What an answer must look like."""
    tools: Annotated[list[Tool], Field(max_length=MOST_TOOLS, fail_fast=True)] | None = None
    """Functions that the model may ask for."""
    tool_choice: Literal["none", "auto", "required"] | NamedTool | None = None
    """Whether it may, must, or must ask for this one."""
    parallel_tool_calls: bool | None = None
    """False: at most one call in an answer."""
    modalities: Annotated[list[Literal["text"]], Field(max_length=1, fail_fast=True)] | None = None
    """Text is the only one."""
    chat_template_kwargs: dict[str, Any] | None = None
    """What else the model's chat template reads (vLLM's)."""


class TopLogprob(Told):
    """One of the likeliest tokens of a place."""

    token: str
    logprob: float
    bytes: list[int] | None


class ChatLogprob(TopLogprob):
    """A token of the answer."""

    top_logprobs: list[TopLogprob]


class ChatLogprobs(Told):
    """Of all tokens of an answer, or of a chunk of it."""

    content: list[ChatLogprob] | None
    refusal: None = None


class AnswerMessage(Told):
    """The answer."""

    role: Literal["assistant"] = "assistant"
    content: str | None
    refusal: None = None
    tool_calls: list[ToolCall] | None = None


ChatFinish = Literal["stop", "length", "tool_calls"]


class ChatChoice(Told):
    """One of the answers."""

    index: int
    message: AnswerMessage
    logprobs: ChatLogprobs | None = None
    finish_reason: ChatFinish
    stop_reason: str | int | None = None
    """The stop text or end token (vLLM's)."""


class ChatCompletion(Told):
    """The answers to a conversation."""

    id: str
    object: Literal["chat.completion"] = "chat.completion"
    created: int
    model: str
    choices: list[ChatChoice]
    usage: Usage
    system_fingerprint: str | None = None


class FunctionDelta(Told):
    """A piece of a call: the name comes first, then the arguments."""

    name: str | None = None
    arguments: str | None = None


class ToolCallDelta(Told):
    """A piece of one of the calls."""

    index: int
    id: str | None = None
    type: Literal["function"] | None = None
    function: FunctionDelta


class ChatDelta(Told):
    """What a chunk adds to an answer."""

    role: Literal["assistant"] | None = None
    content: str | None = None
    tool_calls: list[ToolCallDelta] | None = None


class ChunkChoice(Told):
    """What a chunk adds to one of the answers."""

    index: int
    delta: ChatDelta
    logprobs: ChatLogprobs | None = None
    finish_reason: ChatFinish | None = None
    stop_reason: str | int | None = None


class ChatChunk(Told):
    """A chunk of a stream; the last one may hold the usage and no choices."""

    id: str
    object: Literal["chat.completion.chunk"] = "chat.completion.chunk"
    created: int
    model: str
    choices: list[ChunkChoice]
    usage: Usage | None = None
    system_fingerprint: str | None = None
