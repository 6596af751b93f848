r"""Cost-complexity pruning: cut off the branches that are not worth their leaves.

A tree's cost is $R(T) + \alpha |T|$: what its leaves get wrong (their impurity times their share of
the weight), and a price for each of its $|T|$ leaves. A branch below node t is worth keeping while

$g(t) = (R(t) - R(T_t)) / (|T_t| - 1) > \alpha$

The branch of the least g is cut first; this gives the best subtree for every price, one inside the
other (Breiman, Friedman, Olshen and Stone, "Classification and Regression Trees", 1984, chapter 3).
"""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from groundup.classical.tree_structure import LEAF, UNDEFINED, Tree
from groundup.swap import replaceable

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]


@replaceable
def worth_of_branches(cost: Floats, branch_cost: Floats, leaves: Integers) -> Floats:
    """g(t): what each leaf too many below a node saves; infinite where the node is a leaf."""
    extra = leaves - 1
    return np.where(extra > 0, (cost - branch_cost) / np.maximum(extra, 1), np.inf)


def pruning_path(tree: Tree, until: float = np.inf) -> tuple[list[float], list[int], list[float]]:
    """The prices at which branches are cut, the nodes that become leaves, and each tree's R(T).

    The cheapest come first, after the price 0 of the whole tree (which cuts node -1, none). It
    stops before the first price above `until`.
    """
    cost = tree.impurity * tree.weighted_n_node_samples / tree.weighted_n_node_samples[0]
    parents = _parents(tree)
    branch_cost, leaves = cost.copy(), np.ones(tree.node_count, np.int64)
    for node in reversed(np.flatnonzero(tree.children_left != LEAF)):  # children before parents
        children = [tree.children_left[node], tree.children_right[node]]
        branch_cost[node], leaves[node] = branch_cost[children].sum(), leaves[children].sum()
    inside = np.ones(tree.node_count, bool)
    prices, cut, costs = [0.0], [-1], [float(branch_cost[0])]
    while leaves[0] > 1:
        worth = np.where(inside, worth_of_branches(cost, branch_cost, leaves), np.inf)
        weakest = int(np.argmin(worth))
        if worth[weakest] > until:
            break
        saved, lost = cost[weakest] - branch_cost[weakest], leaves[weakest] - 1
        inside[_below(tree, weakest)] = False
        node = weakest
        while node >= 0:
            branch_cost[node] += saved
            leaves[node] -= lost
            node = int(parents[node])
        prices.append(float(worth[weakest]))
        cut.append(weakest)
        costs.append(float(branch_cost[0]))
    return prices, cut, costs


def pruned(tree: Tree, ccp_alpha: float) -> Tree:
    """The tree without the branches that are not worth that price."""
    cut = pruning_path(tree, ccp_alpha)[1][1:]
    keep = np.ones(tree.node_count, bool)
    left, right = tree.children_left.copy(), tree.children_right.copy()
    for node in cut:
        keep[_below(tree, node)] = False
    leaf = np.zeros(tree.node_count, bool)
    leaf[cut] = True
    left[leaf] = right[leaf] = LEAF
    number = np.cumsum(keep) - 1
    return replace(
        tree,
        children_left=np.where(left == LEAF, LEAF, number[left])[keep],
        children_right=np.where(right == LEAF, LEAF, number[right])[keep],
        feature=np.where(leaf, UNDEFINED, tree.feature)[keep],
        threshold=np.where(leaf, UNDEFINED, tree.threshold)[keep],
        impurity=tree.impurity[keep],
        n_node_samples=tree.n_node_samples[keep],
        weighted_n_node_samples=tree.weighted_n_node_samples[keep],
        value=tree.value[keep],
    )


def _parents(tree: Tree) -> Integers:
    parents = np.full(tree.node_count, -1, np.int64)
    inner = np.flatnonzero(tree.children_left != LEAF)
    parents[tree.children_left[inner]] = inner
    parents[tree.children_right[inner]] = inner
    return parents


def _below(tree: Tree, node: int) -> slice:
    """All nodes below one: they follow it, as the tree is numbered depth first."""
    last = node
    while tree.children_right[last] != LEAF:
        last = int(tree.children_right[last])
    return slice(node + 1, last + 1)
