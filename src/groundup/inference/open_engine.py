"""Open a model as an engine: find it, choose what computes it, say why.

Two backends. `torch` runs the model's own modules: any architecture, on any device, in floating
point. `cpu` runs a kernel compiled for this processor over weights of 4 or 8 bits, several times as
fast; it is there for the architectures that `cpu_backend.why_not` does not refuse, where there is a
compiler.
"""

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import torch

from groundup.checkpoints import gguf
from groundup.checkpoints.open import LoadedModel, chat_template, locate, open_model
from groundup.inference.backend import Backend
from groundup.inference.cpu_backend import CompileError, CPUBackend, why_not
from groundup.inference.engine import Engine, EngineConfig
from groundup.inference.torch_backend import CACHE_BYTES, TorchBackend
from groundup.layers.attention import attend
from groundup.layers.feed_forward import feed_forward
from groundup.layers.masks import causal_mask, window_mask
from groundup.layers.normalization import rms_norm
from groundup.layers.positions import rotate
from groundup.swap import is_replaced
from groundup.tokenizers import gguf_vocabulary
from groundup.tokenizers.bpe import BPE
from groundup.tokenizers.chat_template import ChatTemplate
from groundup.tokenizers.memory import give_back

Quant = Literal["auto", "fp32", "bf16", "q8", "q4"]
"""The form of the weights: as the file has them, floats, or 8 or 4 bits in groups of 32."""
BackendName = Literal["auto", "torch", "cpu"]
"""What computes."""

_FLOATS = {"fp32": torch.float32, "bf16": torch.bfloat16}
_PACKED = {"Q4_0": "q4", "Q4_1": "q4", "Q8_0": "q8"}  # formats the kernel takes as they are
_UNPACKED = {"F32", "F16", "BF16"}
_IN_THE_KERNEL: dict[str, Callable[..., Any]] = {
    "attend": attend,
    "causal_mask": causal_mask,
    "window_mask": window_mask,
    "rotate": rotate,
    "rms_norm": rms_norm,
    "feed_forward": feed_forward,
}


@dataclass(frozen=True, kw_only=True)
class OpenedEngine:
    """An engine, with all that turns text into its input and back."""

    engine: Engine
    tokenizer: BPE
    """The model's own tokenizer."""
    template: ChatTemplate | None
    """How the model was taught to chat; None for one that only continues text."""
    name: str
    """What it was opened as."""
    note: str
    """For people: what computes, in what form, and why nothing faster does."""


@dataclass(frozen=True)
class _Wish:
    """What was asked for, and what was found."""

    quant: Quant
    backend: BackendName
    device: str
    path: Path
    cache_bytes: int
    threads: int | None


def open_engine(
    source: str | Path,
    *,
    quant: Quant = "auto",
    backend: BackendName = "auto",
    device: str = "auto",
    prefer: Literal["chat", "base"] = "chat",
    cache_bytes: int = CACHE_BYTES,
    threads: int | None = None,
    config: EngineConfig | None = None,
) -> OpenedEngine:
    """Open a model and put an engine around it.

    `source`, `prefer` and `device`: as in `checkpoints.open.open_model`. `cache_bytes`: memory for
    keys and values. `threads`: how many of the kernel's compute, None for one a core; torch's are
    the whole process's, and whoever owns that calls `torch.set_num_threads`.

    With `quant="auto"` the weights stay what they are: a GGUF file of 4 or 8 bits runs as it is on
    the cpu backend (formats that the kernel lacks, as Q6_K, are rounded to 8 bits); a run or a
    folder of floats runs in them, on torch, so that it says what it was trained to say. Rounding
    those to "q8" or "q4" is several times as fast and is done when it is asked for. Where CUDA is
    there, "auto" computes on it, with torch. With the cpu backend torch keeps to one thread from
    then on, in the whole process: two pools of threads take the cores from each other.

    If the cpu backend cannot run the model, if there is no compiler, or if a learner's function
    stands in for a part of the kernel, torch computes, and `note` says why; unless
    `backend="cpu"`, which makes the reason an error. Raises ValueError for a model or a combination
    that there is not, OSError if a file cannot be read.
    """
    _check(quant, backend, device)
    check_threads(threads)
    wish = _Wish(quant, backend, device, locate(source, prefer=prefer), cache_bytes, threads)
    found, reason = _cpu(wish)
    if found is not None:
        computes, tokenizer = found
        note = computes.name
        # torch's threads ask for work long after each sampling, on the cores of the kernel's
        torch.set_num_threads(1)
        give_back()  # what packing the weights took and freed is more than they are
    else:
        if backend == "cpu":
            raise ValueError(f"the cpu backend cannot run {source}: {reason}")
        loaded = open_model(wish.path, device=device)
        if quant in _FLOATS:
            loaded.model.to(_FLOATS[quant])
        computes, tokenizer = TorchBackend(loaded.model, cache_bytes=cache_bytes), loaded.tokenizer
        reason = reason or _hint(wish, loaded)
        note = f"{computes.name}: {reason}" if reason else computes.name
    return OpenedEngine(
        engine=Engine(computes, tokenizer, config),
        tokenizer=tokenizer,
        template=chat_template(tokenizer),
        name=str(source),
        note=note,
    )


