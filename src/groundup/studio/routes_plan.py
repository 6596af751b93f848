"""`/plan`: weeks with two lanes, from the hours someone has and what is left to learn."""

from collections.abc import Sequence
from datetime import UTC, date, datetime
from functools import lru_cache
from typing import Annotated, Any, Literal
from urllib.parse import urlencode

from fastapi import APIRouter, Query, Request, Response
from pydantic import BaseModel, Field
from starlette.responses import RedirectResponse

from groundup.course import catalog, plan, plan_formats
from groundup.course.catalog import Step
from groundup.course.facts import Setting
from groundup.course.plan import Plan, Shortfall, Terms
from groundup.studio.desk import Desk
from groundup.studio.pages import Pages

NAME = "plan"
"""The setting that holds what someone chose."""


class Wish(BaseModel):
    """What someone can give, and wants."""

    hours: float = Field(20, ge=1, le=plan.MOST_HOURS)
    weeks: int = Field(104, ge=1, le=520)
    start: date | None = None
    goal: str = Field(catalog.WHOLE, max_length=120)
    without: list[str] = Field(default_factory=list, max_length=200)


def router(desk: Desk, pages: Pages) -> APIRouter:
    """The routes."""
    routes = APIRouter()

    @routes.get("/plan")
    def show(request: Request, wish: Annotated[Wish, Query()]) -> Response:
        kept = _kept(desk)
        if not request.query_params:
            wish = kept or wish
        is_kept = kept is not None and kept == wish
        view = _view(desk, wish)
        query = urlencode({**wish.model_dump(), "start": wish.start or _today()}, doseq=True)
        view |= {"wish": wish, "is_kept": is_kept, "query": query, "today": _today()}
        view["is_written"] = desk.course.is_written
        return pages.show(request, "plan", **view)

    @routes.post("/plan/keep")
    def keep(wish: Annotated[Wish, Query()]) -> Response:
        begun = wish.start or _today()
        kept = wish.model_copy(update={"start": begun})
        desk.learner.progress.add(Setting(name=NAME, value=kept.model_dump(mode="json")))
        return RedirectResponse("/plan", status_code=303)

    @routes.get("/plan/{form}")
    def download(form: Literal["markdown", "calendar"], wish: Annotated[Wish, Query()]) -> Response:
        made = _view(desk, wish)["plan"]
        if made is None:
            raise ValueError("there is no plan to download; see what fits first")
        if form == "markdown":
            content, kind, name = plan_formats.markdown(made).encode(), "text/markdown", "plan.md"
        else:
            content = plan_formats.calendar(made, datetime.now(UTC))
            kind, name = "text/calendar", "plan.ics"
        headers = {"Content-Disposition": f'attachment; filename="{name}"'}
        return Response(content, media_type=kind, headers=headers)

    return routes


def _today() -> date:
    return datetime.now(UTC).astimezone().date()


def _kept(desk: Desk) -> Wish | None:
    found = [one for one in desk.learner.progress.facts(Setting) if isinstance(one, Setting)]
    values = [one.value for one in found if one.name == NAME]
    try:
        return Wish.model_validate(values[-1]) if values else None
    except ValueError:  # an older course kept it otherwise
        return None


def _view(desk: Desk, wish: Wish) -> dict[str, Any]:
    """The plan, or why there is none."""
    start = max(wish.start or _today(), _today())
    try:
        goals = _goals(wish, desk.course.steps)
        terms = Terms(start=start, hours=wish.hours, weeks=wish.weeks, pace=desk.learner.pace())
        mastered = frozenset(desk.learner.reached().mastered)
        made = _made(tuple(desk.learner.left()), tuple(goals), mastered, terms)
    except ValueError as problem:
        return {"problem": str(problem), "plan": None, "short": None}
    is_plan = isinstance(made, Plan)
    return {
        "problem": "",
        "plan": made if is_plan else None,
        "short": None if is_plan else made,
    }


def _goals(wish: Wish, steps: Sequence[Step]) -> list[str]:
    out = {name for text in wish.without for name in catalog.goals(text, steps)}
    return [name for name in catalog.goals(wish.goal, steps) if name not in out]


@lru_cache(maxsize=16)
def _made(
    steps: tuple[Step, ...], goals: tuple[str, ...], mastered: frozenset[str], terms: Terms
) -> Plan | Shortfall:
    return plan.make_plan(steps, goals, mastered, terms)
