"""Can clauses be satisfied? DPLL as in the textbook, and conflict-driven clause learning.

A clause is an or of literals: v, or -v for "not v", variables counted from 1. Sources: Davis,
Logemann and Loveland, "A machine program for theorem proving" (1962); Marques-Silva and Sakallah,
"GRASP" (1999); Moskewicz et al., "Chaff" (2001). Left out: restarts with preprocessing, deletion of
learnt clauses, proofs.
"""

import heapq
import operator
from collections.abc import Iterable

from groundup.swap import replaceable

Clause = tuple[int, ...]
Model = dict[int, bool]


def _clean(clauses: Iterable[Iterable[int]]) -> list[Clause]:
    """Clauses without repeated literals, and without those that hold v and -v, always true."""
    kept = []
    for clause in clauses:
        literals = tuple(dict.fromkeys(map(_literal, clause)))
        if not any(-literal in literals for literal in literals):
            kept.append(literals)
    return kept


def _literal(number: int) -> int:
    try:
        literal = operator.index(number)
    except TypeError:
        literal = 0
    if literal == 0:
        raise ValueError(f"{number!r} is no literal; wanted a whole number v or -v, v >= 1")
    return literal


@replaceable
def dpll(clauses: Iterable[Iterable[int]]) -> Model | None:
    """A model {variable: value} that satisfies all clauses, or None if there is none.

    Take what must be (a clause of one literal) and what cannot hurt (a variable that has one sign
    everywhere); where nothing is certain, try a value, and the other one if that fails. Variables
    that no longer matter are not in the model. To be read: it recurses once a guess; `solve` is
    fast and does not.
    """
    left = _clean(clauses)
    model: Model = {}
    while left and all(left):
        literals = {literal for clause in left for literal in clause}
        certain = next((clause[0] for clause in left if len(clause) == 1), None)
        pure = next((literal for literal in literals if -literal not in literals), None)
        literal = certain or pure
        if literal is None:
            guess = left[0][0]
            for choice in (guess, -guess):
                if (rest := dpll([*left, (choice,)])) is not None:
                    return model | rest
            return None
        model[abs(literal)] = literal > 0
        left = [
            tuple(other for other in clause if other != -literal)
            for clause in left
            if literal not in clause
        ]
    return None if left else model


@replaceable
def solve(clauses: Iterable[Iterable[int]]) -> Model | None:
    """A model {variable: value} of all variables in the clauses, or None if there is none.

    Conflict-driven clause learning. Decide a variable; propagate what follows; at a conflict, learn
    the clause that says why, go back to the level at which it leaves one choice, and go on.
    """
    cleaned = _clean(clauses)
    if any(not clause for clause in cleaned):
        return None
    search = _Search(max((abs(lit) for clause in cleaned for lit in clause), default=0))
    used = {abs(literal) for clause in cleaned for literal in clause}
    for clause in cleaned:
        if not search.add(list(clause)):
            return None
    for variable in sorted(used):
        heapq.heappush(search.queue, (0.0, variable))
    if not search.run():
        return None
    return {variable: search.value[variable] > 0 for variable in sorted(used)}


