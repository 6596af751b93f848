"""`/`: the map, and from where one goes on."""

from fastapi import APIRouter, Request, Response

from groundup.course.catalog import phase_of
from groundup.studio import map_view
from groundup.studio.desk import Desk
from groundup.studio.pages import Pages


def router(desk: Desk, pages: Pages) -> APIRouter:
    """The route."""
    routes = APIRouter()

    @routes.get("/")
    def show(request: Request) -> Response:
        drawn = map_view.draw(desk.course, desk.learner.reached())
        return pages.show(
            request,
            "map",
            map=drawn,
            passed=sum(phase.passed for phase in drawn.phases),
            total=sum(len(phase.places) for phase in drawn.phases),
            link=link,
            phase_of=phase_of,
        )

    return routes


def link(name: str) -> str:
    """Where a topic or a project is."""
    return f"/topics/{name}" if "/" in name else f"/project/{name}"
