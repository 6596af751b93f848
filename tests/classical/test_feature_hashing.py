"""Feature hashing against scikit-learn's."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import feature_extraction
from tests.classical.compliance import compliance

from groundup.classical.feature_hashing import FeatureHasher, HashingVectorizer, hashed_rows


@compliance(FeatureHasher(), HashingVectorizer())
def test_conventions(estimator, check):
    check(estimator)


names = st.text(max_size=6)
values = st.one_of(st.integers(-5, 5), st.text(max_size=3))
ROWS = {
    "dict": st.dictionaries(names, values, max_size=5),
    "pair": st.lists(st.tuples(names, values), max_size=5),
    "string": st.lists(names, max_size=6),
}


@pytest.mark.reference
@given(st.data(), st.sampled_from(sorted(ROWS)), st.integers(1, 40), st.booleans())
@settings(max_examples=60)
def test_rows_are_scikit_learns(data, kind, width, signed):
    rows = data.draw(st.lists(ROWS[kind], min_size=1, max_size=5))
    options = {"input_type": kind, "alternate_sign": signed}
    ours = FeatureHasher(width, **options).transform(rows)
    theirs = feature_extraction.FeatureHasher(width, **options).transform(rows)
    assert np.array_equal(ours, theirs.toarray())  # sums of small whole numbers are exact


@pytest.mark.reference
@given(
    st.lists(st.text(max_size=30), min_size=1, max_size=4),
    st.sampled_from([("word", (1, 2)), ("char", (2, 3)), ("char_wb", (1, 3))]),
    st.sampled_from(["l1", "l2", None]),
    st.booleans(),
)
@settings(max_examples=50)
def test_texts_are_scikit_learns(documents, kind, norm, signed):
    analyzer, ngrams = kind
    options = {"analyzer": analyzer, "ngram_range": ngrams, "norm": norm}
    options |= {"n_features": 64, "alternate_sign": signed}
    ours = HashingVectorizer(**options).transform(documents)
    theirs = feature_extraction.text.HashingVectorizer(**options).transform(documents)
    np.testing.assert_allclose(ours, theirs.toarray(), rtol=1e-14, atol=1e-15)


def test_signs_keep_inner_products_right_on_average():
    """Weinberger et al. (2009), lemma 2: the hashed product is unbiased, its error ~ 1/sqrt(m)."""
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(2, 200))
    products = []
    for trial in range(200):
        rows = [{f"{trial} {i}": v for i, v in enumerate(vector)} for vector in (x, y)]
        a, b = hashed_rows(rows, 256)
        products.append(a @ b)
    deviation = np.sqrt((x @ x * (y @ y) + (x @ y) ** 2) / 256)
    # 5 deviations of the mean of 200 trials
    assert abs(np.mean(products) - x @ y) < 5 * deviation / np.sqrt(200)


def test_binary_rows_hold_zero_and_one():
    vectorizer = HashingVectorizer(binary=True, norm=None, n_features=8)
    assert set(vectorizer.transform(["aa aa bb cc"]).ravel()) <= {0.0, 1.0}


@pytest.mark.parametrize(
    ("call", "problem", "message"),
    [
        (lambda: FeatureHasher(0).fit(), ValueError, "n_features is 0"),
        (lambda: FeatureHasher(2.5).fit(), ValueError, "n_features is 2.5"),
        (lambda: FeatureHasher(input_type="x").fit(), ValueError, "input_type is 'x'"),
        (
            lambda: FeatureHasher(input_type="string").transform(["abc"]),
            ValueError,
            "can not be a single string",
        ),
        (lambda: FeatureHasher().transform([{1: 2}]), TypeError, "must be strings, got 1"),
        (lambda: HashingVectorizer(n_features=-1).fit(), ValueError, "n_features is -1"),
        (lambda: HashingVectorizer().transform("text"), ValueError, "string object received"),
        (lambda: HashingVectorizer(norm="x").transform(["aa"]), ValueError, "norm is 'x'"),
    ],
)
def test_what_cannot_be_is_refused(call, problem, message):
    with pytest.raises(problem, match=message):
        call()
