"""The scans cut text as the regular expressions do, character by character of Unicode 16."""

from itertools import pairwise

import numpy as np
import pytest
import tiktoken
from hypothesis import example, given, settings
from hypothesis import strategies as st

from groundup.kernels import scan
from groundup.tokenizers.split import (
    CL100K_WHOLE_END,
    DIGITS,
    GPT2,
    GPT4,
    O200K,
    QWEN2,
    Split,
    scan_of,
)

CLASSES = scan.character_classes()
PATTERNS = {
    "gpt2": (GPT2,),
    "smollm2": (DIGITS, GPT2),
    "llama3": (GPT4,),
    "qwen2": (QWEN2,),
    "cl100k": (CL100K_WHOLE_END,),
    "o200k": (O200K,),
}
# One or more of every class, of every length in UTF-8, and all that patterns name.
TELLING = [
    *"aAbsStdlLvrReEmMzZ'0129 !./-_(\"\n\r\t\x0b\x1c\x85",
    *"\u2019\xa0\u2028\u3000\u0660\u00b2\u2167\u0301\u0300\u0345\u0903\u017f\u212aßǅʰªİ\u0131ÉéЖж",
    *"אبक中文あ\U0001f600\U0001f468\u200d\u200b\ufeff\U0001d7d8\U00010400\U00010428\U000e0100",
    *["'s", "'LL", "'ve", " '", "\r\n", "  ", "aB", "Ab"],
]
texts = st.lists(st.sampled_from(TELLING), max_size=30).map("".join)


def pieces(text, patterns):
    data = text.encode()
    padded = np.frombuffer(data + bytes(scan.PADDING), np.uint8)
    ends = np.empty(len(data) + 1, np.int64)
    count = scan.piece_ends(padded, CLASSES, len(data), *scan_of(patterns), ends)
    edges = [0, *ends[:count].tolist()]
    return [data[a:b].decode() for a, b in pairwise(edges)]


@pytest.mark.parametrize("name", PATTERNS)
@settings(max_examples=400, deadline=None)
@given(text=texts | st.text(st.characters(codec="utf-8", exclude_categories=["Cn", "Co"])))
@example("")
@example("word " * 9)
@example("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ")
@example("   \n\n  \n x")
@example(" \n ")
@example("x \n ")
@example("中Ab中ABc")
@example("\u0301\u0301 \u0301a!\u0301")
@example("'\u017f'S'll'vex")
def test_a_scan_cuts_as_its_pattern(name, text):
    assert pieces(text, PATTERNS[name]) == Split(PATTERNS[name])(text)


def test_other_patterns_have_no_scan():
    assert scan_of(("x+",)) is None
    assert scan_of((GPT4, GPT2)) is None


@pytest.mark.reference
@pytest.mark.parametrize(
    ("pattern", "members"),
    [
        (r"\s", [scan.SPACE, scan.LINE_END]),
        (r"[\r\n]", [scan.LINE_END]),
        (r"\p{N}", [scan.NUMBER]),
        (r"[\p{Lu}\p{Lt}]", [scan.UPPER]),
        (r"\p{Ll}", [scan.LOWER]),
        (r"[\p{Lm}\p{Lo}]", [scan.LETTER]),
        (r"\p{M}", [scan.MARK]),
    ],
)
def test_the_class_of_every_code_point_is_that_of_tiktoken(pattern, members):
    """A vocabulary of single bytes and a pattern for one class: what comes back is that class."""
    ranks = {bytes([byte]): byte for byte in range(256)}
    judge = tiktoken.Encoding("x", pat_str=pattern, mergeable_ranks=ranks, special_tokens={})
    points = [point for point in range(0x110000) if not 0xD800 <= point < 0xE000]
    found = bytes(judge.encode_ordinary("".join(map(chr, points)))).decode()
    ours = [chr(point) for point in points if CLASSES[point] in members]
    assert len(points) == 1_112_064
    assert list(found) == ours
