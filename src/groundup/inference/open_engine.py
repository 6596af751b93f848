"""Open a model as an engine: find it, choose what computes it, say why.

Two backends. `torch` runs the model's own modules, any architecture, on any device. `cpu` runs
kernels compiled for this processor over quantised weights; it is several times as fast, and there
for the architectures and machines its `why_not` does not refuse.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import torch

from groundup.checkpoints.open import LoadedModel, open_model
from groundup.inference.engine import Engine, EngineConfig
from groundup.inference.torch_backend import CACHE_BYTES, TorchBackend
from groundup.tokenizers.bpe import BPE
from groundup.tokenizers.chat_template import ChatTemplate

Quant = Literal["auto", "fp32", "bf16", "q8", "q4"]
"""The form of the weights: as the file has them, floats, or 8 or 4 bits in groups of 32."""
BackendName = Literal["auto", "torch", "cpu"]
"""What computes."""


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


def open_engine(
    source: str | Path,
    *,
    quant: Quant = "auto",
    backend: BackendName = "auto",
    device: str = "auto",
    prefer: Literal["chat", "base"] = "chat",
    cache_bytes: int = CACHE_BYTES,
    config: EngineConfig | None = None,
) -> OpenedEngine:
    """Open a model and put an engine around it.

    `source`, `prefer` and `device`: as in `checkpoints.open.open_model`. `cache_bytes`: memory for
    keys and values. Raises ValueError for a model or a combination there is not.
    """
    loaded = open_model(source, prefer=prefer, device=device)
    kinds = {"fp32": torch.float32, "bf16": torch.bfloat16}
    if quant in kinds:
        loaded.model.to(kinds[quant])
    return engine_of(loaded, cache_bytes=cache_bytes, config=config)


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
