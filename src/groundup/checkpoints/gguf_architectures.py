"""Which GPT a GGUF file describes, and under which of our names each tensor goes.

Architectures: llama (Llama, SmolLM2, Mistral without windows), qwen2, qwen3, gpt2.

Source: the GGUF specification's keys and llama.cpp's converter (convert_hf_to_gguf.py). Leaves out
stretched rotary positions, sliding windows, partial rotation and mixtures of experts: a file with
one of them is refused.
"""

import re
from collections.abc import Iterable, Mapping
from typing import Any

from torch import Tensor

from groundup.models.gpt import GPTConfig

ARCHITECTURES = ("llama", "qwen2", "qwen3", "gpt2")
OUTSIDE = {
    "token_embd": "embedding",
    "position_embd": "position",
    "output_norm": "norm",
    "output": "head",
}
"""llama.cpp's names of what stands outside the blocks, and ours."""
IN_BLOCK = {
    "attn_norm": "attention_norm",
    "attn_q": "attention.query",
    "attn_k": "attention.key",
    "attn_v": "attention.value",
    "attn_output": "attention.output",
    "attn_q_norm": "attention.query_norm",
    "attn_k_norm": "attention.key_norm",
    "ffn_norm": "feed_forward_norm",
    "ffn_up": "feed_forward.up",
    "ffn_gate": "feed_forward.gate",
    "ffn_down": "feed_forward.down",
}
"""llama.cpp's names inside a block, and ours."""
_BLOCK_NAME = re.compile(r"blk\.(\d+)\.(\w+)\.(weight|bias)")
_OUTSIDE_NAME = re.compile(r"(\w+)\.(weight|bias)")
_REFUSED = {
    "rope.scaling.type": "none",
    "attention.sliding_window": 0,
    "expert_count": 0,
    "attn_logit_softcapping": 0,
    "final_logit_softcapping": 0,
}


def read_config(metadata: Mapping[str, Any], shapes: Mapping[str, tuple[int, ...]]) -> GPTConfig:
    """The model's shape, from a file's metadata and the shapes of its tensors.

    Raises ValueError on an architecture we do not build, a feature we leave out, a missing key.
    """
    name = metadata.get("general.architecture")
    if name not in ARCHITECTURES:
        raise ValueError(
            f"its architecture is {name!r}; these are built: {', '.join(ARCHITECTURES)}"
        )
    keys = _Keys(metadata, name)
    for key, harmless in _REFUSED.items():
        if (value := keys.get(key, harmless)) != harmless:
            raise ValueError(f"its {name}.{key} is {value!r}, which is not built")
    if "token_embd.weight" not in shapes:
        raise ValueError("it has no tensor 'token_embd.weight'")
    shared: dict[str, Any] = {
        "vocab_size": shapes["token_embd.weight"][0],
        "context": keys["context_length"],
        "depth": keys["block_count"],
        "width": keys["embedding_length"],
        "heads": keys["attention.head_count"],
        "hidden": keys["feed_forward_length"],
        "tied": "output.weight" not in shapes,
    }
    if name == "gpt2":
        return GPTConfig(**shared, **_gpt2_fields(keys))
    return GPTConfig(**shared, **_llama_fields(keys, shared, shapes))


class _Keys:
    """The metadata of one architecture: `keys["block_count"]` is `llama.block_count`."""

    def __init__(self, metadata: Mapping[str, Any], name: str) -> None:
        self._metadata, self._name = metadata, name

    def __getitem__(self, key: str) -> Any:
        value = self._metadata.get(f"{self._name}.{key}")
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise ValueError(f"its {self._name}.{key} is {value!r}; a number is wanted")
        return value

    def get(self, key: str, default: Any) -> Any:
        return self._metadata.get(f"{self._name}.{key}", default)


