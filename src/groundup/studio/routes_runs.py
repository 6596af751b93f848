"""`/runs`: what was trained, its curves while they grow, two of them on one picture."""

from typing import Any

from fastapi import APIRouter, HTTPException, Request, Response

from groundup.studio.desk import Desk
from groundup.studio.pages import Pages
from groundup.studio.runs_view import Runs


def router(desk: Desk, pages: Pages) -> APIRouter:
    """The routes."""
    routes, runs = APIRouter(), Runs(desk.runs)

    @routes.get("/runs")
    def show(request: Request) -> Response:
        return pages.show(request, "runs", runs=runs.all(), folder=desk.runs)

    @routes.get("/api/runs/{run}/{stage}")
    def curve(run: str, stage: str, quantity: str = "") -> dict[str, Any]:
        try:
            return runs.curve(run, stage, quantity)
        except LookupError as problem:
            raise HTTPException(404, str(problem.args[0])) from None

    return routes
