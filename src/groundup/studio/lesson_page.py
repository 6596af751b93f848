"""What a lesson's page needs beside the lesson: where it stands, its exercises, what comes next."""

from collections.abc import Mapping
from typing import Any

from groundup.course.catalog import phase_of
from groundup.course.lesson_parts import ExerciseCheck, Lesson
from groundup.course.syllabus import Topic
from groundup.studio.bench import Bench
from groundup.studio.desk import Desk
from groundup.studio.map_view import Index, Reached


def view(desk: Desk, bench: Bench, lesson: Lesson) -> dict[str, Any]:
    """Names for the template."""
    reached = desk.learner.reached()
    boxes = {
        entry.name: bench.box(entry)
        for entry in desk.tasks.values()
        if entry.topic == lesson.topic or entry.name in _named(lesson)
    }
    before, after = neighbours(desk.course, lesson.topic)
    phase = phase_of(lesson.topic)
    return {
        "lesson": lesson,
        "kinds": {type(part).__name__ for part in lesson.parts},
        "boxes": boxes,
        "left_over": [box for name, box in boxes.items() if name not in _named(lesson)],
        "needs": _needs(desk.course, lesson.topic, reached),
        "phase": phase,
        "phase_title": desk.course.phases.get(phase, ""),
        "before": before,
        "after": after,
    }


def of_exercises_alone(topic: Topic) -> Lesson:
    """The page of a topic whose lesson is not written yet."""
    return Lesson(
        topic=topic.name,
        title=topic.title,
        minutes=topic.minutes,
        prerequisites=topic.prerequisites,
        headings=(),
        parts=(),
        stamp="",
    )


def _named(lesson: Lesson) -> list[str]:
    """The exercises that stand in the lesson."""
    return [part.exercise for part in lesson.parts if isinstance(part, ExerciseCheck)]


def _needs(course: Index, topic: str, reached: Reached) -> Mapping[str, str]:
    """Topics that are written, needed and not passed: their titles by name."""
    return {
        name: course.topics[name].title
        for name in course.topics[topic].prerequisites
        if course.is_written(name) and name not in reached.mastered
    }


def neighbours(course: Index, topic: str) -> tuple[Any, Any]:
    """The topics before and after it in the course's order, of those that have a lesson."""
    names = [step.name for step in course.steps if _has_lesson(course, step.name)]
    if topic not in names:
        return None, None
    place = names.index(topic)
    before = course.topics[names[place - 1]] if place else None
    after = course.topics[names[place + 1]] if place + 1 < len(names) else None
    return before, after


def _has_lesson(course: Index, name: str) -> bool:
    return name in course.topics and bool(course.topics[name].lesson)
