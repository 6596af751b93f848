"""`/progress`: what was done, as one file to take along, to bring in, or to delete for good."""

import tempfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel

from groundup.course.facts import Attempt, Hint
from groundup.studio.desk import Desk
from groundup.studio.pages import Pages

MOST = 200 << 20
"""Bytes of a file that is brought in."""
_LATEST = 12
SURE = "delete"
"""What must be typed."""


class Deleting(BaseModel):
    """What someone typed to say that they mean it."""

    word: str


def router(desk: Desk, pages: Pages) -> APIRouter:
    """The routes."""
    routes = APIRouter()

    @routes.get("/progress")
    def show(request: Request) -> Response:
        facts = desk.learner.progress.facts()
        attempts = [one for one in facts if isinstance(one, Attempt)]
        return pages.show(
            request,
            "progress",
            file=desk.learner.progress.file,
            workspace=desk.workspace.folder,
            facts=len(facts),
            passed=len({one.exercise for one in attempts if one.status == "passed"}),
            exercises=len(desk.tasks),
            attempts=len(attempts),
            hints=sum(isinstance(one, Hint) for one in facts),
            streak=desk.learner.streak(),
            latest=attempts[: -_LATEST - 1 : -1],
            titles={name: entry.title for name, entry in desk.tasks.items()},
            sure=SURE,
        )

    @routes.get("/progress/export")
    def export() -> Response:
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / "progress.json"
            desk.learner.progress.export(file)
            content = file.read_bytes()
        name = f"groundup-progress-{datetime.now(UTC):%Y-%m-%d}.json"
        return Response(
            content,
            media_type="application/json",
            headers={"Content-Disposition": f'attachment; filename="{name}"'},
        )

    @routes.post("/api/progress/import")
    async def bring_in(request: Request) -> dict[str, Any]:
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / "the file"
            with file.open("wb") as stream:
                size = 0
                async for piece in request.stream():
                    size += len(piece)
                    if size > MOST:
                        raise ValueError(f"the file has more than {MOST >> 20} MB; that is none")
                    stream.write(piece)
            try:
                merged = desk.learner.progress.merge(file)
            except ValueError as problem:
                raise ValueError(str(problem).replace(str(file), "this file")) from problem
        return {"added": merged.added, "known": merged.known, "different": merged.different}

    @routes.post("/api/progress/delete")
    def delete(asked: Deleting) -> dict[str, Any]:
        if asked.word.strip().lower() != SURE:
            raise ValueError(f"nothing was deleted; type {SURE!r} to delete it")
        return {"deleted": desk.learner.progress.delete()}

    return routes
