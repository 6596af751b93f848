"""One against the rest and one against one, against scikit-learn's."""

import numpy as np
import pytest
from sklearn import linear_model, multiclass, neighbors, svm
from tests.classical.compliance import compliance

from groundup.classical.logistic import LogisticRegression
from groundup.classical.multiclass import OneVsOneClassifier, OneVsRestClassifier


@compliance(
    OneVsRestClassifier(LogisticRegression(C=1)), OneVsOneClassifier(LogisticRegression(C=1))
)
def test_conventions(estimator, check):
    check(estimator)


def rows(classes):
    rng = np.random.default_rng(0)
    y = np.arange(90) % classes
    return rng.normal(size=(90, 3)) + rng.normal(size=(classes, 3))[y] * 1.5, y


@pytest.mark.reference
@pytest.mark.parametrize("classes", [2, 3, 4])
@pytest.mark.parametrize(
    "inner",
    [linear_model.LogisticRegression(), svm.SVC(), neighbors.KNeighborsClassifier(5)],
    ids=lambda inner: type(inner).__name__,
)
@pytest.mark.parametrize("name", ["OneVsRestClassifier", "OneVsOneClassifier"])
def test_decisions_are_scikit_learns(name, inner, classes):
    X, y = rows(classes)
    ours = {"OneVsRestClassifier": OneVsRestClassifier, "OneVsOneClassifier": OneVsOneClassifier}
    mine = ours[name](inner).fit(X, y)
    theirs = getattr(multiclass, name)(inner).fit(X, y)
    assert mine.predict(X).tolist() == theirs.predict(X).tolist()
    assert len(mine.estimators_) == len(theirs.estimators_)
    for method in ("decision_function", "predict_proba"):
        assert hasattr(mine, method) == hasattr(theirs, method)
        if hasattr(theirs, method):
            wanted = getattr(theirs, method)(X)
            np.testing.assert_allclose(getattr(mine, method)(X), wanted, rtol=1e-10, atol=1e-12)


def test_names_of_classes_come_back():
    X, y = rows(3)
    words = np.array(["red", "green", "blue"])[y]
    for kind in (OneVsRestClassifier, OneVsOneClassifier):
        assert kind(LogisticRegression()).fit(X, words).score(X, words) > 0.6


def test_one_class_is_refused():
    for kind in (OneVsRestClassifier, OneVsOneClassifier):
        with pytest.raises(ValueError, match="at least two classes"):
            kind(LogisticRegression()).fit([[1.0], [2.0]], [1, 1])
