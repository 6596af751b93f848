"""`POST /v1/embeddings`: the mean of a text's hidden states, as a vector of length 1."""

import base64
from collections.abc import Sequence

import numpy as np
from fastapi import APIRouter, Request
from starlette.responses import Response

from groundup.inference.request import Request as Prompt
from groundup.serve.asking import check_length, listed
from groundup.serve.calling import caller_of, patiently
from groundup.serve.documented import errors
from groundup.serve.errors import ApiError
from groundup.serve.protocol_tokens import (
    Embedding,
    EmbeddingList,
    EmbeddingRequest,
    EmbeddingUsage,
)
from groundup.serve.routes_completions import text_ids
from groundup.serve.service import Service


def router(service: Service) -> APIRouter:
    """The route."""
    routes = APIRouter(tags=["OpenAI"])

    @routes.post(
        "/v1/embeddings",
        response_model=EmbeddingList,
        responses=errors(),
        summary="Turn texts into vectors",
    )
    async def embed(ask: EmbeddingRequest, request: Request) -> Response:
        return await _embed(service, ask, request)

    return routes


async def _embed(service: Service, ask: EmbeddingRequest, request: Request) -> Response:
    model, caller = service.find(ask.model), caller_of(request)
    prompts = [
        await text_ids(model, text, special=True, field="input") for text in listed(ask.input)
    ]
    for prompt in prompts:
        check_length(prompt, model, "input")
    sequences = [Prompt(prompt=tuple(prompt), max_tokens=0) for prompt in prompts]
    asked = caller.asked(model.name, sequences, stream=False)
    vectors = await patiently(request, service.embed(model, prompts, asked))
    width = len(vectors[0])
    if ask.dimensions not in (None, width):
        message = f"dimensions is {ask.dimensions}; this model's vectors have {width}"
        raise ApiError(400, message, param="dimensions")
    answer = EmbeddingList(
        data=[
            Embedding(index=index, embedding=_coded(vector, ask.encoding_format))
            for index, vector in enumerate(vectors)
        ],
        model=model.name,
        usage=EmbeddingUsage(prompt_tokens=asked.prompt_tokens, total_tokens=asked.prompt_tokens),
    )
    return Response(answer.model_dump_json(), media_type="application/json")


def _coded(vector: Sequence[float], form: str) -> list[float] | str:
    if form == "float":
        return list(vector)
    return base64.b64encode(np.asarray(vector, dtype="<f4").tobytes()).decode("ascii")
