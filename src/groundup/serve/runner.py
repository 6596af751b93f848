"""The engine in a thread of its own, and the bridge from the event loop to it and back.

An engine is no friend of threads: only its own thread touches it. Tasks of the event loop post
commands (submit, cancel), which are carried out between two steps; after each step one call
back into the event loop hands every new delta to the request that waits for it. A request is a
`Flight` of one or more sequences.

When a step fails, the engine is done for: every flight ends with the error, and the runner takes no
more. That is what /health then reports.
"""

import asyncio
import itertools
import logging
import queue
import time
from collections.abc import AsyncIterator, Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Protocol

from groundup.inference.request import Delta, FinishReason, Request
from groundup.inference.scheduler import QueueFull
from groundup.serve.errors import ApiError
from groundup.serve.observer import Asked, Life, Observer, Silent

_LOG = logging.getLogger(__name__)
_NUMBERS = itertools.count(1)
Command = Callable[[], None]


class Engine(Protocol):
    """What the runner needs of `groundup.inference.engine.Engine`."""

    def submit(self, request: Request) -> int:
        """Take a sequence; its id. Raises ValueError, or `QueueFull` when the queue is full."""
        ...

    def cancel(self, request_id: int) -> None:
        """Drop a sequence at once."""
        ...

    def step(self) -> list[Delta]:
        """One step of all running sequences."""
        ...

    def has_work(self) -> bool:
        """Whether a step would do anything."""
        ...

    def stats(self) -> Any:
        """Plain numbers."""
        ...

    def submit_embeddings(self, prompts: Sequence[Sequence[int]]) -> Sequence[int]:
        """Take texts whose vectors are wanted; an id for each. Raises as `submit`."""
        ...


class Flight:
    """The sequences of one request under way; iterate over it for (index, delta).

    The index says which of the submitted requests a delta belongs to. Iteration ends when all of
    them have ended, and raises ApiError when the engine failed. Whoever stops early must `cancel`.
    """

    def __init__(
        self,
        lives: Sequence[Life],
        prompts: Sequence[Sequence[int]],
        cancel: Callable[["Flight"], None],
        ended: Callable[["Flight"], None],
    ) -> None:
        """`cancel` is to stop it; `ended` is told once, when nothing of it runs any more."""
        self.lives = tuple(lives)
        self._prompts = tuple(map(tuple, prompts))
        self.ended = ended
        self.ids: list[int] = []  # touched by the engine's thread only
        self._cancel = cancel
        self._arrived: asyncio.Queue[tuple[int, Delta] | ApiError] = asyncio.Queue()
        self._open = len(self.lives)

    def push(self, index: int, delta: Delta) -> None:
        """A delta came."""
        self._arrived.put_nowait((index, delta))

    def fail(self, problem: ApiError) -> None:
        """Nothing more will come."""
        self._arrived.put_nowait(problem)

    @property
    def used(self) -> int:
        """Tokens that were read and made for it; a prompt of several answers counts once."""
        lives = zip(self._prompts, self.lives, strict=True)
        read = {prompt for prompt, life in lives if life.scheduled_at}
        return sum(map(len, read)) + sum(life.generated_tokens for life in self.lives)

    def cancel(self) -> None:
        """Stop what is still running; harmless when nothing is."""
        self._cancel(self)

    async def __aiter__(self) -> AsyncIterator[tuple[int, Delta]]:
        """The deltas in the order they came."""
        while self._open:
            item = await self._arrived.get()
            if isinstance(item, ApiError):
                raise item
            self._open -= item[1].finish_reason is not None
            yield item


@dataclass(kw_only=True)
class _Place:
    """Where the deltas of one of the engine's ids go."""

    flight: Flight
    index: int

    @property
    def life(self) -> Life:
        return self.flight.lives[self.index]


