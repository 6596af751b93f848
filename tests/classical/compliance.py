"""scikit-learn's own checks for estimators, run on ours: the family's list of `classical`.

    @compliance(Ridge(), Lasso())
    def test_conventions(estimator, check):
        check(estimator)

gives one test for each estimator and check. `excused` names checks that cannot hold, by class name
and check name, each with its reason; such a check must fail, or the excuse is out of date.
"""

import warnings
from functools import partial

import pytest
from sklearn.utils import estimator_checks


def compliance(*estimators, excused=None):
    """Parametrize a test with (estimator, check) for each of scikit-learn's checks."""
    cases = [case for estimator in estimators for case in _cases(estimator, excused or {})]
    return pytest.mark.parametrize(("estimator", "check"), cases)


def _cases(estimator, excused):
    reasons = dict(excused.get(type(estimator).__name__, {}))
    checks = list(_standard(estimator))
    if estimator.kind == "clusterer":  # there they are found by inheritance from ClusterMixin
        checks += [partial(check, repr(estimator)) for check in _clustering(estimator)]
    for check in checks:
        name = _name(check)
        reason = reasons.get(name)
        runs = _must_fail(check, reason) if reason else _quiet(check)
        # some minutes in all: in `make test`, not in `make test-fast`
        yield pytest.param(
            estimator, runs, id=f"{estimator!r}-{name}"[:150], marks=pytest.mark.slow
        )


def _standard(estimator):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that we do not inherit from BaseEstimator
        for _, check in estimator_checks.estimator_checks_generator(estimator):
            yield check


def _clustering(estimator):
    yield estimator_checks.check_clusterer_compute_labels_predict
    yield estimator_checks.check_clustering
    yield partial(estimator_checks.check_clustering, readonly_memmap=True)
    yield estimator_checks.check_estimators_partial_fit_n_features
    if not hasattr(estimator, "transform"):
        yield estimator_checks.check_non_transformer_estimators_n_iter


def _name(check):
    while isinstance(check, partial):
        check = check.func
    return check.__name__


def _quiet(check):
    def run(estimator):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # the checks' tiny data give odd numbers, and may
            check(estimator)

    return run


def _must_fail(check, reason):
    def run(estimator):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                check(estimator)
            except Exception:
                pytest.xfail(reason)
        pytest.fail(f"this check holds now, take it off the list: {reason}")

    return run
