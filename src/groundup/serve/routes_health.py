"""`GET /health`: whether the engines run. `GET /ready`: whether requests are taken."""

from typing import Any

from fastapi import APIRouter
from pydantic import BaseModel
from starlette.responses import JSONResponse

from groundup.serve.documented import READING, errors
from groundup.serve.service import Service


class Health(BaseModel):
    """How the server is."""

    status: str
    """ "ok", "draining", or "failed"."""
    in_flight: int
    """Requests under way."""


def router(service: Service) -> APIRouter:
    """The routes."""
    routes = APIRouter(tags=["operation"])
    unwell: dict[int | str, dict[str, Any]] = {
        503: {"model": Health, "description": "An engine failed, or the server is stopping."}
    }

    @routes.get(
        "/health",
        response_model=Health,
        responses={**errors(*READING), **unwell},
        summary="Whether the engines run",
    )
    async def health() -> JSONResponse:
        return _told(service, is_well=service.is_healthy)

    @routes.get(
        "/ready",
        response_model=Health,
        responses={**errors(*READING), **unwell},
        summary="Whether requests are taken",
    )
    async def ready() -> JSONResponse:
        return _told(service, is_well=service.is_ready)

    return routes


def _told(service: Service, *, is_well: bool) -> JSONResponse:
    status = "draining" if service.is_draining else "ok" if service.is_healthy else "failed"
    told = Health(status=status, in_flight=service.in_flight)
    return JSONResponse(told.model_dump(), 200 if is_well else 503)
