"""The scheduler: which tokens of which sequences the next step computes. Plain data, no tensor.

A sequence is its known tokens and how many of them are computed. A step computes at most
`max_tokens_per_step` tokens:

1. running sequences with one token left, the newest, get it first (they are decoding: a person
   watches each token appear), and drafts for which there is room;
2. running sequences with more left get a chunk of their prompt;
3. waiting sequences are admitted, the first in line first, while there is room.

**Order.** Each sequence has a place in line: the number of its arrival plus `patience` for each
level of priority. Smaller goes first. So a sequence is overtaken by at most `patience` later
ones for each level of priority between them, whatever comes: no one starves. The first in line is
never passed over for a later one that would fit.

**Memory.** Blocks for all known tokens are taken on admission, which leaves one block for each
running sequence to grow into. When a decoding sequence needs a block and there is none, the running
sequence that is last in line is preempted: its blocks are released, and it waits at its old place
to compute its prompt and answer again (much of which the prefix cache may still have). The first
in line is never preempted, so it ends, and then the next.

From Yu et al., "Orca" (2022), for continuous batching, and Agrawal et al., "Sarathi-Serve" (2024),
for chunks of prompts beside decoding. Left out: swapping blocks to other memory, preemption of
running sequences in favour of waiting ones.
"""

from bisect import insort
from collections.abc import Sequence
from dataclasses import dataclass, field

from groundup.inference.blocks import BlockPool
from groundup.inference.prefix_cache import PrefixCache, extend_keys


class QueueFull(Exception):  # noqa: N818
    """No more requests can wait; try again later."""

    def __init__(self, waiting: int) -> None:
        super().__init__(f"{waiting} requests are waiting, which is all that may; try again later")
        self.waiting = waiting
        """How many wait."""


@dataclass(frozen=True, kw_only=True)
class SchedulerConfig:
    """The limits of a step and of the line."""

    max_batch: int = 32
    """Sequences that run at once."""
    max_tokens_per_step: int = 512
    """Tokens a step computes; longer prompts are read in chunks."""
    max_queue: int = 256
    """Sequences that may wait."""
    max_logits_per_step: int = 128
    """Prompt tokens a step whose logits are wanted; each row is as long as the vocabulary."""
    prefix_cache: bool = True
    """Whether sequences that begin alike share what is computed."""
    patience: int = 100
    """How many later arrivals may overtake a sequence for each level of priority between them."""

    def __post_init__(self) -> None:
        for name in ("max_batch", "max_queue", "max_logits_per_step", "patience"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} is {getattr(self, name)}; it must be 1 or more")
        if self.max_tokens_per_step < self.max_batch:
            raise ValueError(
                f"max_tokens_per_step is {self.max_tokens_per_step}; it must be at least max_batch "
                f"({self.max_batch}), so that every running sequence gets a token"
            )


@dataclass(kw_only=True, eq=False)
class SequenceState:
    """A sequence under way."""

    id: int
    """Its number."""
    tokens: list[int]
    """What is known: the prompt and what was drawn."""
    priority: int = 0
    """Smaller goes first."""
    salt: str = ""
    """Blocks are shared between sequences with the same salt only."""
    scored: int | None = None
    """For log-probabilities of the prompt: of how many of its tokens the logits were had."""
    is_pooled: bool = False
    """Of each token the hidden state is wanted, and nothing is drawn; its blocks are not shared."""
    drafts: list[int] = field(default_factory=list)
    """Guesses of what follows `tokens`, to be computed along with the newest."""
    computed: int = 0
    """Tokens whose keys and values are in the blocks."""
    blocks: list[int] = field(default_factory=list)
    """Block n holds positions n * block_size and on."""
    keys: list[bytes] = field(default_factory=list)
    """Of its full blocks, for the prefix cache."""
    place: int = 0
    """In line: smaller goes first."""
    cached: int | None = None
    """Tokens that the prefix cache had when it was first admitted."""
    prompt_length: int = 0
    """How many of the tokens are the prompt's."""

    def __post_init__(self) -> None:
        self.prompt_length = self.prompt_length or len(self.tokens)

    @property
    def left(self) -> int:
        """Known tokens that are not computed."""
        return len(self.tokens) - self.computed

    @property
    def first_wanted(self) -> int:
        """The first position whose logits are wanted: the newest token's, or earlier to score."""
        if self.is_pooled:
            return 0
        newest = len(self.tokens) - 1
        return newest if self.scored is None else min(self.scored, newest)


