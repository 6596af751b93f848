"""Formulas in standard shapes: negations at the leaves, ands of ors, and clauses of numbers.

Source: Huth and Ryan, "Logic in computer science" (2004), section 1.5; Tseitin, "On the complexity
of derivation in propositional calculus" (1968). Left out: minimising (Quine-McCluskey).
"""

from dataclasses import dataclass
from itertools import product

from groundup.maths.formulas import And, Constant, Formula, Iff, Implies, Not, Or, Variable
from groundup.maths.logic import variables
from groundup.swap import replaceable

Clause = tuple[int, ...]
"""Literals joined by or: variable number v, or -v for its negation; variables count from 1."""


@replaceable
def negation_normal_form(formula: Formula, *, negated: bool = False) -> Formula:
    """An equivalent formula of and, or, and variables with or without `!` (of !formula if negated).

    De Morgan pushes a negation inwards: !(a & b) = !a | !b, !(a | b) = !a & !b. `a -> b` is
    !a | b; `a <-> b` is (a & b) | (!a & !b), which doubles its parts each time they nest.
    """

    def inside(part: Formula, flip: bool = False) -> Formula:
        return negation_normal_form(part, negated=negated != flip)

    match formula:
        case Constant(value):
            return Constant(value != negated)
        case Variable():
            return Not(formula) if negated else formula
        case Not(inner):
            return inside(inner, True)
        case And(members):
            return (Or if negated else And)(tuple(map(inside, members)))
        case Or(members):
            return (And if negated else Or)(tuple(map(inside, members)))
        case Implies(premise, conclusion):
            return inside(Or((Not(premise), conclusion)))
        case Iff(left, right):
            unlike = Not(right) if negated else right
            both = And((left, unlike)), And((Not(left), Not(unlike)))
            return negation_normal_form(Or(both))
    raise ValueError(f"{formula!r} is no formula; make one with parse")


@replaceable
def conjunctive_normal_form(formula: Formula, *, most: int = 10_000) -> Formula:
    """An equivalent and of ors of literals, by a | (b & c) = (a | b) & (a | c).

    Clauses that hold a variable and its negation are left out, and those that contain another
    clause. It can grow exponentially (n ands of two, joined by or, have 2^n clauses): ValueError
    beyond `most` clauses; `tseitin` never grows so.
    """
    found = _distributed(negation_normal_form(formula), most)
    least = [clause for clause in found if not any(other < clause for other in found)]
    ordered = sorted(tuple(sorted(clause)) for clause in least)
    return And(tuple(Or(tuple(map(_literal, clause))) for clause in ordered))


Literals = frozenset[tuple[str, bool]]


def _literal(literal: tuple[str, bool]) -> Formula:
    name, positive = literal
    return Variable(name) if positive else Not(Variable(name))


def _distributed(formula: Formula, most: int) -> set[Literals]:
    """The clauses of a formula in negation normal form."""
    match formula:
        case Constant(value):
            return set() if value else {frozenset()}
        case Variable(name):
            return {frozenset({(name, True)})}
        case Not(Variable(name)):
            return {frozenset({(name, False)})}
        case And(members):
            clauses = set().union(*(_distributed(member, most) for member in members))
        case Or(members):
            clauses = {frozenset()}
            for member in members:
                pairs = product(clauses, _distributed(member, most))
                clauses = {a | b for a, b in pairs if not _clash(a | b)}
                _refuse_growth(len(clauses), most)
        case _:
            raise AssertionError("negation normal form holds and, or and literals only")
    _refuse_growth(len(clauses), most)
    return clauses


def _clash(clause: Literals) -> bool:
    return any((name, not positive) in clause for name, positive in clause)


def _refuse_growth(clauses: int, most: int) -> None:
    if clauses > most:
        raise ValueError(f"the normal form has more than {most} clauses; use tseitin instead")


@dataclass(frozen=True)
class Clauses:
    """An and of ors for a solver."""

    clauses: list[Clause]
    """The clauses, as signed numbers."""
    numbers: dict[str, int]
    """The number of each of the formula's own variables; further numbers name its parts."""
    count: int
    """How many numbers there are."""


@replaceable
def tseitin(formula: Formula) -> Clauses:
    """Clauses that can be satisfied just if the formula can, by values that agree on its variables.

    Each part gets a number x and clauses that say x <-> part: for an and of p and q, (!x | p),
    (!x | q), (x | !p | !q). As many clauses as the formula has parts, up to a small factor, where
    `conjunctive_normal_form` may have exponentially many.
    """
    numbers = {name: i for i, name in enumerate(variables(formula), start=1)}
    clauses: list[Clause] = []
    known: dict[Formula, int] = {}
    count = len(numbers)

    def new() -> int:
        nonlocal count
        count += 1
        return count

    def number(part: Formula) -> int:
        if isinstance(part, Variable):
            return numbers[part.name]
        if isinstance(part, Not):
            return -number(part.inner)
        if part not in known:
            known[part] = _define(part, [number(inner) for inner in part.parts], new(), clauses)
        return known[part]

    clauses.append((number(formula),))
    return Clauses(clauses, numbers, count)


def _define(part: Formula, parts: list[int], x: int, clauses: list[Clause]) -> int:
    """Add the clauses of x <-> part, whose own parts have these numbers; x."""
    match part:
        case Constant(value):
            clauses.append((x if value else -x,))
        case And():
            clauses += [(-x, p) for p in parts]
            clauses.append((x, *(-p for p in parts)))
        case Or():
            clauses += [(x, -p) for p in parts]
            clauses.append((-x, *parts))
        case Implies():
            premise, conclusion = parts
            clauses += [(x, premise), (x, -conclusion), (-x, -premise, conclusion)]
        case Iff():
            a, b = parts
            clauses += [(-x, -a, b), (-x, a, -b), (x, a, b), (x, -a, -b)]
        case _:
            raise ValueError(f"{part!r} is no formula; make one with parse")
    return x
