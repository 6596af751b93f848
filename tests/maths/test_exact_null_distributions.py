"""Null distributions by counting, against every case written out, also with ties; and extreme data.

Both sides count the same cases, so p-values agree to rounding: 1e-12.
"""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from groundup.maths.kolmogorov import kolmogorov_exact_survival, two_sample_survival
from groundup.maths.location_tests import t_test, two_sample_t_test, welch_t_test
from groundup.maths.rank_tests import mann_whitney, rank_sum_counts, ranks, wilcoxon

SIDES = ["two-sided", "less", "greater"]
tied = st.integers(-3, 3).map(float)


def p_value(null, seen, side):
    lower, upper = (null <= seen + 1e-9).mean(), (null >= seen - 1e-9).mean()
    return {"less": lower, "greater": upper, "two-sided": min(1, 2 * min(lower, upper))}[side]


@settings(max_examples=40)
@given(st.lists(tied, min_size=1, max_size=4), st.lists(tied, min_size=1, max_size=5))
def test_mann_whitney_with_ties_counts_every_choice(x, y):
    rank, n = ranks(x + y), len(x)
    sums = np.array([sum(c) for c in itertools.combinations(rank, n)])
    for side in SIDES:
        found = mann_whitney(x, y, alternative=side, method="exact").p_value
        assert found == pytest.approx(p_value(sums, rank[:n].sum(), side), abs=1e-12)


@settings(max_examples=40)
@given(st.lists(tied.filter(bool), min_size=1, max_size=8))
def test_wilcoxon_with_ties_counts_every_sign(differences):
    d = np.array(differences)
    rank = ranks(np.abs(d))
    sums = np.array([sum(s) for s in itertools.product(*((0, r) for r in rank))])
    for side in SIDES:
        found = wilcoxon(d, alternative=side, method="exact").p_value
        assert found == pytest.approx(p_value(sums, rank[d > 0].sum(), side), abs=1e-12)


def test_counts_are_binomials():
    ways = rank_sum_counts(np.arange(1, 31), 15)
    assert ways.sum() == 155117520  # 30 choose 15
    assert ways[120] == 1  # 1 + ... + 15, the least sum
    np.testing.assert_array_equal(ways[120:346], ways[120:346][::-1])  # 16 + ... + 30 = 345


@pytest.mark.reference
@pytest.mark.parametrize("n", [1, 2, 10, 140, 1000, 2000])
@pytest.mark.parametrize("z", [0.4, 0.8, 1.5, 2.3, 4.0])
def test_kolmogorov_is_scipys_exact_one(n, z):
    d = z / np.sqrt(n)
    wanted = stats.kstwo.sf(d, n)
    # 1 - cdf in the middle: 1e-14 of 1; SciPy's own from n = 141 on is a series good to 1e-7
    least = 2e-14 if n <= 140 else 1e-7
    assert kolmogorov_exact_survival(n, d) == pytest.approx(wanted, rel=1e-9, abs=least)


def test_kolmogorov_is_exact_where_scipy_is_not():
    """Marsaglia, Tsang and Wang's matrix in mpmath at 30 digits; SciPy 1.17 says 0.53569096576."""
    wanted = 0.535691000328184852107
    assert kolmogorov_exact_survival(1000, 0.8 / np.sqrt(1000)) == pytest.approx(wanted, abs=2e-14)


@pytest.mark.reference
@pytest.mark.parametrize("n", [3000, 50_000])
def test_kolmogorov_for_many_is_as_near_as_it_says(n):
    for z in (0.5, 0.8, 1.2, 2.0):
        d = z / np.sqrt(n)
        assert abs(kolmogorov_exact_survival(n, d) - stats.kstwo.sf(d, n)) < 0.03 / n


@settings(max_examples=30)
@given(st.integers(1, 5), st.integers(1, 5), st.floats(0.01, 1))
def test_two_samples_count_every_merging(n, m, d):
    worst = []
    for first in itertools.combinations(range(n + m), n):
        step = np.where(np.isin(np.arange(n + m), first), 1 / n, -1 / m)
        worst.append(np.abs(np.cumsum(step)).max())
    wanted = np.mean(np.array(worst) >= d - 1e-9)
    assert two_sample_survival(n, m, d) == pytest.approx(wanted, abs=1e-12)


@pytest.mark.parametrize("scale", [1e-200, 1e-5, 1e200])
def test_t_tests_do_not_see_the_unit(scale):
    x, y = np.array([1.0, 2, 3, 7]), np.array([2.0, 3, 5])
    for test in (
        t_test,
        lambda x: two_sample_t_test(x, y * (x[0] / 1.0)),
        lambda x: welch_t_test(x, y * x[0]),
    ):
        plain, scaled = test(x), test(x * scale)
        assert scaled.statistic == pytest.approx(plain.statistic, rel=1e-12)
        assert scaled.p_value == pytest.approx(plain.p_value, rel=1e-11)
        assert scaled.effect == pytest.approx(plain.effect, rel=1e-12)
