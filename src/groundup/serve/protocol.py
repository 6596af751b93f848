"""What all requests and answers of OpenAI's API have in common, as checked data.

Types are strict (the text "1" is no number) and numbers finite. A field that the API does not have
is refused, so that a misspelt one is not silently without effect; fields that OpenAI has and that
mean nothing here are listed in `Ignored`. Names, meanings and defaults are those of OpenAI's
reference, and of vLLM's for what goes beyond it.

Lists are read up to their first wrong item (`fail_fast`) and objects only if they have no more than
`MOST_FIELDS`: a body of a million wrong things must not become a million errors.
"""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError

MOST_STOPS = 32
"""Stop texts of a request; OpenAI allows 4."""
MOST_BIASES = 1024
"""Entries of `logit_bias`."""
MOST_FIELDS = 200
"""Fields of an object whose fields have names."""
MOST_ANSWERS = 128
"""`n` and `best_of`."""
MOST_ALTERNATIVES = 20
"""Alternatives of a token with their log-probabilities."""


def whole(value: Any) -> Any:
    """A number without a fraction as an int: to JSON, 1.0 is one."""
    return int(value) if type(value) is float and value.is_integer() else value


Whole = BeforeValidator(whole)
"""Marks an int that may be written as 1.0."""
StopText = Annotated[str, Field(min_length=1, max_length=256)]
TokenId = Annotated[int, Field(ge=0, lt=2**31), Whole]


def bounded(data: Any, most: int) -> Any:
    """The data; an object of more fields is an error before any of them is looked at."""
    if isinstance(data, dict) and len(data) > most:
        told = {"count": len(data), "most": most}
        raise PydanticCustomError("too_many_fields", "{count} fields are more than {most}", told)
    return data


class Strict(BaseModel):
    """A part of a request: exact types, finite numbers, no unknown fields."""

    model_config = ConfigDict(
        extra="forbid", strict=True, allow_inf_nan=False, use_attribute_docstrings=True
    )

    @model_validator(mode="before")
    @classmethod
    def _bounded(cls, data: Any) -> Any:
        return bounded(data, MOST_FIELDS)


class StreamOptions(Strict):
    """What a stream also tells."""

    include_usage: bool = False
    """A last chunk with the token counts."""
    include_obfuscation: bool | None = None
    """Accepted; chunks are never padded."""
    continuous_usage_stats: bool = False
    """The token counts so far in every chunk (vLLM's)."""


class StructuredOutputs(Strict):
    """What an answer must look like (vLLM's): one of these."""

    json_: dict[str, Any] | str | None = Field(None, alias="json")
    """A JSON schema."""
    regex: str | None = None
    """A regular expression."""
    choice: Annotated[list[str], Field(min_length=1, fail_fast=True)] | None = None
    """One of these texts."""
    grammar: str | None = None
    """A context-free grammar in Lark or GBNF."""


class Ignored(Strict):
    """Fields that clients send and that change nothing here."""

    user: str | None = None
    """Who asks, for OpenAI's records."""
    metadata: dict[str, Any] | None = None
    """Notes for OpenAI's records."""
    store: bool | None = None
    """Nothing is stored, whatever this says."""
    service_tier: str | None = None
    """There is one tier."""
    safety_identifier: str | None = None
    """For OpenAI's records."""
    prompt_cache_key: str | None = None
    """Prefixes are found without it."""


