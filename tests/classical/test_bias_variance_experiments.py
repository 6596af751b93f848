"""The U curve and the second descent come out as the books say."""

import numpy as np
import pytest

from groundup.classical.bias_variance_experiments import (
    double_descent,
    polynomial_errors,
    smallest_solution,
    wave,
)


def test_the_error_of_degrees_is_a_u_and_the_training_error_falls():
    table = polynomial_errors(range(9), repeats=100, random_state=0)
    error, train, bias, variance = (
        np.array([row[name] for row in table])
        for name in ("error", "train_error", "bias", "variance")
    )
    best = int(error.argmin())
    assert 3 <= best <= 5  # a sine wave is nearly a cubic
    assert error[0] > 2 * error[best]
    assert error[-1] > 2 * error[best]
    assert (np.diff(train) <= 1e-12).all()  # the same training sets: more freedom fits them better
    assert bias[0] > 10 * bias[3]
    assert variance[-1] > 10 * variance[3]
    for row in table:
        total = row["bias"] + row["variance"] + row["noise"]
        assert row["error"] == pytest.approx(total, rel=1e-12)


def test_more_rows_lower_the_variance_and_leave_the_bias():
    few, many = (
        polynomial_errors([1], n_samples=n, repeats=200, random_state=0)[0] for n in (20, 200)
    )
    assert many["variance"] < 0.2 * few["variance"]  # a tenth in theory
    assert many["bias"] == pytest.approx(few["bias"], rel=0.1)


def test_the_error_peaks_at_as_many_features_as_rows_and_falls_again():
    table = {row["width"]: row for row in double_descent(
        (10, 20, 40, 160, 400), repeats=8, random_state=0)}  # fmt: skip
    error = {width: row["error"] for width, row in table.items()}
    assert error[40] > 3 * max(error[20], error[160])
    assert error[400] < min(error[10], error[20])
    assert table[400]["train_error"] < 1e-20
    assert table[40]["norm"] > 3 * table[400]["norm"]


def test_the_smallest_solution_is_the_pseudo_inverses():
    rng = np.random.default_rng(0)
    for shape in ((5, 9), (9, 5), (5, 5)):
        A, b = rng.normal(size=shape), rng.normal(size=shape[0])
        # condition numbers of small Gaussian matrices stay below 1e3 here
        np.testing.assert_allclose(smallest_solution(A, b), np.linalg.pinv(A) @ b, rtol=1e-9)


def test_the_wave_is_a_sine():
    np.testing.assert_allclose(wave(np.array([0, 0.25, 0.75])), [0, 1, -1], atol=1e-15)
