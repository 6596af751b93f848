"""Keeping what people write apart from a template's control tokens.

Every control token's name inside a message is broken up by a mark before rendering: a character
that stands nowhere else. What looks like a control token in the rendered text is then the
template's own, and the marks are taken out just before their text is encoded, as plain text.

Leaves out tokens that are recognised in any text (`added_tokens`, as `<think>`), which users may
write too, and templates that themselves take characters out of the middle of a message.
"""

import itertools
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

_PRIVATE_USE = (range(0xF0000, 0xFFFFE), range(0x100000, 0x10FFFE), range(0xE000, 0xF900))


def free_marks(count: int, *texts: str) -> list[str]:
    """Private-use characters that stand in none of the texts.

    Raises ValueError if the texts use so many of them that no `count` are left.
    """
    taken = set().union(*texts)
    free = (chr(code) for code in itertools.chain(*_PRIVATE_USE) if chr(code) not in taken)
    marks = list(itertools.islice(free, count))
    if len(marks) < count:
        raise ValueError(
            "the conversation holds all of Unicode's private-use characters, and "
            f"{count} are needed to mark its parts; take some out"
        )
    return marks


def strings(value: Any) -> Iterator[str]:
    """All texts within a value of JSON's kinds, keys too."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for key, item in value.items():
            yield key
            yield from strings(item)
    elif isinstance(value, list):
        for item in value:
            yield from strings(item)


def guard_message(message: Mapping[str, Any], guard: Callable[[str], str]) -> dict[str, Any]:
    """The message with everything in it guarded but its role and the names of its own fields."""
    return {
        key: value if key == "role" else guard_value(value, guard) for key, value in message.items()
    }


def guard_value(value: Any, guard: Callable[[str], str]) -> Any:
    """The value with every text in it guarded, keys too."""
    if isinstance(value, str):
        return guard(value)
    if isinstance(value, Mapping):
        return {guard(key): guard_value(item, guard) for key, item in value.items()}
    if isinstance(value, list):
        return [guard_value(item, guard) for item in value]
    return value


class Guard:
    """Puts the mark inside all of a text that is, or could become, a control token's name.

    At each end a part of a name is enough: what the template, or the next message, writes beside
    it could complete it. Upper and lower case count as equal and white space at the ends does not
    count, for templates like to change both.
    """

    def __init__(self, mark: str, names: Iterable[str]) -> None:
        folded = set(map(_folded, names))
        self.mark = mark
        self._single = {name for name in folded if len(name) == 1}
        self._beginnings = {name[:i] for name in folded for i in range(1, len(name))}
        self._endings = {name[i:] for name in folded for i in range(1, len(name))}
        self._longest = max(map(len, folded), default=0)
        ordered = sorted(folded, key=len, reverse=True)
        anywhere = f"(?={'|'.join(map(re.escape, ordered))})" if ordered else "(?!)"
        self._anywhere = re.compile(anywhere)

    def __call__(self, text: str) -> str:
        """The text with marks in it.

        Raises ValueError if it holds a control token of one character, which has no inside.
        """
        folded = _folded(text)
        if alone := self._single.intersection(folded):
            raise ValueError(
                f"{min(alone)!r} is a control token of one character, so it cannot stand in a "
                "message; take it out of the message"
            )
        places = {found.start() + 1 for found in self._anywhere.finditer(folded)}
        start, end = len(folded) - len(folded.lstrip()), len(folded.rstrip())
        for size in range(1, min(self._longest, end - start + 1)):
            if folded[end - size : end] in self._beginnings:
                places.add(end - size + 1)
            if folded[start : start + size] in self._endings:
                places.add(start)
        edges = [0, *sorted(places), len(text)]
        return self.mark.join(text[i:j] for i, j in itertools.pairwise(edges))


def _folded(text: str) -> str:
    """The text in lower case, as many characters as before ("İ" would become two)."""
    lower = text.lower()
    if len(lower) == len(text):
        return lower
    return "".join(c.lower() if len(c.lower()) == 1 else c for c in text)


def encode_marked(
    text: str,
    mark: str,
    special_tokens: Mapping[str, int],
    encode: Callable[[str], list[int]],
) -> list[int]:
    """Ids of a rendered text: names of control tokens in it are the template's, unless marked."""
    names = sorted(special_tokens, key=len, reverse=True)
    parts = re.split(f"({'|'.join(map(re.escape, names))})", text) if names else [text]
    ids: list[int] = []
    for i, part in enumerate(parts):
        if i % 2:
            ids.append(special_tokens[part])
        elif bare := part.replace(mark, ""):
            ids += encode(bare)
    return ids
