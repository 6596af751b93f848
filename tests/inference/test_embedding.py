"""Texts to vectors beside the answers of an engine, on a backend whose states are known exactly."""

import contextlib
import math

import numpy as np
import pytest
import torch
from tests.inference.paged_oracle import Letters, PagedOracle, answer_by_hand, embedded_by_hand
from tests.inference.test_engine import engine, request

from groundup.inference.engine import Engine, EngineConfig, QueueFull


def until_done(served):
    """What each id was told, until nothing is left to do; nothing leaks."""
    told = {}
    for _ in range(2000):
        if not served.has_work():
            break
        for delta in served.step():
            told.setdefault(delta.request_id, []).append(delta)
    stats = served.stats()
    assert (stats.running, stats.waiting, served.has_work()) == (0, 0, False)
    assert stats.blocks_free == stats.blocks_total
    return told


def tokens_of(deltas):
    return [token for delta in deltas for token in delta.tokens]


def near(vector, prompt):
    np.testing.assert_allclose(vector, embedded_by_hand(prompt), atol=1e-5)


@pytest.mark.parametrize("size", [1, 2, 4, 7])
def test_a_vector_is_the_mean_of_hidden_states_however_it_is_cut_into_chunks(size):
    served = engine(block_size=size, block_count=30, max_batch=1, extra=4)
    prompts = [[1, 2, 3], list(range(17)), [5], list(range(30))]
    for prompt, vector in zip(prompts, served.embed(prompts), strict=True):
        near(vector, prompt)
    assert not served.has_work()
    stats = served.stats()
    assert (stats.prompt_tokens, stats.computed_tokens, stats.steps) == (51, 51, 1 + 4 + 1 + 6)
    assert (stats.prefix_queries, stats.blocks_cached) == (0, 0)


def test_what_embedding_adds_to_others_the_next_step_tells():
    served = engine(block_size=2, block_count=12)
    first = served.submit(request([1] * 9, 12))
    short = served.submit(request([2] * 3, 1))
    near(served.embed([list(range(17))])[0], list(range(17)))
    assert served.has_work()
    told = until_done(served)
    assert tokens_of(told[first]) == answer_by_hand([1] * 9, 12)
    assert tokens_of(told[short]) == answer_by_hand([2] * 3, 1)
    assert set(told) == {first, short}  # the text's own is not told twice


def test_what_was_not_told_of_a_cancelled_request_is_not_told_later():
    served = engine()
    gone, stays = served.submit(request([1] * 3, 2)), served.submit(request([2] * 3, 2))
    served.embed([[3] * 40])
    served.cancel(gone)
    assert set(until_done(served)) == {stays}


def test_answers_get_a_token_a_step_while_a_long_text_is_read():
    served = engine(max_batch=2, extra=2)
    answer = served.submit(request([1, 2], 50))
    served.step()
    [text] = served.submit_embeddings([list(range(40))])
    steps, deltas = 0, {}
    while text not in deltas:
        steps += 1
        deltas = {delta.request_id: delta for delta in served.step()}
        assert len(deltas[answer].tokens) == 1
        assert len(served.backend.batches[-1].tokens_T) == 1  # the text is no part of it
    assert steps == math.ceil(40 / 3)  # four tokens a step, one of them the answer's
    near(deltas[text].vector, list(range(40)))
    served.cancel(answer)


def test_groups_of_texts_take_turns():
    served = engine()
    many = served.submit_embeddings([[number] for number in range(5)])
    few = served.submit_embeddings([[7], [8]])
    assert served.stats().waiting == 7
    order = [delta.request_id for _ in range(7) for delta in served.step()]
    assert order == [many[0], few[0], many[1], few[1], many[2], many[3], many[4]]
    assert not served.has_work()


def test_a_text_waits_its_turn_for_blocks_and_takes_none_that_an_answer_grows_into():
    served = engine(block_size=2, block_count=10, max_batch=3, prefix_cache=False)
    answer = served.submit(request([1] * 10, 8))  # five blocks, and four to grow into
    served.step()
    [text] = served.submit_embeddings([[3] * 12])
    later = served.submit(request([2] * 4, 3))  # it would fit, but came later
    order = []
    while served.has_work():
        order += [delta.request_id for delta in served.step() if delta.finish_reason]
    assert order == [answer, text, later]
    assert served.stats().preemptions == 0


def test_a_text_that_gives_up_its_blocks_begins_again_and_says_the_same():
    served = engine(block_size=2, block_count=11, max_batch=2, extra=0, prefix_cache=False)
    answer = served.submit(request([1] * 4, 14))
    served.step(), served.step()
    [text] = served.submit_embeddings([list(range(13))])
    told = until_done(served)
    assert served.stats().preemptions > 0
    near(told[text][0].vector, list(range(13)))
    assert tokens_of(told[answer])[-12:] == answer_by_hand([1] * 4, 14)[-12:]


def test_neither_answers_nor_texts_starve_when_more_come_all_the_time():
    served = engine(block_size=2, block_count=16, max_batch=2, max_queue=3)
    asked, ended = [served.submit(request([2] * 6, 3)) for _ in range(2)], []
    [text] = served.submit_embeddings([[1] * 30])  # almost all blocks
    while text not in ended:
        with contextlib.suppress(QueueFull):
            while True:
                asked.append(served.submit(request([2] * 6, 3)))
        ended += [delta.request_id for delta in served.step() if delta.finish_reason]
        assert len(ended) < 20, "the text is passed over for ever"
    assert len(ended) > 1  # answers went on meanwhile
    assert set(until_done(served)) == {*asked} - {*ended}


