"""A text that is cut into fewer and fewer tokens, and what each merge buys."""

import inspect
import textwrap
from collections import Counter
from functools import cache
from pathlib import Path
from typing import Annotated, Any

import altair as alt

from groundup.course.lesson_forms import Choice, Slider, Text
from groundup.tokenizers.bpe import learn_merges, merge
from groundup.tokenizers.split import PATTERNS, Split

_COLOURS = ("#a6cee3", "#b2df8a", "#fdbf6f", "#cab2d6", "#fb9a99")
_MOST = 400
_LINE = 44
Merges = list[tuple[int, int, int]]


def tokens(
    text: Annotated[str, Text(120)] = "self.width = int(width)  # the widest word wins",
    merges: Annotated[int, Slider(0, _MOST, step=10)] = 0,
) -> alt.LayerChart | alt.FacetChart:
    """A line, and its tokens after so many merges, learnt from Python's module textwrap"""
    found = _encoded(text or " ", merges)
    rows, place, line = [], 0, 0
    for number, token in enumerate(found):
        shown = token.decode("utf-8", errors="replace").replace(" ", "·")
        size = max(len(shown), 1)
        if place + size > _LINE and place:
            place, line = 0, line + 1
        rows.append(
            {
                "from": place,
                "to": place + size,
                "line": line,
                "text": shown,
                "middle": place + size / 2,
                "colour": _COLOURS[number % len(_COLOURS)],
            }
        )
        place += size
    lines = line + 1
    x, y = alt.Scale(domain=[0, _LINE]), alt.Y("line:O", axis=None)
    chart = alt.Chart(alt.Data(values=rows))
    boxes = chart.mark_rect(stroke="white", strokeWidth=2).encode(
        x=alt.X("from:Q", scale=x, axis=None),
        x2="to",
        y=y,
        color=alt.Color("colour:N", scale=None, legend=None),
    )
    words = chart.mark_text(font="monospace", fontSize=14, color="#222").encode(
        x=alt.X("middle:Q", scale=x, axis=None), y=y, text="text:N"
    )
    size = len((text or " ").encode())
    title = f"{size} bytes, {len(found)} tokens"
    return alt.layer(boxes, words, width=520, height=34 * lines, title=title)


def compression(
    learnt_from: Annotated[str, Choice("code", "prose")] = "code",
    shown: Annotated[str, Choice("bytes a token", "tokens saved")] = "bytes a token",
) -> alt.Chart:
    """What so many merges buy, on code and on prose; or how much each was worth when learnt"""
    if shown == "bytes a token":
        rows = [
            {"merges": count, "value": value, "of": name}
            for name in ("code", "prose")
            for count, value in _bytes_a_token(learnt_from, name)
        ]
    else:
        rows = [
            {"merges": n, "value": count, "of": learnt_from}
            for n, count in enumerate(_worth(learnt_from), 1)
        ]
    lines = alt.Chart(alt.Data(values=rows)).mark_line(strokeWidth=3)
    scale = alt.Scale(domain=["code", "prose"], range=["#1b9e77", "#d95f02"])
    y = alt.Scale(type="linear") if shown == "bytes a token" else alt.Scale(type="log")
    return lines.encode(
        x=alt.X("merges:Q"),
        y=alt.Y("value:Q", title=shown, scale=y),
        color=alt.Color("of:N", scale=scale, legend=alt.Legend(title=None, orient="top")),
    ).properties(width=460, height=240)


def _text(name: str) -> str:
    """Code: the module textwrap; prose: the docstrings of a few of Python's types and methods."""
    if name == "code":
        return inspect.getsource(textwrap)
    kinds = (str, bytes, int, list, dict, Counter, Path, object)
    return "\n".join(inspect.getdoc(one) or "" for one in (*kinds, *vars(str).values()))


@cache
def _learnt(name: str) -> Merges:
    counts = Counter(Split(PATTERNS["cl100k"])(_text(name)))
    return learn_merges(counts, byte_ids=range(256), first_id=256, count=_MOST)


def _encoded(text: str, count: int) -> list[bytes]:
    """The text's tokens after the first merges."""
    merges = _learnt("code")[:count]
    names = {byte: bytes([byte]) for byte in range(256)}
    for left, right, made in merges:
        names[made] = names[left] + names[right]
    found: list[bytes] = []
    for piece in Split(PATTERNS["cl100k"])(text):
        ids = [*piece.encode()]
        for left, right, made in merges:
            ids = merge(ids, (left, right), made)
        found += [names[token] for token in ids]
    return found


@cache
def _bytes_a_token(learnt_from: str, name: str) -> list[tuple[int, float]]:
    counts = Counter(Split(PATTERNS["cl100k"])(_text(name)[-6000:]))
    words = [([*piece.encode()], times) for piece, times in counts.items()]
    size = sum(len(ids) * times for ids, times in words)
    found: list[tuple[int, float]] = [(0, 1.0)]
    for number, (left, right, made) in enumerate(_learnt(learnt_from), 1):
        words = [(merge(ids, (left, right), made), times) for ids, times in words]
        if number % 20 == 0:
            found.append((number, size / sum(len(ids) * times for ids, times in words)))
    return found


@cache
def _worth(name: str) -> list[int]:
    counts: Any = Counter(Split(PATTERNS["cl100k"])(_text(name)))
    words = [([*piece.encode()], times) for piece, times in counts.items()]
    found = []
    for left, right, made in _learnt(name):
        before = sum(len(ids) * times for ids, times in words)
        words = [(merge(ids, (left, right), made), times) for ids, times in words]
        found.append(before - sum(len(ids) * times for ids, times in words))
    return found
