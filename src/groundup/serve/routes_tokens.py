"""vLLM's `/tokenize`, `/detokenize` and `/tokenizer_info`: the model's tokenizer from afar."""

import asyncio
from collections.abc import Sequence

from fastapi import APIRouter

from groundup.serve.documented import READING, errors
from groundup.serve.errors import ApiError
from groundup.serve.protocol_tokens import (
    DetokenizeAnswer,
    DetokenizeRequest,
    TokenizeAnswer,
    TokenizeChat,
    TokenizerInfo,
    TokenizeText,
)
from groundup.serve.routes_chat import chat_ids
from groundup.serve.routes_completions import raw_ids
from groundup.serve.service import ServedModel, Service
from groundup.serve.token_text import token_text
from groundup.serve.tools import Toolbox


def router(service: Service) -> APIRouter:
    """The routes."""
    routes = APIRouter(tags=["tokens"])

    @routes.post("/tokenize", responses=errors(*READING, 400, 404, 415), summary="A text's ids")
    async def tokenize(ask: TokenizeText | TokenizeChat) -> TokenizeAnswer:
        model = service.find(ask.model)
        if isinstance(ask, TokenizeText):
            ids = await raw_ids(model, ask.prompt, special=ask.add_special_tokens)
        else:
            functions = tuple(tool.function for tool in ask.tools or ())
            toolbox = Toolbox(functions=functions, mode="auto" if functions else "none")
            ids = await chat_ids(
                model,
                ask.messages,
                toolbox,
                variables=ask.chat_template_kwargs,
                adds_prompt=ask.add_generation_prompt,
            )
        texts = await asyncio.to_thread(_texts, model, ids) if ask.return_token_strs else None
        return TokenizeAnswer(
            count=len(ids), max_model_len=model.context, tokens=ids, token_strs=texts
        )

    @routes.post(
        "/detokenize", responses=errors(*READING, 400, 404, 415), summary="The text of ids"
    )
    async def detokenize(ask: DetokenizeRequest) -> DetokenizeAnswer:
        try:
            return DetokenizeAnswer(prompt=service.find(ask.model).tokenizer.decode(ask.tokens))
        except ValueError as problem:
            raise ApiError(400, str(problem), param="tokens") from problem

    @routes.get(
        "/tokenizer_info",
        responses=errors(*READING, 404),
        summary="What a client needs to use the tokenizer as the server does",
    )
    async def tokenizer_info(model: str | None = None) -> TokenizerInfo:
        found = service.find(model)
        tokenizer = found.tokenizer
        return TokenizerInfo(
            tokenizer_class=type(tokenizer).__name__,
            bos_token=tokenizer.start_token,
            eos_token=tokenizer.end_token,
            pad_token=None,
            special_tokens=dict(tokenizer.special_tokens),
            vocab_size=tokenizer.vocab_size,
            model_max_length=found.context,
            chat_template=found.template.source if found.template else None,
        )

    return routes


def _texts(model: ServedModel, ids: Sequence[int]) -> list[str]:
    return [token_text(model.tokenizer, token) for token in ids]
