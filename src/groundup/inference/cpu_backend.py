"""The backend for CPUs: 4- and 8-bit weights and our own kernel, compiled at first use.

    backend = CPUBackend.from_gguf("model.gguf")              # its Q4_0, Q4_1, Q8_0 as they are
    backend = CPUBackend.from_model(gpt, quant="q8")          # any of our models of that family

It runs Llama's family (SmolLM2, Qwen2, Qwen3 and what `groundup` trains by default); `why_not` says
what is in the way of another. Between its products numbers are float32; before a product they are
rounded to 8 bits in groups of 32, keys and values to float16. What is computed for a token does not
depend on what else is in the step, bit for bit.

The kernel has threads of its own. Those of torch go on asking for work for some milliseconds after
each operation, and what they take is missing here: call `torch.set_num_threads(1)` in a program
that decodes with this backend, as `open_engine` does; steps of eight are 2.6 times as fast.
"""

import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Literal, Protocol, Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from groundup.checkpoints import gguf, gguf_architectures, gguf_encode
from groundup.checkpoints.gguf_blocks import Tensor as PackedTensor
from groundup.inference.backend import Batch
from groundup.inference.packed_weights import nbytes, pack, side_by_side
from groundup.kernels import decoder as kernel
from groundup.kernels.native import CompileError, core_count
from groundup.layers.positions import rotary_tables
from groundup.models.gpt import GPT
from groundup.models.gpt_config import GPTConfig

Quant = Literal["q4", "q8"]
_FORMATS = {"q4": "Q4_1", "q8": "Q8_0"}
_LAYER = re.compile(r"blocks\.(\d+)\.(.+)")
_MATRICES = {
    "attention.query.weight": "query",
    "attention.key.weight": "key",
    "attention.value.weight": "value",
    "attention.output.weight": "output",
    "feed_forward.gate.weight": "gate",
    "feed_forward.up.weight": "up",
    "feed_forward.down.weight": "down",
}
_VECTORS = {
    "attention_norm.weight": "attention_norm",
    "feed_forward_norm.weight": "feed_forward_norm",
    "attention.query_norm.weight": "query_norm",
    "attention.key_norm.weight": "key_norm",
    "attention.query.bias": "query_bias",
    "attention.key.bias": "key_bias",
    "attention.value.bias": "value_bias",
    "attention.output.bias": "output_bias",
}
_SEQUENCES = 256  # a memory for more full contexts than these is of no use


class StepDecoder(Protocol):
    """What computes a step: `kernels.decoder.Decoder`, or its plain twin."""

    @property
    def lanes(self) -> str:
        """With what it computes, for people."""
        ...

    @property
    def cache_bytes(self) -> int:
        """Memory of keys and values."""
        ...

    def step(self, step: kernel.Step, *, is_hidden: bool = False) -> NDArray[np.float32]:
        """Logits (R x V), or the final norm's output (R x C), of the asked tokens."""
        ...


def why_not(config: GPTConfig) -> str | None:
    """What is in the way of running a model on this backend, in one line; None: nothing is.

    That a compiler is missing shows only when a backend is made (`CompileError`).
    """
    reasons = {
        f"positions are {config.positions}": config.positions != "rotary",
        f"norm is {config.norm}": config.norm != "rms",
        f"activation is {config.activation}": config.activation != "swiglu",
        "attention has a window": config.window is not None,
        "attention scores are capped": config.attention_softcap is not None,
        f"heads are {config.head_size} wide, no multiple of 16": config.head_size % 16 != 0,
    }
    sizes = {"width": config.width, "hidden": config.hidden_width}
    sizes["heads * head width"] = config.heads * config.head_size
    for name, size in sizes.items():
        reasons[f"{name} is {size}, no multiple of 32"] = size % 32 != 0
    found = [reason for reason, is_true in reasons.items() if is_true]
    return f"the CPU kernel does not have it: {'; '.join(found)}" if found else None


