"""A law of the kernel for CPUs: an answer is the same, bit for bit, whatever else is served."""

import pytest
import torch
from tests.inference.paged_oracle import Letters

from groundup.inference.cpu_backend import CompileError, CPUBackend
from groundup.inference.engine import Engine, EngineConfig
from groundup.inference.request import Request
from groundup.inference.sampling import GREEDY, Sampling
from groundup.models.gpt import GPT, GPTConfig

V = 97


@pytest.fixture(scope="module")
def model():
    shape = {"context": 256, "depth": 2, "width": 64, "heads": 4, "key_heads": 2, "hidden": 128}
    config = GPTConfig(vocab_size=V, embedding_std=0.5, initial_std=0.3, **shape)
    model = GPT(config)
    model.initialize(torch.Generator().manual_seed(0))
    return model


def serve(model, requests, *, blocks=40, one_by_one=False, **settings):
    """Of each request its tokens and log-probabilities, and the engine's numbers."""
    cell = 2 * 2 * 2 * 2 * 16 * 16  # keys and values, bytes, layers, key heads, width, positions
    try:
        backend = CPUBackend.from_model(model, "q8", cache_bytes=blocks * cell)
    except CompileError as problem:
        pytest.skip(str(problem))
    engine = Engine(backend, Letters(), EngineConfig(**settings))
    waiting, told = list(requests), {}
    while waiting or engine.has_work():
        if waiting and not (one_by_one and engine.has_work()):
            told[engine.submit(waiting.pop(0))] = []
        for delta in engine.step():
            assert not delta.error
            told[delta.request_id] += [*delta.prompt_logprobs, *delta.logprobs]
    return list(told.values()), engine.stats()


def requests():
    draw = torch.Generator().manual_seed(1)

    def random(length):
        return torch.randint(0, V, (length,), generator=draw).tolist()

    shared = random(40)
    prompts = [shared, shared, [*shared, 5], [*shared[:33], 6, 7], random(3), random(90), [8]]
    return [
        Request(
            prompt=tuple(prompt),
            max_tokens=40,
            sampling=GREEDY if number % 2 else Sampling(temperature=1.0, top_p=0.95, seed=number),
            logprobs=3,
            prompt_logprobs=1 if number >= 5 else None,
        )
        for number, prompt in enumerate(prompts)
    ]


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"max_tokens_per_step": 8, "max_batch": 8},
        {"speculate": 4},
        {"prefix_cache": False},
        {"blocks": 9},
    ],
    ids=str,
)
def test_neither_neighbours_nor_chunks_nor_guesses_nor_preemption_change_a_bit(model, settings):
    alone, _ = serve(model, requests(), one_by_one=True, prefix_cache=False)
    together, stats = serve(model, requests(), **settings)
    assert together == alone
    assert (stats.preemptions > 0) == ("blocks" in settings)
    assert (stats.prefix_hits > 0) == settings.get("prefix_cache", True)
    assert stats.blocks_free == stats.blocks_total
