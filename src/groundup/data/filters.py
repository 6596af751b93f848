"""What is not worth learning from: each filter looks at a text and gives a reason to drop it.

A filter is a function `(text) -> reason | None`; `FILTERS` are the ones that run, in order. They
look for text that no person wrote line by line: a model that has to learn character tables spends
its capacity on them. Exact duplicates are found in `corpus`, which sees all documents at once.

Heuristics of the kind in Rae et al. (2021), Gopher, appendix A, chosen for source code. Leaves out
near-duplicates (MinHash) and learnt quality classifiers.
"""

import re
from collections.abc import Callable

Filter = Callable[[str], "str | None"]

_GENERATED = re.compile(
    r"""\bauto(matically)?[ -]?generated\b|@generated\b|\bmachine[ -]generated\b
    |\b(do\ not|don't)\ edit\b|^\W*(this\ file\ (was|is)\ )?generated\ (by|from)\b
    |\bgenerated\ from\ '""",
    re.IGNORECASE | re.MULTILINE | re.VERBOSE,
)
_LITERAL = re.compile(r"""[rbuf]{0,2}("([^"\\\n]|\\.)*"|'([^'\\\n]|\\.)*')|[+-]?\b\d[\w.+-]*""")
_COMMENT = re.compile(r"\s*#.*$")
_STARTS_AS_DATA = re.compile(r"""\s*([\[({]\s*)*([rbuf]{0,2}["'\d]|[+-]?\d)""")


def empty(text: str) -> str | None:
    """Drops what has no visible character."""
    return None if text.strip() else "empty"


def generated(text: str, *, lines: int = 8) -> str | None:
    """Drops what says in its first lines that a program wrote it."""
    head = "\n".join(text.lstrip().splitlines()[:lines])
    return "generated" if _GENERATED.search(head) else None


def long_lines(text: str, *, mean: float = 120.0, longest: int = 5000) -> str | None:
    """Drops code-like data with very long lines: the mean above `mean` or one above `longest`.

    Prose often has a paragraph a line, so only lines with few spaces count.
    """
    lines = [line for line in text.splitlines() if line.strip()]
    dense = [len(line) for line in lines if line.count(" ") < len(line) / 12]
    if not dense:
        return None
    is_mostly_dense = sum(dense) > 0.5 * sum(map(len, lines))
    if max(dense) > longest or (is_mostly_dense and sum(dense) / len(dense) > mean):
        return "long lines"
    return None


def table(text: str, *, share: float = 0.6, least_lines: int = 40) -> str | None:
    """Drops tables: most lines hold only literals (numbers, strings) and punctuation."""
    lines = [line for line in text.splitlines() if line.strip()]
    if len(lines) < least_lines:
        return None
    return "table of data" if sum(map(_is_data, lines)) >= share * len(lines) else None


def _is_data(line: str) -> bool:
    """Whether nothing but punctuation is left of a line without its literals and comment."""
    if not _STARTS_AS_DATA.match(line):
        return False
    bare = _COMMENT.sub("", _LITERAL.sub("", line))
    return not any(character.isalpha() for character in bare)


FILTERS: tuple[Filter, ...] = (empty, generated, long_lines, table)
"""The filters that run, in order; the first reason counts."""


def reason_to_drop(text: str) -> str | None:
    """The first filter's reason, or None for text that stays."""
    for judge in FILTERS:
        if reason := judge(text):
            return reason
    return None