class CPUBackend:
    """A `groundup.inference.backend.Backend` on the kernel in `groundup.kernels.decoder`."""

    def __init__(
        self,
        config: GPTConfig,
        weights: Mapping[str, PackedTensor],
        *,
        quant: Quant = "q8",
        threads: int | None = None,
        block_size: int = 16,
        cache_bytes: int = 1 << 30,
        decoder: Callable[..., StepDecoder] = kernel.Decoder,
    ) -> None:
        """Weights under our names, each in a format of GGUF; `quant` for those the kernel lacks.

        `threads`: None takes one for each core. `cache_bytes` is the memory of keys and values;
        pages of it that are never used are never taken. `decoder` computes the steps:
        `inference.plain_decoder.PlainDecoder` is the same in NumPy.
        Raises ValueError if the kernel cannot run the model, CompileError if there is no kernel.
        """
        if reason := why_not(config):
            raise ValueError(reason)
        model = _model(config, weights, _FORMATS[quant])
        cell = 2 * 2 * config.depth * config.key_head_count * config.head_size
        blocks = min(
            cache_bytes // (cell * block_size), _SEQUENCES * -(-config.context // block_size)
        )
        if blocks < 1:
            raise ValueError(
                f"cache_bytes is {cache_bytes}; one block of {block_size} positions takes "
                f"{cell * block_size}"
            )
        self._decoder = decoder(
            model,
            blocks=blocks,
            block_size=block_size,
            threads=threads or core_count(),
        )
        self._softcap = config.softcap
        self.vocab_size, self.context = config.vocab_size, config.context
        self.block_size, self.block_count = block_size, blocks
        matrices = _matrices(model)
        tables = (model.embedding, model.head)
        bits = sorted({m.bits for m in matrices if not any(m is table for table in tables)})
        self.name = f"cpu {' and '.join(f'int{n}' for n in bits)} ({self._decoder.lanes})"
        self._weight_bytes = sum(map(nbytes, matrices))

    @classmethod
    def from_gguf(cls, source: str | Path | gguf.GGUF, **settings: Any) -> Self:
        """The backend of a GGUF file; settings are those of the constructor.

        Q4_0, Q4_1 and Q8_0 weights are taken as they are, others are rounded to `quant`. Raises
        ValueError for a file or a model that cannot be used, OSError if it cannot be read.
        """
        file = source if isinstance(source, gguf.GGUF) else gguf.read(source)
        shapes = {name: tensor.shape for name, tensor in file.tensors.items()}
        config = gguf_architectures.read_config(file.metadata, shapes)
        if reason := why_not(config):
            raise ValueError(reason)
        weights: dict[str, PackedTensor] = {}
        for tensor in file.tensors.values():
            weights |= _our_tensor(file.metadata, config, tensor)
        return cls(config, weights, **settings)

    @classmethod
    def from_model(cls, model: GPT, quant: Quant = "q8", **settings: Any) -> Self:
        """The backend of a model in floating point, its weights rounded to 4 or 8 bits.

        The embedding table and the head are kept in 8 bits in either case. Raises ValueError for a
        model that cannot be used.
        """
        if reason := why_not(model.config):
            raise ValueError(reason)
        weights = {
            name: _encoded(name, tensor, quant) for name, tensor in model.state_dict().items()
        }
        return cls(model.config, weights, quant=quant, **settings)

    def step(self, batch: Batch) -> Tensor:
        """Logits (R x V, float32) of the asked tokens; see `Backend`. ValueError on bad input."""
        logits_RV = torch.from_numpy(self._decoder.step(_step(batch)))
        cap = self._softcap
        return logits_RV if cap is None else (logits_RV / cap).tanh() * cap

    def hidden(self, batch: Batch) -> Tensor:
        """The final norm's output (R x C, float32) of the asked tokens."""
        return torch.from_numpy(self._decoder.step(_step(batch), is_hidden=True))

    def bytes(self) -> dict[str, int]:
        """Memory in bytes: `weights` and `cache`."""
        return {"weights": self._weight_bytes, "cache": self._decoder.cache_bytes}