def _gpt2_fields(keys: _Keys) -> dict[str, Any]:
    return {
        "positions": "learned",
        "norm": "layer",
        "norm_eps": keys["attention.layer_norm_epsilon"],
        "activation": "gelu_tanh",
        "qk_norm": False,
        "attention_bias": "all",
        "mlp_bias": True,
    }


def _llama_fields(
    keys: _Keys, shared: Mapping[str, Any], shapes: Mapping[str, tuple[int, ...]]
) -> dict[str, Any]:
    head_width = keys.get("attention.key_length", shared["width"] // max(1, shared["heads"]))
    for key in ("rope.dimension_count", "attention.value_length"):
        if (size := keys.get(key, head_width)) != head_width:
            raise ValueError(f"its {key} is {size}, its heads are {head_width} wide; not built")
    has_bias = {part for part in ("q", "output") if f"blk.0.attn_{part}.bias" in shapes}
    return {
        "key_heads": keys.get("attention.head_count_kv", None),
        "head_width": head_width,
        "rotary_base": keys.get("rope.freq_base", 10000.0),
        "norm_eps": keys["attention.layer_norm_rms_epsilon"],
        "qk_norm": "blk.0.attn_q_norm.weight" in shapes,
        "attention_bias": "all" if "output" in has_bias else "qkv" if has_bias else "none",
    }


def read_weights(
    metadata: Mapping[str, Any], config: GPTConfig, arrays: Iterable[tuple[str, Tensor]]
) -> dict[str, Tensor]:
    """The tensors under our names, in our order of rows.

    Raises ValueError on a tensor whose name or rows the architecture does not have.
    """
    is_llama = metadata["general.architecture"] == "llama"
    weights: dict[str, Tensor] = {}
    for name, tensor in arrays:
        if name == "rope_freqs.weight" and bool((tensor == 1).all()):
            continue  # factors of the rotation that change nothing
        if match := re.fullmatch(r"(blk\.\d+\.attn)_qkv\.(weight|bias)", name):
            parts = zip("qkv", _thirds(name, tensor), strict=True)
            weights |= {_our_name(f"{match[1]}_{p}.{match[2]}"): rows for p, rows in parts}
            continue
        if is_llama and (match := re.fullmatch(r"blk\.\d+\.attn_([qk])\.(weight|bias)", name)):
            heads = config.heads if match[1] == "q" else config.key_head_count
            tensor = halves_from_pairs(_by_heads(name, tensor, heads), heads)
        weights[_our_name(name)] = tensor
    return weights


def _our_name(name: str) -> str:
    if (match := _BLOCK_NAME.fullmatch(name)) and match[2] in IN_BLOCK:
        return f"blocks.{match[1]}.{IN_BLOCK[match[2]]}.{match[3]}"
    if (match := _OUTSIDE_NAME.fullmatch(name)) and match[1] in OUTSIDE:
        return f"{OUTSIDE[match[1]]}.{match[2]}"
    raise ValueError(f"its tensor {name!r} has no place in the models that are built")


def _thirds(name: str, tensor: Tensor) -> tuple[Tensor, ...]:
    if len(tensor) % 3:
        raise ValueError(f"its tensor {name!r} has {len(tensor)} rows; wanted q, k and v alike")
    return tuple(part.contiguous() for part in tensor.chunk(3))


def _by_heads(name: str, tensor: Tensor, heads: int) -> Tensor:
    if len(tensor) % (2 * heads):
        raise ValueError(
            f"its tensor {name!r} has {len(tensor)} rows; wanted an even number for {heads} heads"
        )
    return tensor


def halves_from_pairs(weight: Tensor, heads: int) -> Tensor:
    """Undo llama.cpp's order of the rows of queries and keys.

    Its rotation turns rows (0, 1), (2, 3) ... of a head; ours, like Hugging Face's, turns row p
    with row p + D/2. Row 2p + h of a head (h = 0, 1) becomes row h * D/2 + p.
    """
    pairs = weight.reshape(heads, -1, 2, *weight.shape[1:])
    return pairs.transpose(1, 2).reshape(weight.shape)
