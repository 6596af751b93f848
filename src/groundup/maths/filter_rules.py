"""Filters as formulas: which rule drops a document, why, and which rules are not needed.

Facts about a document ("is it short?") are variables; a rule is a formula over them, and a document
is dropped when a rule holds. What can be said without seeing any document, `satisfiability` says:
two filters are equivalent, one implies the other, a rule never fires. Facts are plain functions, so
anything that can be asked of an object can be filtered by it.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from groundup.maths.formulas import And, Formula, Not, Or, Variable, parse
from groundup.maths.logic import evaluate, variables
from groundup.maths.satisfiability import counterexample, is_satisfiable
from groundup.swap import replaceable

Facts = dict[str, bool]


@dataclass(frozen=True)
class Verdict:
    """What the rules say of one document."""

    rule: str | None
    """The first rule that holds, or None: the document stays."""
    because: Facts
    """Facts that alone make the rule hold, whatever the others are; none can be left out."""


class Rules:
    """Named formulas over named facts; the first one that holds drops the document.

    `facts`: {name: function of the document}; each is asked at most once a document, and only if a
    rule needs it. `rules`: {name: formula or its text}, in the order in which they are tried.
    Raises ValueError for a rule about a fact that is not there.
    """

    def __init__(
        self, facts: Mapping[str, Callable[[Any], bool]], rules: Mapping[str, Formula | str]
    ) -> None:
        self.facts = dict(facts)
        self.rules = {
            name: parse(rule) if isinstance(rule, str) else rule for name, rule in rules.items()
        }
        for name, rule in self.rules.items():
            if unknown := [fact for fact in variables(rule) if fact not in self.facts]:
                raise ValueError(
                    f"rule {name!r} speaks of {unknown}, which is no fact; known are "
                    f"{sorted(self.facts)}"
                )

    def judge(self, document: Any) -> Verdict:
        """The first rule that holds of the document, and the facts that suffice for it."""
        known: Facts = {}
        for name, rule in self.rules.items():
            for fact in variables(rule):
                if fact not in known:
                    known[fact] = bool(self.facts[fact](document))
            if evaluate(rule, known):
                return Verdict(name, reason(rule, known))
        return Verdict(None, {})

    def formula(self) -> Formula:
        """When a document is dropped: any rule holds."""
        return Or(tuple(self.rules.values()))

    def idle(self) -> list[str]:
        """Rules that never fire first: whenever they hold, if ever, an earlier one holds too."""
        earlier: list[Formula] = []
        found = []
        for name, rule in self.rules.items():
            if not is_satisfiable(And((rule, *map(Not, earlier)))):
                found.append(name)
            earlier.append(rule)
        return found

    def misses(self, other: "Rules") -> Facts | None:
        """Facts with which the other rules drop a document and these keep it, or None.

        None both ways means the two filters are equivalent.
        """
        return counterexample([other.formula()], self.formula())


@replaceable
def reason(rule: Formula, facts: Mapping[str, bool]) -> Facts:
    """The fewest of these facts, in the sense that none can be left out, that make the rule hold.

    A prime implicant: leave out one fact after the other, and keep it only if without it the rule
    might fail. Raises ValueError where the rule does not hold.
    """
    if not evaluate(rule, facts):
        raise ValueError(f"the rule {rule} does not hold with {dict(facts)}; there is no reason")
    kept = {name: bool(facts[name]) for name in variables(rule)}
    for name in list(kept):
        fewer = {other: value for other, value in kept.items() if other != name}
        if counterexample(_literals(fewer), rule) is None:
            kept = fewer
    return kept


def _literals(facts: Facts) -> list[Formula]:
    return [Variable(name) if value else Not(Variable(name)) for name, value in facts.items()]
