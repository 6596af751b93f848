import pytest
from sklearn import tree as judge
from tests.classical.tree_data import classes, numbers, table

from groundup.classical.decision_tree import DecisionTreeClassifier, DecisionTreeRegressor
from groundup.classical.estimator import NotFittedError
from groundup.classical.tree_text import export_text

LIMITS = {"min_samples_leaf": 10, "random_state": 0}


@pytest.mark.reference
@pytest.mark.parametrize("max_depth", [0, 1, 2, 10])
@pytest.mark.parametrize("names", [None, ["a", "b", "c", "d"]])
def test_the_text_is_scikit_learns(max_depth, names):
    X = table(0)
    for ours, theirs, y in (
        (DecisionTreeRegressor, judge.DecisionTreeRegressor, numbers(X)),
        (DecisionTreeClassifier, judge.DecisionTreeClassifier, classes(X)),
    ):
        one, other = ours(**LIMITS).fit(X, y), theirs(**LIMITS).fit(X, y)
        options = {"max_depth": max_depth, "feature_names": names, "decimals": 3}
        assert export_text(one, **options) == judge.export_text(other, **options)


def test_words_are_classes():
    tree = DecisionTreeClassifier().fit([[1.0], [3.0]], ["setosa", "virginica"])
    assert export_text(tree, feature_names=["length"]) == (
        "|--- length <= 2.00\n|   |--- class: setosa\n"
        "|--- length >  2.00\n|   |--- class: virginica\n"
    )


def test_bad_input():
    with pytest.raises(NotFittedError, match="not fitted"):
        export_text(DecisionTreeClassifier())
    tree = DecisionTreeClassifier().fit([[1.0], [3.0]], [0, 1])
    with pytest.raises(ValueError, match="must contain 1 elements, got 2"):
        export_text(tree, feature_names=["a", "b"])
    with pytest.raises(ValueError, match="neither may be negative"):
        export_text(tree, max_depth=-1)
