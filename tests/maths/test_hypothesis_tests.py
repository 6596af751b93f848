"""Hypothesis tests against SciPy and statsmodels: statistics, p-values, intervals, bad input.

Tolerances: p-values 1e-9 relative where both sum the same exact chances or call special functions
good to 1e-12; 1e-6 where the reference integrates or inverts numerically.
"""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import special, stats
from statsmodels.stats import contingency_tables, multitest
from statsmodels.stats import proportion as proportions

from groundup.maths.contingency import (
    chi_square_independence,
    expected_counts,
    fisher_exact,
    mcnemar,
)
from groundup.maths.correlation import kendall, pearson, spearman
from groundup.maths.goodness_of_fit import (
    chi_square_test,
    kolmogorov_smirnov,
    two_sample_kolmogorov_smirnov,
)
from groundup.maths.intervals import clopper_pearson, mean_interval, newcombe
from groundup.maths.kolmogorov import kolmogorov_survival, smirnov_survival
from groundup.maths.location_tests import (
    paired_t_test,
    t_test,
    two_sample_t_test,
    welch_t_test,
    z_test,
)
from groundup.maths.multiple_comparisons import (
    benjamini_hochberg,
    benjamini_yekutieli,
    bonferroni,
    fisher_combined,
    hochberg,
    holm,
)
from groundup.maths.rank_tests import mann_whitney, ranks, wilcoxon

pytestmark = pytest.mark.slow  # seconds in all, for `make test`

SIDES = ["two-sided", "less", "greater"]
few = settings(max_examples=12)  # a test with its interval takes milliseconds
seeds = st.integers(0, 2**32 - 1)


def draws(seed, n, shift=0.0, digits=None):
    x = np.random.default_rng(seed).standard_normal(n) + shift
    return x if digits is None else np.round(x, digits)


@pytest.mark.reference
@pytest.mark.parametrize("side", SIDES)
@few
@given(seed=seeds, n=st.integers(2, 30), m=st.integers(2, 30))
def test_t_tests_are_scipys(side, seed, n, m):
    x, y = draws(seed, n), draws(seed + 1, m, 0.5)
    pairs = draws(seed + 2, n, 0.2)
    for ours, theirs in (
        (t_test(x, 0.3, alternative=side), stats.ttest_1samp(x, 0.3, alternative=side)),
        (two_sample_t_test(x, y, alternative=side), stats.ttest_ind(x, y, alternative=side)),
        (
            welch_t_test(x, y, alternative=side),
            stats.ttest_ind(x, y, equal_var=False, alternative=side),
        ),
        (paired_t_test(x, pairs, alternative=side), stats.ttest_rel(x, pairs, alternative=side)),
    ):
        assert ours.statistic == pytest.approx(theirs.statistic, rel=1e-9)
        assert ours.p_value == pytest.approx(theirs.pvalue, rel=1e-8, abs=0)
        interval = theirs.confidence_interval(0.95)
        assert ours.freedom == pytest.approx(theirs.df, rel=1e-10)
        np.testing.assert_allclose(
            ours.interval, (interval.low, interval.high), rtol=1e-8, atol=1e-9
        )


def test_the_z_test_is_its_formula():
    x = np.array([1.0, 2.0, 3.0, 6.0])
    found = z_test(x, 2.0, 2.0)
    assert found.statistic == pytest.approx(1.0)
    assert found.p_value == pytest.approx(2 * special.ndtr(-1.0), rel=1e-12)
    assert found.interval == pytest.approx((3 - 1.959964, 3 + 1.959964), rel=1e-6)


@pytest.mark.reference
@pytest.mark.parametrize("side", SIDES)
@pytest.mark.parametrize("method", ["exact", "asymptotic"])
@few
@given(seed=seeds, n=st.integers(2, 12), m=st.integers(2, 12))
def test_rank_tests_are_scipys(side, method, seed, n, m):
    x, y = draws(seed, n), draws(seed + 1, m, 0.4)
    ours = mann_whitney(x, y, alternative=side, method=method)
    theirs = stats.mannwhitneyu(x, y, alternative=side, method=method)
    assert ours.statistic == theirs.statistic
    assert ours.p_value == pytest.approx(theirs.pvalue, rel=1e-9, abs=0)
    one = draws(seed, n + 3, 0.3)
    ours = wilcoxon(one, alternative=side, method=method, continuity=False)
    theirs = stats.wilcoxon(one, alternative=side, method=method)
    assert ours.p_value == pytest.approx(theirs.pvalue, rel=1e-9, abs=0)


