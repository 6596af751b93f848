"""RandomStates from what scikit-learn takes."""

import numpy as np
import pytest
from sklearn.utils import check_random_state

from groundup.classical.random_states import random_state_of


@pytest.mark.reference
def test_a_seed_gives_scikit_learns_draws():
    ours, theirs = random_state_of(7), check_random_state(7)
    assert np.array_equal(ours.permutation(50), theirs.permutation(50))
    state = np.random.RandomState(1)
    assert random_state_of(state) is state


def test_a_generator_gives_repeatable_draws_and_none_fresh_ones():
    first = random_state_of(np.random.default_rng(1)).randint(2**31, size=4)
    again = random_state_of(np.random.default_rng(1)).randint(2**31, size=4)
    assert np.array_equal(first, again)
    fresh = [random_state_of(None).randint(2**31, size=4).tolist() for _ in range(2)]
    assert fresh[0] != fresh[1]


@pytest.mark.parametrize("seed", [-1, 2**32, 1.5, "1", True])
def test_other_seeds_are_refused(seed):
    with pytest.raises(ValueError, match="random_state is"):
        random_state_of(seed)
