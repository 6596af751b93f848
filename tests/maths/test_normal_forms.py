"""Normal forms mean the same as the formula, have their shape, and are sympy's."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from sympy.logic.boolalg import is_cnf, to_cnf
from tests.maths.formula_family import NAMES, few, formulas, in_sympy

from groundup.maths.formulas import And, Constant, Formula, Not, Or, Variable, parse
from groundup.maths.logic import truth_table
from groundup.maths.normal_forms import conjunctive_normal_form, negation_normal_form, tseitin


def has_shape(formula):
    if isinstance(formula, Not):
        return isinstance(formula.inner, Variable)
    return isinstance(formula, And | Or | Variable | Constant) and all(
        map(has_shape, formula.parts)
    )


@few
@given(formulas)
def test_negation_normal_form(formula):
    normal = negation_normal_form(formula)
    assert has_shape(normal)
    np.testing.assert_array_equal(truth_table(normal, NAMES), truth_table(formula, NAMES))
    opposite = negation_normal_form(formula, negated=True)
    np.testing.assert_array_equal(truth_table(opposite, NAMES), ~truth_table(formula, NAMES))


@pytest.mark.reference
@settings(max_examples=50)
@given(formulas)
def test_conjunctive_normal_form(formula):
    normal = conjunctive_normal_form(formula)
    np.testing.assert_array_equal(truth_table(normal, NAMES), truth_table(formula, NAMES))
    assert is_cnf(in_sympy(normal))
    for clause in normal.parts:
        assert isinstance(clause, Or)
        assert all(isinstance(part, Variable | Not) for part in clause.parts)


@pytest.mark.reference
@pytest.mark.parametrize("text", ["p | q & r", "!(p & q) | r", "p -> q & r", "(p & q) | (r & s)"])
def test_clauses_are_sympys(text):
    def literals(formula):
        return {frozenset(map(str, getattr(c, "args", ()) or [c])) for c in formula.args}

    formula = parse(text)
    assert literals(in_sympy(conjunctive_normal_form(formula))) == literals(
        to_cnf(in_sympy(formula))
    )


@settings(max_examples=60)
@given(formulas)
def test_tseitins_clauses_hold_just_where_the_formula_can(formula):
    """For each row: one value of the parts' numbers satisfies all clauses iff the row is true."""
    found = tseitin(formula)
    names = list(found.numbers)
    table = truth_table(formula, names)
    extra = range(len(names) + 1, found.count + 1)
    if len(extra) > 9:
        return
    for row, values in enumerate(itertools.product([False, True], repeat=len(names))):
        own = dict(zip(found.numbers.values(), values, strict=True))
        models = 0
        for rest in itertools.product([False, True], repeat=len(extra)):
            value = own | dict(zip(extra, rest, strict=True))
            models += all(any(value[abs(x)] == (x > 0) for x in clause) for clause in found.clauses)
        assert models == int(table[row]), "the parts' values follow from the variables' values"


def test_tseitin_stays_small_where_distribution_explodes():
    formula = parse(" | ".join(f"(a{i} & b{i})" for i in range(20)))
    assert len(tseitin(formula).clauses) == 20 * 3 + 21 + 1
    with pytest.raises(ValueError, match="more than 1000 clauses; use tseitin"):
        conjunctive_normal_form(formula, most=1000)


def test_constants_and_what_is_no_formula():
    assert conjunctive_normal_form(parse("p | !p")) == And(())
    assert str(conjunctive_normal_form(parse("p & !p"))) == "!p & p"
    assert conjunctive_normal_form(Constant(False)) == And((Or(()),))
    assert str(conjunctive_normal_form(Constant(True))) == "true"
    with pytest.raises(ValueError, match="no formula"):
        negation_normal_form(Formula())
    with pytest.raises(ValueError, match="no formula"):
        tseitin(Formula())
