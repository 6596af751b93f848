"""Decoding as graphs: what is replayed is what the ordinary path computes.

In place of a CUDA graph stands a tape: the operators are recorded once, with the tensors they read
and wrote, and replayed on those very tensors without running any of our Python again. So what was
read from the host while recording would be stale, as in a graph.
"""

import dataclasses
import logging

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from tests.inference.decoding_steps import (
    KINDS,
    MODELS,
    PROMPTS,
    SIZE,
    Sequences,
    V,
    Waits,
    answers_of,
    batch_of,
    decoding,
    model_of,
    reading,
    whole,
)
from torch.utils._python_dispatch import TorchDispatchMode

from groundup import swap
from groundup.inference import decode_graphs
from groundup.inference.generate import generate
from groundup.inference.sampling import GREEDY, Sampling
from groundup.inference.torch_backend import TorchBackend
from groundup.models.gpt import GPT


class Operators(TorchDispatchMode):
    def __init__(self):
        super().__init__()
        self.calls = []

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        if function is torch.ops.aten._local_scalar_dense.default:
            raise RuntimeError("operation not permitted when stream is capturing\nmore")
        found = function(*args, **(kwargs or {}))
        self.calls.append((function, args, kwargs or {}, found))
        return found


def memory(tensor):
    return tensor.untyped_storage().data_ptr()


def several(found):
    return [found] if isinstance(found, torch.Tensor) else found


def flat(nested):
    values = nested.values() if isinstance(nested, dict) else nested
    return [y for x in values for y in (flat(x) if isinstance(x, list | tuple | dict) else [x])]


class Tape:
    """Stands in for `CudaCapture`; counts."""

    def __init__(self):
        self.sizes, self.replayed = [], 0

    def __call__(self, run):
        run()
        with Operators() as operators:
            run()
        logits_BV, *_ = operators.calls[-1][1]
        self.sizes.append(len(logits_BV))

        def replay():
            self.replayed += 1
            for function, args, kwargs, found in operators.calls:
                again = function(*args, **kwargs)
                given = {memory(one) for one in args if isinstance(one, torch.Tensor)}
                for kept, new in zip(several(found), several(again), strict=True):
                    if isinstance(kept, torch.Tensor) and memory(kept) not in given:
                        kept.copy_(new)

        return replay


def graphed(model, tape, blocks=60):
    return TorchBackend(model, block_size=SIZE, block_count=blocks, graphs=True, capture=tape)


@pytest.mark.parametrize("kind", KINDS)
def test_a_step_asks_the_device_for_nothing_and_brings_nothing_from_the_host(kind):
    """On the device "meta", where tensors have no numbers: what needs one would fail."""
    model, calls = model_of(kind).to("meta"), []

    def capture(run):
        with Operators() as operators:
            run()
        calls.extend(operators.calls)
        return lambda: None

    logits = graphed(model, capture).step(decoding([1, 2], [0, 9], [[0], [1, 2, 3]]))
    assert logits.shape == (2, V)
    tensors = [x for call in calls for x in flat(call[1:]) if isinstance(x, torch.Tensor)]
    assert len(tensors) > 100
    assert {tensor.device.type for tensor in tensors} == {"meta"}


@pytest.mark.parametrize("kind", KINDS)
@given(data=st.data())
def test_whatever_comes_and_goes_the_logits_are_those_of_the_whole_text(kind, data):
    model, tape, now = MODELS[kind], Tape(), Sequences(60)
    now.free = data.draw(st.permutations(now.free))
    backend, token, steps = graphed(model, tape), st.integers(0, V - 1), 0
    for _ in range(data.draw(st.integers(1, 6))):
        for text in data.draw(st.lists(st.lists(token, min_size=1, max_size=24), max_size=3)):
            if len(now.texts) < 6:
                now.begin(backend, text)
        if not now.texts:
            continue
        rows = data.draw(st.permutations(range(len(now.texts))))
        rows = rows[: data.draw(st.integers(1, len(rows)))]
        logits = now.step(backend, rows)
        steps += 1
        assert logits.shape == (len(rows), V)
        assert logits.dtype == torch.float32
        expected = torch.stack([whole(model, now.texts[row]) for row in rows])
        torch.testing.assert_close(logits, expected)
        for row in rows:
            now.grow(row, data.draw(token))
        if data.draw(st.booleans()):
            now.end(data.draw(st.integers(0, len(now.texts) - 1)))
    assert tape.replayed == steps


