"""The engine, on a backend whose logits are an exact function of the tokens in its blocks."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.inference.paged_oracle import (
    VOCABULARY,
    Letters,
    PagedOracle,
    answer_by_hand,
    logits_after,
)

from groundup.inference.engine import Engine, EngineConfig, QueueFull
from groundup.inference.request import Request
from groundup.inference.sampling import GREEDY, Sampling


def engine(*, speculate=0, max_batch=4, extra=6, prefix_cache=True, max_queue=64, **oracle):
    config = EngineConfig(
        max_batch=max_batch,
        max_tokens_per_step=max_batch + extra,
        max_logits_per_step=3,
        max_queue=max_queue,
        prefix_cache=prefix_cache,
        speculate=speculate,
    )
    return Engine(PagedOracle(**oracle), Letters(), config)


def request(prompt, max_tokens=8, sampling=GREEDY, **settings):
    return Request(prompt=tuple(prompt), max_tokens=max_tokens, sampling=sampling, **settings)


class Told:
    """All deltas of one request, joined."""

    def __init__(self):
        self.tokens, self.text, self.logprobs, self.prompt_logprobs = [], "", [], []
        self.last = None
        self.count = 0

    def hear(self, delta):
        assert self.last is None or self.last.finish_reason is None, "nothing comes after the end"
        self.tokens += delta.tokens
        self.text += delta.text
        self.logprobs += delta.logprobs
        self.prompt_logprobs += delta.prompt_logprobs
        self.last, self.count = delta, self.count + 1


def serve(served, requests, *, after=None):
    """Submit all (one a step, if `after` says so), and step until all have ended."""
    told, waiting = {}, list(requests)
    for _ in range(3000):
        while waiting:
            told[served.submit(waiting.pop(0))] = Told()
            if after is not None:
                break
        for delta in served.step():
            told[delta.request_id].hear(delta)
        if not waiting and not served.has_work():
            break
    assert not served.has_work()
    stats = served.stats()
    assert (stats.running, stats.waiting) == (0, 0)
    assert stats.blocks_free == stats.blocks_total  # nothing leaks
    return list(told.values())


PROMPTS = st.lists(
    st.sampled_from([[1, 2, 3, 4, 5, 6, 7, 8], [1, 2, 3, 4, 5, 6, 9], [5] * 11, [3]])
    | st.lists(st.integers(0, 2), min_size=1, max_size=13),
    min_size=1,
    max_size=6,
)
ENGINES = st.fixed_dictionaries(
    {
        "block_size": st.integers(1, 4),
        "block_count": st.integers(24, 40),
        "max_batch": st.integers(1, 4),
        "extra": st.integers(0, 9),
        "prefix_cache": st.booleans(),
        "speculate": st.sampled_from([0, 0, 3]),
    }
)


@settings(max_examples=200)
@given(prompts=PROMPTS, built=ENGINES, stop=st.sets(st.integers(0, 39), max_size=3))
def test_an_answer_is_that_of_the_loop_by_hand_whatever_else_is_served(prompts, built, stop):
    requests = [request(prompt, 9, stop_ids=frozenset(stop)) for prompt in prompts]
    for prompt, told in zip(prompts, serve(engine(**built), requests, after=1), strict=True):
        assert told.tokens == answer_by_hand(prompt, 9, stop=stop)
        assert told.text == Letters().decode(told.tokens)
        assert told.last.finish_reason == ("length" if len(told.tokens) == 9 else "stop")


def test_an_answer_survives_preemption():
    prompts = [[number] * 6 for number in range(4)]
    served = engine(block_size=2, block_count=14, max_batch=4, prefix_cache=False)
    for prompt, told in zip(prompts, serve(served, map(request, prompts)), strict=True):
        assert told.tokens == answer_by_hand(prompt, 8)
    assert served.stats().preemptions > 0


MIXED = [
    Sampling(temperature=1.0, seed=5),
    Sampling(temperature=0.7, top_k=5, top_p=0.9, seed=6),
    Sampling(temperature=1.0, repetition_penalty=1.4, frequency_penalty=0.5, seed=7),
    GREEDY,
]


@settings(max_examples=60)
@given(prompts=PROMPTS, built=ENGINES)
def test_a_sampled_answer_does_not_depend_on_who_else_is_served_nor_on_speculation(prompts, built):
    requests = [
        request(prompt, 7, MIXED[number % len(MIXED)], index=number)
        for number, prompt in enumerate(prompts)
    ]
    for one, told in zip(requests, serve(engine(**built), requests, after=1), strict=True):
        [alone] = serve(engine(max_batch=1, extra=30), [one])
        assert told.tokens == alone.tokens


def test_equal_requests_with_another_index_get_other_answers():
    hot = Sampling(temperature=2.0, seed=1)
    told = serve(engine(), [request([1, 2], 8, hot, index=number) for number in range(3)])
    assert len({tuple(one.tokens) for one in told}) == 3


class Cycling(PagedOracle):
    """Says 0, 1, 2, ... 6, 0, 1, ..."""

    def step(self, batch):
        logits = super().step(batch)
        for row, place in enumerate(batch.wanted_R):
            logits[row, (batch.tokens_T[place] + 1) % 7] += 100
        return logits


def test_guesses_that_hold_make_fewer_steps_of_the_same_answer():
    steps = {}
    for speculate in (0, 4):
        served = Engine(Cycling(), Letters(), EngineConfig(speculate=speculate))
        [told] = serve(served, [request(range(7), 40)])
        assert told.tokens == [number % 7 for number in range(40)]
        stats = steps[speculate] = served.stats()
        assert stats.generated_tokens == 40
    assert steps[0].steps == 40
    assert steps[4].steps < 20
    assert (steps[0].drafted, steps[0].accepted) == (0, 0)
    assert 0 < steps[4].accepted <= steps[4].drafted


def test_a_guess_never_takes_an_answer_past_its_end():
    for length in range(1, 12):
        served = Engine(Cycling(), Letters(), EngineConfig(speculate=5))
        [told] = serve(served, [request([*range(7)] * 3, length)])
        assert len(told.tokens) == length
    served = Engine(Cycling(), Letters(), EngineConfig(speculate=5))
    [told] = serve(served, [request([*range(7)] * 3, 30, stop_ids=frozenset({4}))])
    assert told.tokens == [0, 1, 2, 3]
    assert told.last.stop_reason == 4


def test_a_stop_text_ends_the_answer_also_across_tokens():
    free = answer_by_hand([1, 2, 3], 8)
    text = Letters().decode(free)
    [told] = serve(engine(), [request([1, 2, 3], 8, stop=(text[2:4], "?"))])
    assert told.text == text[: text.index(text[2:4])]
    assert told.last.finish_reason == "stop"
    assert told.last.stop_reason == text[2:4]
    assert told.tokens == free[: text.index(text[2:4]) + 2]


def test_text_that_may_begin_a_stop_text_is_held_back_and_given_at_the_end():
    free = answer_by_hand([1, 2, 3], 4)
    text = Letters().decode(free)
    [told] = serve(engine(), [request([1, 2, 3], 4, stop=(text[-2:] + "?",))])
    assert told.text == text
    assert told.last.finish_reason == "length"
    assert told.last.text == text[-2:]


def test_no_end_comes_before_the_least_tokens():
    free = answer_by_hand([1, 2, 3], 8)
    stop = frozenset({free[0], free[2]})
    [early] = serve(engine(), [request([1, 2, 3], 8, stop_ids=stop)])
    assert early.tokens == []
    assert early.last.stop_reason == free[0]
    [late] = serve(engine(), [request([1, 2, 3], 8, stop_ids=stop, min_tokens=5)])
    assert len(late.tokens) >= 5
    assert not stop & set(late.tokens[:5])
    letter = Letters().decode(free[:1])
    [told] = serve(engine(), [request([1, 2, 3], 8, stop=(letter,), min_tokens=1)])
    assert told.text.startswith(letter)


def test_first_ids_and_biases_hold():
    [told] = serve(engine(), [request([1, 2, 3], 3, first_ids=(7, 9))])
    assert told.tokens[0] in (7, 9)
    assert told.tokens[1:] == answer_by_hand([1, 2, 3, told.tokens[0]], 2)
    [told] = serve(engine(), [request([1, 2, 3], 3, logit_bias=((11, 1000.0),))])
    assert told.tokens == [11, 11, 11]


def log_softmax(logits):
    logits = logits.astype(np.float32).astype(np.float64)
    return logits - logits.max() - math.log(np.exp(logits - logits.max()).sum())


def check_logprobs(logprobs, before, top):
    """Against the formula; `before`: the tokens in front of the first."""
    tokens = list(before)
    for one in logprobs:
        expected = log_softmax(logits_after(tokens))
        assert one.logprob == pytest.approx(expected[one.token], abs=1e-4)
        best = np.argsort(-expected)[:top]
        assert [token for token, _ in one.top] == best.tolist()
        assert [value for _, value in one.top] == pytest.approx(expected[best], abs=1e-4)
        tokens.append(one.token)


@pytest.mark.parametrize("sampling", [GREEDY, Sampling(temperature=1.5, top_k=3, seed=2)])
def test_logprobs_are_those_of_the_models_own_distribution(sampling):
    [told] = serve(engine(), [request([1, 2, 3], 6, sampling, logprobs=3)])
    assert [one.token for one in told.logprobs] == told.tokens
    check_logprobs(told.logprobs, [1, 2, 3], 3)


@pytest.mark.parametrize("max_tokens", [0, 5])
@pytest.mark.parametrize("room", [{}, {"block_size": 2, "block_count": 12}])
def test_prompt_logprobs_come_once_whole_and_without_the_cache(max_tokens, room):
    prompts = [[1, 2, 3, 4, 5, 6, 7, 8], [1, 2, 3, 4, 5, 6, 9], [4]]
    requests = [request(prompt, max_tokens, prompt_logprobs=2) for prompt in prompts]
    for prompt, told in zip(prompts, serve(engine(**room), requests), strict=True):
        assert [one.token for one in told.prompt_logprobs] == prompt[1:]
        check_logprobs(told.prompt_logprobs, prompt[:1], 2)
        assert told.tokens == answer_by_hand(prompt, max_tokens)
        assert told.last.cached_tokens == 0


def test_what_is_cached_is_said_and_shared_only_with_the_same_salt():
    served, prompt = engine(block_size=4), [1, 2, 3, 4, 5, 6, 7, 8, 9]
    cached = []
    for salt in ("", "", "tenant", "tenant"):
        served.submit(request(prompt, 1, salt=salt))
        deltas = []
        while served.has_work():
            deltas += served.step()
        cached.append(deltas[0].cached_tokens)
    assert cached == [0, 8, 0, 8]
    stats = served.stats()
    assert (stats.prefix_queries, stats.prefix_hits) == (36, 16)
    assert (stats.prompt_tokens, stats.generated_tokens) == (36, 4)


class Failing:
    """A grammar that breaks at one of its methods."""

    def __init__(self, where, after=1):
        self.where, self.left = where, after

    def mask(self):
        self._perhaps("mask")
        return np.full(2, 0xFFFFFFFF, np.uint32)

    def accept(self, token):
        self._perhaps("accept")

    def is_finished(self):
        return False

    def _perhaps(self, where):
        if where == self.where:
            self.left -= 1
            if self.left < 0:
                raise ValueError("the grammar is broken")


@pytest.mark.parametrize("where", ["mask", "accept"])
@pytest.mark.parametrize("after", [0, 2])
def test_one_request_that_fails_leaves_the_others_alone(where, after):
    requests = [
        request([1, 2, 3]),
        request([1, 2, 4], grammar=Failing(where, after)),
        request([1, 2, 5]),
    ]
    one, broken, other = serve(engine(), requests)
    assert broken.last.finish_reason == "error"
    assert "the grammar is broken" in broken.last.error
    assert len(broken.tokens) == after
    assert one.tokens == answer_by_hand([1, 2, 3], 8)
    assert other.tokens == answer_by_hand([1, 2, 5], 8)


class Only:
    """A grammar of one word."""

    def __init__(self, *word):
        self.word = list(word)

    def mask(self):
        words = np.zeros(2, np.uint32)
        words[self.word[0] // 32] = 1 << self.word[0] % 32
        return words

    def accept(self, token):
        assert token == self.word.pop(0)

    def is_finished(self):
        return not self.word


def test_a_grammar_says_what_comes_and_when_it_ends():
    [told, free] = serve(engine(speculate=3), [request([1], grammar=Only(3, 38, 7)), request([1])])
    assert told.tokens == [3, 38, 7]
    assert told.last.finish_reason == "stop"
    assert free.tokens == answer_by_hand([1], 8)


def test_logits_that_are_no_numbers_end_the_request():
    served = engine()
    served.backend.step = lambda batch: torch.full((len(batch.wanted_R), VOCABULARY), math.nan)
    [told] = serve(served, [request([1])])
    assert told.last.finish_reason == "error"
    assert "no numbers" in told.last.error


def test_a_step_that_breaks_ends_those_it_computed_and_no_one_else():
    served = engine(max_batch=1)
    served.backend.fault = RuntimeError("out of memory")
    broken, fine = serve(served, [request([1, 2, 3]), request([1, 2, 3])])
    assert broken.last.error == "RuntimeError: out of memory"
    assert fine.tokens == answer_by_hand([1, 2, 3], 8)


def test_an_interrupted_step_leaves_nothing_wrong_behind():
    served = engine(block_size=2)
    ids = [served.submit(request([1, 2, 3, 4, 5])), served.submit(request([1, 2, 3, 4, 6]))]
    served.backend.fault = KeyboardInterrupt()
    with pytest.raises(KeyboardInterrupt):
        served.step()
    served.cancel(ids[1])
    tokens = []
    while served.has_work():
        tokens += [token for delta in served.step() for token in delta.tokens]
    assert tokens == answer_by_hand([1, 2, 3, 4, 5], 8)
    [told] = serve(served, [request([1, 2, 3, 4, 6])])
    assert told.tokens == answer_by_hand([1, 2, 3, 4, 6], 8)


def test_a_cancelled_request_is_never_heard_of_again_and_frees_its_blocks_at_once():
    served = engine(block_count=10, max_batch=1)
    gone, queued, stays = (served.submit(request([number] * 9, 20)) for number in range(3))
    served.step()
    served.cancel(gone)
    served.cancel(queued)
    served.cancel(queued)
    served.cancel(12345)
    assert served.stats().blocks_free == 10
    heard = set()
    while served.has_work():
        heard |= {delta.request_id for delta in served.step()}
    assert heard == {stays}


def test_an_answer_ends_where_the_context_or_the_memory_does():
    [told] = serve(engine(context=10), [request([1] * 7, 50)])
    assert told.tokens == answer_by_hand([1] * 7, 4)  # the last one is drawn, but never read
    assert told.last.finish_reason == "length"
    [told] = serve(engine(block_count=3, block_size=2), [request([1] * 5, 50)])
    assert told.tokens == answer_by_hand([1] * 5, 2)


@pytest.mark.parametrize(
    ("bad", "message"),
    [
        ({"prompt": ()}, "a prompt is empty"),
        ({"prompt": (1, VOCABULARY)}, f"token id {VOCABULARY} is not in the model's vocabulary"),
        ({"prompt": (-1,)}, "token id -1"),
        ({"prompt": (1,) * 21}, "the prompt is 21 tokens long, and there is room for 20"),
        ({"max_tokens": -1}, "max_tokens is -1"),
        ({"min_tokens": -2}, "min_tokens -2"),
        ({"first_ids": ()}, "first_ids is empty"),
        ({"first_ids": (99,)}, "token id 99"),
        ({"logit_bias": ((99, 1.0),)}, "token id 99"),
        ({"stop_ids": frozenset({-5})}, "token id -5"),
        ({"logprobs": VOCABULARY + 1}, "log-probabilities of 41 tokens"),
        ({"prompt_logprobs": -1}, "log-probabilities of -1 tokens"),
        ({"stop": ("",)}, "empty"),
    ],
)
def test_a_request_the_model_cannot_take_is_refused(bad, message):
    served = engine(context=20)
    with pytest.raises(ValueError, match=message):
        served.submit(Request(**{"prompt": (1, 2), "max_tokens": 3} | bad))
    assert not served.has_work()


def test_a_full_line_is_said_with_its_length():
    served = engine(max_queue=2)
    for _ in range(2):
        served.submit(request([1]))
    with pytest.raises(QueueFull, match="2 requests are waiting") as full:
        served.submit(request([1]))
    assert full.value.waiting == 2
    served.step()
    served.submit(request([1]))


def test_an_idle_engine_does_nothing():
    served = engine()
    assert served.step() == []
    assert served.stats().steps == 0


def test_limits_that_make_no_sense_are_refused():
    with pytest.raises(ValueError, match="speculate is -1"):
        EngineConfig(speculate=-1)
