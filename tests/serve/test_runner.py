"""The bridge between the event loop and the engine's thread, over a fake engine."""

import asyncio
import threading
from collections import Counter

import pytest
from tests.serve.fake_engine import FIRST_TEXT, FakeEngine

from groundup.inference.request import Request
from groundup.inference.scheduler import QueueFull
from groundup.serve.errors import ApiError
from groundup.serve.observer import Asked, Silent, Together
from groundup.serve.runner import EngineRunner


class Watching(Silent):
    """Writes down what it is told, and by which thread."""

    def __init__(self):
        self.events, self.threads, self.lives = Counter(), set(), []

    def __getattribute__(self, name):
        if name in ("started", "first_token", "tokens", "finished", "stepped", "refused"):
            self.events[name] += 1
            self.threads.add(threading.current_thread())
        return super().__getattribute__(name)

    def finished(self, life):
        self.lives.append(life)


def request(text="hi", tokenizer=None, **fields):
    settings = {"max_tokens": 8, "stop_ids": frozenset({2}), **fields}
    return Request(prompt=tuple(tokenizer.encode(text)), **settings)


def asked(requests):
    return Asked(
        request_id="r", endpoint="/x", model="m", prompt_tokens=1, max_tokens=8,
        sequences=len(requests), at=0.0,
    )  # fmt: skip


def run(scenario, tokenizer, **settings):
    """Run a coroutine `scenario(runner, engine)` with a runner around a fake engine."""
    engine = FakeEngine(tokenizer, **settings)

    async def main():
        runner = EngineRunner(engine, observer=Watching())
        runner.start()
        try:
            return await asyncio.wait_for(scenario(runner, engine), 20)
        finally:
            engine.gate.set()
            runner.close()

    return asyncio.run(main())


async def collected(flight):
    texts = [""] * len(flight.lives)
    async for index, delta in flight:
        texts[index] += delta.text
    return texts


def test_every_sequence_gets_its_own_answer(tokenizer):
    async def scenario(runner, engine):
        requests = [request(text, tokenizer, max_tokens=99) for text in ("sea", "fox", "dog")]
        flight = await runner.submit(requests, asked(requests))
        return await collected(flight)

    assert run(scenario, tokenizer) == ["You said: sea", "You said: fox", "You said: dog"]


def test_many_tasks_at_once(tokenizer):
    words = [f"{i} shells" for i in range(100)]

    async def one(runner, text):
        requests = [request(text, tokenizer, max_tokens=99)]
        [answer] = await collected(await runner.submit(requests, asked(requests)))
        return answer

    async def scenario(runner, engine):
        answers = await asyncio.gather(*(one(runner, text) for text in words))
        assert runner.in_flight == 0
        return answers

    answers = run(scenario, tokenizer, max_queue=100)
    assert answers == [f"You said: {text}" for text in words]


def test_observers_are_told_each_life_in_the_loops_thread(tokenizer):
    async def scenario(runner, engine):
        watching = runner.observer
        runner.observer = Together([watching, Silent()])
        requests = [request("sea", tokenizer, max_tokens=99), request("fox", tokenizer)]
        ended = []
        flight = await runner.submit(requests, asked(requests), ended.append)
        await collected(flight)
        await asyncio.sleep(0)
        assert ended == [flight]
        assert watching.threads == {threading.main_thread()}
        assert watching.events["started"] == watching.events["finished"] == 2
        assert watching.events["first_token"] == 2
        assert watching.events["stepped"] == engine.steps
        for life in watching.lives:
            assert life.submitted_at <= life.scheduled_at <= life.first_at
            assert life.first_at <= life.last_at <= life.finished_at
        long, short = flight.lives
        assert (long.finish_reason, short.finish_reason) == ("stop", "length")
        assert (short.generated_tokens, short.cached_tokens) == (8, 3)
        both = long.prompt_tokens + short.prompt_tokens
        assert flight.used == both + long.generated_tokens + 8

        flight = await runner.submit([request("sea", tokenizer, max_tokens=1)] * 3, asked(requests))
        await collected(flight)
        assert flight.used == long.prompt_tokens + 3  # one prompt, read once

    run(scenario, tokenizer)


