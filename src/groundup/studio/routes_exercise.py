"""An exercise's page, and what its script asks for while someone works on it."""

import json
from collections.abc import AsyncIterator
from typing import Any

from fastapi import APIRouter, HTTPException, Request, Response
from fastapi.responses import JSONResponse, StreamingResponse
from pydantic import BaseModel, Field

from groundup.course.catalogue import Entry
from groundup.course.exercise import Tier
from groundup.course.verdict import Result
from groundup.studio import answer_file
from groundup.studio.answer_file import Changed
from groundup.studio.bench import Bench
from groundup.studio.desk import Desk
from groundup.studio.pages import Pages


class Answer(BaseModel):
    """What a page sends to be saved."""

    text: str = Field(max_length=answer_file.LONGEST)
    stamp: str = Field(max_length=64)
    """Of the text that was edited."""
    overwrite: bool = False
    """Save even if the file is another one by now."""


class Run(Answer):
    """What a page sends to be saved and checked."""

    tier: Tier = "core"
    page: str = Field(default="", max_length=64)
    """Who asks, so that it need not be told again what it was told."""


class GivingUp(BaseModel):
    """Whether the solution may be shown before the pass."""

    gives_up: bool = False


def router(desk: Desk, pages: Pages, bench: Bench) -> APIRouter:
    """The routes."""
    routes = APIRouter()
    routes.include_router(_of_answers(pages, bench), prefix="/api/exercise/{name}")
    routes.include_router(_of_help(pages, bench), prefix="/api/exercise/{name}")

    @routes.get("/exercise/{name}")
    def show(request: Request, name: str) -> Response:
        entry = found(bench, name)
        topic = desk.course.topics[entry.topic]
        box = bench.box(entry)
        return pages.show(request, "exercise", box=box, topic=topic, has_lesson=bool(topic.lesson))

    return routes


def _of_answers(pages: Pages, bench: Bench) -> APIRouter:
    routes = APIRouter()

    @routes.post("/save")
    def save(name: str, answer: Answer) -> Response:
        entry = found(bench, name)
        try:
            saved = bench.save(
                entry, answer.text, based_on=answer.stamp, overwrite=answer.overwrite
            )
        except Changed as problem:
            return _clash(problem)
        return JSONResponse({"stamp": saved.stamp})

    @routes.post("/run")
    async def run(name: str, asked: Run) -> Response:
        entry = found(bench, name)
        try:
            saved = bench.save(entry, asked.text, based_on=asked.stamp, overwrite=asked.overwrite)
        except Changed as problem:
            return _clash(problem)
        result = await bench.check(entry, asked.tier)
        bench.watch.tell(name, "result", {"result": result, "page": asked.page})
        return JSONResponse({"stamp": saved.stamp, **shown(pages, result)})

    @routes.get("/events")
    async def events(name: str) -> Response:
        entry = found(bench, name)
        return StreamingResponse(
            _stream(pages, bench, entry),
            media_type="text/event-stream",
            headers={"X-Accel-Buffering": "no"},
        )

    return routes


def _of_help(pages: Pages, bench: Bench) -> APIRouter:
    routes = APIRouter()

    @routes.post("/hint")
    def hint(name: str) -> dict[str, Any]:
        entry = found(bench, name)
        level = bench.hint(entry)
        html = pages.piece("hint", text=entry.hints[level - 1], level=level)
        return {"level": level, "of": len(entry.hints), "html": html}

    @routes.post("/reset")
    def reset(name: str) -> dict[str, Any]:
        saved, aside = bench.reset(found(bench, name))
        return {"stamp": saved.stamp, "text": saved.text, "aside": aside}

    @routes.post("/solution")
    def solution(name: str, asked: GivingUp) -> dict[str, Any]:
        return {"text": bench.solution(found(bench, name), gives_up=asked.gives_up)}

    return routes


def found(bench: Bench, name: str) -> Entry:
    """The exercise. Raises a 404 that names what came."""
    try:
        return bench.entry(name)
    except KeyError:
        raise HTTPException(404, f"There is no exercise {name[:60]!r}.") from None


def shown(pages: Pages, result: Result) -> dict[str, Any]:
    """A result for a page: as HTML, and what its editor needs."""
    return {
        "html": pages.piece("verdict", result=result),
        "status": result.status,
        "tier": result.tier,
        "line": result.line,
        "message": result.message,
    }


def _clash(problem: Changed) -> Response:
    says = "The file was changed by another program since this page read it."
    now = {"text": problem.now.text, "stamp": problem.now.stamp}
    return JSONResponse({"error": says, "clash": now}, 409)


async def _stream(pages: Pages, bench: Bench, entry: Entry) -> AsyncIterator[str]:
    path = bench.path(entry)
    yield "retry: 1000\n\n"
    async for event in bench.watch.events(entry.name, path):
        if event is None:
            yield ": still here\n\n"
            continue
        kind, data = event
        if "result" in data:
            data = {"page": data.get("page", ""), **shown(pages, data["result"])}
        yield f"event: {kind}\ndata: {json.dumps(data)}\n\n"
