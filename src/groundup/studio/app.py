"""The studio as an ASGI application: its routes, and words for everything that goes wrong."""

import difflib
import logging

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException

from groundup.studio import (
    files,
    refusals,
    routes_chat,
    routes_exercise,
    routes_lesson,
    routes_map,
    routes_plan,
    routes_progress,
    routes_runs,
)
from groundup.studio.bench import Bench
from groundup.studio.desk import Desk
from groundup.studio.guard import Guard, Pass
from groundup.studio.pages import ROOMS, Pages
from groundup.studio.refusals import Refusal

_log = logging.getLogger(__name__)


def create_app(desk: Desk, its: Pass) -> Guard:
    """The application behind its guard. `its`: the port, token and cookie it answers to."""
    app = FastAPI(openapi_url=None, docs_url=None, redoc_url=None)
    static = f"/static/{files.digest()}"
    pages = Pages(static)
    app.mount(static, files.KeptFiles(directory=files.FOLDER))
    bench = Bench(desk)
    app.include_router(routes_map.router(desk, pages))
    app.include_router(routes_lesson.router(desk, pages, bench))
    app.include_router(routes_exercise.router(desk, pages, bench))
    app.include_router(routes_plan.router(desk, pages))
    app.include_router(routes_runs.router(desk, pages))
    app.include_router(routes_chat.router(pages))
    app.include_router(routes_progress.router(desk, pages))
    _add_words(app, desk, pages)
    return Guard(app, its, end=bench.watch.end)


def _add_words(app: FastAPI, desk: Desk, pages: Pages) -> None:
    """What a person reads when a route raises."""

    def told(request: Request, status: int, title: str, says: str) -> Response:
        if refusals.wants_data(request):
            return refusals.answer(request, Refusal(status=status, title=title, says=says))
        near = _near(request.url.path, desk) if status == 404 else {}
        return pages.show(request, "error", status=status, title=title, says=says, near=near)

    @app.exception_handler(HTTPException)
    async def refused(request: Request, problem: HTTPException) -> Response:
        if problem.status_code == 404:
            says = (
                problem.detail if problem.detail != "Not Found" else "The studio has no such page."
            )
            return told(request, 404, "There is no such page", says)
        return told(request, problem.status_code, "That cannot be done", str(problem.detail))

    @app.exception_handler(RequestValidationError)
    async def misread(request: Request, problem: RequestValidationError) -> Response:
        first = problem.errors()[0]
        place = ".".join(str(part) for part in first["loc"])
        return told(request, 400, "That cannot be read", f"{place}: {first['msg']}")

    @app.exception_handler(ValueError)
    async def wrong(request: Request, problem: ValueError) -> Response:
        return told(request, 400, "That cannot be done", str(problem))

    @app.exception_handler(OSError)
    async def failed(request: Request, problem: OSError) -> Response:
        return told(request, 500, "The disk or the system refused", str(problem))

    @app.exception_handler(Exception)
    async def broken(request: Request, problem: Exception) -> Response:
        _log.error("%s %s failed", request.method, request.url.path, exc_info=problem)
        return told(
            request,
            500,
            "Something in the studio is broken",
            f"{type(problem).__name__}: {problem}. Your files and your progress are as they were; "
            "the terminal shows where it happened.",
        )


def _near(path: str, desk: Desk) -> dict[str, str]:
    """Pages whose address is like this one, with their titles."""
    known = {f"/topics/{name}": topic.title for name, topic in desk.course.topics.items()}
    known |= {f"/exercise/{name}": task.title for name, task in desk.tasks.items()}
    known |= ROOMS
    return {one: known[one] for one in difflib.get_close_matches(path[:200], known, n=3)}
