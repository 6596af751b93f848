"""A model folder as Hugging Face has it: config.json, model.safetensors and the tokenizer's files.

What is saved here, `transformers.AutoModelForCausalLM.from_pretrained` opens, and the other way
round: GPT-2, Llama (SmolLM2 too), Qwen2, Qwen3. Read are one file or several with an index, in
float32, float16 or bfloat16. Left out: pickled weights (opening them would run their code),
quantized weights, and the optimizer, which `checkpoints.store` keeps.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import safetensors
import safetensors.torch
import torch
from torch import Tensor

from groundup.checkpoints.huggingface_architectures import config_from_hf, config_to_hf
from groundup.checkpoints.huggingface_weights import weights_from_hf, weights_to_hf
from groundup.models.gpt import GPT, GPTConfig
from groundup.tokenizers.bpe import BPE

__all__ = ["config_from_hf", "config_to_hf", "load", "save"]

_WEIGHTS = "model.safetensors"
_INDEX = "model.safetensors.index.json"
_ENDS = ("<|endoftext|>", "<|im_end|>")


def save(model: GPT, folder: str | Path, tokenizer: BPE | None = None) -> None:
    """Write the model, and the tokenizer if there is one, into a folder (made if it is not there).

    The weights keep their type. Tokens that end a text (`<|endoftext|>`, `<|im_end|>`) are named
    in the config, so that others stop there. Raises ValueError, before anything is written, if no
    Hugging Face architecture holds the model.
    """
    folder = Path(folder)
    data = config_to_hf(model.config)
    data["torch_dtype"] = str(model.embedding.weight.dtype).removeprefix("torch.")
    weights = weights_to_hf(model.config, model.state_dict())
    if tokenizer is not None:
        special = tokenizer.special_tokens
        data["eos_token_id"] = [special[end] for end in _ENDS if end in special] or None
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "config.json").write_text(json.dumps(data, indent=2) + "\n", encoding="utf-8")
    safetensors.torch.save_file(weights, folder / _WEIGHTS, metadata={"format": "pt"})
    if tokenizer is not None:
        tokenizer.save(folder)


def load(folder: str | Path, *, dtype: torch.dtype = torch.float32) -> GPT:
    """The model in a folder, on the CPU, its weights in `dtype` whatever the file's type is.

    Raises OSError if config or weights are not there; ValueError, with the folder's name, if the
    architecture is not ours, a file is damaged, or a tensor is missing, one too many or misshapen.
    """
    folder = Path(folder)
    text = (folder / "config.json").read_text(encoding="utf-8")
    try:
        data = json.loads(text)
        if not isinstance(data, dict):
            raise ValueError("config.json does not hold a table")
        config = config_from_hf(data)
        return _build(config, _read_weights(folder), dtype)
    except ValueError as problem:
        raise ValueError(f"{folder} cannot be opened as a model: {problem}") from problem


def _build(config: GPTConfig, theirs: dict[str, Tensor], dtype: torch.dtype) -> GPT:
    with torch.device("meta"):
        ours = GPT(config).state_dict()
    wanted = weights_to_hf(config, ours)
    theirs = _without_extras(theirs, wanted)
    _check(theirs, wanted)
    theirs = {name: tensor.to(dtype) for name, tensor in theirs.items()}
    return GPT.from_weights(config, weights_from_hf(config, ours, theirs))


def _without_extras(theirs: dict[str, Tensor], wanted: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Without what files hold besides weights; GPT-2's own file has no prefix on its names.

    Besides: a tied head (it is the embedding), GPT-2's causal mask, old Llamas' frequencies.
    """
    if "wte.weight" in theirs:
        theirs = {f"transformer.{name}": tensor for name, tensor in theirs.items()}
    noise = (".attn.bias", ".attn.masked_bias", ".rotary_emb.inv_freq")
    return {
        name: tensor
        for name, tensor in theirs.items()
        if name in wanted or not (name == "lm_head.weight" or name.endswith(noise))
    }


def _check(theirs: Mapping[str, Tensor], wanted: Mapping[str, Tensor]) -> None:
    for names, problem in (
        (sorted(set(wanted) - set(theirs)), "missing from the weights"),
        (sorted(set(theirs) - set(wanted)), "in the weights, but no part of the model"),
    ):
        if names:
            more = f" and {len(names) - 3} more" if len(names) > 3 else ""
            raise ValueError(f"{', '.join(names[:3])}{more} {_are(names)} {problem}")
    for name, tensor in theirs.items():
        if tensor.shape != wanted[name].shape:
            raise ValueError(
                f"{name} has the shape {tuple(tensor.shape)}; "
                f"by the config it is {tuple(wanted[name].shape)}"
            )
        if not tensor.is_floating_point():
            raise ValueError(f"{name} holds {tensor.dtype}; wanted floating-point numbers")


def _are(names: list[str]) -> str:
    return "is" if len(names) == 1 else "are"


def _read_weights(folder: Path) -> dict[str, Tensor]:
    weights: dict[str, Tensor] = {}
    for file in _weight_files(folder):
        try:
            weights |= safetensors.torch.load_file(file)
        except safetensors.SafetensorError as problem:
            raise ValueError(f"{file.name} is damaged: {problem}") from problem
    return weights


def _weight_files(folder: Path) -> list[Path]:
    if (folder / _WEIGHTS).exists():
        return [folder / _WEIGHTS]
    if not (folder / _INDEX).exists():
        raise FileNotFoundError(
            f"{folder} has neither {_WEIGHTS} nor {_INDEX}; pickled weights (.bin) are not opened, "
            "because that would run their code: convert them to safetensors"
        )
    index: Any = json.loads((folder / _INDEX).read_text(encoding="utf-8"))
    names = index.get("weight_map") if isinstance(index, dict) else None
    if not isinstance(names, dict):
        raise ValueError(f"{_INDEX} has no weight_map")
    files = sorted(set(map(str, names.values())))
    for name in files:
        if Path(name).name != name:
            raise ValueError(f"{_INDEX} names {name!r}, which is not a file of the folder itself")
    return [folder / name for name in files]
