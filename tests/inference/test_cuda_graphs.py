"""Recording with torch's CUDA graphs: in which order it is asked for, and on a device for real."""

import contextlib
import dataclasses

import pytest
import torch
from tests.inference.decoding_steps import (
    KINDS,
    PROMPTS,
    SIZE,
    Sequences,
    Waits,
    answers_of,
    model_of,
    whole,
)

from groundup.inference import decode_graphs
from groundup.inference.sampling import GREEDY
from groundup.inference.torch_backend import TorchBackend

NO_CUDA = pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no CUDA device")
ON_CUDA = [pytest.mark.gpu, NO_CUDA]


class Cuda:
    """Stands in for `torch.cuda`, as far as recording goes: what is current, and a diary."""

    def __init__(self):
        self.now, self.diary, self.is_broken = "main", [], False
        self.device = lambda device: contextlib.nullcontext()
        self.Stream, self.CUDAGraph = lambda: Stream("side", self.diary), Replayed
        self.graph_pool_handle = lambda: "pool"
        self.current_stream = lambda: Stream(self.now, self.diary)

    @contextlib.contextmanager
    def stream(self, stream):
        before, self.now = self.now, stream.name
        try:
            yield
        finally:
            self.now = before

    @contextlib.contextmanager
    def graph(self, graph, **settings):
        """As torch's: where it fails, the stream stays."""
        self.diary.append((settings.pop("pool"), settings.pop("stream").name, settings))
        before, self.now = self.now, "side"
        yield
        if self.is_broken:
            raise RuntimeError("capture failed")
        self.now = before


class Replayed:
    def replay(self):
        pass


@dataclasses.dataclass
class Stream:
    name: str
    diary: list

    def wait_stream(self, other):
        self.diary.append(f"{self.name} waits for {other.name}")


def test_recording_warms_up_on_the_stream_it_records_on_and_leaves_it(monkeypatch):
    """What `CudaCapture` asks of torch, and when; what torch does then, only a device shows."""
    cuda = Cuda()
    monkeypatch.setattr(torch, "cuda", cuda)
    capture = decode_graphs.CudaCapture(torch.device("cuda"))
    replay = capture(lambda: cuda.diary.append(f"runs on {cuda.now}"))
    assert replay.__func__ is Replayed.replay
    assert cuda.diary == [
        "side waits for main",
        *["runs on side"] * 3,
        "main waits for side",
        ("pool", "side", {"capture_error_mode": "thread_local"}),
        "runs on side",
    ]
    cuda.is_broken = True
    with pytest.raises(RuntimeError, match="capture failed"):
        capture(lambda: None)
    assert cuda.now == "main"


@pytest.mark.parametrize("kind", [pytest.param(kind, marks=ON_CUDA) for kind in KINDS])
def test_on_cuda_the_engine_says_the_same_with_graphs_and_without(kind):
    model = model_of(kind, device="cuda")
    graphs, plain = (
        TorchBackend(model, block_size=SIZE, block_count=60, graphs=wanted)
        for wanted in (None, False)
    )
    said = answers_of(graphs, PROMPTS, GREEDY)
    assert graphs.name == "torch float64 on cuda with graphs"
    assert said == answers_of(plain, PROMPTS, GREEDY)


@pytest.mark.parametrize(
    ("dtype", "tolerance"),
    [
        pytest.param(torch.float32, 1e-3, marks=ON_CUDA),
        pytest.param(torch.bfloat16, 0.15, marks=ON_CUDA),
        pytest.param(torch.float16, 0.05, marks=ON_CUDA),
    ],
)
def test_on_cuda_sizes_take_turns(dtype, tolerance):
    model, now = model_of("qwen3", dtype, "cuda"), Sequences(60)
    backend = TorchBackend(model, block_size=SIZE, block_count=60)
    for length in (3, 5, 7, 2, 19):
        now.begin(backend, [length] * length)
    for count in (1, 2, 5, 3, 1, 5, 4, 2):
        logits = now.step(backend, range(count))
        expected = torch.stack([whole(model, text) for text in now.texts[:count]])
        torch.testing.assert_close(logits, expected, rtol=tolerance, atol=tolerance)
        for row in range(count):
            now.grow(row, row + count)
    assert backend.name.endswith("on cuda with graphs")


@pytest.mark.gpu
@NO_CUDA
def test_on_cuda_what_waits_for_the_device_is_computed_without():
    model, now = model_of("qwen3", torch.float32, "cuda"), Sequences(60)
    backend = TorchBackend(model, block_size=SIZE, block_count=60)
    now.begin(backend, [3, 1, 4])
    now.begin(backend, [1, 5])
    now.step(backend, [0])
    stream = torch.cuda.current_stream()
    model.norm = Waits(model.norm)
    for _ in range(3):
        logits = now.step(backend, [0, 1])
        expected = torch.stack([whole(model, text) for text in now.texts])
        torch.testing.assert_close(logits, expected, rtol=1e-3, atol=1e-3)
    assert "without new graphs" in backend.name
    assert torch.cuda.current_stream() == stream
    logits = now.step(backend, [0])
    torch.testing.assert_close(logits[0], whole(model, now.texts[0]), rtol=1e-3, atol=1e-3)
