"""Check a learner's file where it can do no harm, and say what was found.

    with Grader() as grader:
        result = grader.grade("attention", Path("attention.py"))

One process has NumPy, torch and the checks loaded and forks another for each run, so a run takes a
fraction of a second; where processes cannot be forked safely (macOS, Windows) each run is a fresh
process, which takes seconds. Limits, and what they are worth: `confinement`. An answer that loops
for ever, crashes, ends the process, prints what looks like a result or changes what it is judged by
does not pass; whoever sets out to deceive a program that runs their code on their own machine can,
and deceives only themselves.
"""

import contextlib
import hashlib
import json
import os
import queue
import secrets
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Generator, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

from groundup.course import catalogue, confinement
from groundup.course.catalogue import Entry
from groundup.course.checking import Outcome
from groundup.course.confinement import Limits
from groundup.course.exercise import Tier
from groundup.course.grader_child import Job, new_key
from groundup.course.verdict import Collector, Result

_LONGEST = 1 << 20
"""Bytes of a file that is checked."""
_PRINTED = 16_000
"""Characters of what an answer prints that are kept."""
_DEATHS = 2
"""After so many processes that died at a check, the checks that are left are not run."""
_LOSSES = 2
"""A server that somebody killed is started again so often."""
_STARTS = 90.0
"""Seconds the server, or a fresh process, has for its imports."""
Mode = Literal["fork", "fresh"]
OnOutcome = Callable[[Outcome], None]
Said = Generator[dict[str, Any], None, None]


class Grader:
    """Checks answers, several at once if asked from several threads. Close it when done."""

    def __init__(
        self, *, limits: Limits | None = None, mode: Mode | None = None, at_once: int | None = None
    ) -> None:
        can_fork = sys.platform.startswith("linux")
        self._limits = limits or Limits()
        self._mode = mode or ("fork" if can_fork else "fresh")
        self._turns = threading.BoundedSemaphore(at_once or 2 * (os.cpu_count() or 1) + 2)
        self._server = _Server()

    def __enter__(self) -> "Grader":
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def start(self) -> None:
        """Load everything now rather than at the first check."""
        if self._mode == "fork":
            self._server.start()

    def close(self) -> None:
        """End the server and what it runs. The grader may be used again."""
        self._server.close()

    def grade(
        self,
        exercise: str | Entry,
        file: Path,
        *,
        tier: Tier = "core",
        seed: int | None = None,
        on_outcome: OnOutcome = lambda outcome: None,
    ) -> Result:
        """Run a tier's checks on a file; `on_outcome` hears of each as it is done.

        Raises ValueError when there is no such exercise. Whatever is wrong with the file is in the
        result.
        """
        entry = catalogue.find(exercise) if isinstance(exercise, str) else exercise
        seed = secrets.randbelow(1 << 31) if seed is None else seed
        made = _Making(entry, file, tier, seed)
        text = made.read()
        if text is None:
            return made.result()
        job = Job(
            topic=entry.topic, exercise=entry.name, file=str(file.absolute()), text=text,
            tier=tier, seed=seed, key=new_key(), limits=self._limits,
        )  # fmt: skip
        with self._turns:
            self.start()  # its imports are no time of the answer's
            self._run(job, made, on_outcome)
        return made.result()

    def _run(self, job: Job, made: "_Making", on_outcome: OnOutcome) -> None:
        began = time.monotonic()
        collector = made.collector = Collector(job.key)
        deaths = losses = 0
        while not collector.is_done and deaths < _DEATHS and losses < _LOSSES:
            job = replace(job, first=len(collector.outcomes))
            said = self._server.send(job) if self._mode == "fork" else _fresh(job)
            with contextlib.closing(said):
                for outcome in made.take(said):
                    on_outcome(outcome)
            deaths, losses = deaths + made.is_ended, losses + (not made.is_ended)
        if not collector.is_done and losses == _LOSSES:
            collector.fail("the grader's server was killed each time; try again")
        made.seconds = time.monotonic() - began


class _Making:
    """A result in the making."""

    def __init__(self, entry: Entry, file: Path, tier: Tier, seed: int) -> None:
        self._entry, self._file, self._tier, self._seed = entry, file, tier, seed
        self._hash = ""
        self.collector = Collector("")
        self.seconds = 0.0
        self.is_ended = False
        """Whether the last process is known to have ended, and how."""
        self._output: list[str] = []

    def read(self) -> str | None:
        """The file's text; None when it has none, and then the result says why."""
        try:
            content = self._file.read_bytes()
            self._hash = hashlib.sha256(content).hexdigest()
            if len(content) > _LONGEST:
                raise ValueError(f"it has {len(content):,} bytes; {_LONGEST:,} are the most")
            return content.decode("utf-8-sig").replace("\r\n", "\n")
        except FileNotFoundError:
            self.collector.fail(f"there is no file {self._file}")
        except OSError as problem:
            self.collector.fail(f"{self._file} cannot be read: {problem.strerror}")
        except UnicodeDecodeError as problem:
            self.collector.fail(f"{self._file} is not text in UTF-8: {problem.reason}")
        except ValueError as problem:
            self.collector.fail(f"{self._file} cannot be checked: {problem}")
        return None

    def take(self, said: Said) -> Iterator[Outcome]:
        """What one process said."""
        self.is_ended = False
        self.collector.begin()
        for one in said:
            outcome = None
            if "line" in one:
                outcome = self.collector.take(one["line"].encode())
            elif "output" in one:
                self._print(one["output"], is_cut=one["is_cut"])
            elif "ended" in one:
                self.is_ended = True
                outcome = self.collector.ended(one["ended"])
            if outcome:
                yield outcome

    def _print(self, text: str, *, is_cut: bool) -> None:
        left = _PRINTED - sum(map(len, self._output))
        if left > 0:
            cut = "\n[more was printed]" if is_cut or len(text) > left else ""
            self._output.append(text[:left] + cut)

    def result(self) -> Result:
        """As far as it has come."""
        return Result(
            exercise=self._entry.name,
            version=self._entry.version,
            status=self.collector.status(),
            checks=self.collector.all_outcomes(),
            message=self.collector.message,
            line=self.collector.line,
            tier=self._tier,
            seed=self._seed,
            seconds=round(self.seconds, 4),
            output="".join(self._output),
            file=str(self._file),
            sha256=self._hash,
            kept=tuple(self.collector.kept),
        )


