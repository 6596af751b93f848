"""GPTConfig in the words of Hugging Face: GPT-2, Llama (SmolLM2 too), Qwen2, Qwen3.

Which architecture holds a config is read from one table of what each allows. Twins and how weights
begin are no part of a trained model, and are not kept.
"""

from collections.abc import Mapping
from typing import Any

from groundup.checkpoints.architecture_of import architecture_of
from groundup.config import from_plain
from groundup.layers.positions import RotaryScaling
from groundup.models.gpt_config import GPTConfig

_ROTARY: dict[str, tuple[Any, ...]] = {
    "positions": ("rotary",),
    "norm": ("rms",),
    "activation": ("swiglu",),
    "mlp_bias": (False,),
    "softcap": (None,),
    "attention_softcap": (None,),
}
_ALLOWED: dict[str, dict[str, tuple[Any, ...]]] = {
    "qwen3": {**_ROTARY, "qk_norm": (True,), "attention_bias": ("none", "all")},
    "qwen2": {**_ROTARY, "qk_norm": (False,), "attention_bias": ("qkv",)},
    "llama": {
        **_ROTARY,
        "qk_norm": (False,),
        "attention_bias": ("none", "all"),
        "window": (None,),
    },
    "gpt2": {
        "positions": ("learned",),
        "norm": ("layer",),
        "norm_bias": (True,),
        "activation": ("gelu_tanh", "gelu"),
        "qk_norm": (False,),
        "attention_bias": ("all",),
        "mlp_bias": (True,),
        "window": (None,),
        "softcap": (None,),
        "attention_softcap": (None,),
    },
}
_CLASSES = {
    "qwen3": "Qwen3ForCausalLM",
    "qwen2": "Qwen2ForCausalLM",
    "llama": "LlamaForCausalLM",
    "gpt2": "GPT2LMHeadModel",
}
_GPT2_ACTIVATIONS = {"gelu_new": "gelu_tanh", "gelu_pytorch_tanh": "gelu_tanh", "gelu": "gelu"}


def architecture(config: GPTConfig) -> str:
    """The `model_type` that holds this config: qwen3, qwen2, llama or gpt2.

    Raises ValueError, naming the fields in the way, if there is none.
    """
    return architecture_of(config, _ALLOWED, "Hugging Face")


def config_to_hf(config: GPTConfig) -> dict[str, Any]:
    """The content of config.json. Raises ValueError if no architecture there holds the model."""
    kind = architecture(config)
    result: dict[str, Any] = {
        "architectures": [_CLASSES[kind]],
        "model_type": kind,
        "vocab_size": config.vocab_size,
        "tie_word_embeddings": config.tied,
        "bos_token_id": None,
        "eos_token_id": None,
    }
    if kind == "gpt2":
        theirs = {ours: name for name, ours in reversed(_GPT2_ACTIVATIONS.items())}
        return result | {
            "n_positions": config.context,
            "n_embd": config.width,
            "n_layer": config.depth,
            "n_head": config.heads,
            "n_inner": config.hidden_width,
            "activation_function": theirs[config.activation],
            "layer_norm_epsilon": config.norm_eps,
            **dict.fromkeys(("resid_pdrop", "embd_pdrop", "attn_pdrop"), 0.0),
        }
    result |= {
        "max_position_embeddings": config.context,
        "hidden_size": config.width,
        "intermediate_size": config.hidden_width,
        "num_hidden_layers": config.depth,
        "num_attention_heads": config.heads,
        "num_key_value_heads": config.key_head_count,
        "head_dim": config.head_size,
        "hidden_act": "silu",
        "rms_norm_eps": config.norm_eps,
        "rope_theta": config.rotary_base,
        "rope_scaling": _scaling_to_hf(config.rotary_scaling),
    }
    if kind != "qwen2":
        result["attention_bias"] = config.attention_bias == "all"
    if kind == "llama":
        return result | {"mlp_bias": False}
    layers = range(config.depth)
    types = ["full" if config.window_of(i) is None else "sliding" for i in layers]
    return result | {
        "use_sliding_window": config.window is not None,
        "sliding_window": config.window,
        "layer_types": [f"{kind}_attention" for kind in types],
    }


def _scaling_to_hf(scaling: RotaryScaling | None) -> dict[str, Any] | None:
    if scaling is None:
        return None
    return {
        "rope_type": "llama3",
        "factor": scaling.factor,
        "low_freq_factor": scaling.low_turns,
        "high_freq_factor": scaling.high_turns,
        "original_max_position_embeddings": scaling.original_context,
    }


