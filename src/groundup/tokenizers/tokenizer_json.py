"""tokenizer.json and tokenizer_config.json, Hugging Face's files: byte-level BPE in and out.

What is written, the `tokenizers` library reads and agrees with id for id. What is read may come
from GPT-2, SmolLM2, Llama 3, Qwen and their like; any other kind of tokenizer is refused with what
it has that we do not.

Leaves out the post-processor (the token Llama 3 puts before a text: its chat template says it too),
truncation and padding.
"""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from groundup.tokenizers.byte_alphabet import to_bytes, to_characters
from groundup.tokenizers.definition import Definition, Frame
from groundup.tokenizers.normalize import Form, Normalizer
from groundup.tokenizers.split import DIGITS, GPT2

Json = dict[str, Any]
Kind = TypeVar("Kind")
_FILE, _CONFIG_FILE, _TEMPLATE_FILE = (
    "tokenizer.json",
    "tokenizer_config.json",
    "chat_template.jinja",
)


def write(data: Json, frame: Frame, folder: Path) -> None:
    """Write both files into the folder, which is made if need be."""
    folder.mkdir(parents=True, exist_ok=True)
    _write_json(folder / _FILE, data)
    config: Json = {
        "tokenizer_class": "PreTrainedTokenizerFast",
        "clean_up_tokenization_spaces": False,
        "bos_token": frame.start_token,
        "eos_token": frame.end_token,
        "chat_template": frame.chat_template,
    }
    _write_json(folder / _CONFIG_FILE, {key: v for key, v in config.items() if v is not None})


def read(path: Path, from_json: Callable[[Json, Json], Kind]) -> Kind:
    """Read a folder with both files, or a tokenizer.json alone (or one with the other beside it).

    `from_json` makes a tokenizer of the two files' contents. Raises ValueError if they are not
    whole or it refuses them, OSError if they are not there.
    """
    file = path / _FILE if path.is_dir() else path
    config_file, template_file = file.with_name(_CONFIG_FILE), file.with_name(_TEMPLATE_FILE)
    config = _read_json(config_file) if config_file.exists() else {}
    if template_file.exists():
        config["chat_template"] = template_file.read_text(encoding="utf-8")
    try:
        return from_json(_read_json(file), config)
    except (KeyError, TypeError, AttributeError) as problem:
        raise ValueError(f"{file} is not a whole tokenizer.json: {problem!r}") from problem
    except ValueError as problem:
        raise ValueError(f"{file} cannot be read: {problem}") from problem


def to_json(definition: Definition) -> Json:
    """The contents of tokenizer.json."""
    tokens = {token: to_characters(data) for token, data in sorted(definition.tokens.items())}
    names = definition.special_tokens | definition.added_tokens
    added = [
        {
            "id": token,
            "content": name,
            "single_word": False,
            "lstrip": False,
            "rstrip": False,
            "normalized": False,
            "special": name in definition.special_tokens,
        }
        for name, token in sorted(names.items(), key=lambda item: item[1])
    ]
    splits = [
        {"type": "Split", "pattern": {"Regex": pattern}, "behavior": "Isolated", "invert": False}
        for pattern in definition.patterns
    ]
    byte_level = {
        "type": "ByteLevel",
        "add_prefix_space": False,
        "trim_offsets": True,
        "use_regex": False,
    }
    vocabulary = {text: token for token, text in tokens.items()} | names
    return {
        "version": "1.0",
        "truncation": None,
        "padding": None,
        "added_tokens": added,
        "normalizer": _write_normalizer(definition.normalizers),
        "pre_tokenizer": {"type": "Sequence", "pretokenizers": [*splits, byte_level]},
        "post_processor": None,
        "decoder": byte_level,
        "model": {
            "type": "BPE",
            "dropout": None,
            "unk_token": None,
            "continuing_subword_prefix": None,
            "end_of_word_suffix": None,
            "fuse_unk": False,
            "byte_fallback": False,
            "ignore_merges": definition.whole_first,
            "vocab": dict(sorted(vocabulary.items(), key=lambda item: item[1])),
            "merges": [[tokens[left], tokens[right]] for left, right, _ in definition.merges],
        },
    }