class EngineRunner:
    """Runs one engine. `start` and the async methods belong to one event loop."""

    def __init__(
        self,
        engine: Engine,
        *,
        name: str = "model",
        observer: Observer | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`name`: what clients call the model; `clock`: seconds."""
        self.name = name
        self.observer = observer or Silent()
        self.failure: BaseException | None = None
        self._engine = engine
        self._clock = clock
        self._commands: queue.SimpleQueue[Command | None] = queue.SimpleQueue()
        self._places: dict[int, _Place] = {}  # touched by the event loop only, as all below
        self._flights: set[Flight] = set()
        self._waiting: set[asyncio.Future[None]] = set()
        self._stats = engine.stats()
        self._executor = ThreadPoolExecutor(1, thread_name_prefix=f"engine {name}")
        self._loop: asyncio.AbstractEventLoop | None = None
        self._ended: Future[None] | None = None

    # The event loop's side

    def start(self) -> None:
        """Begin, in the running event loop."""
        assert self._loop is None, "a runner starts once"
        self._loop = asyncio.get_running_loop()
        self._ended = self._executor.submit(self._run)
        self._ended.add_done_callback(self._notice_end)

    @property
    def is_healthy(self) -> bool:
        """Whether it takes requests: it was started, was not closed, and no step failed."""
        return self.failure is None and self._ended is not None and not self._ended.done()

    @property
    def in_flight(self) -> int:
        """Requests under way."""
        return len(self._flights)

    def stats(self) -> Any:
        """The engine's `EngineStats` after its latest step or command; from any thread."""
        return self._stats

    async def submit(
        self,
        requests: Sequence[Request],
        asked: Asked,
        ended: Callable[[Flight], None] = lambda flight: None,
    ) -> Flight:
        """Hand a request's sequences to the engine: all of them, or none.

        `ended` is told exactly once, also when this raises. Raises ApiError: 400 if the engine
        cannot take one of them, 429 if it has no room, 500 if it failed before.
        """
        lives = [self._life(asked, len(request.prompt), request.max_tokens) for request in requests]
        prompts = [request.prompt for request in requests]
        flight = Flight(lives, prompts, self._cancel, ended)
        return await self._begun(flight, lambda: self._submit(flight, requests))

    async def submit_embeddings(
        self,
        prompts: Sequence[Sequence[int]],
        asked: Asked,
        ended: Callable[[Flight], None] = lambda flight: None,
    ) -> Flight:
        """The same of texts whose vectors are wanted: each one's only delta has its vector."""
        lives = [self._life(asked, len(prompt), 0) for prompt in prompts]
        flight = Flight(lives, prompts, self._cancel, ended)
        return await self._begun(flight, lambda: self._submit_embeddings(flight, prompts))

    def cancel_all(self) -> None:
        """Stop every request that is under way."""
        for flight in tuple(self._flights):
            flight.cancel()

    def close(self) -> None:
        """End the thread after the step it is in; who still waits is told so."""
        self._commands.put(None)
        self._executor.shutdown(wait=True)
        self._end_all("cancelled", ApiError(503, "the server is stopping", code="stopping"))

    async def _begun(self, flight: Flight, command: Command) -> Flight:
        """The flight, when the command has handed it to the engine."""
        self._flights.add(flight)
        if not self.is_healthy:
            self._drop(flight)
            raise self._failed()
        try:
            await self._post(command)
        except asyncio.CancelledError:
            self._cancel(flight)
            raise
        except ApiError:
            self._drop(flight)
            raise
        return flight

    def _life(self, asked: Asked, prompt_tokens: int, max_tokens: int) -> Life:
        return Life(
            asked=asked,
            number=next(_NUMBERS),
            prompt_tokens=prompt_tokens,
            max_tokens=max_tokens,
            submitted_at=self._clock(),
        )

    def _drop(self, flight: Flight) -> None:
        """Nothing of it runs any more."""
        if flight in self._flights:
            self._flights.discard(flight)
            flight.ended(flight)

    def _failed(self) -> ApiError:
        return ApiError(500, f"the engine of {self.name} failed", code="engine_failed")

    def _cancel(self, flight: Flight) -> None:
        if flight in self._flights:
            self._commands.put(lambda: self._cancel_ids(flight))

    def _post(self, command: Command) -> "asyncio.Future[None]":
        """Have the engine's thread carry out a command; a future of its end.

        One whose caller has left is passed over.
        """
        assert self._loop is not None, "a runner is started before it is used"
        done = self._loop.create_future()
        self._waiting.add(done)
        done.add_done_callback(self._waiting.discard)

        def carry_out() -> None:
            if done.cancelled():
                return
            problem = None
            try:
                command()
            except ApiError as refusal:
                problem = refusal
            self._call_back(_settle, done, problem)

        self._commands.put(carry_out)
        return done

    def _begin(self, flight: Flight, ids: Sequence[int]) -> None:
        for index, request_id in enumerate(ids):
            self._places[request_id] = _Place(flight=flight, index=index)
            self.observer.started(flight.lives[index])

    def _deliver(self, deltas: Sequence[Delta], began: float, ended: float, stats: Any) -> None:
        for delta in deltas:
            if (place := self._places.get(delta.request_id)) is not None:
                self._note(place.life, delta, began, ended)
                place.flight.push(place.index, delta)
                if delta.finish_reason is not None:
                    self._finish(delta.request_id, delta.finish_reason, ended)
        self.observer.stepped(self.name, stats, ended - began)

    def _note(self, life: Life, delta: Delta, began: float, now: float) -> None:
        """Fill in what the delta tells, and tell the observer."""
        if life.scheduled_at is None:
            life.scheduled_at = began
            life.cached_tokens = delta.cached_tokens
        if not delta.tokens:
            return
        before = life.last_at
        life.last_at = now
        life.generated_tokens += len(delta.tokens)
        if before is None:
            life.first_at = now
            self.observer.first_token(life)
        else:
            self.observer.tokens(life, len(delta.tokens), now - before)

    def _finish(
        self, request_id: int, reason: FinishReason, now: float, told: ApiError | None = None
    ) -> None:
        place = self._places.pop(request_id)
        place.life.finished_at = now
        place.life.finish_reason = reason
        self.observer.finished(place.life)
        if told is not None:
            place.flight.fail(told)
        if all(life.finish_reason is not None for life in place.flight.lives):
            self._drop(place.flight)

    def _cancelled(self, flight: Flight, ids: Sequence[int]) -> None:
        for request_id in ids:
            if place := self._places.get(request_id):
                flight.push(place.index, Delta(request_id=request_id, finish_reason="cancelled"))
                self._finish(request_id, "cancelled", self._clock())
        self._drop(flight)

    def _notice_end(self, ended: "Future[None]") -> None:
        """In the engine's thread, when it ends: of itself after `close`, or by an error."""
        assert self._loop is not None, "the thread ends after it was started"
        problem = ended.exception()
        if problem is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._fail_all, problem)

    def _fail_all(self, problem: BaseException) -> None:
        self.failure = problem
        _LOG.error("the engine of %s failed", self.name, exc_info=problem)
        self._end_all("error", self._failed())

    def _end_all(self, reason: FinishReason, problem: ApiError) -> None:
        for request_id in list(self._places):
            self._finish(request_id, reason, self._clock(), told=problem)
        for done in tuple(self._waiting):
            _settle(done, problem)
        for flight in tuple(self._flights):
            self._drop(flight)

    # The engine's thread

    def _run(self) -> None:
        while self._carry_out_commands():
            if self._engine.has_work():
                began = self._clock()
                deltas = self._engine.step()
                self._call_back(self._deliver, deltas, began, self._clock(), self._engine.stats())

    def _carry_out_commands(self) -> bool:
        """All commands there are, waiting for one if the engine has nothing to do; False to end."""
        wait = not self._engine.has_work()
        while True:
            try:
                command = self._commands.get(block=wait)
            except queue.Empty:
                return True
            if command is None:
                return False
            command()
            wait = False

    def _submit(self, flight: Flight, requests: Sequence[Request]) -> None:
        try:
            for request in requests:
                flight.ids.append(self._engine.submit(request))
        except (ValueError, QueueFull) as problem:
            for request_id in flight.ids:
                self._engine.cancel(request_id)
            raise _refusal(problem) from problem
        self._call_back(self._begin, flight, flight.ids)

    def _cancel_ids(self, flight: Flight) -> None:
        for request_id in flight.ids:
            self._engine.cancel(request_id)
        self._call_back(self._cancelled, flight, flight.ids)

    def _submit_embeddings(self, flight: Flight, prompts: Sequence[Sequence[int]]) -> None:
        try:
            flight.ids += self._engine.submit_embeddings(prompts)
        except (ValueError, QueueFull) as problem:
            raise _refusal(problem) from problem
        self._call_back(self._begin, flight, flight.ids)

    def _call_back(self, function: Callable[..., None], *arguments: Any) -> None:
        assert self._loop is not None, "the thread runs after the start"
        self._stats = self._engine.stats()
        self._loop.call_soon_threadsafe(function, *arguments)


def _refusal(problem: ValueError | QueueFull) -> ApiError:
    if isinstance(problem, QueueFull):
        message = f"the server is busy: {problem}"
        return ApiError(429, message, code="queue_full", retry_after=1)
    return ApiError(400, str(problem))


def _settle(done: "asyncio.Future[None]", problem: ApiError | None) -> None:
    if done.done():  # whoever waited has left
        return
    if problem is None:
        done.set_result(None)
    else:
        done.set_exception(problem)
