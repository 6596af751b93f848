"""Open the studio for one workspace, and serve it until Ctrl-C."""

import contextlib
import logging
import threading
from collections.abc import Callable
from pathlib import Path

from groundup.course import lesson, lesson_files
from groundup.course.grader import Grader
from groundup.course.progress import Progress
from groundup.studio import desk as desks
from groundup.studio import serving
from groundup.studio.app import create_app
from groundup.studio.desk import Desk, Workspace
from groundup.studio.learner import LocalLearner
from groundup.studio.workers import Workers

_log = logging.getLogger(__name__)


def run(
    workspace: Workspace,
    *,
    port: int = 0,
    open_browser: bool = True,
    say: Callable[[str], None] = _log.info,
    progress: Progress | None = None,
    runs: Path = Path("runs"),
) -> None:
    """Serve until Ctrl-C. `say` tells the person where; `port` 0 takes a free one.

    `progress`: where the facts are kept, if not in the person's data folder; `runs`: the folder of
    `groundup build`. Raises ValueError, in words, when the port cannot be had.
    """
    course, tasks = desks.read_course(), desks.read_tasks()
    learner = LocalLearner(
        progress or Progress(), steps=course.steps, exercises=list(tasks.values())
    )
    workers, grader = Workers(stamp=lesson_files.stamp), Grader()
    desk = Desk(
        course=course,
        tasks=tasks,
        lesson=lesson.read,
        compute=workers.compute,
        workspace=workspace,
        grader=grader,
        learner=learner,
        runs=runs.absolute(),
    )

    def load() -> None:
        """What takes seconds, while the person looks at the map."""
        workers.start()
        threading.Thread(target=_start, args=[grader], daemon=True).start()

    with contextlib.closing(workers), grader, contextlib.suppress(KeyboardInterrupt):
        serving.serve(
            lambda its: create_app(desk, its),
            port=port,
            open_browser=open_browser,
            say=say,
            ready=load,
        )


def _start(grader: Grader) -> None:
    with contextlib.suppress(OSError):  # the first check says it, on the page
        grader.start()
