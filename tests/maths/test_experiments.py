"""Resampling, power, sequential tests and limit theorems: references, and promises kept."""

import itertools
import math

import numpy as np
import pytest
from scipy import stats
from statsmodels.stats import power as powers
from statsmodels.stats import proportion as proportions

from groundup.maths.gamma_distributions import Exponential
from groundup.maths.limit_theorems import (
    berry_esseen_bound,
    central_limit,
    chebyshev_bound,
    distance_from_normal,
    hoeffding_bound,
    running_means,
)
from groundup.maths.location_scale_distributions import Cauchy
from groundup.maths.power import (
    cohen_h,
    mcnemar_power,
    noncentral_t_survival,
    proportions_power,
    sample_size,
    t_test_power,
    two_sample_t_test_power,
    z_test_power,
)
from groundup.maths.resampling import (
    bootstrap,
    paired_bootstrap,
    permutation_test,
    sign_flip_test,
)
from groundup.maths.sequential_tests import (
    alpha_spent,
    anytime_p_values,
    bernoulli_e_values,
    bernoulli_log_ratios,
    betting_e_values,
    confidence_sequence,
    normal_mixture_e_values,
    sprt,
)

pytestmark = pytest.mark.slow  # seconds in all, for `make test`

SIDES = ["two-sided", "less", "greater"]
X = np.array([1.1, 2.3, 0.4, 3.3, 2.0, 5.1])
Y = np.array([0.2, 1.9, -0.4, 1.0])


# Resampling


@pytest.mark.reference
@pytest.mark.parametrize("side", SIDES)
def test_small_permutation_tests_count_every_case(side):
    def difference(a, b, axis):
        return a.mean(axis=axis) - b.mean(axis=axis)

    theirs = stats.permutation_test(
        (X, Y), difference, vectorized=True, alternative=side, n_resamples=np.inf
    )
    assert permutation_test(X, Y, alternative=side).p_value == pytest.approx(theirs.pvalue)
    theirs = stats.permutation_test(
        (X,),
        lambda a, axis: a.mean(axis=axis),
        permutation_type="samples",
        vectorized=True,
        alternative=side,
        n_resamples=np.inf,
    )
    assert sign_flip_test(X, alternative=side).p_value == pytest.approx(theirs.pvalue)


def test_random_permutations_never_say_zero_and_repeat():
    x, y = np.arange(20.0) + 100, np.arange(20.0)
    first, second = (permutation_test(x, y, resamples=199, rng=1) for _ in range(2))
    assert first.p_value == second.p_value == pytest.approx(2 / 200)
    assert sign_flip_test(x, y, resamples=199, rng=1).p_value > 0


@pytest.mark.reference
@pytest.mark.parametrize("method", ["percentile", "basic", "bca"])
def test_bootstrap_intervals_are_scipys(method):
    """The same quantiles of 9999 draws: a quantile's own deviation is 2 % of the error's width."""
    x = np.random.default_rng(0).exponential(size=40)
    theirs = stats.bootstrap(
        (x,), np.mean, method=method, rng=np.random.default_rng(1), n_resamples=9999
    )
    ours = bootstrap(x, method=method, rng=2)
    width = theirs.standard_error
    assert ours.standard_error == pytest.approx(width, rel=0.05)
    wanted = theirs.confidence_interval
    np.testing.assert_allclose(ours.interval, (wanted.low, wanted.high), atol=0.15 * width)
    assert ours.estimate == pytest.approx(x.mean())


def test_bca_intervals_cover():
    """200 samples of 30 exponentials at 90 %: a deviation of the share of 2.1 %, four of them."""
    rng = np.random.default_rng(3)
    hits = 0
    for _ in range(200):
        low, high = bootstrap(
            rng.exponential(size=30), confidence=0.9, resamples=400, rng=rng
        ).interval
        hits += low <= 1 <= high
    assert 0.80 < hits / 200 < 0.98


def test_pairs_stay_together_in_a_bootstrap():
    rng = np.random.default_rng(0)
    shared = rng.standard_normal(50) * 100
    x, y = shared + 1 + 0.1 * rng.standard_normal(50), shared
    low, high = paired_bootstrap(x, y, resamples=500, rng=1).interval
    assert 0.9 < low < high < 1.1
    for wrong, words in (
        (lambda: bootstrap([1.0]), "at least 2"),
        (lambda: bootstrap([1.0, 2.0], method="odd"), "percentile"),
    ):
        with pytest.raises(ValueError, match=words):
            wrong()


