"""tokenizer.json and tokenizer_config.json, Hugging Face's files, but for the model in them.

What is written, the `tokenizers` library reads and agrees with id for id. What is read may come
from anyone; what we have not built is refused with its name. Each kind reads and writes its own
model; the steps around it are in `groundup.tokenizers.steps_json`.

Leaves out truncation and padding, which are passed over, and the decoder: each kind has its own.
"""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from groundup.tokenizers.added_tokens import AS_WRITTEN, Matching
from groundup.tokenizers.definition import Frame, check_gaps
from groundup.tokenizers.steps_json import (
    read_normalizers,
    read_post_processor,
    read_pre_tokenizers,
    write_normalizers,
    write_post_processor,
    write_pre_tokenizers,
)

Json = dict[str, Any]
Kind = TypeVar("Kind")
LARGEST = 1 << 31
"""Ids are below it: arrays of them are of 32 bits."""
_LONGEST_MESSAGE = 500  # characters
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
        config["chat_template"] = _read_text(template_file)
    try:
        return from_json(_read_json(file), config)
    except (KeyError, TypeError, AttributeError) as problem:
        what = _short(repr(problem))
        raise ValueError(f"{file} is not a whole tokenizer.json: {what}") from problem
    except ValueError as problem:
        raise ValueError(f"{file} cannot be read: {_short(str(problem))}") from problem


def frame_json(
    frame: Frame, *, model: Json, decoder: Json | None, pre_tokenizer: Json | None = None
) -> Json:
    """The contents of tokenizer.json: the frame, and what the kind says of its model.

    `decoder`: how Hugging Face's libraries join tokens to a text; `pre_tokenizer`: in place of the
    frame's.
    """
    return {
        "version": "1.0",
        "truncation": None,
        "padding": None,
        "added_tokens": _write_added(frame),
        "normalizer": write_normalizers(frame.normalizers),
        "pre_tokenizer": pre_tokenizer or write_pre_tokenizers(frame.pre_tokenizers),
        "post_processor": write_post_processor(frame.post_processor, frame.special_tokens),
        "decoder": decoder,
        "model": model,
    }


def read_frame(data: Json, config: Json | None = None, *, cuts: bool = True) -> Frame:
    """The inverse of `frame_json`; `config` is what tokenizer_config.json holds.

    Without `cuts` the pre-tokenizers are left to the kind. Raises ValueError on what is not built.
    """
    config = config or {}
    special, added, matching = _read_added(data.get("added_tokens") or [])
    return Frame(
        special_tokens=special,
        added_tokens=added,
        matching=matching,
        normalizers=read_normalizers(data.get("normalizer")),
        pre_tokenizers=read_pre_tokenizers(data.get("pre_tokenizer")) if cuts else (),
        post_processor=read_post_processor(data.get("post_processor"), special),
        start_token=_read_name(config.get("bos_token"), special),
        end_token=_read_name(config.get("eos_token"), special),
        chat_template=_read_template(config.get("chat_template")),
    )


def read_vocabulary(model: Json, *, kind: str) -> dict[str, int]:
    """The model's vocabulary, text to id.

    Raises ValueError if the model is of another kind, an id is no whole number from 0, or two
    tokens share one.
    """
    if model["type"] != kind:
        raise ValueError(f"its model is {model['type']}; wanted {kind}")
    vocabulary: dict[str, int] = dict(model["vocab"])
    seen: dict[int, str] = {}
    for text, token in vocabulary.items():
        _check_id(text, token)
        if token in seen:
            raise ValueError(f"its tokens {seen[token]!r} and {text!r} share the id {token}")
        seen[token] = text
    check_gaps(seen)
    return vocabulary


def check_own(own: Json) -> None:
    """Raises ValueError if what our files alone say of a kind holds no text where it should."""
    texts = [own.get("space", ""), own.get("unknown_surface") or "", *own.get("kept", ())]
    for text in texts:
        if not isinstance(text, str):
            raise ValueError(f"its model holds {text!r} where a text was wanted")


def _check_id(text: str, token: object) -> None:
    if not isinstance(token, int) or isinstance(token, bool) or not 0 <= token < LARGEST:
        raise ValueError(f"its token {text!r} has the id {token!r}; wanted a number from 0")


def _write_added(frame: Frame) -> list[Json]:
    names = frame.special_tokens | frame.added_tokens
    return [
        {"id": token, "content": name}
        | vars(frame.matching.get(name, AS_WRITTEN))
        | {"special": name in frame.special_tokens}
        for name, token in sorted(names.items(), key=lambda item: item[1])
    ]


def _read_added(
    entries: list[Json],
) -> tuple[dict[str, int], dict[str, int], dict[str, Matching]]:
    special: dict[str, int] = {}
    added: dict[str, int] = {}
    matching: dict[str, Matching] = {}
    for entry in entries:
        name = entry["content"]
        if not isinstance(name, str):
            raise ValueError(
                f"its added token {entry['id']!r} has the name {name!r}; wanted a text"
            )
        _check_id(name, entry["id"])
        (special if entry.get("special") else added)[name] = entry["id"]
        how = Matching(**{option: entry.get(option) is True for option in vars(AS_WRITTEN)})
        if how != AS_WRITTEN:
            matching[name] = how
    return special, added, matching


def _read_name(token: str | Json | None, special: dict[str, int]) -> str | None:
    name = token["content"] if isinstance(token, dict) else token
    return name if name in special else None


def _read_template(template: str | list[Json] | None) -> str | None:
    if isinstance(template, list):
        template = next((t["template"] for t in template if t["name"] == "default"), None)
    if not isinstance(template, str | None):
        raise ValueError(f"its chat template is a {type(template).__name__}; wanted a text")
    return template


def _write_json(path: Path, data: Json) -> None:
    path.write_text(json.dumps(data, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")


def _read_json(path: Path) -> Json:
    text = _read_text(path)
    try:
        data = json.loads(text)
        if "\\ud" in text.lower():  # JSON can write half a character, and UTF-8 cannot
            json.dumps(data, ensure_ascii=False).encode()
    except UnicodeEncodeError as problem:
        raise ValueError(f"{path} holds a lone surrogate, half of a character") from problem
    except RecursionError as problem:
        raise ValueError(f"{path} is not JSON that can be read: too deep") from problem
    except ValueError as problem:
        raise ValueError(f"{path} is not JSON: {problem}") from problem
    if not isinstance(data, dict):
        raise ValueError(f"{path} holds a {type(data).__name__}; wanted a JSON object")
    return data


def _read_text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError as problem:
        raise ValueError(f"{path} is not UTF-8 at byte {problem.start}") from problem


def _short(words: str) -> str:
    """A message without most of what a stranger's file put into it."""
    return words if len(words) <= _LONGEST_MESSAGE else f"{words[:_LONGEST_MESSAGE]} ..."
