"""What is said to a chat template, checked: messages, and values of JSON's kinds beside them.

Leaves out parts of a message that are no text (images, sound): no model here reads them.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any

_ROLE = re.compile(r"\w[\w-]*")


def checked_messages(messages: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The messages as plain data.

    Each has a `role` of one word and a `content`: a text, or a list of parts
    `{"type": "text", "text": ...}`. A message with `tool_calls` needs no content. Keys that hold
    None are left out, as in transformers. Raises ValueError on anything else.
    """
    return [_checked(i, message) for i, message in enumerate(messages)]


def _checked(i: int, message: Mapping[str, Any]) -> dict[str, Any]:
    if not isinstance(message, Mapping):
        raise ValueError(f"message {i} is a {type(message).__name__}; wanted a dictionary")
    present = {key: value for key, value in message.items() if value is not None}
    wanted = ["role"] if present.get("tool_calls") else ["role", "content"]
    for key in wanted:
        if not isinstance(present.get(key), (str, list) if key == "content" else str):
            raise ValueError(f"message {i} needs a {key!r} of text; it is {message!r}")
    if not _ROLE.fullmatch(present["role"]):
        raise ValueError(
            f"the role of message {i} is {present['role']!r}; wanted one word, as 'user'"
        )
    for part in parts(present):
        is_text = isinstance(part, Mapping) and part.get("type") == "text"
        if not is_text or not isinstance(part.get("text"), str):
            raise ValueError(
                f"message {i} has the part {part!r}; wanted {{'type': 'text', 'text': ...}}"
            )
    data: dict[str, Any] = plain(present, f"message {i}")
    return data


def plain(value: Any, place: str) -> Any:
    """A copy made of JSON's kinds alone, so that a template meets nothing with methods of its own.

    Raises ValueError, naming the `place`, if there is anything else in it.
    """
    if value is None or type(value) in (str, bool, int, float):
        return value
    if isinstance(value, Mapping) and all(isinstance(key, str) for key in value):
        return {str(key): plain(item, place) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item, place) for item in value]
    raise ValueError(
        f"{place} holds a {type(value).__name__}; wanted texts, numbers, lists and dictionaries "
        "with texts as keys, as in JSON"
    )


def parts(message: Mapping[str, Any]) -> list[Any]:
    """The parts of a message whose content is a list of them; else none."""
    content = message.get("content")
    return content if isinstance(content, list) else []


def with_parts(message: Mapping[str, Any], texts: Sequence[str]) -> dict[str, Any]:
    """The message with these texts as its parts."""
    return {**message, "content": [{"type": "text", "text": text} for text in texts]}


def joined(message: Mapping[str, Any]) -> dict[str, Any]:
    """The message with the texts of its parts joined, for templates that know no parts."""
    if not isinstance(message.get("content"), list):
        return dict(message)
    return {**message, "content": "".join(part["text"] for part in parts(message))}
