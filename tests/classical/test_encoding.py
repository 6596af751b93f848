"""The encoders of columns against scikit-learn's, on text, numbers, gaps and strangers."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import preprocessing
from tests.classical.compliance import compliance

from groundup.classical.categories import category_numbers, sorted_categories
from groundup.classical.encoding import OneHotEncoder, one_hot
from groundup.classical.ordinal_encoding import OrdinalEncoder


@compliance(
    OneHotEncoder(handle_unknown="ignore"),
    OrdinalEncoder(),
    OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1),
)
def test_conventions(estimator, check):
    check(estimator)


text = st.sampled_from(["red", "green", "blue", "", "é", None, float("nan")])
number = st.sampled_from([0.0, -1.5, 2.0, 1e300, float("nan")])
whole = st.integers(-3, 3)


@st.composite
def tables(draw):
    kind = draw(st.sampled_from(["text", "number", "whole", "frame"]))
    n = draw(st.integers(1, 12))
    if kind == "frame":
        rows = [(draw(text), draw(number), draw(whole)) for _ in range(n)]
        return pd.DataFrame(rows, columns=["a", "b", "c"]).astype({"a": object})
    value, dtype = {"text": (text, object), "number": (number, float), "whole": (whole, int)}[kind]
    return np.array([[draw(value) for _ in range(2)] for _ in range(n)], dtype=dtype)


def same(ours, theirs):
    if len(ours) != len(theirs):
        return False
    pairs = zip(np.ravel(ours).tolist(), np.ravel(theirs).tolist(), strict=True)
    return all(a == b or (a != a and b != b) for a, b in pairs)


@pytest.mark.reference
@given(X=tables(), later=tables(), drop=st.sampled_from([None, "first", "if_binary"]))
@settings(max_examples=60)
def test_one_hot_columns_are_scikit_learns(X, later, drop):
    ours = OneHotEncoder(drop=drop).fit(X)
    theirs = preprocessing.OneHotEncoder(drop=drop, sparse_output=False).fit(X)
    assert all(map(same, ours.categories_, theirs.categories_))
    moved = ours.transform(X)
    assert np.array_equal(moved, theirs.transform(X))
    assert list(ours.get_feature_names_out()) == list(theirs.get_feature_names_out())
    back = ours.inverse_transform(moved)
    if moved.size:  # theirs cannot read back no columns at all
        assert same(back, theirs.inverse_transform(moved))
    assert same(back, np.asarray(X))
    if type(later) is type(X) and np.shape(later)[1] == np.shape(X)[1]:
        check_strangers(X, later)


def check_strangers(X, later):
    ours = OneHotEncoder(handle_unknown="ignore").fit(X)
    theirs = preprocessing.OneHotEncoder(handle_unknown="ignore", sparse_output=False).fit(X)
    if not isinstance(X, pd.DataFrame) and X.dtype != later.dtype:
        return
    assert np.array_equal(ours.transform(later), theirs.transform(later))
    if (ours.transform(later).sum(axis=1) < np.shape(X)[1]).any():
        with pytest.raises(ValueError, match="Found unknown categories"):
            OneHotEncoder().fit(X).transform(later)


@pytest.mark.reference
@given(X=tables(), missing=st.sampled_from([np.nan, -2]))
@settings(max_examples=60)
def test_ordinals_are_scikit_learns(X, missing):
    options = {
        "handle_unknown": "use_encoded_value",
        "unknown_value": -1,
        "encoded_missing_value": missing,
    }
    ours = OrdinalEncoder(**options).fit(X)
    theirs = preprocessing.OrdinalEncoder(**options).fit(X)
    moved = ours.transform(X)
    assert np.array_equal(moved, theirs.transform(X), equal_nan=True)
    moved[0] = -1
    assert same(ours.inverse_transform(moved)[0], [None] * moved.shape[1])


def test_given_categories_keep_their_order():
    sizes = [["small", "middle", "large"]]
    encoder = OrdinalEncoder(categories=sizes).fit([["middle"]])
    assert encoder.transform([["large"], ["small"]]).ravel().tolist() == [2.0, 0.0]
    assert OneHotEncoder(categories=sizes).fit_transform([["large"]]).tolist() == [[0.0, 0.0, 1.0]]
    with pytest.raises(ValueError, match=r"Found unknown categories \['huge'\] in column 0"):
        OrdinalEncoder(categories=sizes).fit([["huge"]])


def test_numbers_are_found_among_given_ones_and_nan_among_the_last():
    known = np.array([1.0, 2.0, np.nan])
    numbers = category_numbers(np.array([np.nan, 2.0, 3.0, 1.0]), known)
    assert numbers.tolist() == [2, 1, -1, 0]
    assert one_hot(numbers, 3)[2].tolist() == [0.0, 0.0, 0.0]


@pytest.mark.parametrize(
    ("encoder", "X", "message"),
    [
        (OneHotEncoder(handle_unknown="x"), [[1]], "handle_unknown is 'x'"),
        (OneHotEncoder(categories="x"), [[1]], "categories is 'x'"),
        (OneHotEncoder(categories=[[1]]), [[1, 2]], "1 lists came for 2 features"),
        (OneHotEncoder(categories=[[1, 1]]), [[1]], "duplicate elements"),
        (OneHotEncoder(categories=[[2, 1]]), [[1]], "Unsorted categories"),
        (OneHotEncoder(drop="x"), [[1]], "drop is 'x'"),
        (OneHotEncoder(drop=[1, 2]), [[1]], "should have length equal"),
        (OneHotEncoder(drop=[7]), [[1]], "supposed to be dropped"),
        (OneHotEncoder(), [1, 2], "Expected 2D array, got 1D"),
        (OneHotEncoder(), np.zeros((0, 2)), r"0 sample\(s\)"),
        (OneHotEncoder(), np.zeros((2, 0)), r"0 feature\(s\)"),
        (OrdinalEncoder(handle_unknown="ignore"), [[1]], "handle_unknown is 'ignore'"),
        (OrdinalEncoder(unknown_value=3), [[1]], "unknown_value should be"),
        (
            OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=0),
            [[1]],
            "already used",
        ),
    ],
)
def test_what_cannot_be_is_refused(encoder, X, message):
    with pytest.raises(ValueError, match=message):
        encoder.fit(X)


def test_values_that_cannot_be_compared_are_refused():
    with pytest.raises(TypeError, match="uniformly strings or numbers"):
        sorted_categories(np.array([1, "a"], dtype=object))


def test_rows_that_say_nothing_cannot_be_read_back():
    encoder = OneHotEncoder().fit([["a"], ["b"]])
    with pytest.raises(ValueError, match=r"Samples \[1\] can not be inverted"):
        encoder.inverse_transform([[0, 1], [0, 0]])
    with pytest.raises(ValueError, match="Expected 2 columns"):
        encoder.inverse_transform([[1, 0, 0]])
    with pytest.raises(ValueError, match="Expected 1 columns"):
        OrdinalEncoder().fit([[1]]).inverse_transform([[1, 2]])
