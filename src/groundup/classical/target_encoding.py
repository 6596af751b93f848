r"""A category as the mean of the target over its rows, drawn towards the mean of all.

$e_c = \lambda_c \bar y_c + (1 - \lambda_c) \bar y$: a category of few rows says little, so its mean
is shrunk. One column however many categories there are. The target leaks into the feature, so the
training rows are encoded by folds: each by the encoding of the other folds. Use `fit_transform`
on the training rows; `fit(...).transform(...)` gives them the encoding of all.

Source: Micci-Barreca, "A preprocessing scheme for high-cardinality categorical attributes in
classification and prediction problems" (2001).
"""

from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from groundup.classical.encoding import CategoryEncoder
from groundup.classical.feature_names import Names, input_names
from groundup.classical.splitting import KFold, StratifiedKFold
from groundup.classical.validation import check_target
from groundup.swap import replaceable

Floats = NDArray[np.float64]
Numbers = NDArray[np.int64]


@replaceable
def shrunken_means(y: Floats, numbers: Numbers, count: int, smooth: float | None) -> Floats:
    r"""The encoding of each of `count` categories from the rows' category numbers.

    With a number m for `smooth`: $\lambda_c = n_c / (n_c + m)$. With None (empirical Bayes)
    $\lambda_c = n_c \sigma^2 / (n_c \sigma^2 + \sigma_c^2)$, $\sigma^2$ the variance of all y and
    $\sigma_c^2$ that within the category. A category without rows has the mean of all.
    """
    kept = numbers >= 0
    rows = np.bincount(numbers[kept], minlength=count)
    sums = np.bincount(numbers[kept], weights=y[kept], minlength=count)
    mean = float(y.mean())
    if smooth is not None:
        total = rows + smooth
        safe = np.where(total == 0, 1.0, total)
        return np.where(total == 0, mean, (sums + smooth * mean) / safe)
    some = np.maximum(rows, 1)
    means = sums / some
    missed = np.bincount(
        numbers[kept], weights=(y[kept] - means[numbers[kept]]) ** 2, minlength=count
    )
    strength = y.var() * rows
    total = strength + missed / some
    trust = np.where(total == 0, 0.0, strength / np.where(total == 0, 1.0, total))
    shrunk: Floats = trust * means + (1 - trust) * mean
    return shrunk


class TargetEncoder(CategoryEncoder):
    """One column for each column, or, with more than two classes, for each column and class.

    `target_type`: "auto", "continuous", "binary" or "multiclass". `smooth`: "auto" or a number, see
    `shrunken_means`. `cv`: how many folds `fit_transform` shuffles at `random_state`, or a
    splitter. Unknown categories
    get the mean of all. Learned: `categories_`, `encodings_`, `target_mean_`, `target_type_`, and
    `classes_` for classes. Left out: `shuffle=False`.
    """

    handle_unknown = "ignore"

    def __init__(
        self,
        *,
        categories: Any = "auto",
        target_type: str = "auto",
        smooth: Any = "auto",
        cv: Any = 5,
        random_state: Any = None,
    ) -> None:
        self.categories = categories
        self.target_type = target_type
        self.smooth = smooth
        self.cv = cv
        self.random_state = random_state

    def fit(self, X: Any, y: ArrayLike) -> Self:
        """Learn the encoding from all rows."""
        self._learn(X, y)
        return self

    def _learn(self, X: Any, y: ArrayLike) -> tuple[list[Numbers], Floats]:
        if self.smooth != "auto" and not self.smooth >= 0:
            raise ValueError(f"smooth is {self.smooth!r}; it may be 'auto' or 0 or more")
        self.learn_categories(X)
        targets = self._targets(check_target(self, y))
        numbers = self.numbers(self.check_columns(X), "fit")
        if len(numbers[0]) != len(targets):
            raise ValueError(
                "Found input variables with inconsistent numbers of samples: "
                f"[{len(numbers[0])}, {len(targets)}]"
            )
        self.encodings_ = self._encodings(numbers, targets)
        means = targets.mean(axis=0)
        self.target_mean_ = means if self.target_type_ == "multiclass" else float(means[0])
        return numbers, targets

    def _targets(self, y: NDArray[Any]) -> Floats:
        """The target as columns of numbers: one, or one of 0 and 1 for each class."""
        kinds = ("auto", "continuous", "binary", "multiclass")
        if self.target_type not in kinds:
            raise ValueError(f"target_type is {self.target_type!r}; it may be one of {kinds}")
        classes = np.unique(y)
        is_number = y.dtype.kind in "fiu"
        has_fractions = y.dtype.kind == "f" and bool((y != np.floor(y)).any())
        found = "continuous" if has_fractions else "binary" if len(classes) <= 2 else "multiclass"
        self.target_type_ = found if self.target_type == "auto" else self.target_type
        if self.target_type_ == "continuous":
            if not is_number or not np.isfinite(y.astype(np.float64)).all():
                raise ValueError(f"a continuous target must be finite numbers, got {y.dtype}")
            return y.astype(np.float64)[:, None]
        self.classes_ = classes
        if self.target_type_ == "binary":
            if len(classes) != 2:
                raise ValueError(
                    f"a binary target has two classes, y has {len(classes)} in {len(y)} sample(s)"
                )
            classes = classes[1:]
        columns: Floats = np.asarray(y[:, None] == classes, np.float64)
        return columns

    def _encodings(self, numbers: list[Numbers], targets: Floats) -> list[Floats]:
        smooth = None if self.smooth == "auto" else float(self.smooth)
        return [
            shrunken_means(target, found, len(known), smooth)
            for found, known in zip(numbers, self.categories_, strict=True)
            for target in targets.T
        ]

    def fit_transform(self, X: Any, y: ArrayLike | None = None) -> Floats:
        """Each fold's rows by the encoding that the other folds give; learn that of all rows."""
        if y is None:
            raise ValueError("TargetEncoder requires y to be passed, but the target y is None.")
        numbers, targets = self._learn(X, y)
        kind = KFold if self.target_type_ == "continuous" else StratifiedKFold
        is_splitter = hasattr(self.cv, "split")
        folds: Any = (
            self.cv if is_splitter else kind(self.cv, shuffle=True, random_state=self.random_state)
        )
        result = np.empty((len(targets), len(self.encodings_)))
        for train, test in folds.split(targets, np.asarray(y).reshape(-1)):
            encodings = self._encodings([found[train] for found in numbers], targets[train])
            result[test] = _looked_up([found[test] for found in numbers], encodings,
                                      targets[train].mean(axis=0))  # fmt: skip
        return result

    def transform(self, X: Any) -> Floats:
        """Each value's encoding."""
        numbers = self.numbers(self.check_columns(X), "transform")
        return _looked_up(numbers, self.encodings_, np.atleast_1d(self.target_mean_))

    def get_feature_names_out(self, input_features: ArrayLike | None = None) -> Names:
        """The columns' names, or name_class."""
        names = input_names(self, input_features)
        if self.target_type_ != "multiclass":
            return names
        return np.array([f"{name}_{c}" for name in names for c in self.classes_], dtype=object)


def _looked_up(numbers: list[Numbers], encodings: list[Floats], means: Floats) -> Floats:
    """Rows x encodings; the mean of a target for an unknown category (number -1)."""
    columns = []
    for place, encoding in enumerate(encodings):
        found = numbers[place // len(means)]
        known = encoding[np.maximum(found, 0)]
        columns.append(np.where(found >= 0, known, means[place % len(means)]))
    return np.stack(columns, axis=1)
