"""MinHash against its own theory: binomial estimates, the S-curve, and brute-force integrals."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import integrate, stats

from groundup.maths import minhash as m
from groundup.maths.sets import jaccard

shares = st.floats(0, 1)
B2SUM = bytes.fromhex("d8bb14d833d59559")  # printf abc | b2sum -l 64


@pytest.mark.reference
@pytest.mark.parametrize("common", [5, 50, 150])
def test_the_estimate_is_binomial_around_jaccard(common):
    """2000 hash functions, a fixed seed: within 4 standard errors of |A n B| / |A u B|."""
    a = {f"item {i}" for i in range(200)}
    b = {f"item {i}" for i in range(200 - common, 400 - common)}
    likeness = jaccard(a, b)
    found = m.minhash_similarity(m.minhash_signature(a, 2000), m.minhash_signature(b, 2000))
    assert abs(found - likeness) < 4 * m.minhash_standard_error(likeness, 2000)
    assert stats.binomtest(round(found * 2000), 2000, likeness).pvalue > 1e-4


def test_over_many_seeds_it_is_neither_biased_nor_more_spread():
    """400 independent estimates: the mean within 4 standard errors, the variance by chi-square."""
    a, b = set("abcdefghij"), set("defghijklmn")
    likeness = jaccard(a, b)
    estimates = [
        m.minhash_similarity(
            m.minhash_signature(a, 64, seed=seed), m.minhash_signature(b, 64, seed=seed)
        )
        for seed in range(400)
    ]
    error = m.minhash_standard_error(likeness, 64)
    assert abs(np.mean(estimates) - likeness) < 4 * error / 20
    ratio = 399 * np.var(estimates, ddof=1) / error**2
    assert 1e-4 < stats.chi2.cdf(ratio, 399) < 1 - 1e-4


@given(st.sets(st.text(max_size=3), min_size=1), st.integers(1, 32))
def test_a_signature_depends_on_the_set_alone(items, hashes):
    signature = m.minhash_signature(sorted(items) * 2, hashes)
    assert m.minhash_similarity(signature, m.minhash_signature(items, hashes)) == 1.0
    assert signature.shape == (hashes,)
    more = m.minhash_signature(items | {"something else"}, hashes)
    assert (more <= signature).all(), "a larger set has no larger minimum"


def test_signatures_are_the_same_in_every_process():
    assert m.item_hash("abc") == m.item_hash(b"abc") == int.from_bytes(B2SUM, "little")
    assert m.minhash_signature(["a", "b"], 2).dtype == np.uint64


def test_stirring_is_one_to_one_and_splitmix():
    """The first output of SplitMix64 at state 0, a published test value."""
    golden = np.uint64(0x9E3779B97F4A7C15)
    assert m.mixed(np.array([golden]))[0] == 0xE220A8397B1DCDAF
    outputs = m.mixed(np.arange(100_000, dtype=np.uint64))
    assert len(np.unique(outputs)) == 100_000


@given(shares, st.integers(1, 60), st.integers(1, 20))
def test_the_s_curve(s, bands, rows):
    wanted = 1 - (1 - s**rows) ** bands
    assert m.candidate_probability(s, bands, rows) == pytest.approx(wanted, abs=1e-13)
    half = m.half_point(bands, rows)
    assert m.candidate_probability(half, bands, rows) == pytest.approx(0.5, rel=1e-12)


def test_the_s_curves_ends_are_exact():
    assert m.candidate_probability([0, 1], 20, 5).tolist() == [0, 1]
    assert m.candidate_probability(1e-4, 10, 5) == pytest.approx(10 * 1e-20, rel=1e-12)


@pytest.mark.reference
@settings(max_examples=10)
@given(st.integers(1, 40), st.floats(0.1, 0.9), st.floats(0.1, 0.9))
def test_bands_are_the_best_of_all(hashes, threshold, miss_weight):
    def loss(bands, rows):
        found = integrate.quad(lambda s: 1 - (1 - s**rows) ** bands, 0, threshold)[0]
        missed = integrate.quad(lambda s: (1 - s**rows) ** bands, threshold, 1)[0]
        return (1 - miss_weight) * found + miss_weight * missed

    shapes = [(b, r) for r in range(1, hashes + 1) for b in range(1, hashes // r + 1)]
    best = min(loss(*shape) for shape in shapes)
    chosen = m.choose_bands(hashes, threshold, miss_weight=miss_weight)
    assert loss(*chosen) == pytest.approx(best, abs=1e-9)


def test_candidates_share_a_band():
    rng = np.random.default_rng(0)
    signatures = list(rng.integers(0, 3, (30, 12)).astype(np.uint64))
    wanted = {
        (i, j)
        for i in range(30)
        for j in range(i + 1, 30)
        if any((signatures[i][k : k + 3] == signatures[j][k : k + 3]).all() for k in (0, 3, 6, 9))
    }
    assert m.candidate_pairs(signatures, 4, 3) == wanted
    assert m.candidate_pairs([], 4, 3) == set()


def test_bad_input_is_refused():
    with pytest.raises(ValueError, match="the set is empty"):
        m.minhash_signature([])
    with pytest.raises(ValueError, match="item 3 is no text"):
        m.minhash_signature([3])
    with pytest.raises(ValueError, match="hashes is 0"):
        m.minhash_signature(["a"], 0)
    with pytest.raises(ValueError, match="one length"):
        m.minhash_similarity([1], [1, 2])
    with pytest.raises(ValueError, match="outside 0 to 1"):
        m.candidate_probability(1.5, 2, 2)
    with pytest.raises(ValueError, match="outside 0 to 1"):
        m.minhash_standard_error(np.nan, 2)
    with pytest.raises(ValueError, match="rows is 0"):
        m.candidate_probability(0.5, 2, 0)
    with pytest.raises(ValueError, match="threshold is 1"):
        m.choose_bands(16, 1.0)
    with pytest.raises(ValueError, match="signatures longer than 2"):
        m.candidate_pairs([np.zeros(2, np.uint64)], 2, 2)