def _step(batch: Batch) -> kernel.Step:
    return kernel.Step(
        tokens_T=batch.tokens_T,
        positions_T=batch.positions_T,
        sequences_T=batch.sequences_T,
        blocks_SN=batch.blocks_SN,
        wanted_R=batch.wanted_R,
    )


def _our_tensor(
    metadata: Mapping[str, Any], config: GPTConfig, tensor: PackedTensor
) -> dict[str, PackedTensor]:
    """A file's tensor under our name, its rows in our order; rows are moved whole, unread."""
    is_vector = len(tensor.shape) == 1
    content = tensor.array() if is_vector else tensor.rows()
    named = gguf_architectures.read_weights(
        metadata, config, [(tensor.name, torch.from_numpy(np.array(content)))]
    )
    if is_vector:
        return {name: _as_floats(name, vector) for name, vector in named.items()}
    return {
        name: PackedTensor(name, tensor.shape, tensor.format, rows.contiguous().numpy().reshape(-1))
        for name, rows in named.items()
    }


def _as_floats(name: str, tensor: Tensor) -> PackedTensor:
    data = gguf_encode.encode(tensor.detach().float().cpu().numpy(), "F32")
    return PackedTensor(
        name, tuple(tensor.shape), gguf_encode.FORMATS_BY_NAME["F32"], data.reshape(-1)
    )


def _encoded(name: str, tensor: Tensor, quant: Quant) -> PackedTensor:
    if tensor.dim() == 1:
        return _as_floats(name, tensor)
    form = _FORMATS[quant] if _LAYER.fullmatch(name) else "Q8_0"
    data = gguf_encode.encode(tensor.detach().float().cpu().numpy(), form)
    return PackedTensor(
        name, tuple(tensor.shape), gguf_encode.FORMATS_BY_NAME[form], data.reshape(-1)
    )


def _model(config: GPTConfig, weights: Mapping[str, PackedTensor], form: str) -> kernel.Model:
    """The kernel's model; weights in formats that the kernel lacks become `form` first."""
    names = [name for name in weights if _is_matrix(name)]
    tables = ["embedding.weight"] if config.tied else ["embedding.weight", "head.weight"]
    packed = [pack(weights[name], form) for name in names]
    packed += [pack(weights[name]) for name in tables]
    matrices = dict(zip([*names, *tables], side_by_side(packed), strict=True))
    layers: list[dict[str, Any]] = [{} for _ in range(config.depth)]
    for name, tensor in weights.items():
        if match := _LAYER.fullmatch(name):
            fields, part = layers[int(match[1])], match[2]
            if part in _MATRICES:
                fields[_MATRICES[part]] = matrices[name]
            else:
                fields[_VECTORS[part]] = tensor.array()
    cosine, sine = rotary_tables(
        config.context, config.head_size, base=config.rotary_base, scaling=config.rotary_scaling
    )
    return kernel.Model(
        embedding=matrices["embedding.weight"],
        head=matrices[tables[-1]],
        layers=[kernel.Layer(**fields) for fields in layers],
        norm=weights["norm.weight"].array(),
        cosine=cosine.numpy(),
        sine=sine.numpy(),
        heads=config.heads,
        key_heads=config.key_head_count,
        epsilon=config.norm_eps,
    )


def _is_matrix(name: str) -> bool:
    match = _LAYER.fullmatch(name)
    return match is not None and match[2] in _MATRICES


def _matrices(model: kernel.Model) -> list[kernel.Matrix]:
    """All of them, each once."""
    found = [getattr(layer, name) for layer in model.layers for name in _MATRICES.values()]
    return [*found, model.embedding, *([] if model.head is model.embedding else [model.head])]


__all__ = ["CPUBackend", "CompileError", "Quant", "why_not"]
