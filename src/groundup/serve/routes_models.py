"""`GET /v1/models` and `GET /v1/models/NAME`."""

from fastapi import APIRouter

from groundup.serve.documented import READING, errors
from groundup.serve.protocol import ModelCard, ModelList
from groundup.serve.service import ServedModel, Service


def router(service: Service) -> APIRouter:
    """The routes."""
    routes = APIRouter(tags=["OpenAI"])

    @routes.get("/v1/models", responses=errors(*READING), summary="All models that are served")
    async def models() -> ModelList:
        return ModelList(data=[_card(model) for model in service.models.values()])

    @routes.get(
        "/v1/models/{name:path}", responses=errors(*READING, 404), summary="One of the models"
    )
    async def model(name: str) -> ModelCard:
        return _card(service.find(name))

    return routes


def _card(model: ServedModel) -> ModelCard:
    return ModelCard(id=model.name, created=model.created, max_model_len=model.context)