def test_a_full_queue_takes_none_of_a_requests_sequences(tokenizer):
    async def scenario(runner, engine):
        engine.gate.clear()
        first = [request("a", tokenizer)]
        flight = await runner.submit(first, asked(first))
        await asyncio.to_thread(engine.at_gate.wait, 5)
        more = [request("b", tokenizer), request("c", tokenizer), request("d", tokenizer)]
        ended = []
        waiting = asyncio.ensure_future(runner.submit(more, asked(more), ended.append))
        await asyncio.sleep(0.01)
        engine.gate.set()
        with pytest.raises(ApiError) as refusal:
            await waiting
        assert (refusal.value.status, refusal.value.code) == (429, "queue_full")
        assert refusal.value.headers() == {"retry-after": "1"}
        assert len(ended) == 1
        await collected(flight)
        assert runner.in_flight == 0
        assert runner.observer.events["started"] == 1

    run(scenario, tokenizer, max_queue=3)


def test_what_the_engine_cannot_take_is_a_400(tokenizer):
    async def scenario(runner, engine):
        requests = [request("a", tokenizer), request("x" * 999, tokenizer)]
        with pytest.raises(ApiError) as refusal:
            await runner.submit(requests, asked(requests))
        assert refusal.value.status == 400
        assert (engine.running, runner.in_flight) == ({}, 0)

    run(scenario, tokenizer)


def test_a_cancelled_request_stops_within_a_step(tokenizer):
    async def scenario(runner, engine):
        engine.gate.clear()
        requests = [request("a", tokenizer, max_tokens=99), request("b", tokenizer, max_tokens=99)]
        ended = []
        flight = await runner.submit(requests, asked(requests), ended.append)
        flight.cancel()
        engine.gate.set()
        deltas = [delta async for _, delta in flight]
        assert [d.finish_reason for d in deltas[-2:]] == ["cancelled", "cancelled"]
        assert engine.steps <= 1
        assert engine.running == {}
        assert [life.finish_reason for life in runner.observer.lives] == ["cancelled"] * 2
        assert ended == [flight]
        flight.cancel()  # once more is harmless
        assert runner.in_flight == 0

    run(scenario, tokenizer)


def test_a_task_that_gives_up_while_it_is_submitting_leaves_nothing(tokenizer):
    async def scenario(runner, engine):
        engine.gate.clear()
        first = [request("a", tokenizer)]
        flight = await runner.submit(first, asked(first))
        await asyncio.to_thread(engine.at_gate.wait, 5)
        second = [request("b", tokenizer, max_tokens=99)]
        ended = []
        task = asyncio.ensure_future(runner.submit(second, asked(second), ended.append))
        await asyncio.sleep(0.01)
        task.cancel()
        await asyncio.wait([task])
        engine.gate.set()
        await collected(flight)
        while runner.in_flight:
            await asyncio.sleep(0.001)
        assert engine.running == {}
        assert len(ended) == 1

    run(scenario, tokenizer)


def test_a_step_that_fails_fails_everything_and_is_told(tokenizer, caplog):
    async def scenario(runner, engine):
        engine.gate.clear()
        requests = [request("a", tokenizer), request("b", tokenizer)]
        ended = []
        flight = await runner.submit(requests, asked(requests), ended.append)
        await asyncio.to_thread(engine.at_gate.wait, 5)  # what comes now must wait for the step
        waiting = asyncio.ensure_future(runner.submit(requests, asked(requests), ended.append))
        embedding = asyncio.ensure_future(
            runner.submit_embeddings([[1]], asked(requests), ended.append)
        )
        await asyncio.sleep(0.01)
        engine.failure = RuntimeError("the kernel broke")
        engine.gate.set()
        for failing in (collected(flight), waiting, embedding):
            with pytest.raises(ApiError) as problem:
                await failing
            assert (problem.value.status, problem.value.code) == (500, "engine_failed")
        assert not runner.is_healthy
        assert str(runner.failure) == "the kernel broke"
        assert (len(ended), runner.in_flight) == (3, 0)
        started, finished = runner.observer.events["started"], len(runner.observer.lives)
        assert started == finished
        with pytest.raises(ApiError, match="failed"):
            await runner.submit(requests, asked(requests))
        engine.running.clear()

    run(scenario, tokenizer)
    assert "the kernel broke" in caplog.text