# Power


@pytest.mark.reference
@pytest.mark.parametrize("side", SIDES)
@pytest.mark.parametrize(("effect", "n"), [(0.3, 20), (0.8, 5), (-0.4, 40), (0.05, 400)])
def test_power_is_statsmodels(side, effect, n):
    name = {"two-sided": "two-sided", "less": "smaller", "greater": "larger"}[side]
    wanted = powers.TTestPower().power(effect, n, 0.05, alternative=name)
    assert t_test_power(effect, n, alternative=side) == pytest.approx(wanted, rel=1e-5, abs=1e-9)
    wanted = powers.TTestIndPower().power(effect, n, 0.05, ratio=2, alternative=name)
    found = two_sample_t_test_power(effect, n, 2 * n, alternative=side)
    assert found == pytest.approx(wanted, rel=1e-5, abs=1e-9)
    wanted = powers.NormalIndPower(ddof=0).power(effect, n, 0.05, ratio=0, alternative=name)
    assert z_test_power(effect, n, alternative=side) == pytest.approx(wanted, rel=1e-8, abs=1e-12)


@pytest.mark.reference
def test_shares_sizes_and_the_noncentral_t():
    assert cohen_h(0.6, 0.4) == pytest.approx(proportions.proportion_effectsize(0.6, 0.4))
    wanted = proportions.power_proportions_2indep(0.15, 0.3, 120, ratio=0.75).power
    assert proportions_power(0.45, 0.3, 120, 90) == pytest.approx(wanted, abs=5e-3)
    t = np.array([-1.0, 0.5, 3.0, 8.0])
    for df, shift in ((3, 1.0), (50, -0.5)):
        np.testing.assert_allclose(
            noncentral_t_survival(t, df, shift), stats.nct(df, shift).sf(t), rtol=1e-7, atol=1e-12
        )
    n = sample_size(lambda count: t_test_power(0.5, count), 0.8)
    assert n == math.ceil(powers.TTestPower().solve_power(0.5, power=0.8, alpha=0.05))
    assert t_test_power(0.5, n - 1) < 0.8 <= t_test_power(0.5, n)
    assert 0 < mcnemar_power(0.1, 0.05, 100) < mcnemar_power(0.1, 0.05, 400) < 1
    for wrong, words in (
        (lambda: sample_size(lambda count: 0.05, 0.8), "too small or 0"),
        (lambda: proportions_power(1.2, 0.5, 10, 10), "between 0 and 1"),
        (lambda: mcnemar_power(0.7, 0.6, 10), "at most 1"),
        (lambda: t_test_power(math.nan, 10), "finite"),
    ):
        with pytest.raises(ValueError, match=words):
            wrong()


def test_power_is_the_share_of_samples_that_are_significant():
    """1000 samples of 15: a deviation of the share of 1.6 %, four of them."""
    x = np.random.default_rng(0).standard_normal((1000, 15)) + 0.6
    share = (stats.ttest_1samp(x, 0, axis=1).pvalue < 0.05).mean()
    assert t_test_power(0.6, 15) == pytest.approx(share, abs=0.065)


# Sequential tests


def walks(runs=400, n=200, mean=0.0):
    return np.random.default_rng(5).standard_normal((runs, n)) + mean


def test_walds_test_keeps_its_errors_and_stops_early():
    """400 runs: deviations of 1.1 % at 5 % and 2 % at 20 %, four of them."""

    def run(rows):
        return [sprt(row * 0.5 - 0.125) for row in rows]  # N(0.5, 1) against N(0, 1)

    under_null = [result.decision for result in run(walks())]
    under_alternative = run(walks(mean=0.5))
    assert under_null.count("alternative") / 400 < 0.05 + 0.044
    assert [result.decision for result in under_alternative].count("null") / 400 < 0.2 + 0.08
    assert np.median([result.stopped_at for result in under_alternative]) < 40
    found = sprt([0.1])
    assert (found.decision, found.stopped_at) == ("continue", 1)
    np.testing.assert_allclose(
        bernoulli_log_ratios([1, 0], 0.5, 0.8), [math.log(1.6), math.log(0.4)]
    )


