"""A decision tree as text, one line a question or an answer."""

from collections.abc import Sequence
from typing import Any

from groundup.classical.estimator import Classifier, require_fitted
from groundup.classical.tree_structure import LEAF, Tree


def export_text(
    decision_tree: Any,
    *,
    feature_names: Sequence[str] | None = None,
    max_depth: int = 10,
    decimals: int = 2,
) -> str:
    r"""The questions of a fitted decision tree, indented by depth, in scikit-learn's form.

        |--- length <= 2.45
        |   |--- class: setosa
        |--- length >  2.45
        |   |--- class: virginica

    Branches deeper than `max_depth` are cut short with a note. Raises NotFittedError before `fit`,
    ValueError for another number of names than of features, or negative depth or decimals.
    """
    require_fitted(decision_tree, "tree_")
    if max_depth < 0 or decimals < 0:
        raise ValueError(
            f"max_depth is {max_depth} and decimals {decimals}; neither may be negative"
        )
    features = decision_tree.n_features_in_
    names = list(feature_names or [f"feature_{i}" for i in range(features)])
    if len(names) != features:
        raise ValueError(f"feature_names must contain {features} elements, got {len(names)}")
    lines: list[str] = []
    waiting = [(0, 1, "")]  # a node, its depth, and the question that leads to it
    tree: Tree = decision_tree.tree_
    while waiting:
        node, depth, question = waiting.pop()
        if question:
            lines.append(f"{_indent(depth - 1)} {question}")
        if depth > max_depth + 1:
            lines.append(f"{_indent(depth)} {_cut_short(tree, node, decision_tree, decimals)}")
        elif tree.children_left[node] == LEAF:
            lines.append(f"{_indent(depth)} {_answer(tree, node, decision_tree, decimals)}")
        else:
            name, threshold = names[tree.feature[node]], f"{tree.threshold[node]:.{decimals}f}"
            waiting.append((tree.children_right[node], depth + 1, f"{name} >  {threshold}"))
            waiting.append((tree.children_left[node], depth + 1, f"{name} <= {threshold}"))
    return "\n".join(lines) + "\n"


def _indent(depth: int) -> str:
    return "|   " * (depth - 1) + "|---"


def _answer(tree: Tree, node: int, decision_tree: Any, decimals: int) -> str:
    value = tree.value[node, 0]
    if isinstance(decision_tree, Classifier):
        return f"class: {decision_tree.classes_[value.argmax()]}"
    return f"value: [{value[0]:.{decimals}f}]"


def _cut_short(tree: Tree, node: int, decision_tree: Any, decimals: int) -> str:
    branch_depth = _depth_below(tree, node)
    if branch_depth == 1:
        return _answer(tree, node, decision_tree, decimals)
    return f"truncated branch of depth {branch_depth}"


def _depth_below(tree: Tree, node: int) -> int:
    deepest, waiting = 1, [(node, 1)]
    while waiting:
        at, depth = waiting.pop()
        deepest = max(deepest, depth)
        if tree.children_left[at] != LEAF:
            waiting += [(tree.children_left[at], depth + 1), (tree.children_right[at], depth + 1)]
    return deepest
