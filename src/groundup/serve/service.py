"""What a server serves: models by name, each with its engine's runner, and whether it still takes
requests.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass

from groundup.inference.conversation import stop_ids
from groundup.inference.open_engine import OpenedEngine
from groundup.inference.request import Request
from groundup.serve.answering import checked
from groundup.serve.errors import ApiError
from groundup.serve.guides import Guides
from groundup.serve.observer import Asked, Gate, Observer, Silent
from groundup.serve.runner import EngineRunner, Flight
from groundup.serve.settings import ServerSettings
from groundup.tokenizers.bpe import BPE
from groundup.tokenizers.chat_template import ChatTemplate

POLL_SECONDS = 0.02
"""How often the end of what is in flight is looked for."""


@dataclass(frozen=True, kw_only=True)
class ServedModel:
    """One model with all that turns text into its input and back."""

    name: str
    """What clients call it."""
    runner: EngineRunner
    """Its engine."""
    tokenizer: BPE
    """Its tokenizer."""
    template: ChatTemplate | None
    """How it was taught to chat; None for one that only continues text."""
    end_ids: frozenset[int]
    """Tokens that end an answer."""
    context: int
    """Most tokens of prompt and answer together."""
    guides: Guides
    """Makes the grammars that answers can be held to."""
    created: int = 0
    """Since when it is served: seconds since 1970."""
    note: str = ""
    """What computes it."""


def served(opened: OpenedEngine, *, name: str | None = None) -> ServedModel:
    """An opened engine under a name, with a runner that is not started yet."""
    name = name or opened.name
    ends = stop_ids(opened.tokenizer)
    return ServedModel(
        name=name,
        runner=EngineRunner(opened.engine, name=name),
        tokenizer=opened.tokenizer,
        template=opened.template,
        end_ids=ends,
        context=opened.engine.room,
        guides=Guides(opened.tokenizer, ends, vocab_size=opened.engine.backend.vocab_size),
        created=int(time.time()),
        note=opened.note,
    )


class Service:
    """The models, who watches, who may refuse, and the bounds."""

    def __init__(
        self,
        models: Sequence[ServedModel],
        *,
        observer: Observer | None = None,
        gate: Gate | None = None,
        settings: ServerSettings | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Raises ValueError without models, or with two of the same name."""
        self.models: Mapping[str, ServedModel] = {model.name: model for model in models}
        if not models or len(self.models) != len(models):
            names = [model.name for model in models]
            raise ValueError(f"the models' names are {names}; wanted one or more, all different")
        self.observer = observer or Silent()
        self.gate = gate or Silent()
        self.settings = settings or ServerSettings()
        self.clock = clock
        self.is_draining = False
        for model in models:
            model.runner.observer = self.observer

    @property
    def runners(self) -> Mapping[str, EngineRunner]:
        """The engines' runners by the models' names."""
        return {name: model.runner for name, model in self.models.items()}

    def find(self, name: str | None) -> ServedModel:
        """The model of this name; without one, the first. Raises ApiError (404)."""
        if name is None:
            return next(iter(self.models.values()))
        if name not in self.models:
            known = ", ".join(self.models)
            raise ApiError(
                404,
                f"there is no model {name[:100]!r} here; there is: {known}",
                code="model_not_found",
                param="model",
            )
        return self.models[name]

    async def submit(self, model: ServedModel, requests: Sequence[Request], asked: Asked) -> Flight:
        """Hand a client's request to the model's engine, if nothing stands against it.

        Raises ApiError: 503 while draining, what the gate says, and as `EngineRunner.submit`.
        """
        return await self._fly(
            asked,
            lambda ended: model.runner.submit(requests, asked, ended),
            lambda flight: flight.used,
        )

    async def embed(
        self, model: ServedModel, prompts: Sequence[Sequence[int]], asked: Asked
    ) -> list[tuple[float, ...]]:
        """Vectors of the prompts, if nothing stands against it.

        Whoever does not wait for them cancels them. Raises ApiError as `submit`, and what ended one
        of them.
        """
        flight = await self._fly(
            asked, lambda ended: model.runner.submit_embeddings(prompts, asked, ended), _read
        )
        try:
            vectors = {index: checked(delta).vector async for index, delta in flight}
        finally:
            flight.cancel()
        return [vectors[index] for index in range(len(prompts))]

    async def _fly(
        self,
        asked: Asked,
        start: Callable[[Callable[[Flight], None]], Awaitable[Flight]],
        used: Callable[[Flight], int],
    ) -> Flight:
        """A flight that is admitted, started, and ended if it takes too long.

        `start` is given what is to be told of its end; `used` says how many tokens it took.
        """
        self._admit(asked)
        flights: list[Flight] = []
        seconds = self.settings.answer_seconds
        timer = asyncio.get_running_loop().call_later(seconds, _expire, flights, seconds)

        def ended(flight: Flight) -> None:
            timer.cancel()
            self.gate.left(asked, used(flight))

        try:
            flights.append(await start(ended))
        except ApiError as problem:
            self._note_refusal(asked, problem)
            raise
        return flights[0]

    def _admit(self, asked: Asked) -> None:
        if self.is_draining:
            self.observer.refused(asked.model, "draining")
            message = "the server is stopping; ask another one"
            raise ApiError(503, message, code="draining", retry_after=5)
        try:
            self.gate.admit(asked)
        except ApiError:
            self.observer.refused(asked.model, "limit")
            raise

    def _note_refusal(self, asked: Asked, problem: ApiError) -> None:
        reason = {429: "queue_full", 400: "invalid"}.get(problem.status, "failed")
        self.observer.refused(asked.model, reason)

    # Its beginning and its end

    def start(self) -> None:
        """Start the engines, in the running event loop."""
        for runner in self.runners.values():
            runner.start()

    @property
    def is_healthy(self) -> bool:
        """Whether all engines run."""
        return all(runner.is_healthy for runner in self.runners.values())

    @property
    def is_ready(self) -> bool:
        """Whether requests are taken."""
        return self.is_healthy and not self.is_draining

    @property
    def in_flight(self) -> int:
        """Requests under way, of all models."""
        return sum(runner.in_flight for runner in self.runners.values())

    def drain(self) -> None:
        """Take no more requests; those under way go on."""
        self.is_draining = True

    async def drained(self, timeout: float) -> bool:
        """Wait until nothing is under way; False if something still is after so many seconds."""
        last = self.clock() + timeout
        while self.in_flight and self.clock() < last:
            await asyncio.sleep(POLL_SECONDS)
        return not self.in_flight

    def abort(self) -> None:
        """Cancel what is under way."""
        for runner in self.runners.values():
            runner.cancel_all()

    def close(self) -> None:
        """End the engines' threads."""
        for runner in self.runners.values():
            runner.close()


def _read(flight: Flight) -> int:
    """Tokens of the texts that have a vector."""
    return sum(life.prompt_tokens for life in flight.lives if life.finish_reason == "stop")


def _expire(flights: Sequence[Flight], seconds: float) -> None:
    message = (
        f"the answer took longer than {seconds:g} s; ask for a shorter one (max_tokens), or for "
        "fewer texts at a time"
    )
    for flight in flights:
        flight.fail(ApiError(504, message, code="timeout"))
        flight.cancel()