class Generation(Ignored):
    """How an answer is drawn and when it ends: what chat and completions share."""

    model: Annotated[str, Field(min_length=1, max_length=256)]
    """Its name, as /v1/models lists it."""
    temperature: Annotated[float, Field(ge=0, le=100)] | None = None
    """Divides the logits; 0 takes the likeliest token. OpenAI's default is 1."""
    top_p: Annotated[float, Field(gt=0, le=1)] | None = None
    """Only the likeliest tokens that together reach this probability."""
    top_k: Annotated[int, Field(ge=-1, lt=2**31), Whole] | None = None
    """Only the k likeliest; 0 and -1: all."""
    min_p: Annotated[float, Field(ge=0, le=1)] | None = None
    """Only tokens at least this share as likely as the likeliest."""
    typical_p: Annotated[float, Field(gt=0, le=1)] | None = None
    """Only the least surprising tokens that together reach this probability."""
    presence_penalty: Annotated[float, Field(ge=-2, le=2)] | None = None
    """Taken from the logit of each token that the answer has already."""
    frequency_penalty: Annotated[float, Field(ge=-2, le=2)] | None = None
    """The same for each time the answer has it."""
    repetition_penalty: Annotated[float, Field(ge=0.01, le=100)] | None = None
    """Above 1 makes tokens of prompt and answer less likely."""
    logit_bias: (
        Annotated[
            dict[
                Annotated[str, Field(pattern=r"^[0-9]{1,9}$")],
                Annotated[float, Field(ge=-100, le=100)],
            ],
            Field(max_length=MOST_BIASES),
            BeforeValidator(lambda data: bounded(data, MOST_BIASES)),
        ]
        | None
    ) = None
    """From token ids to what is added to their logits."""
    seed: Annotated[int, Whole] | None = None
    """The same seed and request give the same answer."""
    stop: (
        StopText | Annotated[list[StopText], Field(max_length=MOST_STOPS, fail_fast=True)] | None
    ) = None
    """Texts that end the answer and are not part of it."""
    stop_token_ids: (
        Annotated[list[TokenId], Field(max_length=MOST_BIASES, fail_fast=True)] | None
    ) = None
    """Tokens that end it."""
    ignore_eos: bool = False
    """Go on after the model's own end token."""
    min_tokens: Annotated[int, Field(ge=0, lt=2**31), Whole] = 0
    """No end before so many tokens."""
    cache_salt: Annotated[str, Field(min_length=1, max_length=256)] | None = None
    """Computed prefixes are shared with requests of the same salt only (vLLM's)."""
    n: Annotated[int, Field(ge=1, le=MOST_ANSWERS), Whole] | None = None
    """How many answers to a prompt."""
    stream: bool | None = None
    """Send the answer piece by piece, as server-sent events."""
    stream_options: StreamOptions | None = None
    """For streams."""
    structured_outputs: StructuredOutputs | None = None
    """What an answer must look like."""
    guided_json: dict[str, Any] | str | None = None
    """The same as a JSON schema, under its older name."""
    guided_regex: str | None = None
    """The same as a regular expression, under its older name."""
    guided_choice: Annotated[list[str], Field(min_length=1, fail_fast=True)] | None = None
    """The same as texts to choose from, under its older name."""


class Told(BaseModel):
    """A part of an answer."""

    model_config = ConfigDict(use_attribute_docstrings=True)


class ErrorDetail(Told):
    """What went wrong."""

    message: str
    """A sentence for people."""
    type: str
    """Its kind, as "invalid_request_error"."""
    param: str | None
    """The field that is wrong."""
    code: str | None
    """What programs compare, as "model_not_found"."""


class ErrorBody(Told):
    """OpenAI's shape of an error."""

    error: ErrorDetail


class PromptTokensDetails(Told):
    """Of the prompt's tokens."""

    cached_tokens: int
    """Those that the prefix cache had."""


class Usage(Told):
    """Tokens of a request."""

    prompt_tokens: int
    completion_tokens: int
    total_tokens: int
    prompt_tokens_details: PromptTokensDetails | None = None


class ModelCard(Told):
    """A model that is served."""

    id: str
    object: Literal["model"] = "model"
    created: int
    """Seconds since 1970."""
    owned_by: str = "groundup"
    max_model_len: int
    """Most tokens of prompt and answer together (vLLM's)."""


class ModelList(Told):
    """All models that are served."""

    object: Literal["list"] = "list"
    data: list[ModelCard]
