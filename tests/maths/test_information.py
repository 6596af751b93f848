"""Information measures against SciPy and scikit-learn, and their inequalities."""

import itertools
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import special, stats
from scipy.spatial.distance import jensenshannon
from sklearn.metrics import mutual_info_score

from groundup.maths.information import (
    bits_per_byte,
    conditional_entropy,
    cross_entropy,
    entropy,
    js_divergence,
    kl_divergence,
    miller_madow_entropy,
    mutual_information,
    mutual_information_of_samples,
    perplexity,
    renyi_entropy,
)


def pair(seed, k):
    rng = np.random.default_rng(seed)
    p, q = rng.dirichlet(np.full(k, 0.5), 2)
    p[rng.random(k) < 0.3] = 0  # some outcomes are impossible
    return (p / p.sum() if p.sum() else np.eye(k)[0]), q


@pytest.mark.reference
@given(st.integers(0, 2**32 - 1), st.integers(2, 12))
def test_measures_are_scipys_and_keep_their_inequalities(seed, k):
    """Sums of k terms of at most log(1 / smallest q): 1e-10 relative, 1e-13 absolute."""
    p, q = pair(seed, k)
    assert entropy(p) == pytest.approx(stats.entropy(p), rel=1e-12, abs=1e-13)
    assert kl_divergence(p, q) == pytest.approx(special.rel_entr(p, q).sum(), rel=1e-9, abs=1e-13)
    assert cross_entropy(p, q) == pytest.approx(
        entropy(p) + kl_divergence(p, q), rel=1e-10, abs=1e-12
    )
    assert js_divergence(p, q) == pytest.approx(jensenshannon(p, q) ** 2, rel=1e-8, abs=1e-13)
    assert js_divergence(p, q) == pytest.approx(js_divergence(q, p), rel=1e-12)
    assert 0 <= entropy(p) <= math.log(k) + 1e-12
    assert kl_divergence(p, q) >= 0
    assert kl_divergence(p, p) == 0
    assert js_divergence(p, q) <= math.log(2) + 1e-12
    assert renyi_entropy(p, 1) == pytest.approx(entropy(p), rel=1e-12, abs=1e-13)
    orders = [renyi_entropy(p, order) for order in (0, 0.5, 1, 2, math.inf)]
    assert all(a >= b - 1e-9 for a, b in itertools.pairwise(orders))
    assert renyi_entropy(p, math.inf) == pytest.approx(-math.log(p.max()), abs=1e-12)


@given(st.integers(0, 2**32 - 1))
def test_processing_data_loses_information(seed):
    rng = np.random.default_rng(seed)
    joint = rng.dirichlet(np.ones(12)).reshape(3, 4)
    channel = rng.dirichlet(np.ones(3), 4)
    assert mutual_information(joint @ channel) <= mutual_information(joint) + 1e-12
    rows = joint[:2] / joint[:2].sum(1, keepdims=True)
    before, after = kl_divergence(*rows), kl_divergence(*(rows @ channel))
    assert after <= before + 1e-12
    total = entropy(joint.ravel())
    assert conditional_entropy(joint) == pytest.approx(total - entropy(joint.sum(1)), abs=1e-12)
    assert mutual_information(np.outer(joint.sum(1), joint.sum(0))) == pytest.approx(0, abs=1e-12)


@pytest.mark.reference
@given(st.integers(0, 2**32 - 1), st.integers(5, 60))
def test_information_of_samples_is_scikit_learns(seed, n):
    x, y = np.random.default_rng(seed).integers(0, 4, (2, n))
    assert mutual_information_of_samples(x, y) == pytest.approx(
        mutual_info_score(x, y), rel=1e-10, abs=1e-12
    )
    cells, rows, columns = (len(np.unique(part)) for part in (x * 4 + y, x, y))
    plain = mutual_information_of_samples(x, y)
    bias = (cells - rows - columns + 1) / (2 * n)
    assert mutual_information_of_samples(x, y, corrected=True) == pytest.approx(
        max(plain - bias, 0.0), abs=1e-12
    )


def test_infinities_perplexity_and_bits():
    assert kl_divergence([1.0, 0.0], [0.0, 1.0]) == math.inf
    assert cross_entropy([0.5, 0.5], [1.0, 0.0]) == math.inf
    assert entropy([1.0, 0.0]) == 0.0
    assert entropy([[0.5, 0.5], [1.0, 0.0]]).shape == (2,)
    assert perplexity(np.log([0.25, 0.25])) == pytest.approx(4)
    assert perplexity([-math.inf, 0.0]) == math.inf
    assert bits_per_byte(8 * math.log(2), 4) == pytest.approx(2)
    assert miller_madow_entropy([5, 5, 0]) == pytest.approx(math.log(2) + 1 / 20)


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: entropy([0.5, 0.6]), "sum"),
        (lambda: entropy([-0.5, 1.5]), "negative|below|0"),
        (lambda: entropy([]), "empty|shape|least"),
        (lambda: entropy([0.0, 0.0], normalise=True), "sum|0"),
        (lambda: kl_divergence([0.5, 0.5], [1.0]), "p has 2 outcomes and q 1"),
        (lambda: mutual_information([0.5, 0.5]), "two dimensions"),
        (lambda: perplexity([0.5]), "log|above|probabilit"),
        (lambda: bits_per_byte(1.0, 0), "at least 1"),
        (lambda: renyi_entropy([1.0], -1), "order"),
        (lambda: miller_madow_entropy([0, 0]), "counts"),
    ],
)
def test_bad_input_is_refused(make, words):
    with pytest.raises(ValueError, match=words):
        make()
