"""Workspaces of the library's own solutions, for tests that spoil one of them."""

from groundup.course import catalogue, stub
from groundup.course.exercise import Exercise


def solutions(project, folder):
    """Write a solution for each part of a project into the folder; the files by part."""
    folder.mkdir(parents=True, exist_ok=True)
    entries = {one.of.removeprefix("groundup."): one for one in catalogue.entries()}
    files = {}
    for part in project.parts:
        entry = entries.get(part.of)
        given = Exercise(
            entry.name if entry else part.name.lower(),
            of=f"groundup.{part.of}",
            title="A part",
            minutes=1,
            hints=("", "", ""),
            methods=entry.methods if entry else part.methods,
        )
        files[part.of] = folder / f"{given.name}.py"
        files[part.of].write_text(stub.solution(given), encoding="utf-8")
    return files


def spoil(file, right, wrong):
    """Make a mistake in a file."""
    text = file.read_text(encoding="utf-8")
    assert right in text, f"{file.name} has no {right!r}"
    file.write_text(text.replace(right, wrong), encoding="utf-8")
