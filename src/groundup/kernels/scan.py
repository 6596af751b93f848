"""The fast twin of pre-tokenization: the field's patterns as scans over UTF-8.

A scan looks at the class of the character where a piece begins and runs over characters of one
class, eight ASCII letters at a time. `next_piece` is given where a piece begins and says where it
ends; nothing before that place matters, so any such place is a good start.

The plain path is `groundup.tokenizers.split`. Text must be valid UTF-8, with `PADDING` bytes of
room behind it. Classes of characters are those of Unicode 16, which the judges have too.
"""

from pathlib import Path

import numba
import numpy as np
from numpy.typing import NDArray

from groundup.kernels.machine import address, load_byte, load_word, trailing_zeros

PADDING = 16
"""Bytes after the text that a scan may look at: zeros, or anything."""
GPT2, CL100K, O200K = 0, 1, 2
"""The families of patterns."""

OTHER, SPACE, LINE_END, NUMBER, UPPER, LOWER, LETTER, MARK = range(8)
"""Classes: Lu and Lt are UPPER, Ll is LOWER, Lm and Lo are LETTER, M is MARK."""

_HIGH = np.uint64(0x8080808080808080)
_LOW = np.uint64(0x7F7F7F7F7F7F7F7F)
_CASE = np.uint64(0x2020202020202020)
_SAME = np.uint64(0)
_FROM_A = np.uint64(0x1F1F1F1F1F1F1F1F)  # added to "a" or more, the high bit is set
_PAST_Z = np.uint64(0x0505050505050505)  # added to "z" + 1 or more, the high bit is set
_APOSTROPHE, _BLANK, _SLASH, _LONG_S = 0x27, 0x20, 0x2F, 0x17F


def character_classes() -> NDArray[np.uint8]:
    """The class of every code point: uint8, 0x110000 of them."""
    with np.load(Path(__file__).with_name("unicode_16.npz")) as runs:
        starts, classes = runs["starts"], runs["classes"]
    return np.repeat(classes, np.diff(starts, append=0x110000))


@numba.njit(nogil=True, forceinline=True)
def character(text, i):
    """The code point at byte i, and its length in bytes."""
    first = np.int64(load_byte(text, i))
    if first < 0x80:
        return first, 1
    second = np.int64(load_byte(text, i + 1)) & 0x3F
    if first < 0xE0:
        return (first & 0x1F) << 6 | second, 2
    third = np.int64(load_byte(text, i + 2)) & 0x3F
    if first < 0xF0:
        return (first & 0x0F) << 12 | second << 6 | third, 3
    fourth = np.int64(load_byte(text, i + 3)) & 0x3F
    return min((first & 0x07) << 18 | second << 12 | third << 6 | fourth, 0x10FFFF), 4


@numba.njit(nogil=True, forceinline=True)
def _class_at(text, classes, i):
    """The class of the character at byte i, and its length."""
    first = np.int64(load_byte(text, i))
    if first < 0x80:
        return np.int64(load_byte(classes, first)), 1
    point, size = character(text, i)
    return np.int64(load_byte(classes, point)), size


@numba.njit(nogil=True, forceinline=True)
def _run(text, classes, i, end, members):
    """Where a run of characters of the classes in the bit set `members` ends."""
    while i < end:
        kind, size = _class_at(text, classes, i)
        if not members >> kind & 1:
            break
        i += size
    return i


_LETTERS = 1 << UPPER | 1 << LOWER | 1 << LETTER
_SIGNS = 1 << OTHER | 1 << MARK
_BLANKS = 1 << SPACE | 1 << LINE_END
_HEAD = 1 << UPPER | 1 << LETTER | 1 << MARK  # what o200k lets a word begin with
_TAIL = 1 << LOWER | 1 << LETTER | 1 << MARK  # and end with


