"""Rows go down a decision tree, one after the other.

The plain twin, with the meaning of the arrays, is `groundup.classical.tree_structure.find_leaves`.
"""

from typing import Any

import numba
import numpy as np


@numba.njit(cache=True, nogil=True)
def find_leaves(children_left, children_right, feature, threshold, X):
    """The leaf that each row of X (n x f) ends in, (n,)."""
    leaves = np.empty(len(X), np.int64)
    for row in range(len(X)):
        node = 0
        while children_left[node] >= 0:
            goes_left = X[row, feature[node]] <= threshold[node]
            node = children_left[node] if goes_left else children_right[node]
        leaves[row] = node
    return leaves


def kernels() -> tuple[Any, ...]:
    """What is compiled on first use."""
    return (find_leaves,)
