"""LabelEncoder against scikit-learn's."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn import preprocessing
from tests.classical.compliance import compliance

from groundup.classical.label_encoding import LabelEncoder


@compliance(LabelEncoder())
def test_conventions(estimator, check):
    check(estimator)


@pytest.mark.reference
@given(
    st.one_of(
        st.lists(st.integers(-5, 5), min_size=1),
        st.lists(st.text(st.characters(exclude_characters="\x00"), max_size=2), min_size=1),
        st.lists(st.booleans(), min_size=1),
        st.lists(st.floats(-2, 2), min_size=1),
    )
)
def test_numbers_are_scikit_learns(y):
    ours, theirs = LabelEncoder(), preprocessing.LabelEncoder()
    assert ours.fit_transform(y).tolist() == theirs.fit_transform(y).tolist()
    assert ours.classes_.tolist() == theirs.classes_.tolist()
    assert ours.inverse_transform(ours.transform(y)).tolist() == list(y)


def test_strangers_are_refused():
    encoder = LabelEncoder().fit(["a", "b"])
    with pytest.raises(ValueError, match=r"previously unseen labels: \['c'\]"):
        encoder.transform(["a", "c"])
    with pytest.raises(ValueError, match=r"previously unseen labels: \[2\]"):
        encoder.inverse_transform([0, 2])
    with pytest.raises(ValueError, match="y should be a 1d array"):
        encoder.transform(np.zeros((2, 2)))
