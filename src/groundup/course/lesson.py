"""A lesson, read from its topic's folder: `read("p04_transformer/attention")`.

`lesson.md` is Markdown with directives; `lesson_markdown` says which Markdown, `lesson_directives`
which directives, `lesson_parts` what becomes of them. Reading imports `figures.py` (a form is made
from a signature) and runs nothing; a lesson that has been read is kept until one of the topic's
files changes.
"""

import functools
from collections import Counter
from collections.abc import Iterator

from groundup.course import lesson_directives, lesson_files, lesson_markdown, syllabus
from groundup.course.lesson_markdown import WrongLesson
from groundup.course.lesson_parts import ExerciseCheck, Lesson, Part, Prose, Source


def topics() -> list[str]:
    """The topics that have a lesson, in the order of their folders."""
    found = sorted(lesson_files.TOPICS.glob("*/*/lesson.md"))
    return [path.parent.relative_to(lesson_files.TOPICS).as_posix() for path in found]


def read(topic: str) -> Lesson:
    """The lesson of a topic (`p04_transformer/attention`).

    Raises ValueError when there is no such topic, when it has no lesson yet, and, with file and
    line, when something in the lesson is not as it should be.
    """
    return _read(topic, lesson_files.stamp(topic))


@functools.lru_cache(maxsize=256)
def _read(topic: str, stamp: str) -> Lesson:
    path = lesson_files.folder(topic) / "lesson.md"
    if not path.is_file():
        raise ValueError(f"{topic} has no lesson yet; these have: {', '.join(topics()) or 'none'}")
    text = path.read_text(encoding="utf-8")
    try:
        parts = tuple(_parts(topic, text))
        headings = lesson_markdown.headings(text)
    except WrongLesson as problem:
        raise ValueError(f"{topic}/lesson.md, line {problem.line}: {problem}") from problem
    [about] = [one for one in syllabus.topics(lesson_files.TOPICS) if one.name == topic]
    return Lesson(
        topic=topic,
        title=about.title,
        minutes=about.minutes,
        prerequisites=about.prerequisites,
        headings=headings,
        parts=parts,
        stamp=stamp,
    )


def _parts(topic: str, text: str) -> Iterator[Part]:
    seen: Counter[str] = Counter()
    for piece in lesson_markdown.pieces(text):
        if isinstance(piece, str):
            yield Prose(html=piece)
            continue
        try:
            made = lesson_directives.part(topic, piece)
        except WrongLesson:
            raise
        except ValueError as problem:
            raise WrongLesson(piece.line, str(problem)) from problem
        seen[_name(made)] += not isinstance(made, Source)
        if seen[_name(made)] > 1:
            raise WrongLesson(piece.line, f"two parts are called {_name(made)!r}")
        yield made


def _name(part: Part) -> str:
    return part.exercise if isinstance(part, ExerciseCheck) else getattr(part, "name", "")


def find(name: str) -> str:
    """A topic with a lesson by its whole name or its last word (`attention`), if that is one's own.

    Raises ValueError when there is none, or several.
    """
    found = [one for one in topics() if name in (one, one.rpartition("/")[2])]
    if len(found) != 1:
        shown = ", ".join(found or topics()) or "none yet"
        what = "several lessons are" if found else "no lesson is"
        raise ValueError(f"{what} called {name[:60]!r}; choose from: {shown}")
    return found[0]
