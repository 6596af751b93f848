"""Chat formats that are shipped, and the chat template in a model's own folder.

A format is a template with the control tokens it writes: a tokenizer that is to chat needs them as
special tokens, and its model must have learnt what they mean.

Source: ChatML is OpenAI's (2023); Llama 3's as Meta's model card describes it (2024); SmolLM2's
is ChatML with a system message of its own (Allal et al. 2025). The templates are written anew.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from groundup.tokenizers.chat_template import CHATML, ChatTemplate, Clock

LLAMA3 = (
    "{% for message in messages %}"
    "{% if loop.first %}{{ bos_token }}{% endif %}"
    "{{ '<|start_header_id|>' + message['role'] + '<|end_header_id|>\\n\\n' }}"
    "{{ message['content'] | trim }}<|eot_id|>"
    "{% endfor %}"
    "{% if add_generation_prompt %}"
    "{{ '<|start_header_id|>assistant<|end_header_id|>\\n\\n' }}"
    "{% endif %}"
)
"""Llama 3: the role in a header, an empty line, the content without white space at its ends."""
SMOLLM2_SYSTEM = "You are a helpful AI assistant named SmolLM, trained by Hugging Face"
"""What SmolLM2 is told where a conversation begins with no system message."""
SMOLLM2 = (
    "{% if messages and messages[0]['role'] != 'system' %}"
    f"{{{{ '<|im_start|>system\\n{SMOLLM2_SYSTEM}<|im_end|>\\n' }}}}"
    "{% endif %}" + CHATML
)
"""SmolLM2: ChatML, and a system message of its own where there is none."""
_CONFIG_FILE, _TEMPLATE_FILE = "tokenizer_config.json", "chat_template.jinja"
_MORE_TEMPLATES = "additional_chat_templates"


@dataclass(frozen=True, kw_only=True)
class ChatFormat:
    """A template and the control tokens it writes."""

    source: str
    special_tokens: tuple[str, ...]
    """All that the model needs, those a template does not write (end of a document) too."""
    end_token: str
    """What ends a turn: generation stops there."""
    start_token: str | None = None
    """What stands before a conversation."""

    def template(self, *, clock: Clock | None = None) -> ChatTemplate:
        """The template, ready to be used."""
        variables = {"bos_token": self.start_token or "", "eos_token": self.end_token}
        return ChatTemplate(self.source, variables=variables, clock=clock)


_CHATML_TOKENS = ("<|endoftext|>", "<|im_start|>", "<|im_end|>")
FORMATS: Mapping[str, ChatFormat] = {
    "chatml": ChatFormat(source=CHATML, special_tokens=_CHATML_TOKENS, end_token="<|im_end|>"),
    "llama3": ChatFormat(
        source=LLAMA3,
        special_tokens=(
            "<|begin_of_text|>",
            "<|end_of_text|>",
            "<|start_header_id|>",
            "<|end_header_id|>",
            "<|eot_id|>",
        ),
        start_token="<|begin_of_text|>",
        end_token="<|eot_id|>",
    ),
    "smollm2": ChatFormat(
        source=SMOLLM2,
        special_tokens=_CHATML_TOKENS,
        start_token="<|im_start|>",
        end_token="<|im_end|>",
    ),
}
"""The formats by name."""


def load(folder: str | Path, *, name: str = "default", clock: Clock | None = None) -> ChatTemplate:
    """The chat template of a folder in Hugging Face's layout.

    It stands in tokenizer_config.json, as one text or a list of named ones, in
    chat_template.jinja, or by name in additional_chat_templates/NAME.jinja; a file of its own goes
    before the config. What the config calls `bos_token`, `eos_token` and so on, the template may
    name.

    Raises ValueError if there is no template of that name, OSError if there is no such folder.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise FileNotFoundError(f"{folder} is no folder; wanted one with a {_CONFIG_FILE}")
    file = folder / _CONFIG_FILE
    config = _read_config(file) if file.exists() else {}
    sources = named_sources(config.get("chat_template"))
    if (file := folder / _TEMPLATE_FILE).exists():
        sources["default"] = _read_text(file)
    for file in sorted((folder / _MORE_TEMPLATES).glob("*.jinja")):
        sources[file.stem] = _read_text(file)
    if name not in sources:
        raise ValueError(
            f"{folder} has no chat template {name!r}; "
            f"it has: {', '.join(sorted(sources)) or 'none'}"
        )
    return ChatTemplate(sources[name], variables=token_names(config), clock=clock)


def named_sources(entry: Any) -> dict[str, str]:
    """The templates in a config's `chat_template`: a text is the one called "default".

    Raises ValueError if it is neither a text nor a list of named ones.
    """
    match entry:
        case None:
            return {}
        case str():
            return {"default": entry}
        case list() if all(_is_named(one) for one in entry):
            return {one["name"]: one["template"] for one in entry}
    raise ValueError(
        "its chat_template is neither a text nor a list of "
        "{'name': ..., 'template': ...}; ask whoever made the file"
    )


def token_names(config: Mapping[str, Any]) -> dict[str, str]:
    """What a config calls `bos_token`, `eos_token` ...: the variables of its template."""
    names = {}
    for key, value in config.items():
        text = value.get("content") if isinstance(value, Mapping) else value
        if key.endswith("_token") and isinstance(text, str):
            names[key] = text
    return names


def _is_named(entry: Any) -> bool:
    return isinstance(entry, Mapping) and all(
        isinstance(entry.get(key), str) for key in ("name", "template")
    )


def _read_text(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8")
    except UnicodeDecodeError as problem:
        raise ValueError(f"{file} is not UTF-8 at byte {problem.start}; convert it") from problem


def _read_config(file: Path) -> dict[str, Any]:
    try:
        config = json.loads(_read_text(file))
    except (ValueError, RecursionError) as problem:
        raise ValueError(f"{file} is not JSON: {problem}") from problem
    if not isinstance(config, dict):
        raise ValueError(f"{file} holds a {type(config).__name__}; wanted a JSON object")
    return config
