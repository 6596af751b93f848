"""How estimators are made of estimators: who answers for the whole, and parts that have names.

A pipeline, a search or a selector has the methods that the estimator inside it has, and no others:
`hasattr(search, "predict_proba")` asks the estimator it will fit. The inner ones may be
scikit-learn's as well as ours: only the methods count.
"""

import inspect
from collections.abc import Callable
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from groundup.classical.estimator import Estimator
from groundup.classical.scikit_learn import tags


def kind_of(estimator: Any) -> str | None:
    """classifier, regressor, clusterer or None, of our estimators and scikit-learn's."""
    if isinstance(estimator, Estimator):
        return estimator.kind
    if not hasattr(estimator, "__sklearn_tags__"):
        return getattr(estimator, "_estimator_type", None)
    kind: str | None = estimator.__sklearn_tags__().estimator_type
    return kind


class Forwarded:
    """A method that the inner estimator answers, and that is there only if it has it."""

    def __set_name__(self, owner: type, name: str) -> None:
        self.name = name

    def __get__(self, outer: Any, owner: type | None = None) -> Callable[..., Any]:
        if outer is None:
            return self  # type: ignore[return-value]
        inner = outer.inner(self.name)
        if not hasattr(inner, self.name):
            raise AttributeError(
                f"This {type(outer).__name__!r} has no attribute {self.name!r}, because its "
                f"{type(inner).__name__!r} has none"
            )

        def call(X: Any, *args: Any, **kwargs: Any) -> Any:
            moved = outer.moved(X)
            return getattr(outer.inner(self.name), self.name)(moved, *args, **kwargs)

        asked = getattr(inner, self.name)
        call.__name__, call.__doc__ = self.name, asked.__doc__
        call.__signature__ = inspect.signature(asked)  # type: ignore[attr-defined]
        return call


class Forwarding(Estimator):
    """The methods of prediction, as far as the inner estimator has them.

    A member defines `inner(method)`: the estimator that answers, and `moved(X)`: the rows as that
    one wants them, which raises NotFittedError before `fit`.
    """

    predict = Forwarded()
    predict_proba = Forwarded()
    predict_log_proba = Forwarded()
    decision_function = Forwarded()
    score_samples = Forwarded()

    def inner(self, method: str) -> Any:
        """The estimator that answers for the whole."""
        raise AssertionError(f"{type(self).__name__} does not say what answers {method}")

    def moved(self, X: Any) -> Any:
        """X as the inner estimator wants it."""
        return X

    @property
    def classes_(self) -> NDArray[Any]:
        """The classes of the inner classifier."""
        classes: NDArray[Any] = self.inner("classes_").classes_
        return classes


class NamedParts(Estimator):
    """Parameters of parts as `part__parameter`, and parts replaced by setting their name.

    A member's `parts_parameter` names the constructor's argument that lists the parts as tuples
    (name, estimator, ...).
    """

    parts_parameter: str

    def named_parts(self) -> list[tuple[Any, ...]]:
        """The listed tuples; none where the argument is no list, which `fit` refuses."""
        return list(getattr(self, self.parts_parameter)) if self._is_list() else []

    def _is_list(self) -> bool:
        parts = getattr(self, self.parts_parameter)
        return isinstance(parts, list | tuple) and all(isinstance(part, tuple) for part in parts)

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """The arguments; with `deep` also each part by its name, and its parameters."""
        values = {name: getattr(self, name) for name in self.parameter_names()}
        if not deep:
            return values
        parts = {part[0]: part[1] for part in self.named_parts()}
        others = {name: value for name, value in values.items() if hasattr(value, "get_params")}
        for name, part in (parts | others).items():
            values[name] = part
            if hasattr(part, "get_params") and not isinstance(part, type):
                values |= {f"{name}__{key}": value for key, value in part.get_params().items()}
        return values

    def set_params(self, **params: Any) -> Self:
        """Set the list of parts first, then whole parts, then their parameters."""
        if self.parts_parameter in params:
            setattr(self, self.parts_parameter, params.pop(self.parts_parameter))
        return super().set_params(**params)

    def set_one(self, name: str, value: Any) -> None:
        """Replace the part of that name in its list, or set an argument."""
        parts = self.named_parts()
        if name not in [part[0] for part in parts]:
            setattr(self, name, value)
            return
        changed = [(part[0], value, *part[2:]) if part[0] == name else part for part in parts]
        setattr(self, self.parts_parameter, changed)

    def check_names(self) -> None:
        """ValueError for no list of tuples, and a name that is twice, an argument, or has "__"."""
        if not self._is_list():
            raise ValueError(
                f"{self.parts_parameter} should be a list of tuples (name, estimator, ...), "
                f"got {getattr(self, self.parts_parameter)!r}"
            )
        names = [part[0] for part in self.named_parts()]
        if len(set(names)) != len(names):
            raise ValueError(f"Names provided are not unique: {names!r}")
        for name in names:
            if not isinstance(name, str) or "__" in name:
                raise ValueError(f"Estimator names must be text without '__': got {name!r}")
            if name in self.parameter_names():
                raise ValueError(f"Estimator names conflict with constructor arguments: {name!r}")


def names_of(estimators: tuple[Any, ...]) -> list[str]:
    """The classes' names in small letters; where one occurs again, numbered name-1, name-2."""
    plain = [e if isinstance(e, str) else type(e).__name__.lower() for e in estimators]
    seen: dict[str, int] = {}
    names = []
    for name in plain:
        seen[name] = seen.get(name, 0) + 1
        names.append(f"{name}-{seen[name]}" if plain.count(name) > 1 else name)
    return names


def tags_of_parts(parts: list[Any]) -> Any:
    """scikit-learn's tags of a transformer that takes NaN if all its parts do."""
    inner = [part.__sklearn_tags__() for part in parts if hasattr(part, "__sklearn_tags__")]
    return tags(None, True, {"allow_nan": all(tag.input_tags.allow_nan for tag in inner)})


def stacked(blocks: list[Any], X: Any) -> NDArray[Any]:
    """Blocks of columns side by side, dense; no columns for the rows of X if there is no block."""
    dense = [
        block.toarray() if hasattr(block, "toarray") else np.asarray(block) for block in blocks
    ]
    for block in dense:
        if block.ndim != 2:
            raise ValueError(
                "The output of a part should be 2D (samples x features), got an array of shape "
                f"{block.shape}"
            )
    return np.hstack(dense) if dense else np.zeros((len(X), 0))