@numba.njit(nogil=True, forceinline=True)
def _letters(text, classes, i, end, fold, members):
    """Where a run of letters ends: ASCII's eight at a time, others if they are `members`.

    `fold`: the bits in which capitals differ from small letters, or 0 if capitals end the run.
    """
    while i < end:
        word = load_word(text, i)
        lower = (word | fold) & _LOW
        is_letter = (lower + _FROM_A) & ~(lower + _PAST_Z) & ~word & _HIGH
        other = ~is_letter & _HIGH
        if other == 0:
            i += 8
            continue
        i += np.int64(trailing_zeros(other) >> np.uint64(3))
        if i >= end or load_byte(text, i) < 0x80:
            break
        kind, size = _class_at(text, classes, i)
        if not members >> kind & 1:
            break
        i += size
    return min(i, end)


@numba.njit(nogil=True, forceinline=True)
def _contraction(text, i, end, any_case):
    """Where the English contraction with its apostrophe at i ends; i if there is none."""
    if i + 1 >= end or load_byte(text, i) != _APOSTROPHE:
        return i
    fold = 0x20 if any_case else 0
    one = np.int64(load_byte(text, i + 1)) | fold
    if one in (0x73, 0x74, 0x64, 0x6D):  # 's 't 'd 'm
        return i + 2
    if any_case and load_byte(text, i + 1) >= 0x80 and character(text, i + 1)[0] == _LONG_S:
        return i + 3  # the long s is an s in another case
    if i + 2 < end:
        two = np.int64(load_byte(text, i + 2)) | fold
        if (one == 0x6C and two == 0x6C) or (one in (0x76, 0x72) and two == 0x65):  # 'll 've 're
            return i + 3
    return i


@numba.njit(nogil=True, forceinline=True)
def _digits(text, classes, i, end, most):
    """Where a run of at most `most` numerals ends."""
    for _ in range(most):
        if i >= end:
            break
        kind, size = _class_at(text, classes, i)
        if kind != NUMBER:
            break
        i += size
    return i


@numba.njit(nogil=True, forceinline=True)
def _blanks(text, classes, i, end, with_lines, whole_end, digits_end):
    """Where the piece of white space at i ends.

    It goes through the last line end, if `with_lines`; else it leaves its last character to what
    follows, unless nothing does (or a digit that stands alone, if `digits_end`).
    """
    j, last, after_line = i, i, -1
    kind = SPACE
    while j < end:
        kind, size = _class_at(text, classes, j)
        if not _BLANKS >> kind & 1:
            break
        last = j
        j += size
        if kind == LINE_END:
            after_line = j
    if j >= end and whole_end:
        return j
    if with_lines and after_line >= 0:
        return after_line
    if j >= end or last == i or (digits_end and kind == NUMBER):
        return j
    return last


@numba.njit(nogil=True, forceinline=True)
def _signs(text, classes, i, end, with_lines, with_slashes):
    """Where a run of signs, and of line ends (and slashes) behind it, ends."""
    i = _run(text, classes, i, end, _SIGNS)
    while with_lines and i < end:
        byte = load_byte(text, i)
        if byte in (0x0A, 0x0D) or (with_slashes and byte == _SLASH):
            i += 1
        else:
            break
    return i


@numba.njit(nogil=True, forceinline=True)
def _gpt2(text, classes, i, end, digits):
    kind, size = _class_at(text, classes, i)
    if digits == 1 and kind == NUMBER:
        return i + size
    start = _contraction(text, i, end, False)
    if start > i:
        return start
    start = i
    if load_byte(text, i) == _BLANK and i + 1 < end:
        kind, size = _class_at(text, classes, i + 1)
        start = i + 1
        if digits == 1 and kind == NUMBER:
            return start
    if _LETTERS >> kind & 1:
        return _letters(text, classes, start, end, _CASE, _LETTERS)
    if kind == NUMBER:
        return _run(text, classes, start, end, 1 << NUMBER)
    if _SIGNS >> kind & 1:
        return _run(text, classes, start, end, _SIGNS)
    return _blanks(text, classes, i, end, False, False, digits == 1)


