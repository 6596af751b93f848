import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.inference.paged_oracle import PagedOracle, logits_after

from groundup.inference.engine import Engine, EngineConfig
from groundup.inference.request import Request
from groundup.inference.sampling import Sampling


class Repeating(PagedOracle):
    """A model that sees one token: what it writes comes round again."""

    def step(self, batch):
        logits = super().step(batch)
        for row, place in enumerate(batch.wanted_R):
            seen = list(self._visible(batch, place))
            logits[row] = logits.new_tensor(logits_after(seen[-1:])) * 1.5
        return logits


class Letters:
    def token_bytes(self, token):
        return bytes([97 + token % 26])


def run(requests, *, speculate, block_count=64, **config):
    engine = Engine(
        Repeating(block_count=block_count), Letters(), EngineConfig(speculate=speculate, **config)
    )
    ids = [engine.submit(request) for request in requests]
    texts, ends = dict.fromkeys(ids, ""), dict.fromkeys(ids, ())
    tokens: dict[int, list[int]] = {i: [] for i in ids}
    logprobs: dict[int, list[tuple[int, float]]] = {i: [] for i in ids}
    for _ in range(5000):
        if not engine.has_work():
            break
        for delta in engine.step():
            tokens[delta.request_id] += delta.tokens
            texts[delta.request_id] += delta.text
            logprobs[delta.request_id] += [(entry.token, entry.logprob) for entry in delta.logprobs]
            if delta.finish_reason:
                ends[delta.request_id] = (delta.finish_reason, delta.stop_reason, delta.error)
    assert not engine.has_work()
    assert engine.stats().blocks_free == engine.stats().blocks_total
    return [(tokens[i], texts[i], logprobs[i], ends[i]) for i in ids], engine.stats()


requests = st.builds(
    Request,
    prompt=st.lists(st.integers(0, 39), min_size=1, max_size=12).map(tuple),
    max_tokens=st.integers(1, 60),
    sampling=st.builds(
        Sampling,
        temperature=st.sampled_from([0.0, 0.0, 0.3, 0.7]),
        top_k=st.none() | st.just(5),
        repetition_penalty=st.sampled_from([1.0, 1.0, 1.2]),
        presence_penalty=st.sampled_from([0.0, 0.0, 0.5]),
        seed=st.integers(0, 50),
    ),
    min_tokens=st.integers(0, 5),
    stop=st.lists(st.text("abcdef", min_size=2, max_size=3), max_size=2).map(tuple),
    stop_ids=st.frozensets(st.integers(0, 39), max_size=1),
    logprobs=st.none() | st.just(0),
)


@settings(max_examples=60, deadline=None)
@given(
    asked=st.lists(requests, min_size=1, max_size=5),
    speculate=st.integers(1, 16),
    block_count=st.sampled_from([20, 64]),
    max_batch=st.integers(1, 4),
)
def test_every_answer_is_the_same_with_guesses_and_without(
    asked, speculate, block_count, max_batch
):
    """Token for token, also with temperature: each place draws with its own number of chance."""
    limits = {"block_count": block_count, "max_batch": max_batch}
    plain, _ = run(asked, speculate=0, **limits)
    guessed, stats = run(asked, speculate=speculate, **limits)
    assert guessed == plain
    assert stats.accepted <= stats.drafted


def test_text_that_repeats_takes_far_fewer_steps():
    ask = Request(prompt=(3, 5), max_tokens=150, sampling=Sampling(temperature=0))
    [(tokens, *_)], plain = run([ask], speculate=0)
    assert len(tokens) == 150
    assert plain.drafted == 0
    _, guessed = run([ask], speculate=7)
    assert plain.steps == 150
    assert guessed.steps < 75
    assert guessed.accepted == 150 - guessed.steps
    assert guessed.accepted / guessed.drafted > 0.8


@pytest.mark.parametrize("finished", [True, False])
def test_a_guided_answer_is_not_guessed_ahead(finished):
    class Everything:
        def __init__(self):
            self.taken = 0

        def mask(self):
            return np.full(2, 0xFFFFFFFF, np.uint32)

        def accept(self, token):
            self.taken += 1

        def is_finished(self):
            return finished and self.taken == 50

    ask = Request(
        prompt=(3, 5), max_tokens=80, sampling=Sampling(temperature=0), grammar=Everything()
    )
    [(tokens, *_)], stats = run([ask], speculate=4)
    assert stats.drafted == 0
    assert len(tokens) == (50 if finished else 80)
