"""What may go into an estimator: arrays are checked here, once, with scikit-learn's messages.

X is samples x features, y one target for each sample. Everything becomes float64 in C order unless
a dtype is asked for. Names of a data frame's columns are kept, as `feature_names_in_`.
"""

import warnings
from typing import Any

import numpy as np
from numpy.typing import NDArray

from groundup.classical.estimator import Estimator, require_fitted
from groundup.classical.scikit_learn import as_caught_there

Floats = NDArray[np.float64]


class DataConversionWarning(UserWarning):
    """Data came in a shape that can be meant, but is not the usual one."""


def check_array(
    X: Any,
    *,
    name: str = "X",
    owner: str = "",
    dtype: Any = np.float64,
    allow_nan: bool = False,
    min_samples: int = 1,
    min_features: int = 1,
) -> NDArray[Any]:
    """X as a two-dimensional array of numbers; `dtype` None keeps what it is (also strings).

    Raises ValueError for another number of dimensions, too few rows or columns, complex numbers,
    strings where numbers are wanted, NaN (unless allowed) and infinity; TypeError for sparse
    matrices and things that are no numbers. `owner`: the estimator's name, for messages.
    """
    array = _plain(X, name)
    if array.ndim != 2:
        _refuse_dimensions(array, name)
    wanted_by = f" required by {owner}" if owner else " required"
    for size, least, what in zip(
        array.shape, (min_samples, min_features), ("sample", "feature"), strict=True
    ):
        if size < least:
            raise ValueError(
                f"Found array with {size} {what}(s) (shape={array.shape}) while a minimum of "
                f"{least} is{wanted_by}."
            )
    if dtype is not None:
        array = as_numbers(array, name, dtype)
        refuse_non_finite(array, name, allow_nan)
    return np.ascontiguousarray(array)


def _plain(X: Any, name: str) -> NDArray[Any]:
    if X is None:
        raise ValueError(f"Expected 2D array for {name}, got None")
    if hasattr(X, "toarray"):
        raise TypeError(
            f"Sparse data was passed for {name}, but dense data is required. "
            "Use '.toarray()' to convert to a dense numpy array."
        )
    array = np.asarray(X)
    if np.iscomplexobj(array):
        raise ValueError(f"Complex data not supported\n{array}\n")
    return array


def _refuse_dimensions(array: NDArray[Any], name: str) -> None:
    if array.ndim > 2:
        raise ValueError(f"Found array with dim {array.ndim}. {name} is expected to have 2.")
    what = "scalar array" if array.ndim == 0 else "1D array"
    raise ValueError(
        f"Expected 2D array, got {what} instead:\narray={array}.\n"
        "Reshape your data either using array.reshape(-1, 1) if your data has a single feature "
        "or array.reshape(1, -1) if it contains a single sample."
    )


def as_numbers(array: NDArray[Any], name: str, dtype: Any) -> NDArray[Any]:
    """The array in that dtype; ValueError for text."""
    if array.dtype.kind in "US":
        raise ValueError(
            f"{name} holds text (dtype {array.dtype}), and numbers are wanted; "
            "encode it first, as with OneHotEncoder"
        )
    return array.astype(dtype, copy=False)


def refuse_non_finite(array: NDArray[Any], name: str, allow_nan: bool = False) -> None:
    """ValueError for infinity, and for NaN unless it is allowed."""
    if array.dtype.kind != "f":
        return
    with np.errstate(over="ignore", invalid="ignore"):
        if np.isfinite(array.sum()):  # then all its terms are
            return
    if not allow_nan and np.isnan(array).any():
        raise ValueError(
            f"Input {name} contains NaN. Fill the gaps first (as with SimpleImputer), "
            "or leave those rows out."
        )
    if np.isinf(array).any():
        raise ValueError(
            f"Input {name} contains infinity or a value too large for {array.dtype!r}."
        )


def check_fit(estimator: Estimator, X: Any, **options: Any) -> NDArray[Any]:
    """X as `check_array` wants it; the estimator remembers `n_features_in_` and column names."""
    names = feature_names(X)
    array = check_array(X, owner=type(estimator).__name__, **options)
    remembered: Any = estimator
    remembered.n_features_in_ = array.shape[1]
    if names is not None:
        remembered.feature_names_in_ = names
    elif hasattr(estimator, "feature_names_in_"):
        del remembered.feature_names_in_
    return array


def check_fit_target(
    estimator: Estimator, X: Any, y: Any, *, multi_output: bool = False, **options: Any
) -> tuple[NDArray[Any], Floats]:
    """X and a numeric y for a regressor: (samples,), or samples x outputs if that is allowed."""
    array = check_fit(estimator, X, **options)
    target = as_numbers(check_target(estimator, y, multi_output=multi_output), "y", np.float64)
    refuse_non_finite(target, "y")
    _refuse_lengths(array, target)
    return array, np.ascontiguousarray(target)