class _Server:
    """The process with everything loaded, started when it is first needed."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._control: socket.socket | None = None

    def start(self) -> socket.socket:
        """The connection to a server that runs."""
        with self._lock:
            if self._control is None or self._process is None or self._process.poll() is not None:
                self._stop()
                self._launch()
            assert self._control is not None, "a server that was launched has a connection"
            return self._control

    def _launch(self) -> None:
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs, tempfile.TemporaryFile() as errors:
            number = theirs.fileno()
            # -P: a file of the learner's named like a module of Python's must not be taken for it
            command = [sys.executable, "-P", "-m", "groundup.course.grader_server", str(number)]
            self._process = subprocess.Popen(
                command, pass_fds=[number], stdin=subprocess.DEVNULL, stdout=errors,
                stderr=errors, start_new_session=True,
            )  # fmt: skip
            theirs.close()
            ours.settimeout(_STARTS)
            try:
                is_ready = bool(ours.recv(64))
            except OSError:
                is_ready = False
            if not is_ready:
                self._process.kill()
                errors.seek(0)
                last = errors.read().decode(errors="replace").strip().splitlines()[-1:]
                ours.close()
                raise OSError(f"the grader's server did not start: {''.join(last) or 'no word'}")
        self._control = ours

    def send(self, job: Job) -> Said:
        """Have a job done; what is said, until the end. Ends without `ended` if the server does."""
        control = self.start()
        ours, theirs = socket.socketpair()
        with ours, theirs, contextlib.suppress(OSError):
            self._pass(control, theirs)
            ours.sendall(job.as_text().encode() + b"\n")
            with ours.makefile("r", encoding="utf-8") as lines:
                for line in lines:
                    yield (said := json.loads(line))
                    if "ended" in said:
                        return
        with contextlib.suppress(subprocess.TimeoutExpired, AttributeError):
            self._process.wait(1)  # type: ignore[union-attr] # so that `start` sees that it is gone

    def _pass(self, control: socket.socket, theirs: socket.socket) -> None:
        with self._lock:
            socket.send_fds(control, [b"job"], [theirs.fileno()])
        theirs.close()

    def close(self) -> None:
        """End it."""
        with self._lock:
            self._stop()

    def _stop(self) -> None:
        if self._control:
            self._control.close()
        if self._process:
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(5)
            self._process.kill()
            self._process.wait()
        self._control = self._process = None


def _fresh(job: Job) -> Said:
    """A process of its own for one run, where none can be forked."""
    command = [sys.executable, "-P", "-m", "groundup.course.grader_child"]
    said: queue.Queue[dict[str, Any] | None] = queue.Queue()
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        start_new_session=True,
    ) as process:  # fmt: skip
        readers = [
            threading.Thread(target=_hand_on, args=(process, name, said), daemon=True)
            for name in ("stdout", "stderr")
        ]
        for reader in readers:
            reader.start()
        try:
            _give(process, job)
            yield from _until_done(process, job.limits, said)
        finally:
            confinement.kill_group(process.pid)
            process.kill()
            for reader in readers:
                reader.join(5)


def _give(process: "subprocess.Popen[bytes]", job: Job) -> None:
    assert process.stdin is not None, "it was opened with a pipe"
    with contextlib.suppress(BrokenPipeError), process.stdin as pipe:
        pipe.write(job.as_text().encode() + b"\n")


def _hand_on(
    process: "subprocess.Popen[bytes]", name: str, said: "queue.Queue[dict[str, Any] | None]"
) -> None:
    stream, left = getattr(process, name), _PRINTED
    for line in stream:
        if name == "stdout":
            said.put({"line": line.decode(errors="replace").rstrip("\n")})
        elif left > 0:
            kept = line[:left]
            left -= len(kept)
            output = kept.decode(errors="replace")
            said.put({"output": output, "is_cut": len(kept) < len(line) or not left})
    said.put(None)


def _until_done(
    process: "subprocess.Popen[bytes]",
    limits: Limits,
    said: "queue.Queue[dict[str, Any] | None]",
) -> Said:
    until, patience, open_streams = time.monotonic() + limits.total + _STARTS, _STARTS, 2
    while open_streams:
        try:
            one = said.get(timeout=max(0.0, min(patience, until - time.monotonic())))
        except queue.Empty:
            yield {"ended": f"it took more than {min(patience, limits.total):.0f} s"}
            return
        if one is None:
            open_streams -= 1
        else:
            patience = limits.patience
            yield one
    code = process.wait()
    how = f"signal {-code} ended it" if code < 0 else f"it ended the process (exit code {code})"
    yield {"ended": how}