@pytest.mark.parametrize("which", [0, 1, 2])
def test_a_cancelled_text_frees_its_blocks_at_once_and_the_others_come(which):
    served = engine(max_batch=1, extra=3)
    texts = served.submit_embeddings([[number] * 9 for number in range(3)])
    served.step()
    served.cancel(texts[which])
    if which == 0:  # the next one stands in line, but nothing is computed
        assert served.stats().blocks_free == served.stats().blocks_total
    served.cancel(texts[which])
    told = until_done(served)
    assert set(told) == set(texts) - {texts[which]}
    for number, text in enumerate(texts):
        if number != which:
            near(told[text][0].vector, [number] * 9)


def test_when_all_texts_are_cancelled_nothing_is_left_to_do():
    served = engine()
    groups = [served.submit_embeddings([[1] * 9] * 3) for _ in range(3)]
    for text in [*groups[1], *groups[0], *groups[2]]:
        served.cancel(text)
    assert not served.has_work()
    assert served.submit_embeddings([]) == range(9, 9)
    assert not served.has_work()


class BreaksAt(PagedOracle):
    """Raises when a text with this token is read, or gives no numbers."""

    def __init__(self, problem, token=7, **settings):
        super().__init__(**settings)
        self.problem, self.token = problem, token

    def hidden(self, batch):
        if self.token in batch.tokens_T:
            if self.problem is None:
                return torch.full((len(batch.wanted_R), 8), math.nan)
            raise self.problem
        return super().hidden(batch)


@pytest.mark.parametrize("problem", [RuntimeError("out of memory"), None])
def test_a_text_that_fails_harms_nobody_else(problem):
    served = Engine(BreaksAt(problem), Letters(), EngineConfig(max_batch=4, max_tokens_per_step=9))
    answer = served.submit(request([1, 2, 3], 9))
    texts = served.submit_embeddings([[1] * 12, [1] * 12 + [7], [2] * 12])
    told = until_done(served)
    failed = told[texts[1]][0]
    assert failed.finish_reason == "error"
    assert ("no numbers" if problem is None else "out of memory") in failed.error
    near(told[texts[0]][0].vector, [1] * 12)
    near(told[texts[2]][0].vector, [2] * 12)
    assert tokens_of(told[answer]) == answer_by_hand([1, 2, 3], 9)
    assert served.stats().preemptions == 0
    with pytest.raises(RuntimeError, match=failed.error):
        served.embed([[1], [7]])
    assert not served.has_work()


def test_an_interrupted_text_is_read_anew():
    served = Engine(BreaksAt(KeyboardInterrupt()), Letters(), EngineConfig())
    answer, [text] = served.submit(request([1, 2], 5)), served.submit_embeddings([[7] * 9])
    with pytest.raises(KeyboardInterrupt):
        served.step()
    served.backend.token = -1
    told = until_done(served)
    near(told[text][0].vector, [7] * 9)
    assert tokens_of(told[answer]) == answer_by_hand([1, 2], 5)
    served.backend.token = 7
    with pytest.raises(KeyboardInterrupt):
        served.embed([[7] * 9])
    assert not served.has_work()


def test_what_an_interrupted_text_kept_from_being_computed_is_not_taken_from_the_cache():
    config = EngineConfig(max_batch=4, max_tokens_per_step=30)
    served = Engine(BreaksAt(KeyboardInterrupt(), block_size=2), Letters(), config)
    [text], answer = served.submit_embeddings([[7] * 3]), served.submit(request([1, 2, 3, 4, 5], 5))
    with pytest.raises(KeyboardInterrupt):
        served.step()
    served.cancel(text)
    served.cancel(answer)
    again = served.submit(request([1, 2, 3, 4, 6], 5))
    assert tokens_of(until_done(served)[again]) == answer_by_hand([1, 2, 3, 4, 6], 5)


def test_a_failing_step_of_answers_leaves_the_text_whole():
    served = engine()
    served.submit(request([1, 2], 5))
    [text] = served.submit_embeddings([[4] * 7])
    served.backend.fault = KeyboardInterrupt()
    with pytest.raises(KeyboardInterrupt):
        served.step()
    near(until_done(served)[text][0].vector, [4] * 7)


@pytest.mark.parametrize(
    ("prompt", "message"),
    [([], "a prompt is empty"), ([1] * 21, "there is room for 20"), ([1, 99], "token id 99")],
)
def test_a_text_the_model_cannot_read_is_refused_and_none_of_its_group_is_taken(prompt, message):
    served = engine(context=20)
    with pytest.raises(ValueError, match=message):
        served.submit_embeddings([[1], prompt])
    assert not served.has_work()


def test_a_full_line_takes_no_texts_but_the_group_that_is_in_goes_on():
    served = engine(max_queue=2, max_batch=1)
    first = served.submit_embeddings([[1], [2]])
    second = served.submit_embeddings([[3]])
    with pytest.raises(QueueFull, match="2 requests are waiting"):
        served.submit_embeddings([[4]])
    answer = served.submit(request([5], 1))
    assert set(until_done(served)) == {*first, *second, answer}
