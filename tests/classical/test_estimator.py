"""The frame of every estimator: parameters, copies, scores, and how it shows to scikit-learn."""

import numpy as np
import pandas
import pytest
import sklearn.base
import sklearn.metrics
from hypothesis import given
from hypothesis import strategies as st
from sklearn.exceptions import NotFittedError as TheirNotFittedError

from groundup.classical.estimator import (
    Classifier,
    Clusterer,
    Estimator,
    NotFittedError,
    Regressor,
    Transformer,
    clone,
    require_fitted,
)
from groundup.classical.linear import LinearRegression
from groundup.classical.pipeline import Pipeline
from groundup.classical.ridge import Ridge
from groundup.classical.scaling import StandardScaler
from groundup.classical.scikit_learn import as_caught_there, tags


class Wrapper(Estimator):
    def __init__(self, inner=None, size=1):
        self.inner = inner
        self.size = size


class Says(Regressor):
    def __init__(self, values=()):
        self.values = values

    def predict(self, X):
        return np.asarray(self.values, float)


class SaysClasses(Classifier):
    def __init__(self, values=()):
        self.values = values

    def predict(self, X):
        return np.asarray(self.values)


def test_parameters_are_read_and_written_by_name_also_those_within():
    wrapper = Wrapper(Ridge(alpha=2.0))
    assert wrapper.get_params(deep=False) == {"inner": wrapper.inner, "size": 1}
    assert wrapper.get_params()["inner__alpha"] == 2.0
    assert wrapper.set_params(inner__alpha=3.0, size=4) is wrapper
    assert (wrapper.inner.alpha, wrapper.size) == (3.0, 4)
    other = Ridge(alpha=7.0)
    wrapper.set_params(inner__alpha=5.0, inner=other)  # the outer one first
    assert other.alpha == 5.0
    with pytest.raises(ValueError, match="Invalid parameter 'depth'"):
        wrapper.set_params(depth=1)
    with pytest.raises(ValueError, match="Invalid parameter 'beta'"):
        wrapper.set_params(inner__beta=1)
    assert Transformer().get_params() == {}


def test_only_what_differs_is_printed():
    assert repr(Ridge()) == "Ridge()"
    assert repr(Wrapper(Ridge(alpha=2.0), 3)) == "Wrapper(inner=Ridge(alpha=2.0), size=3)"


def test_a_clone_shares_nothing_and_has_learned_nothing():
    fitted = StandardScaler().fit(np.eye(3))
    wrapper = Wrapper([Ridge(alpha=2.0), fitted], {"a": [1]})
    copy = clone(wrapper)
    assert copy.inner[0] is not wrapper.inner[0]
    assert copy.inner[0].alpha == 2.0
    assert not hasattr(copy.inner[1], "mean_")
    copy.size["a"].append(2)
    assert wrapper.size == {"a": [1]}
    assert clone(Ridge) is Ridge
    theirs = sklearn.base.clone(wrapper.inner[0])
    assert theirs.alpha == 2.0


@pytest.mark.reference
@given(st.integers(0, 2**32 - 1), st.booleans(), st.booleans())
def test_scores_are_scikit_learns(seed, weighted, several):
    rng = np.random.default_rng(seed)
    shape = (9, 2) if several else (9,)
    y, predicted = rng.standard_normal((2, *shape))
    weights = rng.random(9) if weighted else None
    wanted = sklearn.metrics.r2_score(y, predicted, sample_weight=weights)
    # sums of nine numbers, divided: some tens of units in the last place of 1 / spread
    assert Says(predicted).score(None, y, weights) == pytest.approx(wanted, rel=1e-9, abs=1e-9)
    classes, guesses = rng.integers(0, 3, (2, 9))
    wanted = sklearn.metrics.accuracy_score(classes, guesses, sample_weight=weights)
    assert SaysClasses(guesses).score(None, classes, weights) == pytest.approx(wanted)


def test_the_score_of_a_constant_target():
    assert Says([2.0, 2.0]).score(None, [2.0, 2.0]) == 1.0
    assert Says([2.0, 3.0]).score(None, [2.0, 2.0]) == 0.0


def test_before_fit_both_errors_are_raised_at_once():
    with pytest.raises(NotFittedError, match="Ridge instance is not fitted yet") as caught:
        Ridge().predict(np.eye(2))
    assert isinstance(caught.value, TheirNotFittedError)
    with pytest.raises(NotFittedError):
        require_fitted(Wrapper(), "inner_")


def test_tags_say_what_an_estimator_is():
    found = tags("classifier", True, {"non_deterministic": True, "positive_only": True})
    assert found.estimator_type == "classifier"
    assert found.non_deterministic
    assert found.input_tags.positive_only
    assert found.transformer_tags is not None
    assert not tags("clusterer", False, {}).target_tags.required
    with pytest.raises(AssertionError, match="no tag 'odd'"):
        tags(None, False, {"odd": True})
    assert sklearn.base.is_regressor(Ridge())
    assert Clusterer().__sklearn_tags__().estimator_type == "clusterer"


def test_an_error_scikit_learn_does_not_know_stays_ours():
    class Odd(Exception):
        pass

    assert as_caught_there(Odd) is Odd


@pytest.mark.parametrize("base", [Classifier, Regressor, Transformer])
def test_a_member_that_says_nothing_fails_with_words(base):
    method = "transform" if base is Transformer else "predict"
    with pytest.raises(AssertionError, match="does not say how"):
        getattr(base(), method)(None)


def test_names_of_columns_are_remembered_and_compared():
    frame = pandas.DataFrame({"a": [1.0, 2, 4], "b": [0.0, 1, 0]})
    y = [1.0, 2.0, 3.0]
    model = LinearRegression().fit(frame, y)
    assert model.feature_names_in_.tolist() == ["a", "b"]
    np.testing.assert_allclose(model.predict(frame), y)
    with pytest.warns(UserWarning, match="does not have valid feature names"):
        model.predict(frame.to_numpy())
    with pytest.raises(ValueError, match="feature names should match"):
        model.predict(frame[["b", "a"]])
    model.fit(frame.to_numpy(), y)
    assert not hasattr(model, "feature_names_in_")
    with pytest.warns(UserWarning, match="was fitted without them"):
        model.predict(frame)
    numbered = pandas.DataFrame(frame.to_numpy())
    assert not hasattr(Pipeline([("a", StandardScaler())]).fit(numbered)[0], "feature_names_in_")
