"""What meta estimators share: kinds, forwarded methods, named parts."""

import numpy as np
import pytest
from sklearn import cluster, linear_model, preprocessing

from groundup.classical.composition import Forwarding, NamedParts, kind_of, names_of, stacked
from groundup.classical.k_means import KMeans
from groundup.classical.logistic import LogisticRegression
from groundup.classical.ridge import Ridge
from groundup.classical.scaling import StandardScaler


@pytest.mark.reference
def test_kinds_of_ours_and_theirs():
    pairs = [
        (Ridge(), linear_model.Ridge(), "regressor"),
        (LogisticRegression(), linear_model.LogisticRegression(), "classifier"),
        (KMeans(), cluster.KMeans(), "clusterer"),
        (StandardScaler(), preprocessing.StandardScaler(), None),
    ]
    for ours, theirs, kind in pairs:
        assert kind_of(ours) == kind_of(theirs) == kind
    assert kind_of(object()) is None


class Doubled(Forwarding):
    def __init__(self, estimator):
        self.estimator = estimator

    def inner(self, method):
        return self.estimator

    def moved(self, X):
        return 2 * X


def test_a_method_is_there_if_the_inner_one_is():
    X = np.arange(6.0).reshape(3, 2)
    inner = Ridge().fit(2 * X, [1, 2, 3])
    assert Doubled(inner).predict(X).tolist() == inner.predict(2 * X).tolist()
    assert not hasattr(Doubled(inner), "predict_proba")
    assert Doubled(inner).predict.__doc__ == inner.predict.__doc__
    with pytest.raises(AttributeError, match="because its 'Ridge' has none"):
        Doubled(inner).decision_function(X)


class Parts(NamedParts):
    parts_parameter = "parts"

    def __init__(self, parts, other=1):
        self.parts = parts
        self.other = other


def test_parts_are_read_and_replaced_by_name():
    parts = Parts([("a", Ridge(alpha=2), 7), ("b", "passthrough", 8)])
    assert parts.get_params()["a__alpha"] == 2
    parts.set_params(a__alpha=3, b=Ridge(), other=5)
    assert parts.parts[0][1].alpha == 3
    assert parts.parts[1] == ("b", parts.get_params()["b"], 8)
    assert parts.other == 5
    parts.set_params(parts=[("c", Ridge(), 9)], c__alpha=4)  # the list first, whatever the order
    assert parts.parts[0][1].alpha == 4
    with pytest.raises(ValueError, match="Invalid parameter 'a'"):
        parts.set_params(a__alpha=1)


def test_same_classes_are_numbered():
    assert names_of((Ridge(), StandardScaler(), Ridge())) == [
        "ridge-1",
        "standardscaler",
        "ridge-2",
    ]


def test_blocks_must_have_two_dimensions():
    assert stacked([np.ones((2, 1)), np.zeros((2, 2))], [0, 0]).tolist() == [[1, 0, 0]] * 2
    with pytest.raises(ValueError, match="should be 2D"):
        stacked([np.ones(2)], [0, 0])