@pytest.mark.parametrize(
    "evidence",
    [
        lambda row: normal_mixture_e_values(row, 1.0, 0.5),
        lambda row: bernoulli_e_values(row > 0, 0.5),
        lambda row: betting_e_values(1 / (1 + np.exp(-row)), 0.5),
    ],
)
def test_e_values_may_be_looked_at_after_every_observation(evidence):
    """Ville: P(sup E >= 20) <= 5 %; 400 runs, four deviations of 1.1 %."""
    false_alarms = sum(evidence(row).max() >= 20 for row in walks())
    assert false_alarms / 400 < 0.05 + 0.044
    assert sum(evidence(row).max() >= 20 for row in walks(mean=0.7)) > 300
    p = anytime_p_values(evidence(walks()[0]))
    assert all(a >= b for a, b in itertools.pairwise(p))
    assert p.max() <= 1


def test_confidence_sequences_hold_the_mean_all_the_time():
    misses = 0
    for row in walks():
        low, high = confidence_sequence(row, 1.0, 0.5)
        misses += bool(((low > 0) | (high < 0)).any())
    assert misses / 400 < 0.05 + 0.044
    low, high = confidence_sequence(walks()[0], 1.0, 0.5)
    assert (np.diff(high - low) < 0).all()


def test_alpha_is_spent_to_the_end():
    t = np.array([0.0, 0.25, 0.5, 1.0])
    for kind in ("pocock", "obrien-fleming"):
        spent = alpha_spent(t, 0.05, kind)
        assert spent[0] == 0
        assert spent[-1] == pytest.approx(0.05)
        assert (np.diff(spent) > 0).all()
    assert alpha_spent(0.5, 0.05, "obrien-fleming") == pytest.approx(
        2 * stats.norm.sf(stats.norm.isf(0.025) / math.sqrt(0.5)), rel=1e-10
    )
    for wrong, words in (
        (lambda: alpha_spent(1.5), "between 0 and 1"),
        (lambda: alpha_spent(0.5, kind="odd"), "obrien-fleming or pocock"),
        (lambda: bernoulli_e_values([0.5], 0.5), "0 or 1"),
        (lambda: betting_e_values([2.0], 0.5), r"outside \[0, 1\]"),
        (lambda: anytime_p_values([-1.0]), "at least 0"),
        (lambda: confidence_sequence([1.0], 0.0, 1.0), "deviation"),
    ):
        with pytest.raises(ValueError, match=words):
            wrong()


# Limit theorems


def test_means_settle_and_cauchys_do_not():
    draws = Exponential(1.0).sample(0, size=(20, 4000))
    settled = running_means(draws)
    assert np.abs(settled[:, -1] - 1).max() < 0.07  # four deviations of 1 / sqrt(4000)
    np.testing.assert_allclose(settled[:, 9], draws[:, :10].mean(1))
    wild = running_means(Cauchy().sample(0, size=(50, 4000)))
    assert stats.iqr(wild[:, -1]) > 0.8  # the mean of Cauchys is a Cauchy: it never narrows


def test_bounds_hold_and_the_normal_is_approached():
    draws = np.random.default_rng(0).random((2000, 50)).mean(1)
    for distance in (0.05, 0.1):
        share = (np.abs(draws - 0.5) >= distance).mean()
        assert share <= chebyshev_bound(1 / 12, 50, distance)
        assert share <= hoeffding_bound(50, distance)
    found = central_limit(Exponential(2.0), [1, 10, 100], repeats=3000, rng=0)
    assert [one.n for one in found] == [1, 10, 100]
    distances = [one.distance for one in found]
    assert distances[0] > distances[1] > distances[2]
    third = 12 / math.e - 2  # E|X - 1|^3 of an exponential of mean 1
    for one in found:  # 0.031: what 3000 draws add with probability 1e-3
        assert one.distance <= berry_esseen_bound(third, 1.0, one.n) + 0.036
    assert distance_from_normal(stats.norm.ppf((np.arange(1000) + 0.5) / 1000)) < 0.001
    for wrong, words in (
        (lambda: central_limit(Cauchy(), [3]), "must be finite"),
        (lambda: chebyshev_bound(1.0, 3, 0.0), "> 0"),
        (lambda: hoeffding_bound(3, -1.0), "above 0"),
        (lambda: berry_esseen_bound(0.1, 1.0, 3), "Jensen"),
    ):
        with pytest.raises(ValueError, match=words):
            wrong()
