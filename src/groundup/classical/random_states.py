"""The draws that scikit-learn makes, for what must give its very results at an integer seed.

Splits into train and test are compared across papers by their seed. scikit-learn draws them from
NumPy's frozen `RandomState` (Mersenne twister), so this room does too; all other randomness here
comes from `Generator`.
"""

from typing import Any

import numpy as np


def random_state_of(random_state: Any) -> np.random.RandomState:
    """A RandomState from a seed, from None (fresh), from a Generator (its draw), or itself.

    Raises ValueError for a seed that is no whole number from 0 to 2^32 - 1.
    """
    if isinstance(random_state, np.random.RandomState):
        return random_state
    if isinstance(random_state, np.random.Generator):
        return np.random.RandomState(int(random_state.integers(2**32)))
    if random_state is None:
        return np.random.RandomState(int(np.random.default_rng().integers(2**32)))
    is_whole = isinstance(random_state, int | np.integer) and not isinstance(random_state, bool)
    if not is_whole or not 0 <= random_state < 2**32:
        raise ValueError(
            f"random_state is {random_state!r}; it may be None, a whole number from 0 to 2^32 - 1, "
            "a Generator or a RandomState"
        )
    return np.random.RandomState(int(random_state))
