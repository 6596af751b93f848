"""The Wilson interval against SciPy."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from groundup.maths.intervals import wilson


@pytest.mark.reference
@given(st.integers(1, 5000), st.floats(0, 1), st.floats(0.5, 0.999))
def test_it_is_scipys(trials, share, confidence):
    successes = round(share * trials)
    result = stats.binomtest(successes, trials)
    wanted = result.proportion_ci(confidence_level=confidence, method="wilson")
    assert wilson(successes, trials, confidence) == pytest.approx(tuple(wanted), abs=1e-12)


def test_the_ends_are_exact():
    assert wilson(0, 10)[0] == 0.0
    assert wilson(10, 10)[1] == 1.0
    assert wilson(10, 10)[0] == pytest.approx(0.7224672, abs=1e-7)


@given(st.integers(1, 300), st.integers(0, 300))
def test_the_share_lies_inside(trials, successes):
    successes = min(successes, trials)
    low, high = wilson(successes, trials)
    assert 0 <= low <= successes / trials <= high <= 1


@pytest.mark.parametrize("counts", [(1, 0), (-1, 5), (6, 5)])
def test_counts_that_cannot_be_are_refused(counts):
    with pytest.raises(ValueError, match="is no share"):
        wilson(*counts)
    with pytest.raises(ValueError, match="confidence is 95"):
        wilson(1, 2, 95)
