"""A process that has NumPy, torch and the checks loaded, and forks one for each answer.

    grader (yours) --job--> server --fork--> warden --fork--> child (runs the answer)

The server never runs a learner's code and does one thing at a time: take a job's connection, import
the topic's checks if they are new, fork. The warden gives its child a network and process numbers
of its own where that is allowed, hands on what it reports and prints, and kills it and all it
started when it takes too long or too much, or when nobody listens any more.
"""

import contextlib
import gc
import json
import os
import selectors
import signal
import socket
import sys
import time
import traceback
from collections.abc import Callable

from groundup.course import confinement, grader_child, sealing
from groundup.course.confinement import Limits
from groundup.course.exercise import Exercise
from groundup.course.grader_child import Job, Seals

READY = b"ready"
_TICK = 0.05
_LOOK = 0.25
"""Seconds between two looks at what a run uses."""
_PRINTED = 16_000
"""Bytes of what an answer prints that are kept."""
_REPORTED = 4 << 20
"""Bytes that a report may have."""
_SIGNALS = {
    signal.SIGXCPU: "it computed for too long (does a loop end?)",
    signal.SIGSEGV: "Python crashed (segmentation fault)",
    signal.SIGKILL: "the system killed it (out of memory, or too long)",
    signal.SIGBUS: "Python crashed (bus error)",
    signal.SIGABRT: "Python was aborted",
}


def serve(control: socket.socket) -> None:
    """Take jobs until the other end is closed."""
    grader_child.prepare()
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # wardens need not be waited for
    sealed = _Sealed()
    control.send(READY)
    while True:
        message, files, _, _ = socket.recv_fds(control, 64, 1)
        if not message:
            return
        with socket.socket(fileno=files[0]) as link:
            link.settimeout(10)
            _begin(link, control, sealed)


class _Sealed:
    """The seals, made again when there are more modules."""

    def __init__(self) -> None:
        self._count, self._whole = 0, sealing.Seal([])
        self._near: dict[str, sealing.Seal] = {}

    def now(self, exercise: Exercise) -> Seals:
        if len(sys.modules) != self._count:
            self._count, self._whole = len(sys.modules), sealing.whole()
            self._near.clear()
        if exercise.name not in self._near:
            self._near[exercise.name] = grader_child.near_seal(exercise)
            gc.collect()
            gc.freeze()  # a collection in a child need not touch, and so copy, what is shared
        return self._whole, self._near[exercise.name]


def _begin(link: socket.socket, control: socket.socket, sealed: _Sealed) -> None:
    """Read a job, fork its warden."""
    try:
        job = Job.read(link.makefile("r", encoding="utf-8").readline())
        exercise = grader_child.find(job)
    except (ValueError, TypeError, OSError, ImportError) as problem:
        tell(link, {"ended": f"the course cannot run it: {problem}"})
        return
    seals = sealed.now(exercise)
    if os.fork() == 0:
        code = 1
        try:
            control.close()
            link.settimeout(None)
            _Warden(job, exercise, seals, link).watch()
            code = 0
        except Exception as problem:
            tell(link, {"ended": f"the grader itself failed: {type(problem).__name__}: {problem}"})
            raise
        finally:
            os._exit(code)


def tell(link: socket.socket, said: dict[str, object]) -> None:
    """A line of JSON."""
    link.sendall(json.dumps(said).encode() + b"\n")


