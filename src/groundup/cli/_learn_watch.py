"""Check the current exercise whenever you save it, and go on to the next when it passes.

groundup learn watch
groundup learn watch attention

Leave it running beside your editor; Ctrl-C ends it. `groundup learn next NAME` in another terminal
makes it go there.
"""

import hashlib
import importlib.util
from collections.abc import Iterator
from pathlib import Path

from groundup.cli import _learning, _verdict_text
from groundup.cli._learning import Desk
from groundup.course.catalogue import Entry
from groundup.course.grader import Grader

_DEBOUNCE, _STEP, _LOOK = 100, 25, 1000
"""Milliseconds: to wait for an editor's last write, to gather, and between looks at the rest."""


def run(arguments: list[str]) -> int:
    """Watch until Ctrl-C, or until everything is passed."""
    parser = _learning.parser("watch", __doc__)
    parser.add_argument("name", nargs="?", metavar="NAME", help="the exercise to begin with")
    options = _learning.parsed(parser, arguments)
    if importlib.util.find_spec("watchfiles") is None:
        raise ValueError("watchfiles is not installed; pip install 'groundup[learn]'")
    desk = _learning.opened(options)
    if options.name is not None:
        desk.choose(desk.named(options.name))
    with Grader() as grader:
        _say(f"watching {desk.workspace.folder}; Ctrl-C ends it")
        grader.start()
        return _watch(_Watcher(desk, grader))


def _watch(watcher: "_Watcher") -> int:
    for _ in _ticks(watcher.desk.workspace.folder):
        if not watcher.look():
            _say("every exercise is passed; `groundup learn project` has what to build with them")
            return 0
    return 0


def _ticks(folder: Path) -> Iterator[None]:
    """Once at the start, at every save below the folder, and about every second."""
    from watchfiles import watch

    yield
    changes = watch(
        folder, debounce=_DEBOUNCE, step=_STEP, rust_timeout=_LOOK, yield_on_timeout=True
    )
    for _ in changes:
        if not folder.is_dir():
            raise ValueError(
                f"{folder} is gone; if you moved it, go there and watch again, and if you deleted "
                f"it, `groundup learn start {folder}` makes it anew"
            )
        yield


class _Watcher:
    """What was checked last."""

    def __init__(self, desk: Desk, grader: Grader) -> None:
        self.desk = desk
        self._grader = grader
        self._entry: Entry | None = None
        self._hash = ""

    def look(self) -> bool:
        """Check what is current if it is new; False when nothing is left to do."""
        entry = self.desk.current()
        if entry is None:
            return False
        if entry != self._entry:
            self._entry, self._hash = entry, ""
            _say(f"\n{entry.name}: {entry.title} (about {entry.minutes} minutes)")
            _say(str(self.desk.workspace.path(entry)))
        found = _hash(self.desk.workspace.path(entry))
        if found == self._hash:
            return True
        self._hash = found
        return self._check(entry)

    def _check(self, entry: Entry) -> bool:
        result = self._grader.grade(entry, self.desk.workspace.path(entry))
        self.desk.keep(entry, result)
        _say(_verdict_text.text_of(result))
        if not result.is_passed:
            return True
        _say(_verdict_text.what_next(result))
        return self.look()


def _hash(path: Path) -> str:
    """Of what is there; a file that is gone is another one than before."""
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError:
        return "gone"


def _say(line: str) -> None:
    print(line, flush=True)
