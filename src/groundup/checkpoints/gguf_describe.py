"""A GPT in GGUF's words: the inverse of `groundup.checkpoints.gguf_architectures`.

Which architecture holds a config is read from one table of what each allows; tensors get
llama.cpp's names, and its order of rows: rotated pairs side by side for llama, query, key and value
in one for gpt2. Rows are moved whole, so quantised ones are moved as they are.

Source: the GGUF specification's keys and llama.cpp's converter (convert_hf_to_gguf.py). Leaves out
what the reader leaves out: stretched rotary positions, sliding windows, capped logits.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from groundup.checkpoints.architecture_of import architecture_of
from groundup.checkpoints.gguf_architectures import IN_BLOCK, OUTSIDE
from groundup.checkpoints.gguf_blocks import Bytes, Tensor
from groundup.models.gpt_config import GPTConfig

_ROTARY: dict[str, tuple[Any, ...]] = {
    "positions": ("rotary",),
    "norm": ("rms",),
    "activation": ("swiglu",),
    "mlp_bias": (False,),
}
_NOWHERE: dict[str, tuple[Any, ...]] = {
    "rotary_scaling": (None,),
    "window": (None,),
    "softcap": (None,),
    "attention_softcap": (None,),
}
_ALLOWED: dict[str, dict[str, tuple[Any, ...]]] = {
    "qwen3": {**_ROTARY, **_NOWHERE, "qk_norm": (True,), "attention_bias": ("none",)},
    "qwen2": {**_ROTARY, **_NOWHERE, "qk_norm": (False,), "attention_bias": ("qkv",)},
    "llama": {**_ROTARY, **_NOWHERE, "qk_norm": (False,), "attention_bias": ("none", "all")},
    "gpt2": {
        **_NOWHERE,
        "positions": ("learned",),
        "norm": ("layer",),
        "norm_bias": (True,),
        "activation": ("gelu_tanh",),
        "qk_norm": (False,),
        "attention_bias": ("all",),
        "mlp_bias": (True,),
    },
}
_THEIR_NAMES = {ours: theirs for theirs, ours in (OUTSIDE | IN_BLOCK).items()}
_QKV = ("query", "key", "value")
_OUR_NAME = re.compile(r"(?:blocks\.(\d+)\.)?([\w.]+)\.(weight|bias)")


def architecture(config: GPTConfig) -> str:
    """The `general.architecture` that holds this config: qwen3, qwen2, llama or gpt2.

    Raises ValueError, naming the fields in the way, if there is none.
    """
    return architecture_of(config, _ALLOWED, "GGUF")


def metadata_of(config: GPTConfig) -> dict[str, Any]:
    """The keys that describe a model's shape. Raises ValueError if no architecture holds it."""
    kind = architecture(config)
    keys: dict[str, Any] = {
        "context_length": config.context,
        "block_count": config.depth,
        "embedding_length": config.width,
        "feed_forward_length": config.hidden_width,
        "attention.head_count": config.heads,
        "vocab_size": config.vocab_size,
    }
    if kind == "gpt2":
        keys["attention.layer_norm_epsilon"] = float(config.norm_eps)
    else:
        keys |= {
            "attention.head_count_kv": config.key_head_count,
            "attention.key_length": config.head_size,
            "attention.value_length": config.head_size,
            "attention.layer_norm_rms_epsilon": float(config.norm_eps),
            "rope.dimension_count": config.head_size,
            "rope.freq_base": float(config.rotary_base),
        }
    named = {f"{kind}.{key}": value for key, value in keys.items()}
    return {"general.architecture": kind} | named


def tensors_of(config: GPTConfig, tensors: Mapping[str, Tensor]) -> list[Tensor]:
    """The tensors of a model, which have our names, as the file has them.

    Raises ValueError if query, key and value of a block, which gpt2 has in one tensor, are of
    different formats.
    """
    kind = architecture(config)
    found: list[Tensor] = []
    for name, tensor in tensors.items():
        theirs = _their_name(name)
        part = re.fullmatch(r"(blk\.\d+\.attn)_([qkv])\.(weight|bias)", theirs)
        if kind == "llama" and part and part[2] != "v":
            heads = config.heads if part[2] == "q" else config.key_head_count
            tensor = replace(tensor, data=pairs_from_halves(tensor.rows(), heads))
        if kind == "gpt2" and part:
            if part[2] == "q":
                every = [tensors[name.replace("query", other)] for other in _QKV]
                found.append(_side_by_side(f"{part[1]}_qkv.{part[3]}", every))
            continue
        found.append(replace(tensor, name=theirs))
    return found


def _their_name(ours: str) -> str:
    match = _OUR_NAME.fullmatch(ours)
    if not match or match[2] not in _THEIR_NAMES:
        raise ValueError(f"the tensor {ours!r} has no name in GGUF files")
    block = "" if match[1] is None else f"blk.{match[1]}."
    return f"{block}{_THEIR_NAMES[match[2]]}.{match[3]}"


def pairs_from_halves(rows: Bytes, heads: int) -> Bytes:
    """llama.cpp's order of the rows of queries and keys: what rotates together stands together.

    Row h * D/2 + p of a head (h = 0, 1) becomes row 2p + h: the inverse of
    `gguf_architectures.halves_from_pairs`. rows: (heads * D, bytes of a row).
    """
    halves = rows.reshape(heads, 2, -1, rows.shape[-1])
    return np.ascontiguousarray(halves.swapaxes(1, 2)).reshape(rows.shape)


def _side_by_side(name: str, parts: Sequence[Tensor]) -> Tensor:
    """Query, key and value as one tensor, their rows one after the other."""
    forms = {part.format.name for part in parts}
    if len(forms) > 1:
        raise ValueError(
            f"{name} holds query, key and value, which have different formats: "
            f"{', '.join(sorted(forms))}; choose one for all three"
        )
    first = parts[0]
    shape = (sum(part.shape[0] for part in parts), *first.shape[1:])
    return Tensor(name, shape, first.format, np.concatenate([part.rows() for part in parts]))
