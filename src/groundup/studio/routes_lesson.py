"""A lesson's page, and what its parts compute while someone reads."""

from collections.abc import Mapping
from typing import Any, cast

from fastapi import APIRouter, HTTPException, Request, Response
from pydantic import BaseModel, Field

from groundup.course.facts import Prediction, QuizAnswer, Study
from groundup.course.lesson_parts import Lesson, Predict, Quiz
from groundup.studio import lesson_page
from groundup.studio.bench import Bench
from groundup.studio.desk import Desk
from groundup.studio.pages import Pages

_LONGEST_STUDY = 10.0
"""Minutes that one word of a page may claim."""


class Values(BaseModel):
    """An explorable's settings."""

    values: dict[str, bool | int | float | str] = Field(default_factory=dict, max_length=40)


class Guess(BaseModel):
    """What someone expects."""

    guess: str = Field(max_length=200)


class Choice(BaseModel):
    """An answer to a quiz."""

    choice: int = Field(ge=0, le=100)


class Reading(BaseModel):
    """Time spent on a page since it last said so."""

    minutes: float = Field(gt=0, le=_LONGEST_STUDY)


def router(desk: Desk, pages: Pages, bench: Bench) -> APIRouter:
    """The routes."""
    routes = APIRouter()
    routes.include_router(_of_parts(desk, pages), prefix="/api/lesson/{phase}/{topic}")

    @routes.get("/topics/{phase}/{topic}")
    def show(request: Request, phase: str, topic: str) -> Response:
        lesson = found(desk, f"{phase}/{topic}")
        return pages.show(request, "lesson", **lesson_page.view(desk, bench, lesson))

    return routes


def _of_parts(desk: Desk, pages: Pages) -> APIRouter:
    routes = APIRouter()

    @routes.post("/part/{name}")
    async def compute(phase: str, topic: str, name: str, asked: Values) -> dict[str, Any]:
        lesson = found(desk, f"{phase}/{topic}")
        return drawn(pages, await desk.compute(lesson.topic, name, asked.values))

    @routes.post("/predict/{name}")
    async def predict(phase: str, topic: str, name: str, asked: Guess) -> dict[str, Any]:
        lesson = found(desk, f"{phase}/{topic}")
        part_of(lesson, name, Predict)
        given = await desk.compute(lesson.topic, name, {"guess": asked.guess})
        desk.learner.progress.add(
            Prediction(
                topic=lesson.topic,
                prediction=name,
                guess=asked.guess,
                truth=str(given["answer"]),
            )
        )
        return given

    @routes.post("/quiz/{name}")
    def quiz(phase: str, topic: str, name: str, asked: Choice) -> dict[str, Any]:
        lesson = found(desk, f"{phase}/{topic}")
        part = cast(Quiz, part_of(lesson, name, Quiz))
        if asked.choice >= len(part.choices):
            raise ValueError(f"the quiz {name[:60]!r} has {len(part.choices)} choices")
        right = part.choices[asked.choice].right
        desk.learner.progress.add(
            QuizAnswer(topic=lesson.topic, quiz=name, choice=asked.choice, right=right)
        )
        return {"right": right}

    @routes.post("/study")
    def study(phase: str, topic: str, spent: Reading) -> dict[str, Any]:
        lesson = found(desk, f"{phase}/{topic}")
        desk.learner.progress.add(Study(about=lesson.topic, minutes=spent.minutes))
        return {}

    return routes


def found(desk: Desk, topic: str) -> Lesson:
    """The lesson. Raises a 404 that says what is not there, ValueError where it has a fault."""
    if topic not in desk.course.topics:
        raise HTTPException(404, f"There is no topic {topic[:60]!r}.")
    about = desk.course.topics[topic]
    if about.lesson:
        return desk.lesson(topic)
    if not desk.course.is_written(topic):
        raise HTTPException(404, f"“{about.title}” has no lesson and no exercise yet.")
    return lesson_page.of_exercises_alone(about)


def part_of(lesson: Lesson, name: str, kind: type) -> object:
    """The part of this name and kind. Raises a 404."""
    for part in lesson.parts:
        if isinstance(part, kind) and getattr(part, "name", None) == name:
            return part
    raise HTTPException(404, f"The lesson has no {kind.__name__.lower()} {name[:60]!r}.")


def drawn(pages: Pages, given: Mapping[str, Any]) -> dict[str, Any]:
    """What was computed, its values as HTML."""
    if "values" in given:
        return {"html": pages.piece("values", values=given["values"])}
    if "lines" not in given:
        return dict(given)
    lines = [
        {
            "number": line["number"],
            "span": line["text"].count("\n") + 1,
            "values": [
                {"name": one["name"], "html": pages.piece("values", values=[one])}
                for one in line["values"]
            ],
        }
        for line in given["lines"]
    ]
    result = pages.piece("values", values=[given["result"]])
    return {"lines": lines, "result": result, "cut": given["cut"]}
