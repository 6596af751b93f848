"""Formulas and their tables against sympy, and against Python's own `and`, `or`, `not`."""

import functools
import itertools
import operator

import numpy as np
import pytest
import sympy
from hypothesis import given
from hypothesis import strategies as st
from sympy.logic.boolalg import truth_table as sympy_table
from tests.maths.formula_family import NAMES, few, formulas, in_sympy

from groundup.maths.formulas import And, Formula, Iff, Implies, Not, Or, Variable, parse
from groundup.maths.logic import (
    assignments,
    equivalent,
    evaluate,
    follows,
    is_tautology,
    truth_table,
    variables,
)
from groundup.maths.satisfiability import find_model

p, q, r = (Variable(name) for name in "pqr")


@pytest.mark.reference
@few
@given(formulas)
def test_truth_tables_are_sympys(formula):
    symbols = sympy.symbols("p q r s t")
    theirs = in_sympy(formula)
    wanted = [bool(value) for _, value in sympy_table(theirs, symbols)]
    assert truth_table(formula, NAMES).tolist() == wanted
    assert variables(formula) == sorted({str(a) for a in _symbols(formula)})


def _symbols(formula):
    own = {formula.name} if isinstance(formula, Variable) else set()
    return own.union(*(_symbols(part) for part in formula.parts))


@few
@given(formulas)
def test_writing_and_reading_keeps_the_meaning(formula):
    again = parse(str(formula))
    np.testing.assert_array_equal(truth_table(again, NAMES), truth_table(formula, NAMES))
    assert str(parse(str(again))) == str(again)


@few
@given(formulas)
def test_a_row_is_one_evaluation(formula):
    table = truth_table(formula, NAMES)
    for row, values in enumerate(itertools.product([False, True], repeat=5)):
        value = evaluate(formula, dict(zip(NAMES, values, strict=True)))
        assert bool(value) == table[row]


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("p & q | r", Or((And((p, q)), r))),
        ("p | q & r", Or((p, And((q, r))))),
        ("!p & q", And((Not(p), q))),
        ("!(p & q)", Not(And((p, q)))),
        ("p -> q -> r", Implies(p, Implies(q, r))),
        ("p <-> q -> r", Iff(p, Implies(q, r))),
        ("p<->q<->r", Iff(Iff(p, q), r)),
        ("p & q & r", And((p, q, r))),
        ("!!p", Not(Not(p))),
        (" ( p ) ", p),
        ("p -> q | r", Implies(p, Or((q, r)))),
    ],
)
def test_reading(text, wanted):
    assert parse(text) == wanted


def test_pythons_operators_build_formulas():
    assert (p & ~q) >> (r | p) == Implies(And((p, Not(q))), Or((r, p)))
    assert p & q & r == And((p, q, r))
    chain = functools.reduce(operator.or_, [Variable(f"v{i}") for i in range(3000)])
    assert len(chain.parts) == 3000
    assert find_model(~chain) == dict.fromkeys(variables(chain), False)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "the end stands where a name"),
        ("p &", "the end stands where a name"),
        ("p q", "'q' stands after a whole formula"),
        ("(p", "a bracket is not closed"),
        ("p)", "'\\)' stands after"),
        ("& p", "'&' stands where a name"),
        ("p = q", "'= q' is no name and no operator"),
        ("p & 3", "'3' is no name"),
        ("(" * 200 + "p" + ")" * 200, "nests deeper than 150"),
        ("!" * 500 + "p", "nests deeper than 150"),
        ("p -> " * 500 + "p", "nests deeper than 150"),
        ("p <-> " * 500 + "p", "nests deeper than 150"),
    ],
)
def test_what_is_no_formula_says_where(text, message):
    with pytest.raises(ValueError, match=message):
        parse(text)


def test_long_and_deepest_formulas_are_read_and_evaluated():
    wide = parse(" & ".join(["p"] * 5000))
    assert len(wide.parts) == 5000
    assert evaluate(wide, {"p": True})
    deep = parse("!" * 149 + "p")
    assert evaluate(deep, {"p": False})
    assert str(deep) == "!" * 149 + "p"


@few
@given(formulas, formulas)
def test_what_follows_from_what(left, right):
    assert equivalent(left, right) == (follows(left, [right]) and follows(right, [left]))
    assert is_tautology(Or((left, Not(left))))
    assert follows(left, [left, right])


@pytest.mark.parametrize(
    "law",
    ["!(p & q) <-> !p | !q", "(p -> q) <-> (!q -> !p)", "p & (q | r) <-> p & q | p & r",
     "((p -> q) -> p) -> p", "p & (p -> q) -> q"],
)  # fmt: skip
def test_laws(law):
    assert is_tautology(parse(law))


@few
@given(st.lists(st.booleans(), min_size=2, max_size=2))
def test_arrays_are_evaluated_at_once(values):
    column = np.array(values)
    result = evaluate(parse("p -> q"), {"p": column, "q": ~column})
    np.testing.assert_array_equal(result, ~column)


def test_bad_input_is_refused():
    with pytest.raises(ValueError, match="'q' has no value; given are \\['p'\\]"):
        evaluate(parse("p & q"), {"p": True})
    with pytest.raises(ValueError, match="2\\^21 rows"):
        assignments([f"v{i}" for i in range(21)])
    with pytest.raises(ValueError, match="no formula"):
        evaluate(Formula(), {})
    assert truth_table(parse("true")).tolist() == [True]
    assert Formula().parts == ()
