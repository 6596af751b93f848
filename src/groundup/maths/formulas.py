"""Propositional formulas: trees of and, or, not, read from text and written as text.

`!` not, `&` and, `|` or, `->` implies, `<->` if and only if, in falling order of how tightly they
bind; `->` groups to the right; `true` and `false`; names as in Python. Source: Huth and Ryan,
"Logic in computer science" (2004), chapter 1. What formulas mean: `logic`, `satisfiability`.
"""

import re
from dataclasses import dataclass
from typing import Any

DEEPEST = 150
"""Levels of brackets and operators that may stand inside each other."""


class Formula:
    """What all formulas can do: be joined by Python's operators `~`, `&`, `|`, `>>`.

    A chain of `&` becomes one And of many members. `>>` is implies; Python lets it bind tighter
    than `&` and `|`, so it wants brackets.
    """

    @property
    def parts(self) -> tuple["Formula", ...]:
        """The formulas it is made of."""
        return ()

    def __invert__(self) -> "Not":
        return Not(self)

    def __and__(self, other: "Formula") -> "And":
        return And((*_members(self, And), other))

    def __or__(self, other: "Formula") -> "Or":
        return Or((*_members(self, Or), other))

    def __rshift__(self, other: "Formula") -> "Implies":
        return Implies(self, other)


@dataclass(frozen=True)
class Constant(Formula):
    """True or false."""

    value: bool

    def __str__(self) -> str:
        return "true" if self.value else "false"


@dataclass(frozen=True)
class Variable(Formula):
    """A statement without inner structure, by its name."""

    name: str

    def __str__(self) -> str:
        return self.name


@dataclass(frozen=True)
class Not(Formula):
    """What is true where the inner formula is false."""

    inner: Formula

    @property
    def parts(self) -> tuple[Formula, ...]:
        """The inner formula."""
        return (self.inner,)

    def __str__(self) -> str:
        return f"!{_bracketed(self.inner)}"


@dataclass(frozen=True)
class And(Formula):
    """True where all members are; true if it has none."""

    members: tuple[Formula, ...]

    @property
    def parts(self) -> tuple[Formula, ...]:
        """The members."""
        return self.members

    def __str__(self) -> str:
        return " & ".join(map(_bracketed, self.members)) if self.members else "true"


@dataclass(frozen=True)
class Or(Formula):
    """True where any member is; false if it has none."""

    members: tuple[Formula, ...]

    @property
    def parts(self) -> tuple[Formula, ...]:
        """The members."""
        return self.members

    def __str__(self) -> str:
        return " | ".join(map(_bracketed, self.members)) if self.members else "false"


@dataclass(frozen=True)
class Implies(Formula):
    """False only where the premise is true and the conclusion false."""

    premise: Formula
    conclusion: Formula

    @property
    def parts(self) -> tuple[Formula, ...]:
        """Premise and conclusion."""
        return self.premise, self.conclusion

    def __str__(self) -> str:
        return f"{_bracketed(self.premise)} -> {_bracketed(self.conclusion)}"


@dataclass(frozen=True)
class Iff(Formula):
    """True where both sides are equal."""

    left: Formula
    right: Formula

    @property
    def parts(self) -> tuple[Formula, ...]:
        """Both sides."""
        return self.left, self.right

    def __str__(self) -> str:
        return f"{_bracketed(self.left)} <-> {_bracketed(self.right)}"


def _members(formula: Formula, kind: type[Formula]) -> tuple[Formula, ...]:
    return formula.parts if isinstance(formula, kind) else (formula,)


def _bracketed(formula: Formula) -> str:
    return str(formula) if len(formula.parts) < 2 else f"({formula})"


# Reading


_TOKEN = re.compile(r"\s*(<->|->|[!&|()]|[^\W\d]\w*)")
_BINDS = {"<->": 1, "->": 2, "|": 3, "&": 4}


def parse(text: str) -> Formula:
    """The formula that a text writes; ValueError says what stands where it should not.

    >>> str(parse("rain&!umbrella->wet"))
    '(rain & !umbrella) -> wet'
    """
    tokens, place = [], 0
    while place < len(text.rstrip()):
        match = _TOKEN.match(text, place)
        if match is None:
            raise ValueError(f"{text[place:].strip()[:20]!r} is no name and no operator")
        tokens.append(match[1])
        place = match.end()
    reader = _Reader(tokens)
    formula = reader.expression(1, 0)
    if reader.place < len(tokens):
        raise ValueError(f"{reader.ahead()!r} stands after a whole formula; join with &, |, ->")
    return formula


class _Reader:
    """Precedence climbing (Richards 1979): an operator takes what binds at least as tightly."""

    def __init__(self, tokens: list[str]) -> None:
        self.tokens = tokens
        self.place = 0

    def ahead(self) -> str:
        return self.tokens[self.place] if self.place < len(self.tokens) else ""

    def take(self) -> str:
        token = self.ahead()
        self.place += 1
        return token

    def expression(self, least: int, depth: int) -> Formula:
        if depth > DEEPEST:
            raise ValueError(f"the formula nests deeper than {DEEPEST} levels; name parts of it")
        left = self.operand(depth)
        while (operator := self.ahead()) in _BINDS and _BINDS[operator] >= least:
            binds = _BINDS[self.take()]
            right = self.expression(binds + (operator != "->"), depth + 1)
            left = _joined(operator, left, right)
            depth += operator in ("<->", "->")
        return left

    def operand(self, depth: int) -> Formula:
        token = self.take()
        if token == "!":
            return Not(self.expression(max(_BINDS.values()) + 1, depth + 1))
        if token == "(":
            inner = self.expression(1, depth + 1)
            if self.take() != ")":
                raise ValueError("a bracket is not closed; add )")
            return inner
        if token in ("true", "false"):
            return Constant(token == "true")
        if not token or not (token[0].isalpha() or token[0] == "_"):
            found = repr(token) if token else "the end"
            raise ValueError(f"{found} stands where a name, ! or ( should be")
        return Variable(token)


def _joined(operator: str, left: Formula, right: Formula) -> Formula:
    if operator == "<->":
        return Iff(left, right)
    if operator == "->":
        return Implies(left, right)
    kind: Any = And if operator == "&" else Or
    return kind((*_members(left, kind), right))  # type: ignore[no-any-return]