class _Search:
    """Values, the trail of assignments with their reasons, watched literals, and activities."""

    def __init__(self, variables: int) -> None:
        self.value = [0] * (variables + 1)  # 1 true, -1 false, 0 open
        self.level = [0] * (variables + 1)
        self.reason: list[list[int] | None] = [None] * (variables + 1)
        self.phase = [-1] * (variables + 1)  # the value a variable had last
        self.watches: dict[int, list[list[int]]] = {}
        self.trail: list[int] = []
        self.marks: list[int] = []  # length of the trail at each decision
        self.done = 0  # how much of the trail is propagated
        self.activity = [0.0] * (variables + 1)
        self.bump = 1.0
        self.queue: list[tuple[float, int]] = []

    def true(self, literal: int) -> bool:
        return self.value[abs(literal)] * literal > 0

    def false(self, literal: int) -> bool:
        return self.value[abs(literal)] * literal < 0

    def add(self, clause: list[int]) -> bool:
        """Watch a clause's first two literals; False if it contradicts what is certain."""
        if len(clause) == 1:
            if self.false(clause[0]):
                return False
            if not self.true(clause[0]):
                self.assign(clause[0], None)
            return True
        for literal in clause[:2]:
            self.watches.setdefault(literal, []).append(clause)
        return True

    def assign(self, literal: int, reason: list[int] | None) -> None:
        variable = abs(literal)
        self.value[variable] = self.phase[variable] = 1 if literal > 0 else -1
        self.level[variable] = len(self.marks)
        self.reason[variable] = reason
        self.trail.append(literal)

    def propagate(self) -> list[int] | None:
        """Assign all that follows; the clause that is false throughout, if one is.

        A clause can only become certain or false when one of its two watched literals becomes
        false, so no other clause is looked at, and nothing is undone on going back.
        """
        while self.done < len(self.trail):
            now_false = -self.trail[self.done]
            self.done += 1
            watching = self.watches.get(now_false, [])
            kept: list[list[int]] = []
            for i, clause in enumerate(watching):
                if self._moved(clause, now_false):
                    continue
                kept.append(clause)
                if self.false(clause[0]):
                    self.watches[now_false] = kept + watching[i + 1 :]
                    return clause
                if not self.true(clause[0]):
                    self.assign(clause[0], clause)
            if watching:
                self.watches[now_false] = kept
        return None

    def _moved(self, clause: list[int], now_false: int) -> bool:
        """Whether another literal than the one now false could be watched; that one goes second."""
        if clause[0] == now_false:
            clause[0], clause[1] = clause[1], clause[0]
        if self.true(clause[0]):
            return False
        for k in range(2, len(clause)):
            if not self.false(clause[k]):
                clause[1], clause[k] = clause[k], clause[1]
                self.watches.setdefault(clause[1], []).append(clause)
                return True
        return False

    def learn(self, conflict: list[int]) -> tuple[list[int], int]:
        """The clause that the conflict teaches, and the level at which it leaves one choice.

        Replace, from the last assignment back, each literal of the current level by the reason for
        it, until one is left: the first point through which every way to the conflict leads.
        """
        seen: set[int] = set()
        lower: list[int] = []
        open_here = 0
        reason: list[int] = conflict
        place = len(self.trail)
        while True:
            for literal in reason:
                variable = abs(literal)
                if variable in seen or self.level[variable] == 0 or self.true(literal):
                    continue
                seen.add(variable)
                self._raise_activity(variable)
                if self.level[variable] == len(self.marks):
                    open_here += 1
                else:
                    lower.append(literal)
            place -= 1
            while abs(self.trail[place]) not in seen:
                place -= 1
            open_here -= 1
            if open_here == 0:
                break
            why = self.reason[abs(self.trail[place])]
            assert why is not None, "only a decision has no reason, and it is reached last"
            reason = why
        lower.sort(key=lambda literal: -self.level[abs(literal)])
        back = self.level[abs(lower[0])] if lower else 0
        return [-self.trail[place], *lower], back

    def _raise_activity(self, variable: int) -> None:
        self.activity[variable] += self.bump
        heapq.heappush(self.queue, (-self.activity[variable], variable))

    def go_back(self, level: int) -> None:
        """Undo all assignments above a level."""
        if level >= len(self.marks):
            return
        for literal in self.trail[self.marks[level] :]:
            variable = abs(literal)
            self.value[variable] = 0
            heapq.heappush(self.queue, (-self.activity[variable], variable))
        del self.trail[self.marks[level] :]
        del self.marks[level:]
        self.done = len(self.trail)

    def decide(self) -> int:
        """The open variable that took part in the most recent conflicts, as it was last; or 0."""
        while self.queue:
            _, variable = heapq.heappop(self.queue)
            if self.value[variable] == 0:
                return variable * self.phase[variable]
        return 0

    def run(self) -> bool:
        """Whether there is a model; then `value` holds it."""
        conflicts, restart = 0, 100
        while True:
            conflict = self.propagate()
            if conflict is not None:
                if not self.marks:
                    return False
                clause, back = self.learn(conflict)
                self.go_back(back)
                if len(clause) > 1:
                    self.add(clause)
                self.assign(clause[0], clause if len(clause) > 1 else None)
                self.bump *= 1.05
                if self.bump > 1e100:
                    self._shrink()
                conflicts += 1
            elif conflicts >= restart:
                conflicts, restart = 0, restart + restart // 2
                self.go_back(0)
            elif (literal := self.decide()) == 0:
                return True
            else:
                self.marks.append(len(self.trail))
                self.assign(literal, None)

    def _shrink(self) -> None:
        """Scale activities down before they overflow; what stands in the queue is made anew."""
        self.activity = [activity * 1e-100 for activity in self.activity]
        self.bump *= 1e-100
        self.queue = [(-self.activity[v], v) for _, v in dict.fromkeys(self.queue)]
        heapq.heapify(self.queue)
