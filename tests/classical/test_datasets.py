"""Made-up data have the shapes and the truth that they promise."""

import numpy as np
import pytest
from sklearn import datasets as theirs

from groundup.classical import datasets
from groundup.classical.linear import LinearRegression


@pytest.mark.reference
@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("make_blobs", {"n_samples": 30, "n_features": 3, "centers": 4}),
        ("make_moons", {"n_samples": 31, "noise": 0.1}),
        ("make_circles", {"n_samples": 30, "factor": 0.3}),
        ("make_classification", {"n_samples": 50, "n_features": 6, "n_classes": 3,
                                 "n_informative": 3}),
        ("make_friedman1", {"n_samples": 20, "n_features": 7}),
    ],
)  # fmt: skip
def test_shapes_are_scikit_learns_and_seeds_repeat(name, options):
    ours = getattr(datasets, name)(**options, random_state=5)
    wanted = getattr(theirs, name)(**options, random_state=5)
    assert [part.shape for part in ours] == [part.shape for part in wanted]
    assert [part.dtype for part in ours] == [part.dtype for part in wanted]
    if ours[1].dtype.kind == "i":
        assert set(ours[1]) == set(wanted[1])
    again = getattr(datasets, name)(**options, random_state=5)
    assert all(np.array_equal(a, b) for a, b in zip(ours, again, strict=True))


@pytest.mark.reference
def test_friedmans_function_is_scikit_learns():
    X, y = datasets.make_friedman1(50, random_state=0)
    exact = 10 * np.sin(np.pi * X[:, 0] * X[:, 1]) + 20 * (X[:, 2] - 0.5) ** 2
    np.testing.assert_allclose(y, exact + 10 * X[:, 3] + 5 * X[:, 4])


def test_a_regression_gives_its_coefficients_back():
    X, y, coef = datasets.make_regression(200, 8, n_informative=3, bias=2.0, random_state=0)
    model = LinearRegression().fit(X, y)
    np.testing.assert_allclose(model.coef_, coef, atol=1e-10)
    assert model.intercept_ == pytest.approx(2.0)
    assert (coef != 0).sum() == 3


def test_clouds_lie_where_they_are_put():
    X, y = datasets.make_blobs(
        900, centers=[[0, 0], [10, 0], [0, 10]], cluster_std=0.5, random_state=0
    )
    means = np.array([X[y == k].mean(axis=0) for k in range(3)])
    # 300 points of deviation 0.5: five deviations of the mean
    np.testing.assert_allclose(means, [[0, 0], [10, 0], [0, 10]], atol=5 * 0.5 / np.sqrt(300))
    assert np.bincount(y).tolist() == [300] * 3


def test_circles_and_moons_without_noise_lie_on_their_curves():
    X, y = datasets.make_circles(100, factor=0.5, random_state=0)
    np.testing.assert_allclose(np.hypot(*X.T), np.where(y == 1, 0.5, 1.0))
    X, y = datasets.make_moons(100, random_state=0)
    np.testing.assert_allclose(np.hypot(*X[y == 0].T), 1.0)
    np.testing.assert_allclose(np.hypot(*(X[y == 1] - [1.0, 0.5]).T), 1.0)


def test_what_cannot_be_is_refused():
    with pytest.raises(ValueError, match="factor is 1"):
        datasets.make_circles(factor=1)
    with pytest.raises(ValueError, match="cannot hold 5 classes"):
        datasets.make_classification(n_classes=5)
    with pytest.raises(ValueError, match="five or more"):
        datasets.make_friedman1(n_features=4)
