"""The scheduler under any order of arrivals, departures and steps: what must always hold."""

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from groundup.inference.scheduler import QueueFull, Scheduler, SchedulerConfig, SequenceState

PROMPTS = [[0] * 6, [0] * 6 + [1], [0, 0, 1, 1, 1], [1, 0], [1]]  # some begin alike


class Serving(RuleBasedStateMachine):
    """Plays the engine: computes what is planned, draws tokens, ends answers."""

    @initialize(
        block_size=st.integers(1, 3),
        block_count=st.integers(3, 9),
        max_batch=st.integers(2, 4),
        extra=st.integers(0, 5),
        prefix_cache=st.booleans(),
    )
    def begin(self, block_size, block_count, max_batch, extra, prefix_cache):
        self.config = SchedulerConfig(
            max_batch=max_batch,
            max_tokens_per_step=max_batch + extra,
            max_queue=3,
            max_logits_per_step=2,
            prefix_cache=prefix_cache,
            patience=2,
        )
        self.size, self.count = block_size, block_count
        self.scheduler = Scheduler(self.config, block_count=block_count, block_size=block_size)
        self.goals = {}
        self.memory = {}  # (block, place): the salt and all tokens up to the one there
        self.submitted = 0
        self.ran = []  # after the last step

    @rule(
        tokens=st.sampled_from(PROMPTS) | st.lists(st.integers(0, 1), min_size=1, max_size=9),
        goal=st.integers(1, 12),
        priority=st.integers(0, 2),
        salt=st.sampled_from(["", "", "tenant"]),
        kind=st.sampled_from(["plain", "plain", "scored", "pooled"]),
    )
    def submit(self, tokens, goal, priority, salt, kind):
        sequence = SequenceState(
            id=self.submitted,
            tokens=list(tokens),
            priority=priority,
            salt=salt,
            scored=0 if kind == "scored" else None,
            is_pooled=kind == "pooled",
        )
        capacity = self.scheduler.capacity
        if len(tokens) > capacity:
            with pytest.raises(ValueError, match=f"{len(tokens)} tokens do not fit"):
                self.scheduler.submit(sequence)
        elif len(self.scheduler.waiting) >= self.config.max_queue:
            with pytest.raises(QueueFull) as full:
                self.scheduler.submit(sequence)
            assert full.value.waiting == len(self.scheduler.waiting)
        else:
            self.scheduler.submit(sequence)
            self.goals[sequence] = min(goal, capacity + 1 - len(tokens))
            if sequence.is_pooled:
                self.goals[sequence] = 0  # nothing is drawn
            self.submitted += 1

    @precondition(lambda self: self.goals)
    @rule(data=st.data())
    def cancel(self, data):
        sequence = data.draw(st.sampled_from(list(self.goals)))
        held = set(sequence.blocks)
        shared = {b for other in self.goals if other is not sequence for b in other.blocks}
        before = self.scheduler.cache.available
        self.scheduler.finish(sequence)
        del self.goals[sequence]
        assert self.scheduler.cache.available == before + len(held - shared)  # at once

    @rule(steps=st.integers(1, 8), seed=st.integers(0, 99))
    def step(self, steps, seed):
        dice = random.Random(seed)
        for _ in range(steps):
            for sequence in self.scheduler.running:
                if sequence.left == 1:
                    most = min(
                        self.scheduler.capacity - len(sequence.tokens), self.goals[sequence] - 1, 3
                    )
                    sequence.drafts = dice.choices([0, 1], k=dice.randint(0, max(0, most)))
            self.compute(lambda drafts: dice.randint(0, drafts))

    def compute(self, guess):
        """A step of the engine; `guess` says how many of so many drafts hold."""
        had_work, first = bool(self.goals), self.scheduler.running[:1]
        plan = self.scheduler.schedule()
        assert bool(plan) == had_work
        if not plan:
            return
        assert sum(chunk.count for chunk in plan) <= self.config.max_tokens_per_step
        planned = [chunk.sequence for chunk in plan]
        assert len(set(planned)) == len(planned)
        assert set(first) <= set(planned)  # the first in line always moves on
        scored = [chunk.wanted for chunk in plan if chunk.sequence.scored is not None]
        assert sum(scored) <= self.config.max_logits_per_step + self.config.max_batch
        self.write(plan)
        self.read(plan)
        for chunk in plan:
            self.scheduler.advance(chunk)
            self.deliver(chunk, guess)

    def write(self, plan):
        written = set()
        newcomers = [chunk.sequence for chunk in plan if chunk.sequence not in self.ran]
        self.ran = [*self.scheduler.running]
        for chunk in plan:
            sequence = chunk.sequence
            tokens = (sequence.tokens + sequence.drafts)[: chunk.start + chunk.count]
            assert chunk.start + chunk.count - chunk.drafts <= len(sequence.tokens)
            assert len(tokens) == chunk.start + chunk.count
            for position in range(chunk.start, chunk.start + chunk.count):
                slot = (sequence.blocks[position // self.size], position % self.size)
                assert slot not in written
                assert not any(  # nobody relies on what was there
                    slot[0] in other.blocks and other.computed > position
                    for other in self.scheduler.running
                    if other not in newcomers
                )
                written.add(slot)
                self.memory[slot] = (sequence.salt, tuple(tokens[: position + 1]))

    def read(self, plan):
        """Every sequence, whether computed now or not, sees its own tokens up to its end."""
        ends = {chunk.sequence: chunk.start + chunk.count - chunk.drafts for chunk in plan}
        for sequence in self.scheduler.running:
            for position in range(ends.get(sequence, sequence.computed)):
                slot = (sequence.blocks[position // self.size], position % self.size)
                assert self.memory[slot] == (
                    sequence.salt,
                    tuple(sequence.tokens[: position + 1]),
                )

    def deliver(self, chunk, guess):
        sequence, end = chunk.sequence, chunk.start + chunk.count
        newest = len(sequence.tokens) - 1
        if sequence.is_pooled:
            assert chunk.wanted == chunk.count  # all of it, and no other's blocks
            assert not sequence.keys
        elif sequence.scored is not None:
            first = end - chunk.wanted
            assert first == max(chunk.start, sequence.scored)
            assert first == sequence.scored  # none is left out, none is had twice
            sequence.scored = None if end >= sequence.prompt_length - 1 else end
        elif sequence.left == 0:
            assert chunk.wanted == 1 + chunk.drafts
        else:
            assert chunk.wanted == 0
        if sequence.left > 0:
            return
        assert end - 1 - chunk.drafts == newest
        drafts = sequence.drafts[: chunk.drafts]
        held = guess(len(drafts))
        self.goals[sequence] -= held + 1
        if self.goals[sequence] <= 0:
            self.scheduler.finish(sequence)
            del self.goals[sequence]
        else:
            self.scheduler.extend(sequence, [*drafts[:held], 1])
            assert sequence.left == 1  # drafts that held are computed

    @invariant()
    def blocks_are_counted_right(self):
        if not hasattr(self, "scheduler"):
            return
        held = [block for sequence in self.scheduler.running for block in sequence.blocks]
        pool, cache = self.scheduler.pool, self.scheduler.cache
        assert sum(pool.users(b) for b in range(self.count)) == len(held) + cache.cached
        assert cache.available == self.count - len(set(held))
        assert not any(sequence.blocks for sequence in self.scheduler.waiting)

    @invariant()
    def the_line_is_in_order(self):
        if not hasattr(self, "scheduler"):
            return
        for line in (self.scheduler.waiting, self.scheduler.running):
            places = [sequence.place for sequence in line]
            assert places == sorted(places)
        assert len(self.scheduler.running) <= self.config.max_batch
        assert {*self.scheduler.waiting, *self.scheduler.running} == set(self.goals)

    def teardown(self):
        """Left alone, everything ends, and every block is free or idle."""
        if not hasattr(self, "scheduler"):
            return
        for _ in range(1000):
            if not self.goals:
                break
            self.compute(lambda drafts: drafts)
        assert not self.goals
        assert self.scheduler.cache.available == self.count
        self.scheduler.cache.clear()
        assert self.scheduler.pool.free == self.count


TestServing = Serving.TestCase
TestServing.settings = settings(max_examples=40, stateful_step_count=80)


def sequence(number, tokens=4, priority=0, **settings):
    return SequenceState(id=number, tokens=[number] * tokens, priority=priority, **settings)


def run(scheduler, steps):
    """Answers of one token; the ids in the order in which they end."""
    ended = []
    for _ in range(steps):
        for chunk in scheduler.schedule():
            scheduler.advance(chunk)
            if chunk.sequence.left == 0:
                ended.append(chunk.sequence.id)
                scheduler.finish(chunk.sequence)
    return ended


@given(levels=st.integers(1, 3), patience=st.integers(1, 4))
def test_a_flood_of_urgent_requests_starves_no_one(levels, patience):
    config = SchedulerConfig(max_batch=1, max_tokens_per_step=4, patience=patience)
    scheduler = Scheduler(config, block_count=4, block_size=2)
    scheduler.submit(sequence(0, priority=levels))
    ended = []
    for number in range(1, 40):
        scheduler.submit(sequence(number))
        ended += run(scheduler, 1)
    assert ended.index(0) <= patience * levels
    assert ended.index(0) >= min(patience * levels - 1, 38)  # but urgent ones do go first


def test_equals_are_served_in_the_order_of_their_arrival_also_when_a_later_one_would_fit():
    config = SchedulerConfig(max_batch=4, max_tokens_per_step=8, prefix_cache=False)
    scheduler = Scheduler(config, block_count=6, block_size=2)
    for number, tokens in enumerate([8, 12, 2]):
        scheduler.submit(sequence(number, tokens))
    assert run(scheduler, 5) == [0, 1, 2]


def test_who_has_waited_elsewhere_gets_in_though_the_line_is_full():
    config = SchedulerConfig(max_batch=1, max_tokens_per_step=8, max_queue=1)
    scheduler = Scheduler(config, block_count=6, block_size=2)
    scheduler.submit(sequence(0))
    with pytest.raises(QueueFull):
        scheduler.submit(sequence(1))
    scheduler.submit(sequence(2), has_waited=True)
    assert run(scheduler, 3) == [0, 2]


def test_a_pooled_sequence_neither_gives_nor_takes_shared_blocks():
    scheduler = Scheduler(SchedulerConfig(), block_count=20, block_size=2)
    for number in range(4):
        tokens = [1, 2, 3, 4, 5]
        scheduler.submit(SequenceState(id=number, tokens=tokens, is_pooled=number % 2 == 0))
    plan = scheduler.schedule()
    assert [(one.start, one.count, one.wanted) for one in plan] == [
        (0, 5, 5), (0, 5, 1), (0, 5, 5), (4, 1, 1),
    ]  # fmt: skip
    assert (scheduler.looked_up, scheduler.found, scheduler.cache.cached) == (10, 4, 2)


def test_decoding_goes_first_and_a_long_prompt_is_read_in_chunks():
    config = SchedulerConfig(max_batch=4, max_tokens_per_step=4, prefix_cache=False)
    scheduler = Scheduler(config, block_count=20, block_size=2)
    scheduler.submit(sequence(0, 2))
    [chunk] = scheduler.schedule()
    scheduler.advance(chunk)
    scheduler.extend(chunk.sequence, [5])
    scheduler.submit(sequence(1, 7))
    shapes = []
    for _ in range(3):
        plan = scheduler.schedule()
        shapes.append([(one.sequence.id, one.start, one.count, one.wanted) for one in plan])
        for one in plan:
            scheduler.advance(one)
            if one.sequence.id == 0:
                scheduler.extend(one.sequence, [5])
    assert shapes == [
        [(0, 2, 1, 1), (1, 0, 3, 0)],
        [(0, 3, 1, 1), (1, 3, 3, 0)],
        [(0, 4, 1, 1), (1, 6, 1, 1)],
    ]


def test_the_last_in_line_is_preempted_and_begins_again_with_its_answer():
    config = SchedulerConfig(max_batch=2, max_tokens_per_step=8, prefix_cache=False)
    scheduler = Scheduler(config, block_count=6, block_size=2)
    first, second = sequence(0, 4), sequence(1, 4)
    scheduler.submit(first)
    scheduler.submit(second)
    while scheduler.preemptions == 0:
        for chunk in scheduler.schedule():
            scheduler.advance(chunk)
            scheduler.extend(chunk.sequence, [7])
    assert scheduler.running == [first]
    assert scheduler.waiting == [second]
    assert (second.computed, second.blocks) == (0, [])
    scheduler.finish(first)
    [chunk] = scheduler.schedule()
    assert (chunk.sequence, chunk.start, chunk.count) == (second, 0, len(second.tokens))
    assert len(second.tokens) > 4


def test_equal_prompts_that_come_together_are_computed_once():
    config = SchedulerConfig(max_tokens_per_step=64)
    scheduler = Scheduler(config, block_count=20, block_size=2)
    for number in range(3):
        scheduler.submit(SequenceState(id=number, tokens=[1, 2, 3, 4, 5]))
    plan = scheduler.schedule()
    assert [(one.start, one.count) for one in plan] == [(0, 5), (4, 1), (4, 1)]
    assert [one.sequence.cached for one in plan] == [0, 4, 4]
    assert (scheduler.looked_up, scheduler.found) == (15, 8)


def test_only_equal_salts_share():
    scheduler = Scheduler(SchedulerConfig(), block_count=20, block_size=2)
    for number, salt in enumerate(["", "a", "a"]):
        scheduler.submit(SequenceState(id=number, tokens=[1, 2, 3, 4, 5], salt=salt))
    assert [one.start for one in scheduler.schedule()] == [0, 0, 4]


def test_the_whole_prompt_is_never_taken_from_the_cache():
    scheduler = Scheduler(SchedulerConfig(), block_count=20, block_size=2)
    for number in range(2):
        scheduler.submit(SequenceState(id=number, tokens=[1, 2, 3, 4]))
    assert [(one.start, one.count) for one in scheduler.schedule()] == [(0, 4), (2, 2)]


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"max_batch": 0}, "max_batch is 0"),
        ({"max_queue": 0}, "max_queue is 0"),
        ({"patience": 0}, "patience is 0"),
        ({"max_logits_per_step": 0}, "max_logits_per_step is 0"),
        ({"max_batch": 9, "max_tokens_per_step": 8}, "at least max_batch \\(9\\)"),
    ],
)
def test_limits_that_serve_no_one_are_refused(settings, message):
    with pytest.raises(ValueError, match=message):
        SchedulerConfig(**settings)