def check_fit_classes(
    estimator: Estimator, X: Any, y: Any, **options: Any
) -> tuple[NDArray[Any], NDArray[Any], NDArray[np.int64]]:
    """X, the sorted classes, and the class number of each sample, for a classifier.

    Raises ValueError for a continuous target and where there is one class only.
    """
    array = check_fit(estimator, X, **options)
    target = check_target(estimator, y)
    if target.dtype.kind == "f":
        refuse_non_finite(target, "y")
        if (target != np.floor(target)).any():
            raise ValueError(
                "Unknown label type: continuous. A classifier wants classes, and y holds numbers "
                "with fractions; use a regressor, or cut y into classes."
            )
    _refuse_lengths(array, target)
    try:
        classes, numbers = np.unique(target, return_inverse=True)
    except TypeError as problem:
        raise TypeError(
            f"Unknown label type: y holds labels that cannot be ordered ({problem}); "
            "give all labels one type, as text or as integers"
        ) from problem
    if len(classes) < 2:
        raise ValueError(
            f"{type(estimator).__name__} needs samples of at least two classes; "
            f"y holds one class: {classes.tolist()[0]!r}"
        )
    return array, classes, numbers.reshape(-1).astype(np.int64)


def check_target(estimator: Estimator, y: Any, *, multi_output: bool = False) -> NDArray[Any]:
    """The target as an array of one dimension (or two, if that is allowed)."""
    if y is None:
        raise ValueError(
            f"This {type(estimator).__name__} estimator requires y to be passed, "
            "but the target y is None."
        )
    target = _plain(y, "y")
    if target.ndim == 2 and (target.shape[1] == 1 and not multi_output):
        warnings.warn(
            "A column-vector y was passed when a 1d array was expected. Please change the shape "
            "of y to (n_samples,), for example using ravel().",
            as_caught_there(DataConversionWarning),
            stacklevel=4,
        )
        return target.ravel()
    if target.ndim != 1 and not (multi_output and target.ndim == 2):
        raise ValueError(f"y should be a 1d array, got an array of shape {target.shape} instead.")
    return target


def _refuse_lengths(X: NDArray[Any], y: NDArray[Any]) -> None:
    if len(X) != len(y):
        raise ValueError(
            f"Found input variables with inconsistent numbers of samples: [{len(X)}, {len(y)}]"
        )


def check_predict(estimator: Estimator, X: Any, **options: Any) -> NDArray[Any]:
    """X for a fitted estimator: as many features as in `fit`, of the same names.

    Raises NotFittedError before `fit`.
    """
    require_fitted(estimator)
    _compare_names(estimator, feature_names(X))
    owner = type(estimator).__name__
    array = check_array(X, owner=owner, **options)
    expected: int = estimator.n_features_in_  # type: ignore[attr-defined]
    if array.shape[1] != expected:
        raise ValueError(
            f"X has {array.shape[1]} features, but {owner} is expecting {expected} features "
            "as input."
        )
    return array


def feature_names(X: Any) -> NDArray[Any] | None:
    """The columns' names of a data frame if all are text, else None."""
    columns = getattr(X, "columns", None)
    if columns is None or not all(isinstance(column, str) for column in columns):
        return None
    return np.asarray(list(columns), dtype=object)


def _compare_names(estimator: Estimator, names: NDArray[Any] | None) -> None:
    known = getattr(estimator, "feature_names_in_", None)
    owner = type(estimator).__name__
    if known is None and names is not None:
        warnings.warn(f"X has feature names, but {owner} was fitted without them", stacklevel=4)
    elif known is not None and names is None:
        warnings.warn(
            f"X does not have valid feature names, but {owner} was fitted with feature names",
            stacklevel=4,
        )
    elif known is not None and names is not None and list(known) != list(names):
        raise ValueError(
            "The feature names should match those that were passed during fit.\n"
            f"It was fitted with {list(known)} and is given {list(names)}."
        )


def check_sample_weight(sample_weight: Any, X: NDArray[Any]) -> Floats:
    """Weights of the samples (ones for None), none negative, at least one above zero."""
    if sample_weight is None:
        return np.ones(len(X))
    weights = np.asarray(sample_weight, np.float64)
    if weights.ndim == 0:
        weights = np.full(len(X), float(weights))
    if weights.ndim != 1:
        raise ValueError(f"Sample weights must be 1D array or scalar, got shape {weights.shape}")
    if len(weights) != len(X):
        raise ValueError(f"sample_weight.shape == {weights.shape}, expected {(len(X),)}!")
    refuse_non_finite(weights, "sample_weight")
    if (weights < 0).any():
        raise ValueError("Negative values in data passed to sample_weight; weights start at 0.")
    if not (weights > 0).any():
        raise ValueError("Sample weights must contain at least one weight that is not zero.")
    return weights


def random_generator(random_state: Any) -> np.random.Generator:
    """A generator from None (fresh), a seed, a Generator (itself) or a RandomState (its draw)."""
    if isinstance(random_state, np.random.Generator):
        return random_state
    if isinstance(random_state, np.random.RandomState):
        return np.random.default_rng(random_state.randint(0, 2**31 - 1))
    return np.random.default_rng(random_state)
