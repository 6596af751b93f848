import numpy as np
import pytest
from sklearn import svm as judge
from sklearn.datasets import load_iris
from sklearn.exceptions import NotFittedError
from tests.classical.compliance import compliance
from tests.classical.tree_data import classes, numbers, table

from groundup.classical import svm as ours
from groundup.classical.svm import SVC, SVR, shares_of_votes
from groundup.maths.convergence import ConvergenceWarning

SCALE = "gamma='scale' is of the variance of the rows, unweighted; scikit-learn excuses its own too"
EXCUSE = {"check_sample_weight_equivalence_on_dense_data": SCALE}


@compliance(SVC(), SVR(), excused={"SVC": EXCUSE, "SVR": EXCUSE})
def test_conventions(estimator, check):
    check(estimator)


@compliance(
    SVC(gamma="auto", tol=1e-10),
    SVC(kernel="linear", tol=1e-10),
    SVR(gamma="auto", tol=1e-10),
    SVR(kernel="linear", tol=1e-10),
)
def test_conventions_without_excuse(estimator, check):
    check(estimator)


KERNELS = [
    {"kernel": "rbf"},
    {"kernel": "linear"},
    {"kernel": "poly", "degree": 2, "coef0": 1.0},
    {"kernel": "rbf", "gamma": "auto", "C": 20.0},
]
# LIBSVM keeps its kernel in float32: the residual is off by 6e-8 times the sum of |alpha|, up to
# 200 rows x C = 20, and so are values near the margin
CLOSE = {"rtol": 1e-3, "atol": 1e-3}


@pytest.mark.reference
@pytest.mark.parametrize("settings", KERNELS, ids=str)
@pytest.mark.parametrize("k", [2, 3, 4])
@pytest.mark.parametrize("is_weighted", [False, True])
def test_classes_are_scikit_learns(settings, k, is_weighted):
    X, new = table(0), table(1)
    y = classes(X, k)
    weights = np.random.default_rng(0).uniform(0.2, 2, len(X)) if is_weighted else None
    one, other = [
        each.SVC(**settings, tol=1e-6).fit(X, y, sample_weight=weights) for each in (ours, judge)
    ]
    assert one.kkt_residual_ <= 1e-6
    np.testing.assert_allclose(one.intercept_, other.intercept_, **CLOSE)
    np.testing.assert_allclose(one.decision_function(new), other.decision_function(new), **CLOSE)
    assert np.mean(one.predict(new) == other.predict(new)) >= 0.99
    assert np.array_equal(one.support_, other.support_)
    assert np.array_equal(one.n_support_, other.n_support_)
    assert np.array_equal(one.support_vectors_, other.support_vectors_)
    assert one.dual_coef_.shape == other.dual_coef_.shape
    if settings["kernel"] != "linear":  # there 4 features leave the factors undetermined
        np.testing.assert_allclose(one.dual_coef_, other.dual_coef_, rtol=5e-3, atol=5e-3)
    else:
        np.testing.assert_allclose(one.coef_, other.coef_, **CLOSE)
    one.decision_function_shape = other.decision_function_shape = "ovo"
    np.testing.assert_allclose(one.decision_function(new), other.decision_function(new), **CLOSE)


@pytest.mark.reference
@pytest.mark.parametrize("settings", KERNELS, ids=str)
@pytest.mark.parametrize("epsilon", [0.0, 0.1, 0.5])
def test_numbers_are_scikit_learns(settings, epsilon):
    X, new = table(0), table(1)
    weights = np.random.default_rng(0).uniform(0.2, 2, len(X))
    one, other = [
        each.SVR(**settings, epsilon=epsilon, tol=1e-6).fit(X, numbers(X), sample_weight=weights)
        for each in (ours, judge)
    ]
    assert one.kkt_residual_ <= 1e-6
    np.testing.assert_allclose(one.predict(new), other.predict(new), **CLOSE)
    np.testing.assert_allclose(one.intercept_, other.intercept_, **CLOSE)
    if epsilon:  # at 0 whether a factor is exactly 0 is a matter of rounding
        assert np.array_equal(one.support_, other.support_)


@pytest.mark.reference
def test_the_sigmoid_is_taken_though_it_is_no_valid_kernel():
    X, new = table(0), table(1)
    same = {"kernel": "sigmoid", "gamma": 0.05, "tol": 1e-6}
    one, other = [each.SVC(**same).fit(X, classes(X)) for each in (ours, judge)]
    np.testing.assert_allclose(one.decision_function(new), other.decision_function(new), **CLOSE)
    one, other = [each.SVR(**same).fit(X, numbers(X)) for each in (ours, judge)]
    np.testing.assert_allclose(one.predict(new), other.predict(new), **CLOSE)


