"""What an estimator's parameters may be: counts and sizes, checked in `fit`."""

import numpy as np

from groundup.classical.estimator import Estimator


def check_whole(estimator: Estimator, *names: str, least: int = 1) -> None:
    """ValueError unless the parameters of those names are whole numbers of at least `least`.

    3.0 is refused as scikit-learn does: a count that was computed may not be whole next time.
    """
    for name in names:
        value = getattr(estimator, name)
        is_whole = isinstance(value, int | np.integer) and not isinstance(value, bool)
        if not is_whole or value < least:
            raise ValueError(f"{name} is {value!r}; it must be a whole number, at least {least}")


def check_number(estimator: Estimator, *names: str, least: float = 0.0) -> None:
    """ValueError unless the parameters of those names are real numbers of at least `least`."""
    for name in names:
        value = getattr(estimator, name)
        kinds = int | float | np.integer | np.floating
        is_number = isinstance(value, kinds) and not isinstance(value, bool)
        if not is_number or not value >= least:
            raise ValueError(f"{name} is {value!r}; it must be a number, at least {least}")
