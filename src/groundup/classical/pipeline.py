"""Steps in a row as one estimator: what is learned from the rows is learned in every step.

A scaler fitted on all rows before cross-validation has seen the test rows. In a pipeline it is
fitted on the training rows of each fold alone, so nothing leaks.
"""

from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from groundup.classical.composition import Forwarded, Forwarding, NamedParts, kind_of, names_of
from groundup.classical.feature_names import Names, default_names
from groundup.classical.scikit_learn import tags


class Pipeline(NamedParts, Forwarding):
    """Transformers, then any estimator: `steps` is a list of (name, estimator).

    `fit` fits each step on what the steps before it give; `predict` and the others move the rows
    through the fitted transformers and ask the last step. The steps themselves are fitted, not
    copies. A step may be "passthrough" or None, which does nothing. Parameters are set as
    `step__parameter`, and a step is replaced by its name. `pipeline[0]`, `pipeline["name"]` and
    `pipeline[:-1]` give a step or a shorter pipeline.

    What `fit` passes on to one step's `fit` is named `step__parameter`, as in
    `fit(X, y, ridge__sample_weight=w)`. Left out: caching (`memory`), `verbose`, metadata routing.
    """

    parts_parameter = "steps"
    transform = Forwarded()
    steps: list[tuple[str, Any]]

    def __init__(self, steps: list[tuple[str, Any]]) -> None:
        self.steps = steps

    def fit(self, X: Any, y: ArrayLike | None = None, **params: Any) -> Self:
        """Fit all steps, one after the other."""
        settings = self._check(params)
        moved = self._fit_transformers(X, y, settings)
        last = self._last
        if last is not None:
            last.fit(moved, y, **settings[self.steps[-1][0]])
        return self

    def _fit_transformers(self, X: Any, y: Any, settings: dict[str, dict[str, Any]]) -> Any:
        for name, step in self.steps[:-1]:
            if not is_skipped(step):
                X = fit_and_transform(step, X, y, settings[name])
        return X

    @property
    def fit_transform(self) -> Any:
        """`fit(X, y)`, then X through all steps; only if the last one is a transformer."""
        if self._last is not None and not hasattr(self._last, "transform"):
            raise AttributeError("This 'Pipeline' has no attribute 'fit_transform'")
        return self._fit_transform

    def _fit_transform(self, X: Any, y: ArrayLike | None = None, **params: Any) -> NDArray[Any]:
        settings = self._check(params)
        moved = self._fit_transformers(X, y, settings)
        name, last = self.steps[-1]
        if not is_skipped(last):
            moved = fit_and_transform(last, moved, y, settings[name])
        rows: NDArray[Any] = moved
        return rows

    @property
    def fit_predict(self) -> Any:
        """`fit(X)`, then the last step's labels; only if that step is a clusterer."""
        if not hasattr(self._last, "fit_predict"):
            raise AttributeError("This 'Pipeline' has no attribute 'fit_predict'")
        return self._fit_predict

    def _fit_predict(self, X: Any, y: ArrayLike | None = None, **params: Any) -> NDArray[Any]:
        settings = self._check(params)
        moved = self._fit_transformers(X, y, settings)
        labels: NDArray[Any] = self._last.fit_predict(moved, y, **settings[self.steps[-1][0]])
        return labels

    score = Forwarded()

    def inner(self, method: str) -> Any:
        """The last step; a last step that does nothing gives the rows back."""
        last = self._last
        return _Unchanged() if last is None else last

    def moved(self, X: Any) -> Any:
        """X through all steps but the last."""
        for _, step in self.steps[:-1]:
            if not is_skipped(step):
                X = step.transform(X)
        return X

    def inverse_transform(self, X: Any) -> Any:
        """X back through all steps, the last one first."""
        for _, step in reversed(self.steps):
            if not is_skipped(step):
                X = step.inverse_transform(X)
        return X

    def get_feature_names_out(self, input_features: ArrayLike | None = None) -> Names:
        """The columns' names after all steps."""
        names = input_features
        for name, step in self.steps:
            if is_skipped(step):
                continue
            if not hasattr(step, "get_feature_names_out"):
                raise AttributeError(f"Estimator {name} does not provide get_feature_names_out.")
            names = step.get_feature_names_out(names)
        if names is None:
            return default_names(self.n_features_in_)
        return np.asarray(names, dtype=object)

    def _check(self, params: dict[str, Any]) -> dict[str, dict[str, Any]]:
        """The parameters of each step's `fit`; ValueError for a bad list of steps or parameters."""
        self.check_names()
        if not self.steps:
            raise ValueError("The pipeline is empty. Please add steps.")
        for name, step in self.steps[:-1]:
            if not is_skipped(step) and not (hasattr(step, "fit") and hasattr(step, "transform")):
                raise TypeError(
                    "All intermediate steps should be transformers and implement fit and "
                    f"transform or be the string 'passthrough'; {name!r} is {step!r}"
                )
        last = self._last
        if last is not None and not hasattr(last, "fit"):
            raise TypeError(
                "Last step of Pipeline should implement fit or be the string 'passthrough'; "
                f"it is {last!r}"
            )
        settings: dict[str, dict[str, Any]] = {name: {} for name, _ in self.steps}
        for key, value in params.items():
            name, _, rest = key.partition("__")
            if not rest or name not in settings:
                raise ValueError(
                    f"Pipeline.fit does not accept the {key} parameter. You can pass parameters to "
                    "specific steps of your pipeline using the stepname__parameter format, as "
                    "`fit(X, y, logisticregression__sample_weight=w)`."
                )
            settings[name][rest] = value
        return settings

    @property
    def _last(self) -> Any:
        step = self.steps[-1][1]
        return None if is_skipped(step) else step

    @property
    def named_steps(self) -> dict[str, Any]:
        """The steps by name."""
        return dict(self.steps)

    @property
    def n_features_in_(self) -> int:
        """The features that the first step saw."""
        count: int = self._first("n_features_in_")
        return count

    @property
    def feature_names_in_(self) -> Names:
        """The column names that the first step saw."""
        names: Names = self._first("feature_names_in_")
        return names

    def _first(self, attribute: str) -> Any:
        for _, step in self.steps:
            if not is_skipped(step):
                return getattr(step, attribute)
        raise AttributeError(f"a Pipeline without steps has no {attribute}")

    @property
    def kind(self) -> str | None:  # type: ignore[override]
        """What the last step is: classifier, regressor, clusterer, or None."""
        return kind_of(self._last)

    def __len__(self) -> int:
        return len(self.steps)

    def __getitem__(self, place: int | str | slice) -> Any:
        if isinstance(place, slice):
            if place.step not in (1, None):
                raise ValueError("Pipeline slicing only supports a step of 1")
            return Pipeline(self.steps[place])
        return self.named_steps[place] if isinstance(place, str) else self.steps[place][1]

    def __sklearn_tags__(self) -> Any:
        last = self._last if self.steps else None
        if last is None:
            return tags(None, True, {})
        result = last.__sklearn_tags__()
        steps = [step for _, step in self.steps if not is_skipped(step)]
        inputs = [step.__sklearn_tags__().input_tags for step in steps]
        result.input_tags = inputs[0]
        result.input_tags.allow_nan = all(tag.allow_nan for tag in inputs)
        return result

    def __sklearn_is_fitted__(self) -> bool:
        steps = [step for _, step in self.steps if not is_skipped(step)]
        return all(hasattr(step, "n_features_in_") for step in steps)


class _Unchanged:
    """What a last step that does nothing answers."""

    def transform(self, X: Any) -> Any:
        return X


def is_skipped(step: Any) -> bool:
    """Whether a step does nothing."""
    return step is None or (isinstance(step, str) and step == "passthrough")


def fit_and_transform(step: Any, X: Any, y: Any, params: dict[str, Any] | None = None) -> Any:
    """The rows of X as a step that is fitted on them gives them."""
    settings = params or {}
    if hasattr(step, "fit_transform") and not settings:
        return step.fit_transform(X, y)
    return step.fit(X, y, **settings).transform(X)


def make_pipeline(*steps: Any) -> Pipeline:
    """A pipeline whose steps are named for their classes: standardscaler, ridge, ..."""
    return Pipeline(list(zip(names_of(steps), steps, strict=True)))
