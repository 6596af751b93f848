"""Quantise a model: its matrices in 4 or 8 bits a weight, and what that costs.

A matrix is cut into groups of 32 weights that share a scale; `checkpoints.gguf_encode` has the
formulas. What is small or matters most stays finer: norms, biases and learned positions in
float32, and the tables of tokens (embedding and head), which every prediction passes through, in 8
bits.

    relative error of a tensor = ||w - w'|| / ||w||        SNR = -20 log10 of it, in dB

Round-to-nearest needs no data. Leaves out what looks at inputs (GPTQ, AWQ, importance matrices) and
training that knows of it.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch

from groundup.checkpoints.gguf_blocks import Bytes, Floats, Tensor
from groundup.checkpoints.gguf_encode import (
    ENCODED,
    FORMATS_BY_NAME,
    GROUP,
    Choose,
    encode,
    quantize_group,
    search_group,
)
from groundup.models.gpt import GPT
from groundup.models.gpt_config import GPTConfig
from groundup.observe.progress import Progress, silent
from groundup.swap import is_replaced

_GROUPED = ("Q8_0", "Q4_0", "Q4_1")
_TABLES = ("embedding.weight", "head.weight")


@dataclass(frozen=True, kw_only=True)
class QuantizeConfig:
    """Which number formats a model's tensors get."""

    matrices: str = "Q4_1"
    """Format of the blocks' matrices: F32, F16, BF16, Q8_0, Q4_0 or Q4_1."""
    tables: str | None = None
    """Format of embedding and head (none: Q8_0 where the matrices are quantised, else theirs)."""
    search: bool | None = None
    """Whether each group's scale is searched for, or follows from its range. None: searched for in
    Q4_1 only. In Q4_0, whose scale keeps the outermost weight exactly, a lower squared error was
    measured to make worse predictions (`benchmarks/quantization.py`)."""

    def __post_init__(self) -> None:
        """Refuse formats there are not."""
        for name in ("matrices", "tables"):
            value = getattr(self, name)
            if value is not None and value not in ENCODED:
                raise ValueError(f"{name} is {value!r}; wanted one of {', '.join(ENCODED)}")

    @property
    def table_format(self) -> str:
        """Format of embedding and head."""
        return self.tables or ("Q8_0" if self.matrices in _GROUPED else self.matrices)


@dataclass(frozen=True, kw_only=True)
class TensorError:
    """What one tensor lost."""

    name: str
    """By our names: `blocks.3.attention.query.weight`."""
    format: str
    """What it is kept in."""
    bytes: int
    """Its size."""
    weights: int
    """How many numbers it holds."""
    relative: float
    """||w - w'|| / ||w||."""

    @property
    def snr(self) -> float:
        """Signal to noise in dB; infinite where nothing was lost."""
        return -20 * math.log10(self.relative) if self.relative else math.inf


@dataclass(frozen=True, kw_only=True)
class Quantized:
    """A model's tensors as a file keeps them, and what each lost."""

    config: GPTConfig
    tensors: dict[str, Tensor]
    """By the names of `GPT.state_dict`."""
    errors: tuple[TensorError, ...]
    """In the same order."""
    coarse: tuple[str, ...]
    """Matrices that had to be kept in F16, since their rows are no multiple of 32."""

    @property
    def bytes(self) -> int:
        """Size of all tensors."""
        return sum(error.bytes for error in self.errors)

    @property
    def relative(self) -> float:
        """The mean relative error of the tensors that lost something; 0 if none did."""
        lossy = [error.relative for error in self.errors if error.relative]
        return sum(lossy) / len(lossy) if lossy else 0.0

    def worst(self, count: int) -> list[TensorError]:
        """The tensors that lost most, from the worst on."""
        return sorted(self.errors, key=lambda error: -error.relative)[:count]

    def model(self) -> GPT:
        """The model that the file's reader gets: float32, on the CPU."""
        weights = {name: torch.from_numpy(t.array()) for name, t in self.tensors.items()}
        return GPT.from_weights(self.config, weights).eval()


def quantize(
    model: GPT, config: QuantizeConfig | None = None, *, progress: Progress = silent
) -> Quantized:
    """A model's tensors in the formats that the config names.

    A function that stands in for `checkpoints.gguf_encode:quantize_group` decides alone: no scale
    is searched for then. Raises ValueError, with the tensor's name, for weights that a format
    cannot hold.
    """
    config = config or QuantizeConfig()
    searches = config.matrices == "Q4_1" if config.search is None else config.search
    choose = search_group if searches and not is_replaced(quantize_group) else quantize_group
    weights = model.state_dict()
    formats = formats_of(weights, config)
    tensors: dict[str, Tensor] = {}
    errors = []
    total = sum(weight.numel() for weight in weights.values())
    with progress("quantizing", total=total, unit="weights") as advance:
        for name, weight in weights.items():
            array = weight.detach().float().cpu().numpy()
            tensors[name] = _encode(name, array, formats[name], choose)
            errors.append(_error(tensors[name], array))
            advance(weight.numel(), note=name)
    coarse = tuple(
        name
        for name, form in formats.items()
        if form == "F16" and "F16" not in (config.matrices, config.table_format)
    )
    return Quantized(config=model.config, tensors=tensors, errors=tuple(errors), coarse=coarse)


def formats_of(weights: Mapping[str, torch.Tensor], config: QuantizeConfig) -> dict[str, str]:
    """Which format each tensor gets, by name.

    Vectors and positions F32, tables and matrices as the config says, F16 where the rows have no
    whole number of groups.
    """
    found = {}
    for name, weight in weights.items():
        if weight.ndim < 2 or name == "position.weight":
            found[name] = "F32"
            continue
        form = config.table_format if name in _TABLES else config.matrices
        found[name] = "F16" if form in _GROUPED and weight.shape[-1] % GROUP else form
    return found


def _encode(name: str, array: Floats, form: str, choose: Choose) -> Tensor:
    try:
        data: Bytes = encode(array, form, choose)
    except ValueError as problem:
        raise ValueError(f"{name} cannot be quantised: {problem}") from problem
    return Tensor(name, array.shape, FORMATS_BY_NAME[form], data)


def _error(tensor: Tensor, array: Floats) -> TensorError:
    return TensorError(
        name=tensor.name,
        format=tensor.format.name,
        bytes=tensor.data.size,
        weights=array.size,
        relative=relative_error(array, tensor.array()),
    )


def relative_error(weights: Floats, changed: Floats) -> float:
    """||w - w'|| / ||w||; 0 where nothing changed, infinite where zeros did."""
    lost = float(np.linalg.norm((weights - changed).ravel()))
    size = float(np.linalg.norm(weights.ravel()))
    return 0.0 if lost == 0 else lost / size if size else math.inf