@numba.njit(nogil=True, forceinline=True)
def _cl100k(text, classes, i, end, digits, whole_end):
    first = load_byte(text, i)
    if first == _APOSTROPHE:
        after = _contraction(text, i, end, True)
        if after > i:
            return after
    kind, size = _class_at(text, classes, i)
    if _LETTERS >> kind & 1:
        return _letters(text, classes, i + size, end, _CASE, _LETTERS)
    if kind == NUMBER:
        return _digits(text, classes, i, end, digits)
    after = i + size
    following, width = SPACE, 0
    if after < end:
        following, width = _class_at(text, classes, after)
    if kind != LINE_END and _LETTERS >> following & 1:
        return _letters(text, classes, after + width, end, _CASE, _LETTERS)
    if _SIGNS >> kind & 1:
        return _signs(text, classes, after, end, True, False)
    if first == _BLANK and after < end and _SIGNS >> following & 1:
        return _signs(text, classes, after + width, end, True, False)
    return _blanks(text, classes, i, end, True, whole_end, False)


@numba.njit(nogil=True, forceinline=True)
def _cased_word(text, classes, i, end):
    """Where o200k's word that begins at i ends, by its first alternative; -1 if there is none.

    Capitals, then small letters; letters without case and marks are both. Where no small letter
    follows the capitals, the last of those that are both ends the word.
    """
    j, both_end = i, -1
    while j < end:
        kind, size = _class_at(text, classes, j)
        if not _HEAD >> kind & 1:
            if kind == LOWER:
                return _letters(text, classes, j, end, _SAME, _TAIL)
            break
        j += size
        if kind != UPPER:
            both_end = j
    return both_end


@numba.njit(nogil=True, forceinline=True)
def _o200k(text, classes, i, end, digits):
    kind, size = _class_at(text, classes, i)
    is_prefix = not ((_LETTERS | 1 << NUMBER | 1 << LINE_END) >> kind & 1)
    start = i + size if is_prefix else i
    if is_prefix or kind not in (NUMBER, LINE_END):
        after = _cased_word(text, classes, start, end) if start < end else -1
        if after < 0 and kind == MARK:
            after = _cased_word(text, classes, i, end)
        if after < 0 and start < end:
            capitals = _run(text, classes, start, end, 1 << UPPER)
            after = capitals if capitals > start else -1
        if after >= 0:
            return _contraction(text, after, end, True)
    if kind == NUMBER:
        return _digits(text, classes, i, end, digits)
    if _SIGNS >> kind & 1:
        return _signs(text, classes, i + size, end, True, True)
    if load_byte(text, i) == _BLANK and i + 1 < end:
        following, width = _class_at(text, classes, i + 1)
        if _SIGNS >> following & 1:
            return _signs(text, classes, i + 1 + width, end, True, True)
    return _blanks(text, classes, i, end, True, False, False)


@numba.njit(nogil=True, forceinline=True)
def next_piece(text, classes, i, end, family, digits, whole_end):
    """Where the piece that begins at byte i ends.

    `family`: GPT2, CL100K or O200K; `digits`: how many numerals a piece may hold (for GPT2, 1 cuts
    each out before all else, and 0 is no limit); `whole_end`: whether white space at the end of
    the text is one piece whatever it holds.
    """
    if family == CL100K:
        return _cl100k(text, classes, i, end, digits, whole_end)
    if family == GPT2:
        return _gpt2(text, classes, i, end, digits)
    return _o200k(text, classes, i, end, digits)


@numba.njit(cache=True, nogil=True)
def piece_ends(text, classes, end, family, digits, whole_end, ends):
    """Fill the array `ends` with where each piece of `text[:end]` ends; returns how many."""
    start, table = address(text), address(classes)
    i, count = 0, 0
    while i < end:
        i = next_piece(start, table, i, end, family, digits, whole_end)
        ends[count] = i
        count += 1
    return count
