"""TargetEncoder against scikit-learn's."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import model_selection, preprocessing
from tests.classical.compliance import compliance

from groundup.classical.target_encoding import TargetEncoder, shrunken_means


@compliance(TargetEncoder(cv=3))
def test_conventions(estimator, check):
    check(estimator)


@pytest.mark.reference
@pytest.mark.filterwarnings("ignore:The least populated")
@given(
    seed=st.integers(0, 2**32 - 1),
    kind=st.sampled_from(["continuous", "binary", "multiclass"]),
    smooth=st.sampled_from(["auto", 0.0, 2.5]),
)
@settings(max_examples=40)
def test_encodings_are_scikit_learns(seed, kind, smooth):
    rng = np.random.default_rng(seed)
    X = np.column_stack([rng.integers(4, size=40), rng.integers(9, size=40)]).astype(object)
    X[:, 1] = [f"c{value}" for value in X[:, 1]]
    y = rng.normal(size=40) if kind == "continuous" else rng.integers(2 + (kind[0] == "m"), size=40)
    y[:3] = [0, 1, 2] if kind == "multiclass" else [0, 1, 0]
    names = np.array(["x", "y", "z"])
    target = y if kind == "continuous" else names[y]
    folds = model_selection.KFold if kind == "continuous" else model_selection.StratifiedKFold
    cv = folds(3, shuffle=True, random_state=seed)
    theirs = preprocessing.TargetEncoder(smooth=smooth, cv=cv)
    ours = TargetEncoder(smooth=smooth, cv=cv)
    if smooth == "auto":
        ours = TargetEncoder(cv=3, random_state=seed)  # the same folds
    wanted = theirs.fit_transform(X, target)
    # sums of 40 terms
    np.testing.assert_allclose(ours.fit_transform(X, target), wanted, rtol=1e-11, atol=1e-12)
    for mine, encoding in zip(ours.encodings_, theirs.encodings_, strict=True):
        np.testing.assert_allclose(mine, encoding, rtol=1e-11, atol=1e-12)
    later = np.array([[1, "c2"], [77, "new"]], dtype=object)
    np.testing.assert_allclose(ours.transform(later), theirs.transform(later), atol=1e-12)
    assert ours.target_type_ == theirs.target_type_ == kind
    assert list(ours.get_feature_names_out()) == list(theirs.get_feature_names_out())


def test_folds_do_not_leak():
    rng = np.random.default_rng(0)
    X, y = np.arange(200)[:, None] // 2, rng.normal(size=200)  # pairs, and nothing to learn
    leaked = np.corrcoef(TargetEncoder(smooth=0).fit(X, y).transform(X)[:, 0], y)[0, 1]
    honest = np.corrcoef(TargetEncoder(smooth=0, random_state=0).fit_transform(X, y)[:, 0], y)
    assert leaked > 0.6  # a pair's mean holds the row itself: 1/sqrt(2) in theory
    assert abs(honest[0, 1]) < 0.25


def test_few_rows_are_drawn_to_the_mean_of_all():
    y, numbers = np.array([0.0, 0, 0, 0, 10]), np.array([0, 0, 0, 0, 1])
    assert shrunken_means(y, numbers, 3, 1.0).tolist() == [0.4, 6.0, 2.0]
    assert shrunken_means(y, numbers, 3, None)[2] == 2.0


@pytest.mark.parametrize(
    ("encoder", "y", "message"),
    [
        (TargetEncoder(smooth=-1), [0, 1], "smooth is -1"),
        (TargetEncoder(target_type="x"), [0, 1], "target_type is 'x'"),
        (TargetEncoder(target_type="binary"), [0, 0], "has two classes, y has 1"),
        (TargetEncoder(target_type="continuous"), ["a", "b"], "must be finite numbers"),
        (TargetEncoder(), [0, 1, 1], "inconsistent numbers"),
    ],
)
def test_what_cannot_be_is_refused(encoder, y, message):
    with pytest.raises(ValueError, match=message):
        encoder.fit([["a"], ["b"]], y)
