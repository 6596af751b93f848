"""Learning and validation curves against scikit-learn's."""

import numpy as np
import pytest
from sklearn import linear_model, model_selection

from groundup.classical.curves import learning_curve, rows_to_train, validation_curve
from groundup.classical.pipeline import make_pipeline
from groundup.classical.polynomial import PolynomialFeatures
from groundup.classical.ridge import Ridge


@pytest.fixture
def data():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(80, 3))
    return X, X @ [1, -2, 0.5] + rng.normal(size=80)


@pytest.mark.reference
@pytest.mark.parametrize("sizes", [np.linspace(0.1, 1, 5), [5, 20, 20, 64], [1.0]])
@pytest.mark.parametrize("shuffle", [True, False])
def test_learning_curves_are_scikit_learns(data, sizes, shuffle):
    X, y = data
    options = {"train_sizes": sizes, "cv": 5, "shuffle": shuffle, "random_state": 3}
    model = linear_model.Ridge()
    if len(set(sizes)) < len(sizes):
        with pytest.warns(RuntimeWarning, match="Removed duplicate entries"):
            theirs = model_selection.learning_curve(model, X, y, **options)
    else:
        theirs = model_selection.learning_curve(model, X, y, **options)
    ours = learning_curve(model, X, y, **options)
    for mine, wanted in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(mine, wanted, rtol=1e-10)


@pytest.mark.reference
def test_validation_curves_are_scikit_learns(data):
    X, y = data
    options = {"param_name": "alpha", "param_range": [0.01, 1.0, 100.0], "cv": 4}
    options |= {"scoring": "neg_mean_squared_error"}
    ours = validation_curve(linear_model.Ridge(), X, y, **options)
    theirs = model_selection.validation_curve(linear_model.Ridge(), X, y, **options)
    for mine, wanted in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(mine, wanted, rtol=1e-10)


def test_curves_show_what_they_are_for():
    rng = np.random.default_rng(1)
    X = rng.uniform(-1, 1, size=(400, 1))
    y = np.sin(4 * X[:, 0]) + 0.1 * rng.normal(size=400)
    bend = make_pipeline(PolynomialFeatures(), Ridge(alpha=1e-6))
    _, train, test = learning_curve(bend.set_params(polynomialfeatures__degree=9), X, y)
    gaps = (train - test).mean(axis=1)
    assert gaps[-1] < 0.2 * gaps[0]  # more rows close the gap of a flexible model
    train, test = validation_curve(
        bend, X, y, param_name="polynomialfeatures__degree", param_range=[1, 3, 7]
    )
    assert (np.diff(train.mean(axis=1)) > 0).all()  # more bend fits the training rows better
    assert test.mean(axis=1)[0] < 0.8 < test.mean(axis=1)[2]


@pytest.mark.parametrize(
    ("sizes", "message"),
    [
        ([0.0, 1.0], r"within \(0, 1\]"),
        ([1.1], r"within \(0, 1\]"),
        ([0], r"within \(0, 10\]"),
        ([11], r"within \(0, 10\]"),
        ([], "should be a list of numbers"),
        (0.5, "should be a list of numbers"),
    ],
)
def test_sizes_that_cannot_be_are_refused(sizes, message):
    with pytest.raises(ValueError, match=message):
        rows_to_train(sizes, 10)
