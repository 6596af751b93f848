import pytest
import torch

from groundup.layers.masks import causal_mask, window_mask


@pytest.mark.parametrize(("T", "S"), [(1, 1), (4, 4), (1, 6), (3, 6)])
@pytest.mark.parametrize("window", [1, 2, 3, 100])
def test_masks_are_what_their_formulas_say(T, S, window):
    causal_TS, window_TS = causal_mask(T, S), window_mask(T, S, window)
    for t in range(T):
        for s in range(S):
            back = S - T + t - s
            assert bool(causal_TS[t, s]) == (back >= 0)
            assert bool(window_TS[t, s]) == (0 <= back < window)
    assert causal_TS.dtype == window_TS.dtype == torch.bool
