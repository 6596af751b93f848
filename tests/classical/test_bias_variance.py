"""The parts sum to the measured error, whatever the predictions; and they are what theory says."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from groundup.classical.bias_variance import (
    bootstrap_predictions,
    kohavi_wolpert_decomposition,
    repeated_predictions,
    squared_decomposition,
    zero_one_decomposition,
)
from groundup.classical.datasets import make_moons
from groundup.classical.dummy import DummyRegressor
from groundup.classical.linear import LinearRegression
from groundup.classical.logistic import LogisticRegression

seeds = st.integers(0, 2**32 - 1)


@given(seeds, st.integers(1, 30), st.integers(1, 8))
def test_squared_parts_sum_to_the_measured_error(seed, models, points):
    rng = np.random.default_rng(seed)
    answers, truth = rng.normal(size=(models, points)), rng.normal(size=points)
    noise = rng.uniform(0, 1, points)
    parts = squared_decomposition(answers, truth, noise)
    measured = noise + ((answers - truth) ** 2).mean(axis=0)
    # means of `models` terms: models eps of their sizes
    np.testing.assert_allclose(parts.error, measured, rtol=models * 1e-15, atol=1e-14)
    assert (parts.bias >= 0).all()
    assert (parts.variance >= 0).all()


def draw_classes(seed, models, points, k, noisy):
    rng = np.random.default_rng(seed)
    answers = rng.integers(k, size=(models, points))
    p = rng.dirichlet(np.ones(k), points) if noisy else np.eye(k)[rng.integers(k, size=points)]
    return answers, p


cases = given(seeds, st.integers(1, 30), st.integers(1, 8), st.integers(2, 4), st.booleans())


@cases
def test_domingoss_parts_sum_to_the_error(seed, models, points, k, noisy):
    answers, p = draw_classes(seed, models, points, k, noisy)
    parts = zero_one_decomposition(answers, p)
    error = np.mean([1 - p[np.arange(points), row] for row in answers], axis=0)
    np.testing.assert_allclose(parts.error, error, atol=1e-12)
    summed = parts.noise_factor * parts.noise + parts.bias
    np.testing.assert_allclose(summed + parts.variance_factor * parts.variance, error, atol=1e-12)
    if k == 2:  # Domingos, theorem 2: the factors of two classes
        right = (answers == p.argmax(axis=1)).mean(axis=0)
        noisy_points = parts.noise > 0
        np.testing.assert_allclose(
            parts.noise_factor[noisy_points], (2 * right - 1)[noisy_points], atol=1e-12
        )
        scattered = parts.variance > 0
        np.testing.assert_allclose(
            parts.variance_factor[scattered], np.where(parts.bias == 0, 1, -1)[scattered]
        )


@cases
def test_kohavis_and_wolperts_parts_sum_to_the_error(seed, models, points, k, noisy):
    answers, p = draw_classes(seed, models, points, k, noisy)
    parts = kohavi_wolpert_decomposition(answers, p)
    error = np.mean([1 - p[np.arange(points), row] for row in answers], axis=0)
    np.testing.assert_allclose(parts.bias + parts.variance + parts.noise, error, atol=1e-12)
    np.testing.assert_allclose(parts.error, error, atol=1e-12)
    assert min(parts.bias.min(), parts.variance.min(), parts.noise.min()) >= -1e-15


def test_a_line_has_the_variance_of_theory():
    r"""At x a least-squares line has variance s^2 (1/n + (x - m)^2 / sum (x_i - m)^2), no bias."""
    x, noise = np.linspace(0, 1, 20), 0.5
    points = np.array([0.0, 0.5, 1.0])

    def draw(rng):
        return x[:, None], 2 * x - 1 + noise * rng.normal(size=20)

    answers = repeated_predictions(
        LinearRegression(), draw, points[:, None], repeats=2000, random_state=0
    )
    parts = squared_decomposition(answers, 2 * points - 1, noise**2)
    exact = noise**2 * (1 / 20 + (points - 0.5) ** 2 / ((x - 0.5) ** 2).sum())
    # a variance from 2000 draws has relative deviation sqrt(2 / 2000) = 0.032; five of them
    np.testing.assert_allclose(parts.variance, exact, rtol=0.16)
    assert (parts.bias < 25 * exact / 2000).all()  # the mean's own error, five deviations squared
    assert parts.means()["error"] == pytest.approx(parts.error.mean())


def test_the_error_on_fresh_noisy_targets_is_the_sum():
    rng = np.random.default_rng(1)
    x = np.linspace(-1, 1, 15)

    def draw(rng):
        return x[:, None], x**2 + 0.3 * rng.normal(size=15)

    answers = repeated_predictions(LinearRegression(), draw, x[:, None], repeats=3000,
                                   random_state=rng)  # fmt: skip
    fresh = x**2 + 0.3 * rng.normal(size=answers.shape)
    measured = ((fresh - answers) ** 2).mean()
    parts = squared_decomposition(answers, x**2, 0.3**2).means()
    # 45,000 squared errors of mean about 0.2 and deviation below 0.3: five deviations are 0.007
    assert parts["error"] == pytest.approx(measured, abs=0.007)
    assert parts["bias"] > 5 * parts["variance"]  # a line cannot bend


def test_seeds_repeat_and_differ():
    def draw(rng):
        return np.zeros((5, 1)), rng.normal(size=5)

    def run(seed):
        model = DummyRegressor()
        return repeated_predictions(model, draw, np.zeros((1, 1)), repeats=3, random_state=seed)

    assert np.array_equal(run(1), run(1))
    assert not np.array_equal(run(1), run(2))


def test_bootstrap_variance_of_a_mean_is_that_of_theory():
    y = np.random.default_rng(0).normal(size=50)
    answers = bootstrap_predictions(
        DummyRegressor(), np.zeros((50, 1)), y, np.zeros((1, 1)), repeats=3000, random_state=1
    )
    assert answers.var() == pytest.approx(y.var() / 50, rel=5 * np.sqrt(2 / 3000))


@pytest.mark.parametrize("decompose", [zero_one_decomposition, kohavi_wolpert_decomposition])
def test_a_stiff_classifier_has_bias_and_a_free_one_variance(decompose):
    points, truth = make_moons(300, noise=0.2, random_state=0)
    stiff = repeated_predictions(
        LogisticRegression(),
        lambda rng: make_moons(40, noise=0.2, random_state=rng),
        points, repeats=20, random_state=0,
    )  # fmt: skip

    class Nearest:
        def fit(self, X, y):
            self.X, self.y = X, y
            return self

        def predict(self, X):
            return self.y[((X[:, None] - self.X) ** 2).sum(axis=-1).argmin(axis=1)]

        def get_params(self, deep=True):
            return {}

    free = repeated_predictions(
        Nearest(), lambda rng: make_moons(40, noise=0.2, random_state=rng),
        points, repeats=20, random_state=0,
    )  # fmt: skip
    p = np.eye(2)[truth]
    assert decompose(stiff, p).means()["bias"] > decompose(free, p).means()["bias"]
    assert decompose(stiff, p).means()["variance"] < decompose(free, p).means()["variance"]


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: squared_decomposition([1.0], [1.0]), "models x points"),
        (lambda: squared_decomposition([[np.nan]], [1.0]), "finite numbers"),
        (lambda: squared_decomposition([[1.0]], [1.0, 2.0]), "as many true values"),
        (lambda: squared_decomposition([[1.0]], [1.0], -1), "variances of 0 or more"),
        (lambda: zero_one_decomposition([[0]], [0.5, 0.5]), "points x classes"),
        (lambda: zero_one_decomposition([[0]], [[0.5, 0.4]]), "sum to 1"),
        (lambda: zero_one_decomposition([[2]], [[0.5, 0.5]]), "class numbers 0 to 1"),
    ],
)
def test_what_cannot_be_is_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()
