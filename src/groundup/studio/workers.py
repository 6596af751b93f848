"""A few processes that compute what lessons show, each ended and replaced when it takes too long.

Nothing of a lesson runs in the studio's own process, so a picture that loops for ever, or takes all
memory, costs a message and some seconds. What was computed once is kept while its topic's files
stay as they are.
"""

import contextlib
import json
import queue
import subprocess
import sys
import threading
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from starlette.concurrency import run_in_threadpool

COMMAND = (sys.executable, "-P", "-m", "groundup.studio.part_worker")
_STARTS = 90.0
"""Seconds a process has for its imports."""
_KEPT = 400
"""Answers that are kept."""


class Workers:
    """Start, ask, close. Can be asked from several tasks and threads at once.

    `stamp`: another text when a topic's files are another; `seconds`: the longest a part may take.
    """

    def __init__(
        self,
        *,
        stamp: Callable[[str], str],
        count: int = 2,
        seconds: float = 10.0,
        command: Sequence[str] = COMMAND,
    ) -> None:
        self._stamp, self._seconds = stamp, seconds
        self._free: queue.LifoQueue[_Worker] = queue.LifoQueue()  # the one that is warm first
        self._all = [_Worker(command) for _ in range(count)]
        for worker in self._all:
            self._free.put(worker)
        self._kept: OrderedDict[str, dict[str, Any]] = OrderedDict()
        self._lock = threading.Lock()

    async def compute(
        self, topic: str, name: str, values: Mapping[str, Any] | None = None
    ) -> dict[str, Any]:
        """What the part shows. Raises ValueError in the words of who refused, or TimeoutError."""
        key = json.dumps([topic, name, values, self._stamp(topic)], sort_keys=True)
        with self._lock:
            if key in self._kept:
                self._kept.move_to_end(key)
                return self._kept[key]
        given = await run_in_threadpool(self._ask, topic, name, values)
        with self._lock:
            self._kept[key] = given
            while len(self._kept) > _KEPT:
                self._kept.popitem(last=False)
        return given

    def _ask(self, topic: str, name: str, values: Mapping[str, Any] | None) -> dict[str, Any]:
        worker = self._free.get()
        try:
            said = worker.ask(json.dumps([topic, name, values]), self._seconds)
        except TimeoutError:
            raise TimeoutError(
                f"{name} took more than {self._seconds:g} seconds and was ended"
            ) from None
        finally:
            self._free.put(worker)
        if "refused" in said:
            raise ValueError(said["refused"])
        if "broken" in said:
            raise ValueError(f"{name} of {topic} failed: {said['broken']}")
        given: dict[str, Any] = said["given"]
        return given

    def start(self) -> None:
        """Begin to load everything; returns at once."""
        for worker in self._all:
            worker.start()

    def close(self) -> None:
        """End all processes."""
        for worker in self._all:
            worker.end()


class _Worker:
    """One process, started when it is needed, and again after it was ended."""

    def __init__(self, command: Sequence[str]) -> None:
        self._command = list(command)
        self._process: subprocess.Popen[str] | None = None
        self._said: queue.Queue[str | None] = queue.Queue()
        self._is_ready = False

    def start(self) -> None:
        """Start the process, if there is none."""
        if self._process is not None:
            return
        self._said, self._is_ready = queue.Queue(), False
        self._process = subprocess.Popen(
            self._command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            encoding="utf-8",
            start_new_session=True,
        )
        threading.Thread(target=_listen, args=(self._process, self._said), daemon=True).start()

    def ask(self, line: str, seconds: float) -> dict[str, Any]:
        """The answer to a line. Raises TimeoutError when it is late, ValueError when it died."""
        self.start()
        assert self._process is not None, "it was started"
        assert self._process.stdin is not None, "it was opened with a pipe"
        try:
            if not self._is_ready:
                self._hear(_STARTS)
                self._is_ready = True
            self._process.stdin.write(line + "\n")
            self._process.stdin.flush()
            said = self._hear(seconds)
        except (TimeoutError, ValueError, OSError):
            self.end()
            raise
        if "broken" in said:
            self.end()
        return said

    def _hear(self, seconds: float) -> dict[str, Any]:
        try:
            line = self._said.get(timeout=seconds)
        except queue.Empty:
            raise TimeoutError from None
        if line is None:
            raise ValueError(
                "the process that computes this died, perhaps for want of memory; try again"
            )
        found: dict[str, Any] = json.loads(line)
        return found

    def end(self) -> None:
        """End the process and forget it."""
        process, self._process = self._process, None
        if process is None:
            return
        process.kill()
        with contextlib.suppress(OSError):
            if process.stdin:
                process.stdin.close()
        process.wait()
        if process.stdout:
            process.stdout.close()


def _listen(process: "subprocess.Popen[str]", said: "queue.Queue[str | None]") -> None:
    with contextlib.suppress(ValueError, OSError):  # it was ended, its pipe is closed
        for line in process.stdout or ():
            said.put(line)
    said.put(None)