def from_json(data: Json, config: Json | None = None) -> Definition:
    """The inverse of `to_json`; `config` is what tokenizer_config.json holds."""
    model, config = data["model"], config or {}
    _check_model(model)
    special, added = _read_added(data.get("added_tokens") or [])
    names = special | added
    vocabulary: dict[str, int] = model["vocab"]
    return Definition(
        tokens={token: to_bytes(t) for t, token in vocabulary.items() if t not in names},
        merges=[_read_merge(merge, vocabulary) for merge in model["merges"]],
        patterns=_read_patterns(data.get("pre_tokenizer")),
        special_tokens=special,
        added_tokens=added,
        normalizers=_read_normalizer(data.get("normalizer")),
        whole_first=bool(model.get("ignore_merges")),
        start_token=_read_name(config.get("bos_token"), special),
        end_token=_read_name(config.get("eos_token"), special),
        chat_template=_read_template(config.get("chat_template")),
    )


def _check_model(model: Json) -> None:
    if model.get("type", "BPE") != "BPE":
        raise ValueError(f"its model is {model['type']}; only byte-level BPE is read")
    for option in (
        "dropout",
        "continuing_subword_prefix",
        "end_of_word_suffix",
        "byte_fallback",
    ):
        if model.get(option):
            raise ValueError(f"its BPE model has {option}={model[option]!r}, which is not built")


def _read_added(entries: list[Json]) -> tuple[dict[str, int], dict[str, int]]:
    special: dict[str, int] = {}
    added: dict[str, int] = {}
    for entry in entries:
        for option in ("single_word", "lstrip", "rstrip"):
            if entry.get(option):
                raise ValueError(f"its token {entry['content']!r} has {option}, which is not built")
        (special if entry.get("special") else added)[entry["content"]] = entry["id"]
    return special, added


def _read_merge(merge: str | list[str], vocabulary: dict[str, int]) -> tuple[int, int, int]:
    left, right = merge.split(" ") if isinstance(merge, str) else merge
    if missing := [text for text in (left, right, left + right) if text not in vocabulary]:
        raise ValueError(f"merge {merge!r} needs {missing[0]!r}, which the vocabulary lacks")
    return vocabulary[left], vocabulary[right], vocabulary[left + right]


def _write_normalizer(normalizers: tuple[Normalizer, ...]) -> Json | None:
    return {"type": "NFC"} if normalizers else None


def _read_normalizer(normalizer: Json | None) -> tuple[Normalizer, ...]:
    if normalizer is None or normalizer == {"type": "Sequence", "normalizers": []}:
        return ()
    if normalizer["type"] != "NFC":
        raise ValueError(f"its normalizer is {normalizer['type']}; only NFC or none is built")
    return (Form("NFC"),)


def _read_patterns(pre_tokenizer: Json | None) -> tuple[str, ...]:
    if pre_tokenizer is None:
        raise ValueError("it has no pre-tokenizer; byte-level BPE needs ByteLevel")
    is_sequence = pre_tokenizer["type"] == "Sequence"
    steps = pre_tokenizer["pretokenizers"] if is_sequence else [pre_tokenizer]
    if not steps or steps[-1]["type"] != "ByteLevel":
        raise ValueError(
            f"its pre-tokenizer is {[step['type'] for step in steps]}; it must end in ByteLevel"
        )
    return tuple(pattern for step in steps if (pattern := _read_step(step)) is not None)


def _read_step(step: Json) -> str | None:
    match step:
        case {"type": "ByteLevel", "add_prefix_space": False}:
            return GPT2 if step.get("use_regex", True) else None
        case {"type": "Digits", "individual_digits": bool(individual)}:
            return DIGITS if individual else DIGITS + "+"
        case {
            "type": "Split",
            "pattern": {"Regex": str(pattern)},
            "behavior": "Isolated" | "Removed" as behavior,
            "invert": bool(invert),
        } if invert == (behavior == "Removed"):
            return pattern
    raise ValueError(f"its pre-tokenizer has the step {step}, which is not built")


def _read_name(token: str | Json | None, special: dict[str, int]) -> str | None:
    name = token["content"] if isinstance(token, dict) else token
    return name if name in special else None


def _read_template(template: str | list[Json] | None) -> str | None:
    if isinstance(template, list):
        return next((t["template"] for t in template if t["name"] == "default"), None)
    return template


def _write_json(path: Path, data: Json) -> None:
    path.write_text(json.dumps(data, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")


def _read_json(path: Path) -> Json:
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as problem:
        raise ValueError(f"{path} is not JSON: {problem}") from problem
    if not isinstance(data, dict):
        raise ValueError(f"{path} holds a {type(data).__name__}; wanted a JSON object")
    return data