@dataclass(frozen=True)
class Chunk:
    """What a step computes of one sequence."""

    sequence: SequenceState
    start: int
    """Position of the first token."""
    count: int
    """Tokens, the drafts at the end included."""
    wanted: int
    """The last so many tokens' logits are wanted; of a pooled sequence, hidden states."""
    drafts: int = 0
    """The last so many tokens are drafts."""


class Scheduler:
    """Who waits, who runs, and which blocks they hold."""

    def __init__(self, config: SchedulerConfig, *, block_count: int, block_size: int) -> None:
        self.config = config
        self.waiting: list[SequenceState] = []
        """In line, the first first."""
        self.running: list[SequenceState] = []
        """Those with blocks, in the order of the line."""
        self.preemptions = 0
        """How often a sequence had to give up its blocks."""
        self.looked_up = 0
        """Tokens that were looked for in the prefix cache."""
        self.found = 0
        """Those of them that it had."""
        self.pool = BlockPool(block_count)
        self.cache = PrefixCache(self.pool)
        self._block_size = block_size
        self._arrivals = 0

    @property
    def capacity(self) -> int:
        """The most tokens one sequence can have: all blocks."""
        return self.pool.count * self._block_size

    def submit(self, sequence: SequenceState, *, has_waited: bool = False) -> None:
        """Get in line, also in a full one if it has waited elsewhere.

        Raises QueueFull, and ValueError for a sequence that all blocks together cannot hold.
        """
        if len(sequence.tokens) > self.capacity:
            raise ValueError(
                f"{len(sequence.tokens)} tokens do not fit into {self.pool.count} blocks of "
                f"{self._block_size}; shorten the prompt or give the cache more memory"
            )
        if len(self.waiting) >= self.config.max_queue and not has_waited:
            raise QueueFull(len(self.waiting))
        sequence.place = self._arrivals + self.config.patience * sequence.priority
        self._arrivals += 1
        insort(self.waiting, sequence, key=_place)

    def schedule(self) -> list[Chunk]:
        """The next step's chunks, at most one a sequence; empty if there is nothing to do."""
        plan = self._decode()
        room = self.config.max_tokens_per_step - sum(chunk.count for chunk in plan)
        logits = self.config.max_logits_per_step
        ahead = [one for one in self.running if one.left > 1]
        while room > 0 and (ahead or self._admit(ahead)):
            chunk = self._chunk(ahead.pop(0), room, logits)
            if chunk.count:
                plan.append(chunk)
                room -= chunk.count
                logits -= chunk.wanted if chunk.sequence.scored is not None else 0
        return plan

    def _decode(self) -> list[Chunk]:
        """One token for each running sequence whose others are computed, and drafts."""
        plan: list[Chunk] = []
        decoding = [one for one in self.running if one.left == 1]
        spare = self.config.max_tokens_per_step - len(self.running)  # no one waits for a guess
        for sequence in decoding:
            if not sequence.blocks or not self._grow(sequence):
                continue  # preempted, for one before it or for want of a block of its own
            drafts = self._drafts_that_fit(sequence, spare)
            spare -= drafts
            plan.append(self._chunk(sequence, 1, drafts=drafts))
        return plan

    def _chunk(self, sequence: SequenceState, room: int, logits: int = 1, drafts: int = 0) -> Chunk:
        """The sequence's next tokens; its full blocks may be shared from this step on.

        From this step on, not after it: a backend writes all keys and values of a layer before it
        reads any, so a sequence admitted in this very step can read them.
        """
        start, first_wanted = sequence.computed, sequence.first_wanted
        end = min(start + room, len(sequence.tokens))
        if sequence.scored is not None:
            end = min(end, max(start, first_wanted) + logits)
        if self._shares(sequence):
            extend_keys(sequence.keys, sequence.tokens, self._block_size, sequence.salt)
            for block in range(start // self._block_size, end // self._block_size):
                self.cache.store(sequence.keys[block], sequence.blocks[block])
        wanted = max(0, end - max(start, first_wanted)) + drafts
        return Chunk(sequence, start, end - start + drafts, wanted, drafts)

    def _admit(self, ahead: list[SequenceState]) -> bool:
        """Let the first in line run, and append it to `ahead`, if there is room for it."""
        if not self.waiting or len(self.running) >= self.config.max_batch:
            return False
        sequence = self.waiting[0]
        found: list[int] = []
        if self._shares(sequence):
            extend_keys(sequence.keys, sequence.tokens, self._block_size, sequence.salt)
            found = self.cache.match(sequence.keys[: sequence.first_wanted // self._block_size])
        needed = self._blocks_for(len(sequence.tokens)) - len(found)
        if self.cache.available < needed + len(self.running):
            self.cache.release(found)
            return False
        self.waiting.pop(0)
        insort(self.running, sequence, key=_place)
        ahead.append(sequence)
        sequence.blocks = found + self.cache.take(needed)
        sequence.computed = len(found) * self._block_size
        if sequence.cached is None:
            sequence.cached = sequence.computed
        self.looked_up += 0 if sequence.is_pooled else len(sequence.tokens)
        self.found += sequence.computed
        return True

    def _grow(self, sequence: SequenceState) -> bool:
        """See that all known tokens have a block; False if the sequence itself was preempted."""
        needed = self._blocks_for(len(sequence.tokens)) - len(sequence.blocks)
        while self.cache.available < needed:
            victim = self.running[-1]
            self.preempt(victim)
            if victim is sequence:
                return False
        if needed > 0:
            sequence.blocks += self.cache.take(needed)
        return True

    def _drafts_that_fit(self, sequence: SequenceState, spare: int) -> int:
        """How many drafts to compute: for them no block is taken that another may need to grow."""
        wanted = min(len(sequence.drafts), spare)
        if wanted <= 0:
            return 0
        own = len(sequence.blocks)
        surplus = max(0, self.cache.available - len(self.running))
        wanted = min(wanted, (own + surplus) * self._block_size - len(sequence.tokens))
        needed = self._blocks_for(len(sequence.tokens) + wanted) - own
        if needed > 0:
            sequence.blocks += self.cache.take(needed)
        return wanted

    def preempt(self, sequence: SequenceState) -> None:
        """Take its blocks from a running sequence; it waits at its old place and begins again."""
        self.preemptions += 1
        self._stop(sequence)
        insort(self.waiting, sequence, key=_place)

    def advance(self, chunk: Chunk) -> None:
        """The chunk was computed. Of its drafts nothing is known yet (see `extend`)."""
        chunk.sequence.computed = chunk.start + chunk.count - chunk.drafts

    def undo(self, plan: Sequence[Chunk]) -> None:
        """The step was broken off, and what it was to compute is not there: it is planned anew."""
        self.cache.clear()
        for chunk in plan:
            self.preempt(chunk.sequence)

    def extend(self, sequence: SequenceState, tokens: Sequence[int]) -> None:
        """The next tokens are known: drafts that held, which are computed already, and one more."""
        assert sequence.left == 0, "a sequence is extended when all its tokens are computed"
        assert list(tokens[:-1]) == sequence.drafts[: len(tokens) - 1], (
            "all but the last are drafts"
        )
        sequence.tokens.extend(tokens)
        sequence.computed += len(tokens) - 1
        sequence.drafts = []

    def finish(self, sequence: SequenceState) -> None:
        """It ended, or nobody wants it any more: its blocks are released at once."""
        if sequence.blocks:
            self._stop(sequence)
        else:
            self.waiting.remove(sequence)

    def _stop(self, sequence: SequenceState) -> None:
        self.running.remove(sequence)
        self.cache.release(sequence.blocks)
        sequence.blocks = []
        sequence.computed = 0
        sequence.drafts = []

    def _shares(self, sequence: SequenceState) -> bool:
        return self.config.prefix_cache and not sequence.is_pooled

    def _blocks_for(self, tokens: int) -> int:
        return -(-tokens // self._block_size)


def _place(sequence: SequenceState) -> int:
    return sequence.place
