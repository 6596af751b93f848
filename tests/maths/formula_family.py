"""Random formulas for the tests of logic, and the same formula in sympy."""

import sympy
from hypothesis import settings
from hypothesis import strategies as st

from groundup.maths.formulas import And, Constant, Formula, Iff, Implies, Not, Or, Variable

NAMES = list("pqrst")
few = settings(max_examples=50)
"""Enough for formulas of five names; there are many tests."""

formulas = st.recursive(
    st.sampled_from([Variable(name) for name in NAMES] + [Constant(True), Constant(False)]),
    lambda inner: st.one_of(
        inner.map(Not),
        st.lists(inner, max_size=3).map(lambda parts: And(tuple(parts))),
        st.lists(inner, max_size=3).map(lambda parts: Or(tuple(parts))),
        st.tuples(inner, inner).map(lambda pair: Implies(*pair)),
        st.tuples(inner, inner).map(lambda pair: Iff(*pair)),
    ),
    max_leaves=10,
)


def in_sympy(formula: Formula):
    parts = [in_sympy(part) for part in formula.parts]
    match formula:
        case Constant(value):
            return sympy.true if value else sympy.false
        case Variable(name):
            return sympy.Symbol(name)
        case Not():
            return sympy.Not(*parts)
        case And():
            return sympy.And(*parts)
        case Or():
            return sympy.Or(*parts)
        case Implies():
            return sympy.Implies(*parts)
    return sympy.Equivalent(*parts)
