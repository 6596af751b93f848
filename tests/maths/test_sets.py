"""Set laws on random sets, likeness against scikit-learn, Venn fields against their definition."""

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import f1_score, jaccard_score

from groundup.maths.sets import (
    LAWS,
    complement,
    containment,
    dice,
    jaccard,
    power_set,
    product,
    regions,
)

sets = st.frozensets(st.integers(0, 9))


@pytest.mark.parametrize("law", LAWS, ids=lambda law: law.name)
@given(sets, sets, sets)
def test_the_law_and_its_twin(law, a, b, c):
    universe = frozenset(range(10))
    assert law.left(a, b, c, universe) == law.right(a, b, c, universe)
    # the twin under De Morgan: complement everything
    opposite = [universe - s for s in (a, b, c)]
    left = universe - law.left(*opposite, universe)
    assert left == universe - law.right(*opposite, universe)


@pytest.mark.reference
@given(sets, sets)
def test_likeness_is_scikit_learns(a, b):
    x, y = ([i in s for i in range(10)] for s in (a, b))
    if a | b:
        assert jaccard(a, b) == jaccard_score(x, y)
        assert dice(a, b) == f1_score(x, y)
    assert dice(a, b) == pytest.approx(2 * jaccard(a, b) / (1 + jaccard(a, b)))
    assert containment(a, b) == (np.logical_and(x, y).sum() / len(a) if a else 1.0)


@given(sets, sets, sets)
def test_one_minus_jaccard_is_a_metric(a, b, c):
    assert (jaccard(a, b) == 1) == (a == b)
    assert jaccard(a, b) == jaccard(b, a)
    assert 1 - jaccard(a, c) <= 2 - jaccard(a, b) - jaccard(b, c) + 1e-15


@given(st.frozensets(st.integers(0, 9), max_size=7))
def test_the_power_set(items):
    subsets = list(power_set(items))
    wanted = [frozenset(s) for k in range(len(items) + 1) for s in itertools.combinations(items, k)]
    assert len(subsets) == len(set(subsets)) == 2 ** len(items)
    assert set(subsets) == set(wanted)
    assert next(power_set(range(10**4))) == frozenset()


@given(sets, sets, sets)
def test_venn_fields(a, b, c):
    fields = regions({"a": a, "b": b, "c": c})
    assert sum(map(len, fields.values())) == len(a | b | c)
    assert fields.get(frozenset("ab"), frozenset()) == (a & b) - c
    assert fields.get(frozenset("c"), frozenset()) == c - a - b
    assert frozenset() not in fields.values()


def test_products_and_complements():
    assert product("ab", [1, 2]) == set(itertools.product("ab", [1, 2]))
    assert complement({1}, {1, 2, 3}) == {2, 3}
    with pytest.raises(ValueError, match=r"\{4\} is not in the universe"):
        complement({4}, {1})
    assert containment(set(), {1}) == jaccard(set(), set()) == 1.0
