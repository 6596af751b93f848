"""Questions about formulas of many variables, each asked of the clause solver.

A formula is valid if its negation has no model; two are equivalent if none tells them apart. The
answer comes with the example that proves it. Satisfiability is NP-complete (Cook 1971), and yet
what people write is mostly easy for `clause_solver.solve`. For few variables: `logic`.
"""

from collections.abc import Iterable, Iterator, Sequence

from groundup.maths.clause_solver import solve
from groundup.maths.formulas import And, Formula, Iff, Not, Or
from groundup.maths.normal_forms import Clauses, tseitin
from groundup.swap import replaceable

Assignment = dict[str, bool]


@replaceable
def find_model(formula: Formula) -> Assignment | None:
    """Values of its variables with which the formula holds, or None if there are none."""
    translated = tseitin(formula)
    model = solve(translated.clauses)
    return None if model is None else _named(model, translated)


def _named(model: dict[int, bool], translated: Clauses) -> Assignment:
    return {name: model.get(number, False) for name, number in translated.numbers.items()}


def is_satisfiable(formula: Formula) -> bool:
    """Whether any values make it hold."""
    return find_model(formula) is not None


def is_valid(formula: Formula) -> bool:
    """Whether all values make it hold: its negation cannot be satisfied."""
    return find_model(Not(formula)) is None


def counterexample(premises: Iterable[Formula], conclusion: Formula) -> Assignment | None:
    """Values with which all premises hold and the conclusion does not, or None if it follows."""
    return find_model(And((*premises, Not(conclusion))))


def difference(left: Formula, right: Formula) -> Assignment | None:
    """Values with which the two formulas differ, or None if they are equivalent."""
    return find_model(Not(Iff(left, right)))


def models(formula: Formula) -> Iterator[Assignment]:
    """Every assignment of its variables with which it holds, each once.

    After each, a clause that forbids it is added (blocking clauses).
    """
    translated = tseitin(formula)
    clauses = list(translated.clauses)
    while (model := solve(clauses)) is not None:
        named = _named(model, translated)
        yield named
        if not named:
            return
        clauses.append(tuple(-n if named[name] else n for name, n in translated.numbers.items()))


@replaceable
def unsatisfiable_part(formulas: Sequence[Formula]) -> list[int] | None:
    """Places of formulas that contradict each other, none of which can be left out; or None.

    Leave out one after the other; keep a formula only if without it the rest can be satisfied
    (deletion, Marques-Silva 2010). There may be other such parts.
    """
    kept = list(range(len(formulas)))
    if is_satisfiable(And(tuple(formulas))):
        return None
    for place in range(len(formulas)):
        fewer = [i for i in kept if i != place]
        if not is_satisfiable(And(tuple(formulas[i] for i in fewer))):
            kept = fewer
    return kept


def exactly_one(members: Sequence[Formula]) -> Formula:
    """One member holds and no two do: the clause of all, and one for each pair."""
    pairs = [
        Or((Not(a), Not(b))) for i, a in enumerate(members) for b in members[i + 1 :]
    ]  # fmt: skip
    return And((Or(tuple(members)), *pairs))
