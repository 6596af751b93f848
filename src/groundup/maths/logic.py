"""What propositional formulas mean: their value, their truth table, and what follows from what.

Source: Huth and Ryan, "Logic in computer science" (2004), chapter 1. Tables have 2^n rows, so this
is for few variables; `satisfiability` answers the same questions for many.
"""

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from groundup.maths.formulas import And, Constant, Formula, Iff, Implies, Not, Or, Variable
from groundup.swap import replaceable

Bools = NDArray[np.bool_]
WIDEST = 20
"""Variables up to which a truth table is made: 2^20 rows."""


def variables(formula: Formula) -> list[str]:
    """The names in the formula, sorted."""
    names: set[str] = set()
    waiting = [formula]
    while waiting:
        part = waiting.pop()
        waiting += part.parts
        if isinstance(part, Variable):
            names.add(part.name)
    return sorted(names)


@replaceable
def evaluate(formula: Formula, values: Mapping[str, Any]) -> Any:
    """Whether the formula holds where its variables have these values.

    Values are booleans, or boolean arrays of one shape: then the formula is evaluated in all places
    at once. Raises ValueError for a variable without a value.
    """
    match formula:
        case Constant(value):
            return value
        case Variable(name):
            if name not in values:
                raise ValueError(f"variable {name!r} has no value; given are {sorted(values)}")
            return values[name]
        case Not(inner):
            return np.logical_not(evaluate(inner, values))
        case And(members):
            return _all([evaluate(member, values) for member in members])
        case Or(members):
            return np.logical_not(
                _all([np.logical_not(evaluate(member, values)) for member in members])
            )
        case Implies(premise, conclusion):
            holds = np.logical_not(evaluate(premise, values))
            return np.logical_or(holds, evaluate(conclusion, values))
        case Iff(left, right):
            return np.equal(evaluate(left, values), evaluate(right, values))
    raise ValueError(f"{formula!r} is no formula; make one with parse")


def _all(values: list[Any]) -> Any:
    result: Any = True
    for value in values:
        result = np.logical_and(result, value)
    return result


def assignments(names: list[str]) -> dict[str, Bools]:
    """All 2^n rows of a truth table, as a column of booleans for each name; the last one varies
    fastest. ValueError for more than 20 names: ask `satisfiability` instead.
    """
    if len(names) > WIDEST:
        raise ValueError(
            f"a table of {len(names)} variables has 2^{len(names)} rows; up to {WIDEST} are made, "
            "use groundup.maths.satisfiability for more"
        )
    rows = np.arange(1 << len(names))
    return {name: (rows >> (len(names) - 1 - i) & 1).astype(bool) for i, name in enumerate(names)}


@replaceable
def truth_table(formula: Formula, names: list[str] | None = None) -> Bools:
    """The formula's value in each of the 2^n rows of `assignments` (of its own variables)."""
    columns = assignments(variables(formula) if names is None else names)
    rows = 1 << len(columns)
    return np.broadcast_to(np.asarray(evaluate(formula, columns), bool), rows).copy()


@replaceable
def is_tautology(formula: Formula) -> bool:
    """Whether it holds in every row of its table."""
    return bool(truth_table(formula).all())


@replaceable
def follows(conclusion: Formula, premises: Iterable[Formula]) -> bool:
    """Whether the conclusion holds in every row in which all premises hold."""
    return is_tautology(Implies(And(tuple(premises)), conclusion))


@replaceable
def equivalent(left: Formula, right: Formula) -> bool:
    """Whether both have the same value in every row of the table of all their variables."""
    return is_tautology(Iff(left, right))