class _Warden:
    """Starts one child, and ends it."""

    def __init__(self, job: Job, exercise: Exercise, seals: Seals, link: socket.socket) -> None:
        self._limits, self._link = job.limits, link
        confinement.die_with_parent()
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        kept = confinement.isolate()
        report, report_in = os.pipe()
        prints, prints_in = os.pipe()
        self._report, self._prints = report, prints
        self._left = {report: _REPORTED, prints: _PRINTED}
        self._half = b""
        self._child = os.fork()
        if self._child == 0:
            _become_child(
                lambda pipe: _check(pipe, job, exercise, seals, kept), report_in, prints_in
            )
        os.close(report_in)
        os.close(prints_in)

    def watch(self) -> None:
        """Hand on what comes until the child is gone; then say how it went."""
        try:
            how = self._pump()
        finally:
            confinement.kill_group(self._child)
        tell(self._link, {"ended": how})

    def _pump(self) -> str:
        began = heard = looked = time.monotonic()
        with selectors.DefaultSelector() as ready:
            for source in (self._report, self._prints, self._link):
                ready.register(source, selectors.EVENT_READ)
            while True:
                for key, _ in ready.select(_TICK):
                    if key.fileobj is self._link:
                        return "nobody listens any more"
                    if not self._hand_on(key.fd):
                        ready.unregister(key.fileobj)
                    elif key.fd == self._report:
                        heard = time.monotonic()
                if (how := self._end()) is not None:
                    return how
                now = time.monotonic()
                if now - heard > self._limits.patience or now - began > self._limits.total:
                    return f"it took more than {min(now - heard, self._limits.total):.0f} s"
                if now - looked > _LOOK:
                    looked = now
                    if excess := _excess(self._child, self._limits):
                        return excess

    def _hand_on(self, source: int) -> bool:
        """Some of what came; False at its end."""
        came = os.read(source, 65536)
        kept = came[: self._left[source]]
        self._left[source] -= len(kept)
        if source == self._prints and kept:
            said = {"output": kept.decode(errors="replace"), "is_cut": len(kept) < len(came)}
            tell(self._link, said)
        if source == self._report:
            *lines, self._half = (self._half + kept).split(b"\n")
            if not came and self._half:
                lines.append(self._half)
            for line in lines:
                tell(self._link, {"line": line.decode(errors="replace")})
        return bool(came)

    def _end(self) -> str | None:
        """How the child ended, when it has; all it wrote is handed on."""
        child, status = os.waitpid(self._child, os.WNOHANG)
        if child == 0:
            return None
        for source in (self._report, self._prints):
            os.set_blocking(source, False)
            with contextlib.suppress(BlockingIOError):  # one that it started holds the other end
                while self._hand_on(source):
                    continue
        return said_of(status)


def said_of(status: int) -> str:
    """A wait status in words."""
    if os.WIFSIGNALED(status):
        number = os.WTERMSIG(status)
        return _SIGNALS.get(signal.Signals(number), f"signal {number} ended it")
    code = os.waitstatus_to_exitcode(status)
    return f"it ended the process (exit code {code}) before the check was done"


def _excess(child: int, limits: Limits) -> str:
    threads, held = confinement.used_by(child)
    if threads > limits.processes:
        return f"it started more than {limits.processes} processes or threads"
    if held > limits.memory + (1 << 30):
        return f"it took more than {limits.memory >> 20} MiB of memory"
    return ""


def _become_child(work: Callable[[int], None], report: int, prints: int) -> None:
    """In the new process: a session, files and streams of its own; never returns."""
    code = 1
    try:
        confinement.die_with_parent()
        os.setsid()
        confinement.bring_up_loopback()
        nothing = os.open(os.devnull, os.O_RDONLY)
        for source, target in ((nothing, 0), (prints, 1), (prints, 2)):
            os.dup2(source, target)
        own = os.dup2(report, 3)
        os.closerange(4, os.sysconf("SC_OPEN_MAX") if hasattr(os, "sysconf") else 4096)
        work(own)
        code = 0
    except BaseException:
        traceback.print_exc()  # among what the answer prints
        raise
    finally:
        os._exit(code)


def _check(pipe: int, job: Job, exercise: Exercise, seals: Seals, kept: list[str]) -> None:
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(line_buffering=True)  # type: ignore[union-attr]
    report = grader_child.report_to(pipe, job.key)
    grader_child.run(job, exercise, report, seals=seals, kept=kept)


def main() -> int:
    """The server's process; its connection is the file of the number it is given."""
    with socket.socket(fileno=int(sys.argv[1])) as control:
        serve(control)
    return 0


if __name__ == "__main__":
    sys.exit(main())