def config_from_hf(data: Mapping[str, Any]) -> GPTConfig:
    """The GPTConfig that a config.json describes.

    Raises ValueError for another architecture, for an option that we do not compute, and for a
    setting that is missing or has the wrong type.
    """
    kind = data.get("model_type")
    if not isinstance(kind, str) or kind not in _ALLOWED:
        raise ValueError(
            f"the model_type is {kind!r}; these architectures are built: {', '.join(_ALLOWED)}"
        )
    if data.get("quantization_config"):
        raise ValueError("the weights are quantized (quantization_config); take an unquantized one")
    try:
        return _from_gpt2(data) if kind == "gpt2" else _from_rotary(kind, data)
    except KeyError as missing:
        raise ValueError(f"the config has no {missing}, which {kind} needs") from None
    except TypeError as problem:
        raise ValueError(f"the config has a setting of the wrong type: {problem}") from problem


def _demand(data: Mapping[str, Any], name: str, *values: Any) -> None:
    """Refuse an option unless it is absent or one of these values."""
    if name in data and data[name] not in values:
        raise ValueError(
            f"the config says {name} = {data[name]!r}, which is not built; "
            f"only {' or '.join(map(repr, values))} is"
        )


def _from_gpt2(data: Mapping[str, Any]) -> GPTConfig:
    _demand(data, "scale_attn_weights", True)
    _demand(data, "scale_attn_by_inverse_layer_idx", False)
    _demand(data, "add_cross_attention", False)
    _demand(data, "activation_function", *_GPT2_ACTIVATIONS)
    activation = _GPT2_ACTIVATIONS[data.get("activation_function", "gelu_new")]
    return from_plain(
        GPTConfig,
        {
            "vocab_size": data["vocab_size"],
            "context": data["n_positions"],
            "depth": data["n_layer"],
            "width": data["n_embd"],
            "heads": data["n_head"],
            "hidden": data.get("n_inner"),
            "positions": "learned",
            "norm": "layer",
            "norm_eps": data.get("layer_norm_epsilon", 1e-5),
            "activation": activation,
            "qk_norm": False,
            "attention_bias": "all",
            "mlp_bias": True,
            "tied": data.get("tie_word_embeddings", True),
        },
    )


def _from_rotary(kind: str, data: Mapping[str, Any]) -> GPTConfig:
    _demand(data, "hidden_act", "silu")
    _demand(data, "mlp_bias", False)
    _demand(data, "partial_rotary_factor", 1, None)
    depth = data["num_hidden_layers"]
    window, window_layers = (None, None) if kind == "llama" else _window(data, depth)
    base, scaling = _rotary(data)
    bias = "all" if data.get("attention_bias", False) else "none"
    return from_plain(
        GPTConfig,
        {
            "vocab_size": data["vocab_size"],
            "context": data["max_position_embeddings"],
            "depth": depth,
            "width": data["hidden_size"],
            "heads": data["num_attention_heads"],
            "key_heads": data.get("num_key_value_heads"),
            "head_width": data.get("head_dim") or (128 if kind == "qwen3" else None),
            "hidden": data["intermediate_size"],
            "rotary_base": base,
            "rotary_scaling": scaling,
            "norm_eps": data.get("rms_norm_eps", 1e-6),
            "qk_norm": kind == "qwen3",
            "attention_bias": "qkv" if kind == "qwen2" else bias,
            "tied": data.get("tie_word_embeddings", False),
            "window": window,
            "window_layers": window_layers,
        },
    )


def _rotary(data: Mapping[str, Any]) -> tuple[float, dict[str, Any] | None]:
    """Base and scaling, from `rope_parameters` (transformers 5) or the two settings before it."""
    old = dict(data.get("rope_scaling") or {})
    rope = dict(data.get("rope_parameters") or {"rope_theta": data.get("rope_theta", 1e4)} | old)
    base = rope.get("rope_theta", 1e4)
    kind = rope.get("rope_type", rope.get("type", "default"))
    if kind == "default":
        return base, None
    if kind != "llama3":
        raise ValueError(
            f"the config asks for rotary positions of the type {kind!r}; "
            "only 'default' and 'llama3' are built"
        )
    return base, {
        "factor": rope["factor"],
        "low_turns": rope["low_freq_factor"],
        "high_turns": rope["high_freq_factor"],
        "original_context": rope["original_max_position_embeddings"],
    }


def _window(data: Mapping[str, Any], depth: int) -> tuple[int | None, tuple[int, ...] | None]:
    """Size and layers of the sliding window; without `layer_types` it begins at a layer."""
    size = data.get("sliding_window")
    if not data.get("use_sliding_window", False) or size is None:
        return None, None
    first = data.get("max_window_layers", 28)
    default = ["sliding_attention" if i >= first else "full_attention" for i in range(depth)]
    types = data.get("layer_types") or default
    layers = tuple(i for i, name in enumerate(types) if name == "sliding_attention")
    return (None, None) if not layers else (size, None if len(layers) == depth else layers)
