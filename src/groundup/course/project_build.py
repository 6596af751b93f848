"""A build of the pipeline as a step of a project, on the learner's parts or on the library's."""

import contextlib
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

from groundup.course.project import Work
from groundup.pipeline.build import build

_MARK = "parts.sha256"


def built(work: Work, config: Any, *, own: bool) -> Path:
    """Build into `own/` or `reference/` of the run's folder, and say where that is.

    What is up to date is not done again. `own/` begins anew when any file of the learner's has
    changed: the pipeline's records know functions, and a project has classes too.
    """
    name = "own" if own else "reference"
    folder, mark = work.folder / name, work.folder / name / _MARK
    if own and not (mark.is_file() and mark.read_text(encoding="utf-8") == work.digest):
        if folder.exists():
            shutil.rmtree(folder)
        folder.mkdir(parents=True)
        mark.write_text(work.digest, encoding="utf-8")
    with work.own() if own else contextlib.nullcontext():
        uses = work.uses if own else ()
        return build(replace(config, name=name), work.folder, uses=uses, progress=work.progress)