def test_sizes_are_few_and_each_is_recorded_once():
    model, tape, now = MODELS["qwen3"], Tape(), Sequences(60)
    backend = graphed(model, tape)
    for length in (3, 5, 7, 2, 9):
        now.begin(backend, [length] * length)
    for count in (1, 2, 3, 4, 5, 3, 1, 5):
        now.step(backend, range(count))
    assert tape.sizes == [1, 2, 4, 8]
    now.begin(backend, [1] * 17)  # five blocks: more than the four of the smallest
    now.step(backend, [0, 5])
    now.step(backend, [1, 5])
    now.step(backend, [1, 0])
    assert tape.sizes == [1, 2, 4, 8, 2]
    assert tape.replayed == 11


def test_rows_that_fill_up_and_blocks_without_use_disturb_nobody():
    model, tape, now = MODELS["window"], Tape(), Sequences(8)
    backend = graphed(model, tape, blocks=8)
    texts = [[1, 2, 3, 4, 5], [9, 8, 7, 6, 5, 4], [3, 1, 4, 1, 5, 9, 2, 6, 5, 3, 5, 8, 9, 7]]
    for text in texts:
        now.begin(backend, text)
    assert not now.free  # every block is somebody's
    now.tables[0].append(3)  # stale: another's block, beyond this one's positions
    for _ in range(2):
        logits = now.step(backend, range(3))
        torch.testing.assert_close(logits, torch.stack([whole(model, t) for t in texts]))
    assert tape.sizes == [4]
    plain = TorchBackend(model, block_size=SIZE, block_count=8)
    assert backend.block_count == plain.block_count == 8
    assert backend.bytes()["cache"] * 8 == plain.bytes()["cache"] * 9


def test_to_the_end_of_a_context_that_is_no_power_of_two():
    config = dataclasses.replace(MODELS["qwen3"].config, context=22)
    model = GPT.from_weights(config, MODELS["qwen3"].state_dict())
    tape, now = Tape(), Sequences(30)
    backend = graphed(model, tape, blocks=30)
    now.begin(backend, [7] * 20)
    for token in (4, 2, None):
        torch.testing.assert_close(now.step(backend, [0])[0], whole(model, now.texts[0]))
        if token is not None:
            now.grow(0, token)
    assert tape.replayed == 3


def test_what_is_no_decoding_takes_the_ordinary_path(monkeypatch):
    model, tape = MODELS["qwen3"], Tape()
    backend, plain = graphed(model, tape), TorchBackend(model, block_size=SIZE, block_count=60)
    two = ([5, 6], [0, 0], [0, 1], [[0], [1]])
    for batch in (
        reading([1, 2, 3], [0], [0, 1, 2]),  # a prompt
        batch_of(*two, [1]),  # a token that is not asked
        batch_of([5, 6, 7, 8], [0, 1, 0, 1], [0, 0, 1, 1], [[0], [1]], [1, 3]),  # two each
        batch_of([5, 6], [0, 1], [0, 0], [[0], [1]], [0, 1]),  # as many tokens as sequences
    ):
        torch.testing.assert_close(backend.step(batch), plain.step(batch))
    torch.testing.assert_close(
        backend.hidden(batch_of(*two, [0, 1])), plain.hidden(batch_of(*two, [0, 1]))
    )
    monkeypatch.setattr(decode_graphs, "MOST_ROWS", 1)
    backend.step(batch_of(*two, [0, 1]))
    assert tape.sizes == []
    backend.step(reading([1], [0], [0]))
    assert tape.sizes == [1]


def test_what_would_read_more_than_there_is_memory_is_not_recorded():
    model, tape = MODELS["qwen3"], Tape()
    backend = graphed(model, tape, blocks=8)  # two layers: 16 blocks at a time
    backend.step(decoding([1] * 5, [0] * 5, [[n] for n in range(5)]))  # 8 rows of 4 blocks
    assert tape.sizes == []
    backend.step(decoding([1] * 4, [0] * 4, [[n] for n in range(4)]))
    assert tape.sizes == [4]