def test_closing_tells_those_who_wait(tokenizer):
    async def scenario(runner, engine):
        requests = [request("a", tokenizer, max_tokens=10**6, stop_ids=frozenset())]
        flight = await runner.submit(requests, asked(requests))
        runner.close()
        with pytest.raises(ApiError) as problem:
            await collected(flight)
        assert problem.value.status == 503
        assert not runner.is_healthy
        assert runner.failure is None

    run(scenario, tokenizer, room=10**6)


async def vectors_of(flight):
    return {index: delta.vector async for index, delta in flight}


def test_vectors_come_beside_answers(tokenizer):
    async def scenario(runner, engine):
        requests = [request("a", tokenizer, max_tokens=10**6, stop_ids=frozenset())]
        flight = await runner.submit(requests, asked(requests))
        ended = []
        texts = await runner.submit_embeddings([[5], [6, 7]], asked(requests), ended.append)
        vectors = await vectors_of(texts)
        assert sorted(vectors) == [0, 1]
        assert all(vectors.values())
        assert [life.prompt_tokens for life in texts.lives] == [1, 2]
        for life in texts.lives:
            assert life.submitted_at <= life.scheduled_at <= life.finished_at
            assert (life.finish_reason, life.generated_tokens) == ("stop", 0)
        assert (ended, runner.in_flight) == ([texts], 1)
        assert not all(life.finish_reason for life in flight.lives)  # it still runs
        assert runner.observer.events["started"] == 3
        flight.cancel()

    run(scenario, tokenizer, room=10**6)


def test_vectors_are_made_in_steps_so_that_answers_go_on(tokenizer):
    async def scenario(runner, engine):
        requests = [request("a", tokenizer, max_tokens=10**6, stop_ids=frozenset())]
        flight = await runner.submit(requests, asked(requests))
        crowd = [await runner.submit_embeddings([[5], [6]], asked(requests)) for _ in range(20)]
        await asyncio.gather(*map(vectors_of, crowd))
        [life] = flight.lives
        assert life.generated_tokens >= 39  # a step, and so a token, for each but the first
        flight.cancel()

    run(scenario, tokenizer, room=10**6)


def test_vectors_that_nobody_waits_for_are_not_made(tokenizer):
    async def scenario(runner, engine):
        engine.gate.clear()
        flight = await runner.submit_embeddings([[5], [6], [7]], asked([]))
        await asyncio.to_thread(engine.at_gate.wait, 5)  # in the step that makes the first
        flight.cancel()
        engine.gate.set()
        reasons = [delta.finish_reason async for _, delta in flight]
        assert reasons == ["stop", "cancelled", "cancelled"]
        assert [number - FIRST_TEXT for number in engine.cancelled] == [1, 2]
        assert runner.in_flight == 0

    run(scenario, tokenizer)


def test_a_full_queue_takes_no_texts(tokenizer):
    async def scenario(runner, engine):
        engine.gate.clear()
        first = await runner.submit_embeddings([[5]], asked([]))
        await asyncio.to_thread(engine.at_gate.wait, 5)
        ended = []
        waiting = asyncio.ensure_future(runner.submit_embeddings([[6]], asked([]), ended.append))
        await asyncio.sleep(0.01)
        assert not waiting.done()
        engine.submit_embeddings = full
        engine.gate.set()
        with pytest.raises(ApiError) as refusal:
            await waiting
        assert (refusal.value.status, refusal.value.code) == (429, "queue_full")
        assert len(ended) == 1
        await vectors_of(first)

    def full(prompts):
        raise QueueFull(1)

    run(scenario, tokenizer)


def test_stats_are_those_after_the_latest_step_or_command(tokenizer):
    async def scenario(runner, engine):
        assert runner.stats().blocks_free == engine.blocks
        engine.gate.clear()
        requests = [request("a", tokenizer)]
        flight = await runner.submit(requests, asked(requests))
        assert runner.stats().running == 1
        flight.cancel()
        engine.gate.set()
        async for _ in flight:
            pass
        assert runner.stats().blocks_free == engine.blocks

    run(scenario, tokenizer)
