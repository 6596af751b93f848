import numpy as np
import pytest
from sklearn import ensemble as judge
from tests.classical.compliance import compliance
from tests.classical.tree_data import classes, numbers, table

from groundup.classical.decision_tree import DecisionTreeClassifier, DecisionTreeRegressor
from groundup.classical.estimator import clone
from groundup.classical.neighbors import KNeighborsClassifier, KNeighborsRegressor
from groundup.classical.svm import SVC
from groundup.classical.voting import VotingClassifier, VotingRegressor

CLASSIFIERS = [
    ("tree", DecisionTreeClassifier(max_depth=3)),
    ("near", KNeighborsClassifier(3)),
    ("deep", DecisionTreeClassifier()),
]
REGRESSORS = [("tree", DecisionTreeRegressor(max_depth=3)), ("near", KNeighborsRegressor(3))]
WITH_WEIGHTS = [("a", DecisionTreeClassifier(max_depth=2)), ("b", DecisionTreeClassifier())]


@compliance(
    VotingClassifier(WITH_WEIGHTS),
    VotingClassifier(WITH_WEIGHTS, voting="soft", weights=[1, 2]),
    VotingRegressor([("a", DecisionTreeRegressor()), ("b", DecisionTreeRegressor(max_depth=1))]),
)
def test_conventions(estimator, check):
    check(estimator)


@pytest.mark.reference
@pytest.mark.parametrize("voting", ["hard", "soft"])
@pytest.mark.parametrize("weights", [None, [2, 1, 0.5]])
def test_votes_are_counted_as_by_scikit_learn(voting, weights):
    """Its ensemble takes our classifiers, so that the two count the same votes."""
    X, new = table(0), table(1)
    y = np.array(["x", "y", "z"])[classes(X, 3)]
    one, other = [
        kind(CLASSIFIERS, voting=voting, weights=weights).fit(X, y)
        for kind in (VotingClassifier, judge.VotingClassifier)
    ]
    assert np.array_equal(one.predict(new), other.predict(new))
    if voting == "soft":
        np.testing.assert_allclose(one.predict_proba(new), other.predict_proba(new))
    else:
        assert not hasattr(one, "predict_proba")


@pytest.mark.reference
@pytest.mark.parametrize("weights", [None, [3, 1]])
def test_the_mean_is_scikit_learns(weights):
    X, new = table(0), table(1)
    one, other = [
        kind(REGRESSORS, weights=weights).fit(X, numbers(X))
        for kind in (VotingRegressor, judge.VotingRegressor)
    ]
    np.testing.assert_allclose(one.predict(new), other.predict(new))


def test_parts_are_set_by_name_and_dropped():
    X = table(0)
    model = VotingRegressor(REGRESSORS, weights=[1, 5])
    model = clone(model).set_params(tree__max_depth=1, near="drop").fit(X, numbers(X))
    assert list(model.named_estimators_) == ["tree"]
    assert model.named_estimators_["tree"].get_depth() == 1
    alone = DecisionTreeRegressor(max_depth=1).fit(X, numbers(X))
    assert np.array_equal(model.predict(X), alone.predict(X))
    assert REGRESSORS[0][1].max_depth == 3


@pytest.mark.parametrize(
    ("model", "message"),
    [
        (VotingClassifier([]), "non-empty list"),
        (VotingClassifier([("a", "drop")]), "at least one of them not 'drop'"),
        (VotingClassifier(WITH_WEIGHTS, weights=[1]), "got 1 weights, 2 estimators"),
        (VotingClassifier(WITH_WEIGHTS, voting="loud"), "voting is 'loud'"),
        (VotingClassifier([("a", SVC()), ("a", SVC())]), "not unique"),
        (VotingClassifier(SVC()), "should be a list of tuples"),
    ],
)
def test_bad_parameters_are_refused(model, message):
    with pytest.raises(ValueError, match=message):
        model.fit([[1.0], [2.0], [3.0]], [0, 1, 0])