def test_no_more_graphs_than_there_may_be(monkeypatch):
    monkeypatch.setattr(decode_graphs, "MOST_GRAPHS", 2)
    model, tape, now = MODELS["qwen3"], Tape(), Sequences(60)
    backend = graphed(model, tape)
    for text in ([1, 2], [3], [4, 5, 6]):
        now.begin(backend, text)
    for count in (1, 2, 3, 2):
        logits = now.step(backend, range(count))
        expected = torch.stack([whole(model, text) for text in now.texts[:count]])
        torch.testing.assert_close(logits, expected)
    assert tape.sizes == [1, 2]
    assert tape.replayed == 3
    assert backend.name == "torch float64 on cpu with graphs"


NOT_IN_A_STEP = {
    "layers.positions:rotary_tables",  # runs when a model is made
    "layers.masks:window_mask",  # a decoding step makes its own, of positions in blocks
}


@pytest.mark.parametrize(
    "part",
    [
        name
        for name in swap.parts()
        if name.startswith("layers.") and "loss" not in name and name not in NOT_IN_A_STEP
    ],
)
def test_a_learners_function_runs_instead_of_what_was_recorded(part):
    kind = "gpt2" if part.endswith("layer_norm") else "qwen3"
    model, tape, now, calls = MODELS[kind], Tape(), Sequences(60), []
    backend = graphed(model, tape)
    now.begin(backend, [3, 1, 4])
    now.step(backend, [0])
    original = swap._find(part).slot.original

    def mine(*args, **kwargs):
        calls.append(part)
        return original(*args, **kwargs)

    replacement = swap.Replacement(part=part, file="", name="", sha256="", function=mine)
    with swap.replaced([replacement]):
        for number in (1, 2):
            before = len(calls)
            logits = now.step(backend, [0])
            assert len(calls) > before, number
    assert tape.replayed == 1
    torch.testing.assert_close(now.step(backend, [0]), logits)
    assert tape.replayed == 2


def test_what_cannot_be_recorded_is_computed_and_said(caplog):
    model, tape, now = model_of("qwen3"), Tape(), Sequences(60)
    backend = graphed(model, tape)
    now.begin(backend, [3, 1, 4])
    now.begin(backend, [1, 5])
    assert backend.name == "torch float64 on cpu with graphs"
    now.step(backend, [0])
    model.norm = Waits(model.norm)
    with caplog.at_level(logging.WARNING):
        for _ in range(3):
            logits = now.step(backend, [0, 1])
            torch.testing.assert_close(logits, torch.stack([whole(model, t) for t in now.texts]))
    said = "RuntimeError: operation not permitted when stream is capturing"
    assert [record.getMessage() for record in caplog.records] == [
        f"decoding goes on without new CUDA graphs: {said}"
    ]
    assert backend.name == f"torch float64 on cpu without new graphs ({said})"
    assert (tape.sizes, tape.replayed) == ([1], 1)
    now.step(backend, [0])  # what was recorded before goes on
    assert (tape.sizes, tape.replayed) == ([1], 2)


def test_errors_that_are_no_failure_to_record_are_seen():
    def broken(run):
        raise TypeError("a mistake")

    backend = graphed(MODELS["qwen3"], broken)
    with pytest.raises(TypeError, match="a mistake"):
        backend.step(decoding([1], [0], [[0]]))


def test_weights_that_change_in_place_are_seen():
    model, tape, now = model_of("qwen3"), Tape(), Sequences(60)
    backend = graphed(model, tape)
    now.begin(backend, [3])
    before = now.step(backend, [0]).clone()
    with torch.no_grad():
        for weight in model.parameters():
            weight.mul_(1.1)
    after = now.step(backend, [0])
    assert not torch.allclose(before, after)
    torch.testing.assert_close(after[0], whole(model, [3]))
    assert tape.replayed == 2


def test_without_cuda_there_are_none_unless_one_says_how():
    model = MODELS["qwen3"]
    assert TorchBackend(model).name == "torch float64 on cpu"
    with pytest.raises(ValueError, match=r"graphs need a model on CUDA; this one is on cpu: move"):
        TorchBackend(model, graphs=True)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("sampling", [GREEDY, Sampling(temperature=1.0, top_p=0.9, seed=3)])
def test_the_engine_says_what_the_plain_loop_says(kind, sampling):
    tape = Tape()
    answers = answers_of(graphed(MODELS[kind], tape), PROMPTS, sampling)
    for prompt, answer in zip(PROMPTS, answers, strict=True):
        assert answer == list(generate(MODELS[kind], prompt, max_tokens=25, sampling=sampling))
    assert tape.replayed > 20