@pytest.mark.reference
@few
@given(seed=seeds, n=st.integers(3, 20), m=st.integers(3, 20))
def test_ties_are_counted_as_scipy_does(seed, n, m):
    x, y = draws(seed, n, digits=0), draws(seed + 1, m, 0.4, digits=0)
    np.testing.assert_array_equal(ranks(x), stats.rankdata(x))
    if np.ptp(np.concatenate([x, y])) > 0:
        ours = mann_whitney(x, y, method="asymptotic")
        theirs = stats.mannwhitneyu(x, y, method="asymptotic")
        assert (ours.statistic, ours.p_value) == pytest.approx(
            (theirs.statistic, theirs.pvalue), rel=1e-9
        )
    x, y = draws(seed, 15, digits=1), draws(seed + 1, 15, 0.3, digits=1)
    assert spearman(x, y).statistic == pytest.approx(stats.spearmanr(x, y).statistic, abs=1e-12)
    assert kendall(x, y).statistic == pytest.approx(stats.kendalltau(x, y).statistic, abs=1e-12)


@pytest.mark.reference
@pytest.mark.parametrize("side", SIDES)
@few
@given(seed=seeds, n=st.integers(4, 30))
def test_correlations_are_scipys(side, seed, n):
    x = draws(seed, n)
    y = 0.5 * x + draws(seed + 1, n)
    ours, theirs = pearson(x, y, alternative=side), stats.pearsonr(x, y, alternative=side)
    assert ours.statistic == pytest.approx(theirs.statistic, abs=1e-12)
    assert ours.p_value == pytest.approx(theirs.pvalue, rel=1e-8, abs=1e-300)
    low, high = theirs.confidence_interval()
    np.testing.assert_allclose(ours.interval, (low, high), atol=1e-8)
    ours, theirs = kendall(x, y, alternative=side), stats.kendalltau(x, y, alternative=side)
    assert ours.p_value == pytest.approx(theirs.pvalue, rel=1e-8, abs=0)
    theirs = stats.spearmanr(x, y, alternative=side)
    assert spearman(x, y, alternative=side).statistic == pytest.approx(theirs.statistic, abs=1e-12)


@pytest.mark.reference
@few
@given(seed=seeds, rows=st.integers(2, 4), columns=st.integers(2, 4))
def test_tables_are_scipys(seed, rows, columns):
    table = np.random.default_rng(seed).integers(1, 30, (rows, columns))
    np.testing.assert_allclose(
        expected_counts(table), stats.contingency.expected_freq(table), rtol=1e-12
    )
    for yates in (True, False):
        theirs = stats.chi2_contingency(table, correction=yates)
        ours = chi_square_independence(table, yates=yates)
        assert ours.statistic == pytest.approx(theirs.statistic, rel=1e-10, abs=1e-12)
        assert ours.p_value == pytest.approx(theirs.pvalue, rel=1e-8, abs=0)


@pytest.mark.reference
@pytest.mark.parametrize("side", SIDES)
@few
@given(cells=st.lists(st.integers(0, 25), min_size=4, max_size=4))
def test_fisher_is_scipys(side, cells):
    table = np.array(cells).reshape(2, 2)
    if min(table.sum(0).min(), table.sum(1).min()) == 0:
        return
    theirs = stats.fisher_exact(table, alternative=side)
    assert fisher_exact(table, alternative=side).p_value == pytest.approx(
        theirs.pvalue, rel=1e-6, abs=0
    )


@pytest.mark.reference
@few
@given(st.integers(0, 60), st.integers(0, 60))
def test_mcnemar_is_statsmodels(b, c):
    if b + c == 0:
        assert mcnemar(0, 0).p_value == 1.0
        return
    table = [[10, b], [c, 20]]
    theirs = contingency_tables.mcnemar(table, exact=True)
    assert mcnemar(b, c).p_value == pytest.approx(theirs.pvalue, rel=1e-9, abs=0)
    for corrected in (True, False):
        theirs = contingency_tables.mcnemar(table, exact=False, correction=corrected)
        ours = mcnemar(b, c, exact=False, corrected=corrected)
        if abs(b - c) >= 1:  # at a tie the correction would make |b - c| - 1 negative there
            assert ours.statistic == pytest.approx(theirs.statistic, rel=1e-10, abs=1e-12)
            assert ours.p_value == pytest.approx(theirs.pvalue, rel=1e-9, abs=0)


@pytest.mark.reference
@pytest.mark.parametrize("side", SIDES)
@few
@given(seed=seeds, n=st.integers(3, 40), m=st.integers(3, 40))
def test_kolmogorov_smirnov_is_scipys(side, seed, n, m):
    x, y = draws(seed, n), draws(seed + 1, m, 0.3)
    theirs = stats.kstest(x, stats.norm.cdf, alternative=side, method="exact")
    ours = kolmogorov_smirnov(x, special.ndtr, alternative=side)
    assert ours.statistic == pytest.approx(theirs.statistic, rel=1e-12)
    assert ours.p_value == pytest.approx(theirs.pvalue, rel=1e-6, abs=0)
    theirs = stats.ks_2samp(x, y, alternative=side, method="exact")
    ours = two_sample_kolmogorov_smirnov(x, y, alternative=side, method="exact")
    assert ours.statistic == pytest.approx(theirs.statistic, rel=1e-12)
    assert ours.p_value == pytest.approx(theirs.pvalue, rel=1e-6, abs=0)


