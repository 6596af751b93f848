"""Decoding without launching kernels one by one: a step is recorded as a CUDA graph, then replayed.

A decoding step of a small model is some hundreds of kernels of a few microseconds each; handing
them to the device one after the other takes longer than their work. A graph hands over all of them
at once, but it is rigid: the same kernels, on the same addresses, of the same shapes. So a step of
any B sequences is rounded up to one of few sizes, written into tensors that stay where they are,
and the graph of that size is replayed:

    B to 1, 2, 4 ... 256 rows; their N blocks to 4, 8, 16 ... up to the context.

Rows that are only there to fill up read and write a block of their own, the scratch block, which
no request ever has; so do entries of the block table that are not used. No row sees another's.

Legend: B sequence (with rows that fill up), N block of a sequence, R asked row, V vocabulary.
`packed` is B x (2 + N), int64: of each sequence its token, the token's position, its blocks.

A graph is recorded when its size is first met, and kept. There are at most `MOST_GRAPHS`: 9 sizes
of B times log2(context / block size) - 1 of N, which is 54 at a context of 2048 in blocks of 16.
All take their memory from one pool, which is as large as the largest needs: mostly the keys and
values that one layer gathers, and sizes where those exceed the memory of all keys and values are
not recorded. Beside it lie the logits, of at most 511 rows in all. No graph is ever taken down
alone: torch may then take away a workspace that the others use (pytorch issue 193402).

A graph replays kernels, not Python. So while a learner's function stands in for a part of the
model, no graph is recorded or replayed. Weights that change in place are seen; a model whose
weights are moved or exchanged needs a new backend.

From "CUDA Graphs" in PyTorch's notes on CUDA semantics (warm up on a side stream, record there,
one pool for graphs that do not run at the same time), and NVIDIA's guide at
docs.nvidia.com/dl-cuda-graph. Leaves out graphs of steps with more than one token a sequence
(prompts, speculation) and of parts of a step. `CudaCapture` has not been run on a device so far
(tests marked `gpu` do that where there is one); all else is tested on a CPU, with a tape of
operators in place of the graph.
"""

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from groundup.inference.backend import Batch
from groundup.layers.attention import attend
from groundup.layers.feed_forward import feed_forward
from groundup.layers.masks import causal_mask, window_mask
from groundup.layers.normalization import layer_norm, rms_norm
from groundup.layers.positions import rotate
from groundup.swap import is_replaced

Capture = Callable[[Callable[[], None]], Callable[[], None]]
"""Records what a function does to tensors that stay; returns what does it again.

The function itself may be run, any number of times. Raises RuntimeError if it cannot be recorded.
"""
MOST_ROWS = 256
"""Sequences of the largest graph."""
FEWEST_BLOCKS = 4
"""Blocks a sequence in the smallest graph: below, a size more would save next to nothing."""
MOST_GRAPHS = 64
"""Graphs that are kept; sizes met later are computed without."""
_WARM_UP = 3
"""Runs before recording, as in PyTorch's notes: libraries set themselves up in the first."""
_PARTS = (attend, causal_mask, window_mask, feed_forward, layer_norm, rms_norm, rotate)
"""What of a GPT a learner may replace."""
_LOG = logging.getLogger(__name__)
_CAPTURING = threading.Lock()  # torch: one recording at a time in a process


@dataclass(frozen=True, kw_only=True)
class Blocks:
    """What there is of paged memory, as far as sizes depend on it."""

    size: int
    """Positions a block."""
    longest: int
    """Most blocks of a sequence: the context's."""
    scratch: int
    """The number of a block that no sequence ever has."""
    most: int
    """Blocks that all rows of a graph read together, at most."""


@dataclass(frozen=True)
class _Graph:
    packed: Tensor
    """What it reads."""
    logits_BV: Tensor
    """What it writes."""
    replay: Callable[[], None]


