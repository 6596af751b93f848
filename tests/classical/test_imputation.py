"""SimpleImputer against scikit-learn's, on numbers and text."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import impute
from tests.classical.compliance import compliance

from groundup.classical.imputation import SimpleImputer, filling, is_gap


@compliance(
    SimpleImputer(),
    SimpleImputer(strategy="median", add_indicator=True),
    SimpleImputer(strategy="most_frequent"),
    SimpleImputer(strategy="constant", fill_value=7),
)
def test_conventions(estimator, check):
    check(estimator)


def same(ours, theirs):
    pairs = zip(np.ravel(ours).tolist(), np.ravel(theirs).tolist(), strict=True)
    return ours.shape == theirs.shape and all(a == b or (a != a and b != b) for a, b in pairs)


@pytest.mark.reference
@pytest.mark.filterwarnings("ignore:Skipping features")
@given(
    seed=st.integers(0, 2**32 - 1),
    n=st.integers(1, 20),
    share=st.floats(0, 1),
    missing=st.sampled_from([np.nan, -1]),
    options=st.fixed_dictionaries(
        {
            "strategy": st.sampled_from(["mean", "median", "most_frequent", "constant"]),
            "add_indicator": st.booleans(),
            "keep_empty_features": st.booleans(),
        }
    ),
)
@settings(max_examples=80)
def test_numbers_are_filled_as_by_scikit_learn(seed, n, share, missing, options):
    rng = np.random.default_rng(seed)
    X = rng.integers(0, 4, size=(n, 3)) * 0.5
    later = rng.integers(0, 4, size=(5, 3)) * 0.5
    for table in (X, later):
        table[rng.random(table.shape) < share] = missing
    later[np.isin(later, missing) & ~is_gap(X, missing).any(axis=0)] = 0  # no gaps but known ones
    ours = SimpleImputer(missing_values=missing, **options).fit(X)
    theirs = impute.SimpleImputer(missing_values=missing, **options).fit(X)
    # halves and their sums are exact, a mean is one rounding
    np.testing.assert_allclose(
        ours.statistics_.astype(float), theirs.statistics_.astype(float), rtol=1e-15
    )
    if len(ours.kept_):
        indicator = theirs.transform(X)
        np.testing.assert_allclose(ours.transform(X), indicator, rtol=1e-15)
        assert list(ours.get_feature_names_out()) == list(theirs.get_feature_names_out())


@pytest.mark.reference
@pytest.mark.filterwarnings("ignore:Skipping features")
@given(
    st.lists(
        st.tuples(st.sampled_from(["a", "b", np.nan]), st.sampled_from(["x", np.nan])),
        min_size=1,
        max_size=9,
    ),
    st.sampled_from(["most_frequent", "constant"]),
)
@settings(max_examples=40)
def test_text_is_filled_as_by_scikit_learn(rows, strategy):
    X = np.array(rows, dtype=object)
    ours, theirs = SimpleImputer(strategy=strategy), impute.SimpleImputer(strategy=strategy)
    assert same(ours.fit_transform(X), theirs.fit_transform(X))
    assert same(ours.fit_transform(pd.DataFrame(X)), theirs.fit_transform(pd.DataFrame(X)))


def test_none_may_mark_a_gap():
    X = np.array([["a"], [None], ["a"], ["b"]], dtype=object)
    filled = SimpleImputer(missing_values=None, strategy="most_frequent").fit_transform(X)
    assert filled.ravel().tolist() == ["a", "a", "a", "b"]


def test_of_equally_common_values_the_smallest_fills():
    assert filling(np.array([3.0, 1.0, 3.0, 1.0, 2.0]), "most_frequent") == 1.0


def test_an_empty_column_is_dropped_with_a_warning():
    imputer = SimpleImputer().fit([[np.nan, 1.0], [np.nan, 2.0]])
    with pytest.warns(UserWarning, match=r"without any observed values: \[0\]"):
        assert imputer.transform([[1.0, np.nan]]).tolist() == [[1.5]]


@pytest.mark.parametrize(
    ("imputer", "X", "message"),
    [
        (SimpleImputer(strategy="x"), [[1]], "strategy is 'x'"),
        (SimpleImputer(strategy="constant", fill_value="a"), [[1]], "cannot fill a column of"),
        (SimpleImputer(), [["a"]], "holds text"),
        (SimpleImputer(missing_values=-1), [[np.nan]], "contains NaN"),
        (SimpleImputer(), [[np.inf]], "infinity"),
    ],
)
def test_what_cannot_be_is_refused(imputer, X, message):
    with pytest.raises(ValueError, match=message):
        imputer.fit(X)


def test_text_where_there_were_numbers_is_refused():
    imputer = SimpleImputer(strategy="most_frequent").fit([[1.0], [2.0]])
    with pytest.raises(ValueError, match="give the same kind"):
        imputer.transform(np.array([["a"]], dtype=object))
