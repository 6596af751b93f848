"""What every estimator is: parameters set by the constructor, `fit`, learned attributes in `_`.

The conventions are scikit-learn's (Buitinck et al., "API design for machine learning software",
2013), so that its tools take these estimators and those who know it are at home:

- the constructor stores its arguments under their names and does nothing else;
- `fit(X, y)` checks everything, learns, and returns the estimator;
- what was learned ends in an underscore: `coef_`, `n_features_in_`;
- `predict`, `transform`, `predict_proba`, `score` may be called after `fit`;
- `get_params` and `set_params` read and write the arguments, those of inner estimators as
  `inner__name`, so that a search can set them.

Left out: metadata routing, `set_output`, sparse matrices.
"""

import copy
import inspect
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from groundup.classical.scikit_learn import as_caught_there, tags


class NotFittedError(ValueError, AttributeError):
    """An estimator is asked for what it learns in `fit`, before `fit`."""


class Estimator:
    """Parameters by name, equal for all; a member defines `__init__` and `fit`."""

    kind: ClassVar[str | None] = None
    """What it is to scikit-learn: classifier, regressor, clusterer, or None."""
    tag_settings: ClassVar[dict[str, bool]] = {}
    """Tags that differ from the usual ones; see `groundup.classical.scikit_learn.tags`."""

    @classmethod
    def parameter_names(cls) -> list[str]:
        """The constructor's arguments, sorted."""
        if cls.__init__ is object.__init__:
            return []
        return sorted(name for name in inspect.signature(cls.__init__).parameters if name != "self")

    def inner_estimators(self) -> dict[str, "Estimator"]:
        """Estimators that are no parameters themselves but whose parameters can be set by name."""
        return {}

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """Parameters and their values; with `deep` also `inner__name` of estimators among them."""
        values = {name: getattr(self, name) for name in self.parameter_names()}
        if not deep:
            return values
        inner = self.inner_estimators()
        inner |= {name: value for name, value in values.items() if hasattr(value, "get_params")}
        nested = {
            f"{name}__{key}": value
            for name, estimator in inner.items()
            if not isinstance(estimator, type)
            for key, value in estimator.get_params().items()
        }
        return values | dict(self.inner_estimators()) | nested

    def set_params(self, **params: Any) -> Self:
        """Set parameters by name, outer ones first; ValueError for a name that is none."""
        known = self.get_params()
        nested: dict[str, dict[str, Any]] = {}
        for name, value in params.items():
            outer, _, rest = name.partition("__")
            if outer not in known:
                raise ValueError(
                    f"Invalid parameter {outer!r} for estimator {self}. "
                    f"Valid parameters are: {self.parameter_names()!r}."
                )
            if rest:
                nested.setdefault(outer, {})[rest] = value
            else:
                self.set_one(name, value)
        for outer, settings in nested.items():
            self.get_params()[outer].set_params(**settings)
        return self

    def set_one(self, name: str, value: Any) -> None:
        """Set the parameter of that name; an estimator of named parts replaces the part."""
        setattr(self, name, value)

    def __repr__(self) -> str:
        defaults = {
            name: parameter.default
            for name, parameter in inspect.signature(type(self).__init__).parameters.items()
        }
        changed = [
            f"{name}={value!r}"
            for name, value in self.get_params(deep=False).items()
            if repr(value) != repr(defaults[name])
        ]
        return f"{type(self).__name__}({', '.join(changed)})"

    def __sklearn_tags__(self) -> Any:
        return tags(self.kind, hasattr(self, "transform"), self.tag_settings)


class Classifier(Estimator):
    """Learns to tell classes apart; `predict` gives one of `classes_` for each row."""

    kind = "classifier"
    classes_: NDArray[Any]

    def predict(self, X: ArrayLike) -> NDArray[Any]:
        """The most likely class of each row of X (samples x features)."""
        raise AssertionError(f"{type(self).__name__} does not say how it predicts")

    def score(self, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None = None) -> float:
        """The share of rows whose class is predicted right, in [0, 1]."""
        hits = self.predict(X) == np.asarray(y).reshape(-1)
        return float(np.average(hits, weights=_weights(sample_weight)))


class Regressor(Estimator):
    """Learns to predict numbers."""

    kind = "regressor"

    def predict(self, X: ArrayLike) -> NDArray[np.float64]:
        """The predicted value of each row of X (samples x features)."""
        raise AssertionError(f"{type(self).__name__} does not say how it predicts")

    def score(self, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None = None) -> float:
        r"""$R^2 = 1 - \sum_i w_i (y_i - \hat y_i)^2 / \sum_i w_i (y_i - \bar y)^2$.

        1 is perfect, 0 as good as the mean, negative is worse. Several outputs are averaged. Where
        y is constant it is 1 if the prediction is exact and 0 if not.
        """
        predicted = np.asarray(self.predict(X), np.float64)
        target = np.asarray(y, np.float64).reshape(predicted.shape)
        weights = _weights(sample_weight)
        mean = np.average(target, axis=0, weights=weights)
        missed = np.average((target - predicted) ** 2, axis=0, weights=weights)
        spread = np.average((target - mean) ** 2, axis=0, weights=weights)
        exact = np.where(missed == 0, 1.0, 0.0)
        safe = np.where(spread == 0, 1.0, spread)
        return float(np.mean(np.where(spread == 0, exact, 1 - missed / safe)))


class Transformer(Estimator):
    """Turns rows into other rows. A class that also predicts names this one last of its bases."""

    def transform(self, X: ArrayLike) -> NDArray[Any]:
        """The rows of X (samples x features) as their new features."""
        raise AssertionError(f"{type(self).__name__} does not say how it transforms")

    def fit_transform(self, X: ArrayLike, y: ArrayLike | None = None) -> NDArray[Any]:
        """`fit(X, y)`, then `transform(X)`."""
        fitted: Transformer = self.fit(X) if y is None else self.fit(X, y)  # type: ignore[attr-defined]
        return fitted.transform(X)


class Clusterer(Estimator):
    """Finds groups of rows: `labels_` after `fit`, a group's number for each row, -1 for noise."""

    kind = "clusterer"
    labels_: NDArray[np.int64]

    def fit_predict(self, X: ArrayLike, y: ArrayLike | None = None) -> NDArray[np.int64]:
        """`fit(X)`, then the labels of its rows. `y` is ignored."""
        fitted: Clusterer = self.fit(X)  # type: ignore[attr-defined]
        return fitted.labels_


def _weights(sample_weight: ArrayLike | None) -> NDArray[np.float64] | None:
    return None if sample_weight is None else np.asarray(sample_weight, np.float64)


def clone(estimator: Any) -> Any:
    """A new estimator with the same parameters that has learned nothing.

    Inner estimators are cloned too, lists of them item by item; other parameters are copied.
    """
    if isinstance(estimator, list | tuple | set | frozenset):
        return type(estimator)(clone(part) for part in estimator)
    if not hasattr(estimator, "get_params") or isinstance(estimator, type):
        return copy.deepcopy(estimator)
    values = estimator.get_params(deep=False)
    return type(estimator)(**{name: clone(value) for name, value in values.items()})


def require_fitted(estimator: Estimator, attribute: str = "n_features_in_") -> None:
    """Raise NotFittedError unless `fit` has set that attribute."""
    if not hasattr(estimator, attribute):
        raise as_caught_there(NotFittedError)(
            f"This {type(estimator).__name__} instance is not fitted yet. "
            "Call 'fit' with appropriate arguments before using this estimator."
        )