class DecodeGraphs:
    """Graphs of decoding steps by their size."""

    def __init__(
        self, capture: Capture, *, blocks: Blocks, vocab_size: int, device: torch.device
    ) -> None:
        self.failure = ""
        """Why nothing is recorded any more; empty while all is well."""
        self._capture = capture
        self._blocks = blocks
        self._vocab_size = vocab_size
        self._device = device
        self._graphs: dict[tuple[int, int], _Graph] = {}
        self._logits: dict[int, Tensor] = {}

    def logits(self, batch: Batch, decode: Callable[[Tensor], Tensor]) -> Tensor | None:
        """`logits_RV`, float32, of a step in which each sequence has one token that is asked.

        `decode` computes `logits_BV` from what is `packed`; it neither waits for the device nor
        depends on what its input holds. The result is valid until the next step. None where the
        step is of another kind or size, or may not or cannot be recorded: the caller computes it
        then, all of it, whatever was written already.
        """
        size = self._size(batch)
        if size is None or any(is_replaced(part) for part in _PARTS):
            return None
        packed = _packed(batch, size, self._blocks.scratch)
        graph = self._graphs.get(size)
        if graph is None:
            graph = self._new(packed, decode)
            if graph is None:
                return None
            self._graphs[size] = graph
        graph.packed.copy_(packed)
        graph.replay()
        return graph.logits_BV[: len(batch.tokens_T)]

    def _size(self, batch: Batch) -> tuple[int, int] | None:
        """Rows and blocks a row of the graph for this step; None if there is to be none."""
        count, blocks = len(batch.tokens_T), self._blocks
        if not len(batch.blocks_SN) == len(batch.wanted_R) == count <= MOST_ROWS or count == 0:
            return None
        if not np.array_equal(batch.sequences_T, np.arange(count)):
            return None
        used = int(batch.positions_T.max()) // blocks.size + 1
        B, N = _power(count), min(max(_power(used), FEWEST_BLOCKS), blocks.longest)
        return (B, N) if blocks.most >= B * N else None

    def _new(self, on_host: Tensor, decode: Callable[[Tensor], Tensor]) -> _Graph | None:
        """Record a size; None if there are enough, or if that fails, now or before."""
        if self.failure or len(self._graphs) >= MOST_GRAPHS:
            return None
        B = len(on_host)
        try:
            packed = on_host.to(self._device, copy=True)
            if B not in self._logits:  # outside the pool, and shared: those of one step are read
                shape = B, self._vocab_size
                self._logits[B] = torch.empty(shape, dtype=torch.float32, device=self._device)
            logits_BV = self._logits[B]

            def run() -> None:
                logits_BV.copy_(decode(packed))

            return _Graph(packed, logits_BV, self._capture(run))
        except RuntimeError as problem:  # out of memory; what cannot be recorded; any CUDA error
            first = (str(problem).strip().splitlines() or [""])[0]
            self.failure = f"{type(problem).__name__}: {first}"
            _LOG.warning("decoding goes on without new CUDA graphs: %s", self.failure)
            return None


class CudaCapture:
    """Records on a CUDA device; implements `Capture`.

    What is recorded is not run, so warming up is all that a first call computes. After a failure
    the stream is what it was, and the unfinished graph is kept: torch's allocator may still ask it.
    The memory of that recording may stay taken until the process ends.
    """

    def __init__(self, device: torch.device) -> None:
        """Raises ValueError for another device than CUDA."""
        if device.type != "cuda":
            raise ValueError(
                f"CUDA graphs need a model on CUDA; this one is on {device.type}: "
                "move it there, or leave `graphs` out"
            )
        self._device = device
        with torch.cuda.device(device):
            self._stream = torch.cuda.Stream()  # type: ignore[no-untyped-call]
            self._pool = torch.cuda.graph_pool_handle()
        self._begun: list[torch.cuda.CUDAGraph] = []

    def __call__(self, run: Callable[[], None]) -> Callable[[], None]:
        """Run it some times, then record it."""
        with _CAPTURING, torch.cuda.device(self._device):
            current = torch.cuda.current_stream()
            # The outer stream is restored even where `torch.cuda.graph` fails before it does that.
            with torch.cuda.stream(current):
                return self._recorded(run, current)

    def _recorded(self, run: Callable[[], None], current: torch.cuda.Stream) -> Callable[[], None]:
        self._stream.wait_stream(current)
        with torch.cuda.stream(self._stream):  # the same: some libraries set up for each stream
            for _ in range(_WARM_UP):
                run()
        current.wait_stream(self._stream)
        graph = torch.cuda.CUDAGraph()
        self._begun.append(graph)
        # "thread_local": another engine's thread may ask the device for memory meanwhile.
        with torch.cuda.graph(
            graph, pool=self._pool, stream=self._stream, capture_error_mode="thread_local"
        ):
            run()
        replay: Callable[[], None] = graph.replay
        return replay


def _power(count: int) -> int:
    """The smallest power of two that is not below."""
    return 1 << (count - 1).bit_length()


def _packed(batch: Batch, size: tuple[int, int], scratch: int) -> Tensor:
    """The step, on the host; rows beyond it are token 0 at position 0 of the scratch block.

    So that a row that fills up sees a position too: a mean of nothing is no number.
    """
    count, (B, N) = len(batch.tokens_T), size
    packed = np.zeros((B, 2 + N), np.int64)
    packed[:count, 0] = batch.tokens_T
    packed[:count, 1] = batch.positions_T
    packed[:, 2:] = scratch
    blocks_SN = batch.blocks_SN[:, :N]
    packed[:count, 2 : 2 + blocks_SN.shape[1]] = np.where(blocks_SN < 0, scratch, blocks_SN)
    return torch.from_numpy(packed)