def engine_of(
    loaded: LoadedModel, *, cache_bytes: int = CACHE_BYTES, config: EngineConfig | None = None
) -> OpenedEngine:
    """An engine around a model that is open already, computed by torch."""
    computes = TorchBackend(loaded.model, cache_bytes=cache_bytes)
    return OpenedEngine(
        engine=Engine(computes, loaded.tokenizer, config),
        tokenizer=loaded.tokenizer,
        template=loaded.template,
        name=loaded.name,
        note=computes.name,
    )


def check_threads(threads: int | None) -> None:
    """Raises ValueError for a number of threads that could not help; None is none of them."""
    most = os.cpu_count() or 1
    if threads is not None and not 1 <= threads <= most:
        raise ValueError(
            f"threads is {threads}; wanted 1 to {most}, which is how many this machine can run at "
            "once"
        )


def _check(quant: str, backend: str, device: str) -> None:
    if quant not in (*_FLOATS, "auto", "q8", "q4"):
        raise ValueError(f"quant is {quant!r}; wanted auto, fp32, bf16, q8 or q4")
    if backend not in ("auto", "torch", "cpu"):
        raise ValueError(f"the backend is {backend!r}; wanted auto, torch or cpu")
    if quant in ("q8", "q4") and (backend == "torch" or device == "cuda"):
        raise ValueError(
            f"{quant} weights run on the cpu backend only; choose fp32 or bf16 for torch"
        )
    if backend == "cpu" and (quant in _FLOATS or device == "cuda"):
        raise ValueError(
            "the cpu backend computes with weights of 4 or 8 bits on the CPU; "
            "choose --quant q8, q4 or auto, or leave the backend to torch"
        )


def _cpu(wish: _Wish) -> tuple[tuple[Backend, BPE] | None, str]:
    """The cpu backend and the tokenizer; or None and why not, in words that may be empty."""
    if wish.backend == "torch" or wish.quant in _FLOATS or wish.device == "cuda":
        return None, ""
    if torch.cuda.is_available() and wish.device == "auto" and wish.quant == "auto":
        return None, ""
    if mine := [name for name, part in _IN_THE_KERNEL.items() if is_replaced(part)]:
        return None, f"your {' and '.join(mine)} runs, which the faster kernel would leave out"
    try:
        if wish.path.is_dir():
            return _from_folder(wish)
        return _from_gguf(wish)
    except CompileError as problem:
        return None, f"the faster kernel could not be compiled: {problem}"


def _from_gguf(wish: _Wish) -> tuple[tuple[Backend, BPE] | None, str]:
    """A file's own 4 or 8 bits; other formats are rounded to 8, floats only where that is asked."""
    file = gguf.read(wish.path)
    forms = {tensor.format.name for tensor in file.tensors.values() if len(tensor.shape) > 1}
    bits = {_PACKED.get(form) for form in forms}
    if wish.quant == "auto" and wish.backend == "auto" and forms & _UNPACKED:
        return None, ""
    if wish.quant in ("q8", "q4") and not (wish.quant in bits and bits <= {wish.quant, "q8"}):
        return _from_folder(wish)
    tokenizer = gguf_vocabulary.from_metadata(file.metadata)
    if not isinstance(tokenizer, BPE):
        return None, ""  # open_model says what is wrong
    try:
        settings = {"cache_bytes": wish.cache_bytes, "threads": wish.threads}
        return (CPUBackend.from_gguf(file, **settings), tokenizer), ""
    except ValueError as problem:
        return None, str(problem)


def _from_folder(wish: _Wish) -> tuple[tuple[Backend, BPE] | None, str]:
    """Floats, rounded where that was asked for."""
    if wish.quant == "auto" and wish.backend == "auto":
        return None, ""
    loaded = open_model(wish.path, device="cpu")
    if reason := why_not(loaded.model.config):
        return None, reason
    quant: Literal["q8", "q4"] = "q4" if wish.quant == "q4" else "q8"
    computes = CPUBackend.from_model(
        loaded.model, quant, cache_bytes=wish.cache_bytes, threads=wish.threads
    )
    return (computes, loaded.tokenizer), ""


def _hint(wish: _Wish, loaded: LoadedModel) -> str:
    """What would be faster, if it is there and nothing stood in its way."""
    is_free = (
        wish.backend == "auto"
        and wish.quant == "auto"
        and loaded.model.embedding.weight.device.type == "cpu"
    )
    return "quant q8 would be faster" if is_free and why_not(loaded.model.config) is None else ""
