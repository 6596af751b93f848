"""The engine: many requests, one model, a step at a time.

    step:  schedule -> run -> draw -> deliver

Each step computes some tokens of any requests (see `scheduler`), draws the next token of those
whose tokens are all computed, and delivers what that adds to their answers. An answer depends on
its request alone, not on who else is served: chance comes from the request's own seed, and keys
and values from its own tokens. It is what `inference.generate.generate` gives for it, up to the
rounding of sums in batched products.

Embeddings are read beside the answers, a chunk a step (see `embedding`).

Single-threaded: one thread calls all methods (`serve` runs one for each engine).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from groundup.inference.answer import Answer
from groundup.inference.backend import Backend
from groundup.inference.batching import flat
from groundup.inference.drawing import Drawing, draw, logprobs_of
from groundup.inference.embedding import EmbeddingLine
from groundup.inference.request import Delta, Request, TokenLogprob
from groundup.inference.request_check import check, unknown_ids
from groundup.inference.scheduler import (
    Chunk,
    QueueFull,
    Scheduler,
    SchedulerConfig,
    SequenceState,
)
from groundup.inference.speculation import NgramDrafter
from groundup.tokenizers.stream import TokenBytes

__all__ = ["Engine", "EngineConfig", "EngineStats", "QueueFull"]


@dataclass(frozen=True, kw_only=True)
class EngineConfig(SchedulerConfig):
    """How an engine serves: the scheduler's limits, and speculation."""

    speculate: int = 0
    """Tokens a step guesses ahead from what was said before, shared by all who run (0: none)."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.speculate < 0:
            raise ValueError(f"speculate is {self.speculate}; it must be 0 or more")


@dataclass(frozen=True, kw_only=True)
class EngineStats:
    """Numbers of an engine: now, and counted since it began."""

    running: int
    """Requests with blocks, now; a text that becomes a vector is one."""
    waiting: int
    """Requests in line, now."""
    blocks_total: int
    """Blocks there are."""
    blocks_free: int
    """Blocks that can be taken: no request uses them (the prefix cache may remember them)."""
    blocks_cached: int
    """Blocks that the prefix cache remembers."""
    prefix_queries: int
    """Tokens looked for in the prefix cache."""
    prefix_hits: int
    """Tokens found there."""
    preemptions: int
    """Times that a request had to give up its blocks and begin again."""
    prompt_tokens: int
    """Tokens of the prompts of requests that began to be answered, and of texts with a vector."""
    generated_tokens: int
    """Tokens of answers."""
    computed_tokens: int
    """Tokens that the backend computed."""
    steps: int
    """Steps that computed something."""
    drafted: int
    """Tokens guessed ahead."""
    accepted: int
    """Guesses that held."""


@dataclass
class _Counts:
    prompt_tokens: int = 0
    generated_tokens: int = 0
    computed_tokens: int = 0
    steps: int = 0
    drafted: int = 0
    accepted: int = 0


class Engine:
    """Answers requests with one backend."""

    def __init__(
        self, backend: Backend, tokenizer: TokenBytes, config: EngineConfig | None = None
    ) -> None:
        self.backend = backend
        self.tokenizer = tokenizer
        self.config = config = config or EngineConfig()
        self._scheduler = Scheduler(
            config, block_count=backend.block_count, block_size=backend.block_size
        )
        self._unknown = unknown_ids(tokenizer, backend.vocab_size)
        self._vocab_size = backend.vocab_size  # as far as there are tokens
        while self._vocab_size - 1 in self._unknown:
            self._vocab_size -= 1
        self._holes = tuple(token for token in self._unknown if token < self._vocab_size)
        self._answers: dict[int, Answer] = {}
        self._embeddings = EmbeddingLine(self._scheduler, backend)
        self._untold: list[Delta] = []  # what `step` is still to tell
        self._submitted = 0
        self._counts = _Counts()

    @property
    def room(self) -> int:
        """Most tokens of one sequence: the model's context, or what all blocks hold."""
        return min(self.backend.context, self._scheduler.capacity)

    def check(self, request: Request) -> None:
        """Raises ValueError for a request the model cannot take."""
        check(request, vocab_size=self.backend.vocab_size, room=self.room, unknown=self._unknown)

    def submit(self, request: Request) -> int:
        """Get in line; returns the request's id.

        The answer ends with "length" where the model's context ends, or the memory. Raises
        ValueError for a request the model cannot take, QueueFull when no more may wait.
        """
        self.check(request)
        request_id = self._submitted
        sequence = SequenceState(
            id=request_id,
            tokens=list(request.prompt),
            priority=request.priority,
            salt=request.salt,
            scored=None if request.prompt_logprobs is None else 0,
        )
        # The last token is drawn but never read, so there may be one more than there is room for.
        answer = Answer(request, sequence, self.tokenizer, longest=self.room + 1)
        if self.config.speculate and request.grammar is None:
            answer.drafter = NgramDrafter()
        self._scheduler.submit(sequence)
        self._submitted += 1
        self._answers[request_id] = answer
        return request_id

    def submit_embeddings(self, prompts: Sequence[Sequence[int]]) -> range:
        """Have texts turned into vectors; an id for each, which `cancel` knows too.

        A text's only delta has its `vector`, or the error that ended it. Raises ValueError for a
        prompt the model cannot read, QueueFull when no more may wait; then none is taken.
        """
        for prompt in prompts:
            self.check(Request(prompt=tuple(prompt), max_tokens=0))
        ids = range(self._submitted, self._submitted + len(prompts))
        self._embeddings.submit(ids, prompts)
        self._submitted += len(prompts)
        return ids

    def embed(self, prompts: Sequence[Sequence[int]]) -> Tensor:
        """Mean of each prompt's hidden states (the final norm's), of length 1: N x C.

        Steps until they are there; what that adds to other requests, the next `step` tells. Raises
        as `submit_embeddings`, and RuntimeError if a step fails.
        """
        ids = self.submit_embeddings(prompts)
        vectors: dict[int, tuple[float, ...]] = {}
        try:
            while len(vectors) < len(ids):
                self._advance()
                for delta in [one for one in self._untold if one.request_id in ids]:
                    self._untold.remove(delta)
                    if delta.error:
                        raise RuntimeError(delta.error)
                    vectors[delta.request_id] = delta.vector
        finally:
            for text_id in ids:
                if text_id not in vectors:
                    self.cancel(text_id)
        return torch.tensor([vectors[text_id] for text_id in ids], dtype=torch.float32)

    def cancel(self, request_id: int) -> None:
        """Forget a request and free its memory at once; unknown and finished ids are ignored."""
        if request_id in self._answers:
            self._forget(request_id)
        else:
            self._embeddings.cancel(request_id)
        if self._untold:
            self._untold = [delta for delta in self._untold if delta.request_id != request_id]

    def has_work(self) -> bool:
        """Whether a step would do something."""
        return bool(self._answers or self._embeddings or self._untold)

    def step(self) -> list[Delta]:
        """Compute, draw and deliver once; what was added to whom."""
        self._advance()
        told, self._untold = self._untold, []
        return told

    def _advance(self) -> None:
        """A step; what it adds is still to be told."""
        self._guess()
        plan = self._scheduler.schedule()
        if not plan:
            return
        computed = self._counts.computed_tokens
        texts = [chunk for chunk in plan if chunk.sequence.is_pooled]
        answers = [chunk for chunk in plan if not chunk.sequence.is_pooled]
        for chunk in texts:
            self._read(chunk, plan)
        if answers:
            self._untold += self._answer(answers)
        self._counts.steps += self._counts.computed_tokens > computed

    def _read(self, chunk: Chunk, plan: Sequence[Chunk]) -> None:
        """Compute the part of a step that reads a text for its vector."""
        try:
            delta = self._embeddings.read(chunk)
        except Exception as problem:  # whatever it was, only this text ends
            self._untold.append(self._embeddings.fail(problem))
            return
        except BaseException:
            self._scheduler.undo(plan)
            raise
        self._counts.computed_tokens += chunk.count
        if delta is not None:
            self._counts.prompt_tokens += chunk.start + chunk.count
            self._untold.append(delta)

    def _answer(self, plan: Sequence[Chunk]) -> list[Delta]:
        """Compute the answers' part of a step, and deliver it."""
        try:
            logits_RV = self.backend.step(flat(plan))
        except Exception as problem:  # whatever it was, those who wait are served
            self._scheduler.undo(plan)
            return [self._fail(self._answers[chunk.sequence.id], problem) for chunk in plan]
        except BaseException:
            self._scheduler.undo(plan)
            raise
        self._counts.computed_tokens += sum(chunk.count for chunk in plan)
        for chunk in plan:
            self._scheduler.advance(chunk)
        return self._deliver(plan, logits_RV)

    def _guess(self) -> None:
        """Drafts for those who are decoding; as many as the scheduler has room for are computed."""
        if self.config.speculate == 0:
            return
        share = self.config.speculate // max(1, len(self._scheduler.running))
        for sequence in self._scheduler.running:
            answer = self._answers.get(sequence.id)
            if sequence.left == 1 and answer is not None and answer.drafter is not None:
                most = min(share, answer.left - 1)
                sequence.drafts = answer.drafter.draft(sequence.tokens, most)

    def _deliver(self, plan: Sequence[Chunk], logits_RV: Tensor) -> list[Delta]:
        """Score prompts, draw the next tokens, and tell what that adds."""
        deltas: list[Delta] = []
        drawings: list[Drawing] = []
        end = 0
        for chunk in plan:
            answer, sequence = self._answers[chunk.sequence.id], chunk.sequence
            end += chunk.wanted
            try:
                self._score(answer, chunk, logits_RV, end - chunk.wanted)
                if sequence.left == 0 and answer.left <= 0:
                    deltas.append(self._take(answer, [], logits_RV, end))
                elif sequence.left == 0:
                    drafts = sequence.drafts[: chunk.drafts]
                    drawings.append(Drawing.of(answer, drafts, end, never=self._holes))
            except Exception as problem:
                deltas.append(self._fail(answer, problem))
        drawable_RV = logits_RV[:, : self._vocab_size]
        for one, drawn in zip(drawings, draw(drawings, drawable_RV), strict=True):
            try:
                if isinstance(drawn, Exception):
                    raise drawn
                held = one.held(drawn)
                self._learn(one, len(held) - 1)
                deltas.append(self._take(one.answer, held, logits_RV, one.first))
            except Exception as problem:
                deltas.append(self._fail(one.answer, problem))
        return deltas

    def _learn(self, drawing: Drawing, held: int) -> None:
        drafted = len(drawing.drafts)
        self._counts.drafted += drafted
        self._counts.accepted += held
        if drawing.answer.drafter is not None:
            drawing.answer.drafter.learn(drafted, held)

    def _score(self, answer: Answer, chunk: Chunk, logits_RV: Tensor, first: int) -> None:
        """Log-probabilities of the prompt's tokens, as far as this chunk has read it."""
        sequence, top = chunk.sequence, answer.request.prompt_logprobs
        if sequence.scored is None or top is None:
            return
        begin = chunk.start + chunk.count - chunk.wanted
        end = min(chunk.start + chunk.count, sequence.prompt_length - 1)
        if end > begin:
            tokens = sequence.tokens[begin + 1 : end + 1]
            answer.score_prompt(logprobs_of(logits_RV[first : first + end - begin], tokens, top))
        sequence.scored = end if end < sequence.prompt_length - 1 else None

    def _take(self, answer: Answer, tokens: list[int], logits_RV: Tensor, first: int) -> Delta:
        """Give an answer its next tokens, drawn from the rows from `first` on.

        It goes on, or it ends and is forgotten.
        """
        logprobs: list[TokenLogprob] = []
        if answer.request.logprobs is not None:
            rows_RV = logits_RV[first : first + len(tokens)]
            logprobs = logprobs_of(rows_RV, tokens, answer.request.logprobs)
        if answer.count == 0:
            self._counts.prompt_tokens += answer.sequence.prompt_length
        delta = answer.take(tokens, logprobs)
        self._counts.generated_tokens += len(delta.tokens)
        if answer.finish_reason is None:
            self._scheduler.extend(answer.sequence, tokens)
        else:
            self._forget(delta.request_id)
        return delta

    def _fail(self, answer: Answer, problem: Exception) -> Delta:
        """End one request for what it did."""
        delta = answer.fail(f"{type(problem).__name__}: {problem}")
        self._forget(delta.request_id)
        return delta

    def _forget(self, request_id: int) -> None:
        self._scheduler.finish(self._answers.pop(request_id).sequence)

    def stats(self) -> EngineStats:
        """Numbers for people and for metrics."""
        scheduler = self._scheduler
        return EngineStats(
            running=len(scheduler.running),
            waiting=len(scheduler.waiting) + self._embeddings.waiting,
            blocks_total=scheduler.pool.count,
            blocks_free=scheduler.cache.available,
            blocks_cached=scheduler.cache.cached,
            prefix_queries=scheduler.looked_up,
            prefix_hits=scheduler.found,
            preemptions=scheduler.preemptions,
            **vars(self._counts),
        )
