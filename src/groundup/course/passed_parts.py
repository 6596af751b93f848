"""The parts of a workspace that may run in the pipeline: those that pass their checks now.

A pass of last week says nothing about the file of today, so each file is checked again, and what is
loaded is the very text that was checked.
"""

from collections.abc import Callable

from groundup import swap
from groundup.course import catalogue
from groundup.course.catalogue import Entry
from groundup.course.grader import Grader
from groundup.course.workspace import Workspace
from groundup.swap import Replacement


def find(
    workspace: Workspace, grader: Grader, *, say: Callable[[str], None] = lambda line: None
) -> list[Replacement]:
    """Every replaceable part that was written and passes its core checks, in the course's order.

    `say` hears what becomes of each. Raises ValueError when there is none.
    """
    written = [one for one in catalogue.entries() if workspace.state(one) == "written"]
    found = [part for one in written if (part := _checked(one, workspace, grader, say))]
    if not found:
        raise ValueError(
            f"no part of {workspace.folder} that the pipeline can use passes its checks; "
            "`groundup learn check --all` says what they miss"
        )
    return found


def _checked(
    entry: Entry, workspace: Workspace, grader: Grader, say: Callable[[str], None]
) -> Replacement | None:
    part = entry.of.removeprefix("groundup.")
    if not swap.is_replaceable(part):
        return None
    path = workspace.path(entry)
    result = grader.grade(entry, path)
    if not result.is_passed:
        say(f"{entry.name}: {result.status}; the library's own {part} runs")
        return None
    replacement = swap.load(f"{part}={path}")
    if replacement.sha256 != result.sha256:
        raise ValueError(f"{path} was changed while it was checked; build again")
    return replacement