def decoding(count, *, block_count, room, tokens=3):
    """Sequences whose prompts are computed, each with one drawn token and three drafts of 0."""
    config = SchedulerConfig(max_batch=count, max_tokens_per_step=room, prefix_cache=False)
    scheduler = Scheduler(config, block_count=block_count, block_size=2)
    for number in range(count):
        scheduler.submit(sequence(number, tokens))
    while any(one.left for one in [*scheduler.running, *scheduler.waiting]):
        for chunk in scheduler.schedule():
            scheduler.advance(chunk)
    for one in scheduler.running:
        scheduler.extend(one, [9])
        one.drafts = [0, 0, 0]
    return scheduler


@pytest.mark.parametrize(("room", "drafts"), [(2, [0, 0]), (4, [2, 0]), (7, [3, 2]), (9, [3, 3])])
def test_guesses_take_what_the_budget_leaves(room, drafts):
    scheduler = decoding(2, block_count=20, room=room)
    plan = scheduler.schedule()
    assert [one.drafts for one in plan] == drafts
    assert [one.count for one in plan] == [1 + number for number in drafts]
    assert [one.wanted for one in plan] == [1 + number for number in drafts]


def test_a_guess_takes_no_block_that_another_will_need():
    scheduler = decoding(2, block_count=6, room=9)  # two blocks each, and two to grow into
    assert [one.drafts for one in scheduler.schedule()] == [0, 0]
    assert scheduler.cache.available == 2
    assert scheduler.preemptions == 0
