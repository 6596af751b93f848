"""The rules of a pre-tokenization pattern: its alternatives one by one, and what they say."""

from collections.abc import Iterator, Sequence
from functools import cache

import regex

_CONTRACTIONS = r"'s|'t|'re|'ve|'m|'ll|'d"
_FIRST = r"[^\r\n\p{L}\p{N}]?"
_HEAD = r"[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]"
_TAIL = r"[\p{Ll}\p{Lm}\p{Lo}\p{M}]"
_ENDING = "an English ending such as 's or 'll"
_LETTERS = "letters, with one sign or space before them"
_SIGNS = "signs, with the space before and line ends after them"
_MORE = rf"(?i:{_CONTRACTIONS})?"
_IN_WORDS = {
    rf"(?i:{_CONTRACTIONS})": _ENDING,
    r"'(?i:[sdmt]|ll|ve|re)": _ENDING,
    r" ?\p{L}+": "letters, with the space before them",
    r" ?\p{N}+": "digits, with the space before them",
    r" ?[^\s\p{L}\p{N}]+": "signs, with the space before them",
    rf"{_FIRST}\p{{L}}+": _LETTERS,
    rf"{_FIRST}{_HEAD}*{_TAIL}+{_MORE}": f"{_LETTERS}; capitals stand at the beginning",
    rf"{_FIRST}{_HEAD}+{_TAIL}*{_MORE}": f"{_LETTERS}; capitals, and small ones behind them",
    r"\p{N}{1,3}": "up to three digits",
    r"\p{N}": "one digit",
    r" ?[^\s\p{L}\p{N}]+[\r\n]*": _SIGNS,
    r" ?[^\s\p{L}\p{N}]+[\r\n/]*": _SIGNS,
    r"\s*[\r\n]+": "line ends, with the white space before them",
    r"\s*[\r\n]": "a line end, with the white space before it",
    r"\s+(?!\S)": "white space, but for the last one before a word",
    r"\s+$": "white space at the end of the text",
    r"\s+": "white space",
    r"\s": "one white space",
} | dict.fromkeys(_CONTRACTIONS.split("|"), _ENDING)


def words_for(rule: str) -> str:
    """What a rule says, in words; "" if it is none of the field's usual ones.

    Whether a repetition gives back what it took (`+`) or not (`++`) changes no words.
    """
    return _IN_WORDS.get(regex.sub(r"([+*?]|\{[\d,]+\})\+", r"\1", rule), "")


def cuts(patterns: Sequence[str], text: str) -> list[tuple[int, int, str]]:
    """The pieces of a text as `Split` makes them, `(start, end, rule)`.

    A piece's rule is the alternative of the last pattern that cut it off from something else; ""
    where it stood between matches.
    """
    pieces = [(0, len(text), "")] if text else []
    for pattern in patterns:
        pieces = [part for piece in pieces for part in _cut(pattern, text, *piece)]
    return pieces


def _cut(
    pattern: str, text: str, start: int, end: int, rule: str
) -> Iterator[tuple[int, int, str]]:
    inner, done = text[start:end], 0
    for match in regex.finditer(pattern, inner):
        if match.start() > done:
            yield start + done, start + match.start(), rule
        is_all = match.end() - match.start() == len(inner) and rule
        if match.end() > match.start():
            new = rule if is_all else _matched(pattern, inner, match.start(), match.end())
            yield start + match.start(), start + match.end(), new
        done = match.end()
    if done < len(inner):
        yield start + done, end, rule


def _matched(pattern: str, text: str, start: int, end: int) -> str:
    """The first alternative that matches exactly so."""
    for alternative in alternatives(pattern):
        match = regex.compile(alternative).match(text, start)
        if match and match.end() == end:
            return alternative
    return pattern


@cache
def alternatives(pattern: str) -> tuple[str, ...]:
    """The alternatives a regular expression tries in order, cut at the bars outside of brackets.

    Joined by bars they are the pattern again. An alternative that is no regular expression by
    itself (a flag before the first one, say) leaves the pattern whole.
    """
    parts, depth, in_class, start, i = [], 0, False, 0, 0
    while i < len(pattern):
        character = pattern[i]
        if character == "\\":
            i += 1
        elif in_class:
            in_class = character != "]"
        elif character == "[":
            in_class = True
            i += pattern[i + 1 : i + 2] == "^"
            i += pattern[i + 1 : i + 2] == "]"  # a bracket that stands first is no end
        elif character in "()":
            depth += 1 if character == "(" else -1
        elif character == "|" and depth == 0:
            parts.append(pattern[start:i])
            start = i + 1
        i += 1
    parts.append(pattern[start:])
    return tuple(parts) if all(map(_compiles, parts)) else (pattern,)


def _compiles(pattern: str) -> bool:
    try:
        regex.compile(pattern)
    except regex.error:
        return False
    return True
