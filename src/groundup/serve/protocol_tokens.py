"""/v1/embeddings, and vLLM's /tokenize, /detokenize and /tokenizer_info."""

from typing import Annotated, Any, Literal

from pydantic import Field

from groundup.serve.protocol import Ignored, Strict, TokenId, Told, Whole
from groundup.serve.protocol_chat import ChatMessage, Tool
from groundup.serve.protocol_completions import TokenIds

MOST_TEXTS = 2048
"""Texts of one request for embeddings, as OpenAI's bound."""
Name = Annotated[str, Field(min_length=1, max_length=256)]


class EmbeddingRequest(Ignored):
    """Texts to make vectors of."""

    model: Name
    input: (
        Annotated[str, Field(min_length=1)]
        | TokenIds
        | Annotated[
            list[Annotated[str, Field(min_length=1)]],
            Field(min_length=1, max_length=MOST_TEXTS, fail_fast=True),
        ]
        | Annotated[list[TokenIds], Field(min_length=1, max_length=MOST_TEXTS, fail_fast=True)]
    )
    """A text, ids, or a list of them."""
    encoding_format: Literal["float", "base64"] = "float"
    """Numbers, or little-endian float32 as base64."""
    dimensions: Annotated[int, Field(ge=1), Whole] | None = None
    """Must be the model's width: vectors are not shortened."""


class Embedding(Told):
    """The vector of one text, of length 1."""

    index: int
    object: Literal["embedding"] = "embedding"
    embedding: list[float] | str


class EmbeddingUsage(Told):
    """Tokens that were read."""

    prompt_tokens: int
    total_tokens: int


class EmbeddingList(Told):
    """The vectors, in the order of the texts."""

    object: Literal["list"] = "list"
    data: list[Embedding]
    model: str
    usage: EmbeddingUsage


class TokenizeText(Strict):
    """A text to turn into ids; names of special tokens are read as these tokens."""

    model: Name | None = None
    """By default the first that is served."""
    prompt: str
    add_special_tokens: bool = True
    """Whether the tokenizer adds what it puts before a text."""
    return_token_strs: bool | None = None
    """Whether to tell each token's text too."""


class TokenizeChat(Strict):
    """A conversation to turn into ids, by the model's chat template."""

    model: Name | None = None
    messages: Annotated[list[ChatMessage], Field(min_length=1, fail_fast=True)]
    add_generation_prompt: bool = True
    """Whether the assistant speaks next."""
    return_token_strs: bool | None = None
    tools: Annotated[list[Tool], Field(fail_fast=True)] | None = None
    chat_template_kwargs: dict[str, Any] | None = None


class TokenizeAnswer(Told):
    """A text's ids."""

    count: int
    max_model_len: int
    tokens: list[int]
    token_strs: list[str] | None = None


class DetokenizeRequest(Strict):
    """Ids to turn into text."""

    model: Name | None = None
    tokens: Annotated[list[TokenId], Field(fail_fast=True)]


class DetokenizeAnswer(Told):
    """The ids' text."""

    prompt: str


class TokenizerInfo(Told):
    """What a client must know to use the tokenizer as this server does."""

    tokenizer_class: str
    bos_token: str | None
    eos_token: str | None
    pad_token: str | None
    special_tokens: dict[str, int]
    vocab_size: int
    model_max_length: int
    chat_template: str | None
