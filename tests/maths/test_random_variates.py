"""The generators under all distributions: Kolmogorov and chi-square at fixed seeds, and bad input.

A Kolmogorov distance above 1.95 / sqrt(n) has probability 1e-3; seeds are fixed, so a test that
passes once passes always.
"""

import numpy as np
import pytest
from scipy import stats

from groundup.maths.random_variates import (
    AliasTable,
    box_muller,
    log_concave_counts,
    log_gamma_variates,
    rejection,
    uniforms,
)
from groundup.maths.saddle_point import log_poisson_kernel

COUNT = 4000
FAR = 1.95 / np.sqrt(COUNT)


def rng(seed=0):
    return np.random.default_rng(seed)


def test_uniforms_never_reach_an_end():
    u = uniforms(rng(), (100_000,))
    assert 0 < u.min() < 1e-4
    assert 1 - 1e-4 < u.max() < 1
    # the largest value a generator can give
    top = np.floor((1 - 2.0**-53) * 2**53)
    assert (top + 0.5) / 2**53 * (1 - 2**-53) < 1


@pytest.mark.reference
def test_box_muller_gives_independent_normals():
    z = box_muller(rng(1), (COUNT,))
    assert stats.kstest(z, "norm").statistic < FAR
    # the two halves are cosine and sine of one angle: uncorrelated, and so are their squares
    first, second = z[: COUNT // 2], z[COUNT // 2 :]
    assert abs(np.corrcoef(first, second)[0, 1]) < 4 / np.sqrt(COUNT / 2)
    assert abs(np.corrcoef(first**2, second**2)[0, 1]) < 4 / np.sqrt(COUNT / 2)
    assert box_muller(rng(), (3, 5)).shape == (3, 5)
    assert box_muller(rng(), ()).shape == ()


@pytest.mark.reference
@pytest.mark.parametrize("shape", [1e-3, 0.3, 1.0, 2.5, 1e6])
def test_gamma_variables_follow_at_every_shape(shape):
    logs = log_gamma_variates(rng(2), shape, (COUNT,))
    assert np.isfinite(logs).all()  # exp(logs) underflows at 0.001, the logarithm must not
    if shape == 1e-3:
        # P(X <= x) is x^a / Gamma(a + 1) where x is small: uniform, as far as that goes
        p = np.exp(shape * logs[logs < -5]) / np.exp(-0.5772 * shape)
        assert stats.kstest(p, "uniform").statistic < FAR + 6 * shape
    else:
        assert stats.kstest(np.exp(logs), stats.gamma(shape).cdf).statistic < FAR


@pytest.mark.reference
def test_rejection_draws_the_half_normal_under_an_exponential():
    def draw(density_scale):
        return rejection(
            rng(3),
            lambda x: -x * x / 2 + np.log(density_scale),
            lambda source, count: source.exponential(size=count),
            lambda x: 0.5 - x,  # exp(-x^2/2) <= exp(1/2 - x)
            COUNT,
        )

    x = draw(1.0)
    assert x.shape == (COUNT,)
    assert stats.kstest(x, "halfnorm").statistic < FAR
    with pytest.raises(ValueError, match="exceeds its envelope"):
        draw(1.1)
    assert rejection(rng(), np.log, lambda s, n: s.random(n), np.log, 0).shape == (0,)


@pytest.mark.reference
@pytest.mark.parametrize(
    "weights", [[1.0], [1, 2, 3, 4], [0, 0.1, 0, 0.9], [1e-300, 1], np.arange(1, 200)]
)
def test_the_alias_table_is_exact(weights):
    table, share = AliasTable(weights), np.asarray(weights) / np.sum(weights)
    k = share.size
    # what a category gets: its own column's lower part, and all columns' upper parts it fills
    chance = table.keep / k
    np.add.at(chance, table.alias, (1 - table.keep) / k)
    np.testing.assert_allclose(chance, share, atol=4 * k * np.finfo(float).eps)
    draws = table.draw(rng(4), (COUNT,))
    assert not np.isin(draws, np.flatnonzero(share == 0)).any()
    if k == 4 and share.min() > 0:
        assert stats.chisquare(np.bincount(draws, minlength=k), share * COUNT).pvalue > 1e-3


@pytest.mark.parametrize("weights", [[], [0.0, 0.0], [-1.0, 2.0], [np.nan], ["a"]])
def test_weights_that_cannot_be_are_refused(weights):
    with pytest.raises(ValueError, match=r"weights"):
        AliasTable(weights)


@pytest.mark.reference
@pytest.mark.parametrize("rate", [1e-6, 0.5, 7.3, 1e4, 1e9])
def test_log_concave_counts_follow_at_every_size(rate):
    def log_pmf(k, rate):
        return np.where(k >= 0, log_poisson_kernel(np.maximum(k, 0), rate), -np.inf)

    rates = np.asarray(rate)
    x = log_concave_counts(rng(5), log_pmf, np.floor(rates), (rates,), (COUNT,))
    grid = np.unique(x)
    gap = (x[:, None] <= grid).mean(0) - stats.poisson(rate).cdf(grid)
    assert np.abs(gap).max() < FAR
