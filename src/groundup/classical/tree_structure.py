"""A decision tree as arrays, one entry a node; node 0 is the root, parents come before children.

Node i asks whether `x[feature[i]] <= threshold[i]`; yes goes to `children_left[i]`, no to
`children_right[i]`. In a leaf both are -1, and feature and threshold are -2. The names and the
order of the nodes (depth first, left before right) are scikit-learn's.
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from groundup.swap import is_replaced, replaceable

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
LEAF = -1
UNDEFINED = -2


class GrowthRules(NamedTuple):
    """What a tree is grown by, and when a node is left as a leaf."""

    criterion: int
    """The number of the impurity in `groundup.classical.impurity.CRITERIA`."""
    n_classes: int
    """How many classes; 1 where targets are numbers."""
    max_depth: int
    """The most questions on a way to a leaf."""
    min_samples_split: int
    """The least samples of a node that may be split."""
    min_samples_leaf: int
    """The least samples on each side of a split."""
    max_features: int
    """How many features are looked at for a split, drawn at random."""
    min_impurity_decrease: float
    """The least decrease of impurity, times the node's share of all weight, that is worth it."""
    random_thresholds: bool
    """Whether each feature's threshold is drawn instead of searched (extremely random trees)."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Tree:
    """The arrays of a grown tree; nodes x ..."""

    children_left: Integers
    children_right: Integers
    feature: Integers
    threshold: Floats
    impurity: Floats
    n_node_samples: Integers
    """Samples of the training set, those of weight zero left out."""
    weighted_n_node_samples: Floats
    value: Floats
    """nodes x 1 x k: the share of each class, or (k = 1) the mean."""

    @property
    def node_count(self) -> int:
        """How many nodes there are, leaves included."""
        return len(self.feature)

    @property
    def n_leaves(self) -> int:
        """How many leaves there are."""
        return int(np.count_nonzero(self.children_left == LEAF))

    @property
    def max_depth(self) -> int:
        """The questions on the longest way; 0 for a tree that is one leaf."""
        return int(self.depths().max())

    def depths(self) -> Integers:
        """How many questions lead to each node."""
        depths = np.zeros(self.node_count, np.int64)
        for node in np.flatnonzero(self.children_left != LEAF):  # parents come first
            depths[[self.children_left[node], self.children_right[node]]] = depths[node] + 1
        return depths

    def apply(self, X: Floats) -> Integers:
        """The leaf that each row of X (n x f) ends in."""
        parts = (self.children_left, self.children_right, self.feature, self.threshold)
        if is_replaced(find_leaves):
            return find_leaves(*parts, X)
        from groundup.kernels import tree_descent  # compiles on first use, so not on import

        rows = np.require(X, requirements=["C", "W"])  # numba compiles anew for read-only ones
        leaves: Integers = tree_descent.find_leaves(*parts, rows)
        return leaves

    def predict(self, X: Floats) -> Floats:
        """The `value` of each row's leaf, n x k."""
        result: Floats = self.value[self.apply(X), 0]
        return result

    def importances(self) -> Floats:
        """How much each node's question lowers the impurity, times the node's share of weight."""
        weighted = self.impurity * self.weighted_n_node_samples
        splits = self.children_left != LEAF
        gain = np.zeros(self.node_count)
        children = weighted[self.children_left[splits]] + weighted[self.children_right[splits]]
        gain[splits] = (weighted[splits] - children) / self.weighted_n_node_samples[0]
        return gain


@replaceable
def find_leaves(
    children_left: Integers,
    children_right: Integers,
    feature: Integers,
    threshold: Floats,
    X: Floats,
) -> Integers:
    """All rows of X (n x f) go down one step at a time, until each is in a leaf: (n,)."""
    nodes = np.zeros(len(X), np.int64)
    moving = np.arange(len(X))
    while True:
        moving = moving[children_left[nodes[moving]] != LEAF]
        if not len(moving):
            return nodes
        at = nodes[moving]
        goes_left = X[moving, feature[at]] <= threshold[at]
        nodes[moving] = np.where(goes_left, children_left[at], children_right[at])


def feature_importances(tree: Tree, n_features: int) -> Floats:
    """The total decrease of impurity that each feature's questions bring, summing to 1.

    All zeros for a tree that asks nothing. Features of many different values are overrated
    (Strobl et al., "Bias in random forest variable importance measures", 2007).
    """
    splits = tree.children_left != LEAF
    gains = np.zeros(n_features)
    np.add.at(gains, tree.feature[splits], tree.importances()[splits])
    total = gains.sum()
    if total > 0:
        gains /= total
    return gains