@pytest.mark.reference
@pytest.mark.parametrize("class_weight", ["balanced", {0: 5.0, 2: 0.2}])
def test_class_weights_are_scikit_learns(class_weight):
    X = table(0)
    y = np.minimum(classes(X, 5), 2)
    one, other = [each.SVC(class_weight=class_weight, tol=1e-6).fit(X, y) for each in (ours, judge)]
    np.testing.assert_allclose(one.decision_function(X), other.decision_function(X), **CLOSE)


def test_a_precomputed_kernel_is_the_kernel():
    X, new = table(0), table(1)
    for kind, y in ((SVC, classes(X, 3)), (SVR, numbers(X))):
        direct = kind(kernel="linear", tol=1e-8).fit(X, y)
        given = kind(kernel="precomputed", tol=1e-8).fit(X @ X.T, y)
        called = kind(kernel=lambda a, b: a @ b.T, tol=1e-8).fit(X, y)
        for other in (given.values(new @ X.T), called.values(new)):
            np.testing.assert_allclose(direct.values(new), other, atol=1e-6)
        with pytest.raises(ValueError, match="must be a square matrix"):
            kind(kernel="precomputed").fit(X, y)
        with pytest.raises(AttributeError, match="only available when using a linear kernel"):
            _ = given.coef_


def test_the_margin_of_two_points():
    """Between -1 and 3 the widest margin is at 1, and both are support vectors at f = 1, -1."""
    machine = SVC(kernel="linear", C=10.0).fit([[-1.0], [3.0]], ["a", "b"])
    np.testing.assert_allclose(machine.coef_, [[0.5]])
    np.testing.assert_allclose(
        machine.decision_function([[-1.0], [1.0], [3.0]]), [-1, 0, 1], atol=1e-15
    )
    assert machine.predict([[0.9], [1.1]]).tolist() == ["a", "b"]


def test_errors_within_epsilon_are_none():
    X = np.linspace(0, 1, 20)[:, None]
    flat = SVR(epsilon=2.0).fit(X, X[:, 0])
    assert len(flat.support_) == 0
    assert np.ptp(flat.predict(X)) == 0
    tube = SVR(epsilon=0.1, C=1e3, tol=1e-6, kernel="linear").fit(X, 3 * X[:, 0])
    assert np.abs(tube.predict(X) - 3 * X[:, 0]).max() <= 0.1 + 1e-6


def test_iris_is_told_apart():
    X, y = load_iris(return_X_y=True)
    names = np.array(["setosa", "versicolor", "virginica"])[y]
    machine = SVC().fit(X, names)
    assert machine.score(X, names) > 0.95
    assert set(machine.predict(X)) == set(names)


def test_votes_decide_before_sums():
    votes = shares_of_votes(np.array([[1e-3, 1e-3, 100.0], [1.0, -1.0, 1.0]]), 3)
    assert votes[0].argmax() == 0  # two narrow votes beat one wide one
    assert np.floor(votes[0] + 0.5).tolist() == [2, 1, 0]
    assert np.floor(votes[1] + 0.5).tolist() == [1, 1, 1]  # in a circle: the sums decide


def test_giving_up_warns():
    class Hasty(SVC):
        max_steps = 2

    with pytest.warns(ConvergenceWarning, match="raise tol"):
        machine = Hasty().fit(table(0), classes(table(0)))
    assert machine.n_iter_.tolist() == [2]
    assert machine.kkt_residual_ > machine.tol


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"C": 0}, "C is 0"),
        ({"C": np.nan}, "C is nan"),
        ({"tol": 0.0}, "tol is 0.0"),
        ({"kernel": "cubic"}, "kernel is 'cubic'"),
        ({"gamma": -1.0}, "gamma is -1.0"),
        ({"degree": -1}, "degree is -1"),
        ({"degree": 1.5}, "degree is 1.5"),
        ({"decision_function_shape": "all"}, "it is ovr or ovo"),
        ({"class_weight": "even"}, "class_weight is 'even'"),
    ],
)
def test_parameters_out_of_range_are_refused(settings, message):
    with pytest.raises(ValueError, match=message):
        SVC(**settings).fit([[1.0], [2.0]], [0, 1])


def test_bad_input():
    with pytest.raises(ValueError, match="epsilon is -1"):
        SVR(epsilon=-1).fit([[1.0], [2.0]], [0, 1])
    with pytest.raises(ValueError, match="all samples of some class have zero"):
        SVC().fit([[1.0], [2.0]], [0, 1], sample_weight=[1.0, 0.0])
    with pytest.raises(NotFittedError):
        _ = SVC(kernel="linear").coef_
