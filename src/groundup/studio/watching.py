"""Notice that an answer was saved in another editor, check it, and tell every page that shows it.

Each exercise that some page shows is looked at a few times a second (one `stat`). What a page
itself saves is announced by that page, so nothing is checked twice.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from groundup.studio import answer_file

EVERY = 0.15
"""Seconds between two looks."""
BEAT = 15.0
"""Seconds after which a silent stream says that it is still there."""
Event = tuple[str, dict[str, Any]]
"""Its name and its data."""
_END: Event = ("end", {})
_MOST_WAITING = 100


@dataclass(kw_only=True)
class _Watched:
    path: Path
    stamp: str
    listeners: set["asyncio.Queue[Event]"] = field(default_factory=set)
    task: "asyncio.Task[None] | None" = None


class Watch:
    """Who looks at which exercise, and what they are told.

    `changed(name)` is awaited when a file was changed by another program.
    """

    def __init__(self, changed: Callable[[str], Awaitable[None]]) -> None:
        self._changed = changed
        self._watched: dict[str, _Watched] = {}

    def knows(self, name: str, stamp: str) -> None:
        """The studio itself wrote this text."""
        if name in self._watched:
            self._watched[name].stamp = stamp

    def tell(self, name: str, event: str, data: dict[str, Any]) -> None:
        """Every page that shows the exercise. One that does not read misses it."""
        for queue in self._watched[name].listeners if name in self._watched else ():
            with contextlib.suppress(asyncio.QueueFull):
                queue.put_nowait((event, data))

    def end(self) -> None:
        """All streams end; the studio closes. From the loop that runs them."""
        for name in self._watched:
            self.tell(name, *_END)

    async def events(self, name: str, path: Path) -> AsyncIterator[Event | None]:
        """What happens to an exercise, until the reader leaves; None: nothing for a while."""
        queue: asyncio.Queue[Event] = asyncio.Queue(_MOST_WAITING)
        watched = self._watched.get(name)
        if watched is None:
            watched = self._watched[name] = _Watched(path=path, stamp=_stamp(path))
            watched.task = asyncio.create_task(self._look(name, watched))
        watched.listeners.add(queue)
        try:
            yield None  # the page is told that we listen
            while True:
                try:
                    event = await asyncio.wait_for(queue.get(), BEAT)
                except TimeoutError:
                    yield None
                    continue
                if event == _END:
                    return
                yield event
        finally:
            watched.listeners.discard(queue)
            if not watched.listeners and watched.task is not None:
                watched.task.cancel()
                self._watched.pop(name, None)

    async def _look(self, name: str, watched: _Watched) -> None:
        seen = answer_file.mark(watched.path)
        while True:
            await asyncio.sleep(EVERY)
            now = answer_file.mark(watched.path)
            if now == seen:
                continue
            while now != (later := await self._later(watched.path)):
                now = later  # it is still being written
            seen = now
            stamp = _stamp(watched.path)
            if stamp != watched.stamp:
                watched.stamp = stamp
                await self._changed(name)

    async def _later(self, path: Path) -> tuple[int, int, int] | None:
        await asyncio.sleep(0.03)
        return answer_file.mark(path)


def _stamp(path: Path) -> str:
    """Of the file's text; empty where it has none that can be read."""
    try:
        saved = answer_file.read(path)
    except (ValueError, OSError):
        return ""
    return saved.stamp if saved else ""
