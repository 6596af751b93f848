"""The solvers against brute force and sympy, on random and on famous hard formulas."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sympy.logic.inference import satisfiable
from tests.maths.formula_family import few, formulas, in_sympy

from groundup.maths.clause_solver import dpll, solve
from groundup.maths.formulas import And, Constant, Iff, Not, Variable, parse
from groundup.maths.logic import equivalent, evaluate, is_tautology, truth_table, variables
from groundup.maths.satisfiability import (
    counterexample,
    difference,
    exactly_one,
    find_model,
    is_satisfiable,
    is_valid,
    models,
    unsatisfiable_part,
)

literals = st.integers(1, 7).flatmap(lambda v: st.sampled_from([v, -v]))
clause_sets = st.lists(st.lists(literals, max_size=4), max_size=40)


def satisfies(model, clauses):
    return all(any(model.get(abs(x), True) == (x > 0) for x in clause) for clause in clauses)


def by_force(clauses):
    values = itertools.product([False, True], repeat=7)
    return any(satisfies(dict(enumerate(v, start=1)), clauses) for v in values)


def random_3sat(variables_count, clauses_count, seed):
    rng = np.random.default_rng(seed)
    rows = [rng.choice(variables_count, 3, replace=False) + 1 for _ in range(clauses_count)]
    return [[int(v * s) for v, s in zip(row, rng.choice([-1, 1], 3), strict=True)] for row in rows]


def pigeons(count, holes):
    at = {(p, h): p * holes + h + 1 for p in range(count) for h in range(holes)}
    somewhere = [[at[p, h] for h in range(holes)] for p in range(count)]
    alone = [
        [-at[a, h], -at[b, h]]
        for h in range(holes)
        for a, b in itertools.combinations(range(count), 2)
    ]
    return somewhere + alone


@pytest.mark.parametrize("solver", [dpll, solve])
@few
@given(clauses=clause_sets)
def test_a_solver_is_brute_force(solver, clauses):
    model = solver(clauses)
    assert (model is not None) == by_force(clauses)
    if model is not None:
        assert satisfies(model, clauses)


@settings(max_examples=20)
@given(st.integers(0, 2**32 - 1))
def test_both_agree_at_the_threshold(seed):
    """4.26 clauses a variable, where random 3-SAT is hardest and half can be satisfied."""
    clauses = random_3sat(18, 77, seed)
    model = solve(clauses)
    assert (model is None) == (dpll(clauses) is None)
    assert model is None or satisfies(model, clauses)


@pytest.mark.parametrize("seed", range(4))
def test_a_hundred_variables_are_no_trouble(seed):
    clauses = random_3sat(100, 400, seed)
    model = solve(clauses)
    assert model is None or satisfies(model, clauses)
    assert solve(random_3sat(60, 480, seed)) is None


def test_pigeons_do_not_fit():
    assert solve(pigeons(7, 6)) is None
    assert dpll(pigeons(5, 4)) is None
    assert satisfies(solve(pigeons(6, 6)), pigeons(6, 6))


def test_edges_of_the_solvers():
    for solver in (dpll, solve):
        assert solver([]) == {}
        assert solver([[]]) is None
        assert solver([[1, -1]]) == {}
        assert solver([[1], [-1]]) is None
        assert solver([[2, 2]]) == {2: True}
        with pytest.raises(ValueError, match="no literal"):
            solver([[0]])
        with pytest.raises(ValueError, match="no literal"):
            solver([[1.5]])
        assert solver(np.array([[1, -2], [2, 2]])) == {1: True, 2: True}
    assert solve([[-(i + 1), i + 2] for i in range(5000)] + [[1]])[5001] is True


@pytest.mark.reference
@few
@given(formulas)
def test_formulas_are_as_satisfiable_as_sympy_says(formula):
    model = find_model(formula)
    assert (model is not None) == bool(satisfiable(in_sympy(formula)))
    if model is not None:
        assert evaluate(formula, model)
        assert sorted(model) == variables(formula)
    assert is_valid(formula) == is_tautology(formula)
    assert is_satisfiable(formula) == (model is not None)


@few
@given(formulas)
def test_all_models_are_the_true_rows(formula):
    found = [tuple(model[name] for name in variables(formula)) for model in models(formula)]
    assert len(found) == len(set(found)) == truth_table(formula).sum()


@few
@given(formulas, formulas)
def test_difference_and_counterexample(left, right):
    apart = difference(left, right)
    assert (apart is None) == equivalent(left, right)
    if apart is not None:
        assert evaluate(left, apart) != evaluate(right, apart)
    against = counterexample([left], right)
    if against is not None:
        assert evaluate(left, against)
        assert not evaluate(right, against)


@few
@given(st.lists(formulas, max_size=5))
def test_an_unsatisfiable_part_needs_all_its_members(members):
    part = unsatisfiable_part(members)
    if part is None:
        assert is_satisfiable(And(tuple(members)))
        return
    assert not is_satisfiable(And(tuple(members[i] for i in part)))
    for left_out in part:
        rest = tuple(members[i] for i in part if i != left_out)
        assert is_satisfiable(And(rest))


def test_who_tells_the_truth():
    """A says "B lies", B says "we are alike": A is a knight and B a knave."""
    a, b = Variable("a"), Variable("b")
    puzzle = And((Iff(a, Not(b)), Iff(b, Iff(a, b))))
    assert list(models(puzzle)) == [{"a": True, "b": False}]


@pytest.mark.parametrize("count", [0, 1, 2, 5])
def test_exactly_one(count):
    members = [Variable(f"v{i}") for i in range(count)]
    found = list(models(exactly_one(members)))
    assert len(found) == count
    assert all(sum(model.values()) == 1 for model in found)


def test_four_queens_have_two_solutions():
    at = {(i, j): Variable(f"q{i}{j}") for i in range(4) for j in range(4)}
    rows = [exactly_one([at[i, j] for j in range(4)]) for i in range(4)]
    attacks = [
        Not(at[a] & at[b])
        for a, b in itertools.combinations(at, 2)
        if a[1] == b[1] or abs(a[0] - b[0]) == abs(a[1] - b[1])
    ]
    assert len(list(models(And((*rows, *attacks))))) == 2


def test_constants():
    assert find_model(Constant(True)) == {}
    assert find_model(Constant(False)) is None
    assert list(models(parse("true"))) == [{}]