@pytest.mark.reference
def test_kolmogorovs_limit_is_scipys():
    x = np.array([0.05, 0.3, 0.8, 1.0, 1.5, 3.0, 8.0])
    np.testing.assert_allclose(kolmogorov_survival(x), special.kolmogorov(x), rtol=1e-10)
    for n in (1, 7, 100):
        for d in (0.05, 0.3, 0.9):
            assert smirnov_survival(n, d) == pytest.approx(special.smirnov(n, d), rel=1e-9, abs=0)


@pytest.mark.reference
@few
@given(seed=seeds, k=st.integers(2, 8))
def test_chi_square_goodness_is_scipys(seed, k):
    observed = np.random.default_rng(seed).integers(1, 40, k)
    theirs = stats.chisquare(observed)
    ours = chi_square_test(observed)
    assert ours.statistic == pytest.approx(theirs.statistic, rel=1e-10, abs=1e-12)
    assert ours.p_value == pytest.approx(theirs.pvalue, rel=1e-8, abs=0)


ADJUSTED = {
    "bonferroni": bonferroni,
    "holm": holm,
    "simes-hochberg": hochberg,
    "fdr_bh": benjamini_hochberg,
    "fdr_by": benjamini_yekutieli,
}


@pytest.mark.reference
@pytest.mark.parametrize("name", ADJUSTED)
@given(p=st.lists(st.floats(0, 1), min_size=1, max_size=15))
def test_adjusted_p_values_are_statsmodels(name, p):
    wanted = multitest.multipletests(p, method=name)[1]
    np.testing.assert_allclose(ADJUSTED[name](p), wanted, rtol=1e-12, atol=1e-15)


@pytest.mark.reference
def test_fishers_combination_is_scipys():
    p = [0.1, 0.03, 0.6]
    assert fisher_combined(p) == pytest.approx(stats.combine_pvalues(p).pvalue, rel=1e-10)
    for wrong in ([0.1, 1.2], [-0.1]):
        with pytest.raises(ValueError, match=r"outside \[0, 1\]"):
            holm(wrong)


@pytest.mark.reference
@few
@given(st.integers(1, 300), st.floats(0, 1), st.floats(0.5, 0.999))
def test_exact_intervals_of_shares_are_statsmodels(trials, share, confidence):
    successes = round(share * trials)
    wanted = proportions.proportion_confint(successes, trials, 1 - confidence, method="beta")
    assert clopper_pearson(successes, trials, confidence) == pytest.approx(wanted, abs=1e-9)


@pytest.mark.reference
def test_intervals_of_differences_and_means():
    wanted = proportions.confint_proportions_2indep(
        56, 70, 48, 80, method="newcomb", compare="diff"
    )
    assert newcombe((56, 70), (48, 80)) == pytest.approx(wanted, abs=1e-9)
    x = draws(3, 12)
    interval = stats.ttest_1samp(x, 0).confidence_interval(0.9)
    assert mean_interval(x, 0.9) == pytest.approx((interval.low, interval.high), rel=1e-9)


@pytest.mark.parametrize(
    "test",
    [
        lambda x: t_test(x),
        lambda x: wilcoxon(x, method="exact"),
        lambda x: kolmogorov_smirnov(x, special.ndtr),
    ],
)
def test_p_values_are_uniform_when_the_null_hypothesis_holds(test):
    """150 samples: a Kolmogorov distance of 0.16 has probability 9e-4."""
    found = [test(draws(seed, 25)).p_value for seed in range(150)]
    assert stats.kstest(found, "uniform").statistic < 0.16


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: t_test([1.0]), "2"),
        (lambda: t_test([1.0, 1.0]), "equal|variance|differ"),
        (lambda: t_test([1.0, np.nan]), "NaN or infinity"),
        (lambda: t_test([1.0, 2.0], alternative="both"), "two-sided"),
        (lambda: paired_t_test([1.0, 2.0], [1.0]), "wanted at least 2"),
        (lambda: z_test([1.0, 2.0], 0), "deviation"),
        (lambda: mann_whitney([], [1.0]), "least|empty"),
        (lambda: mann_whitney([1.0], [2.0], method="odd"), "method"),
        (lambda: pearson([1.0, 1.0, 1.0], [1.0, 2.0, 3.0]), "equal values"),
        (lambda: chi_square_independence([[1, 2]]), "rows and columns"),
        (lambda: chi_square_independence([[0, 0], [1, 2]]), "0|empty|row"),
        (lambda: fisher_exact([[1, 2], [3, -1]]), "negative|counts|whole"),
        (lambda: fisher_exact([[1, 2, 3], [3, 1, 2]]), r"wants \(2, 2\)"),
        (lambda: mcnemar(-1, 2), "only_first|least"),
        (lambda: chi_square_test([5]), "least|two|categories"),
        (lambda: clopper_pearson(3, 2), "no share"),
    ],
)
def test_bad_input_is_refused(make, words):
    with pytest.raises(ValueError, match=words):
        make()
