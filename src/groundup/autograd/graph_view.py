"""A record as a picture: what was computed from what, as plain data, Graphviz or Mermaid text, SVG.

drawn = graph(loss, names={"weight": w, "x": x})
Path("loss.svg").write_text(to_svg(drawn))
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from xml.sax.saxutils import escape, quoteattr

import numpy as np

from groundup.autograd.record import Recorded
from groundup.autograd.scalar import Value
from groundup.autograd.table import RULES

MOST = 500
"""More nodes make no picture."""
_WIDTH, _HEIGHT, _GAP_X, _GAP_Y = 150, 40, 24, 34


@dataclass(frozen=True, kw_only=True)
class Node:
    """One value of the record."""

    number: int
    """Its place: inputs come before what is computed from them."""
    name: str
    """The operation that made it; of a leaf the name it was given, or "input"."""
    detail: str
    """Its shape and type; of a scalar its value."""
    is_leaf: bool
    """Whether the user made it."""
    wants_gradient: bool
    """Whether a gradient is collected for it."""


@dataclass(frozen=True, kw_only=True)
class Graph:
    """Values and who was computed from whom."""

    nodes: tuple[Node, ...]
    """In order: inputs first."""
    edges: tuple[tuple[int, int], ...]
    """(input, result), as numbers of nodes; twice where a value was used twice."""


def graph(result: Recorded | Value, names: Mapping[str, Any] | None = None) -> Graph:
    """The record of a value. Constants that are no Tensors are left out.

    `names`: what to call leaves. ValueError for a record of more than 500 values, and for one that
    was thrown away by `backward`.
    """
    called = {id(value): name for name, value in (names or {}).items()}
    order = _in_order(result)
    places = {id(value): number for number, value in enumerate(order)}
    nodes = tuple(_node(number, value, called) for number, value in enumerate(order))
    edges = tuple(
        (places[id(parent)], places[id(value)]) for value in order for parent in _inputs(value)
    )
    return Graph(nodes=nodes, edges=edges)


def _inputs(value: Any) -> list[Any]:
    if isinstance(value, Value):
        return list(value.parents)
    if value.node is None:
        return []
    return [part for part in value.node.inputs if isinstance(part, Recorded)]


def _in_order(result: Any) -> list[Any]:
    order: list[Any] = []
    seen: set[int] = set()
    waiting = [(result, False)]
    while waiting:
        value, is_done = waiting.pop()
        if is_done:
            order.append(value)
        elif id(value) not in seen:
            if len(seen) == MOST:
                raise ValueError(f"the record has more than {MOST} values; draw a smaller part")
            seen.add(id(value))
            waiting.append((value, True))
            waiting += [(parent, False) for parent in reversed(_inputs(value))]
    return order


def _node(number: int, value: Any, called: Mapping[int, str]) -> Node:
    if isinstance(value, Value):
        is_leaf, made_by = not value.parents, "scalar"
        detail = f"{value.data:.4g}, gradient {value.grad:.4g}"
        wants = True
    else:
        is_leaf, made_by = value.node is None, _operation(value)
        detail = f"{'x'.join(map(str, value.data.shape)) or 'one number'}, {value.data.dtype}"
        if value.grad is not None:
            detail += f", |gradient| {float(np.linalg.norm(value.grad.data)):.2g}"
        wants = value.requires_grad
    name = called.get(id(value), "input" if is_leaf else made_by)
    return Node(number=number, name=name, detail=detail, is_leaf=is_leaf, wants_gradient=wants)


def _operation(value: Any) -> str:
    if value.node is None:
        return ""
    found = [name for name, rule in RULES.items() if rule is value.node.rule]
    if not found:
        raise ValueError("this record was thrown away by backward(); draw it before, or retain it")
    return found[0]


def to_dot(drawn: Graph) -> str:
    """Graphviz's language: `dot -Tsvg` draws it."""
    lines = ["digraph {", "  rankdir=TB; node [shape=box, fontname=sans];"]
    for node in drawn.nodes:
        label = f"{node.name}\n{node.detail}".replace("\\", "\\\\").replace('"', '\\"')
        label = label.replace("\n", "\\n")
        style = ' style=filled fillcolor="#dbeafe"' if node.is_leaf else ""
        lines.append(f'  n{node.number} [label="{label}"{style}];')
    lines += [f"  n{a} -> n{b};" for a, b in drawn.edges]
    return "\n".join([*lines, "}"]) + "\n"


def to_mermaid(drawn: Graph) -> str:
    """Mermaid's language, which Markdown viewers draw."""
    lines = ["flowchart TD"]
    for node in drawn.nodes:
        text = f"{escape(node.name)}<br>{escape(node.detail)}".replace('"', "#quot;")
        opened, closed = ("([", "])") if node.is_leaf else ("[", "]")
        lines.append(f'  n{node.number}{opened}"{text}"{closed}')
    lines += [f"  n{a} --> n{b}" for a, b in drawn.edges]
    return "\n".join(lines) + "\n"


def layers(drawn: Graph) -> list[list[int]]:
    """Numbers of nodes by their distance from the leaves: every edge goes to a later layer."""
    depth = [0] * len(drawn.nodes)
    for before, after in sorted(drawn.edges, key=lambda edge: edge[1]):
        depth[after] = max(depth[after], depth[before] + 1)
    rows: list[list[int]] = [[] for _ in range(max(depth, default=-1) + 1)]
    for number, level in enumerate(depth):
        rows[level].append(number)
    return rows


def to_svg(drawn: Graph) -> str:
    """A picture that a browser shows: leaves in blue at the top, the result at the bottom."""
    rows = layers(drawn)
    widest = max(map(len, rows), default=1)
    total = widest * (_WIDTH + _GAP_X) + _GAP_X
    places: dict[int, tuple[float, float]] = {}
    for level, row in enumerate(rows):
        left = (total - len(row) * (_WIDTH + _GAP_X) + _GAP_X) / 2
        for column, number in enumerate(row):
            places[number] = (
                left + column * (_WIDTH + _GAP_X),
                _GAP_Y + level * (_HEIGHT + _GAP_Y),
            )
    height = _GAP_Y + len(rows) * (_HEIGHT + _GAP_Y)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {total:g} {height:g}" '
        f'width="{total:g}" height="{height:g}" font-family="sans-serif">',
        '<defs><marker id="arrow" viewBox="0 0 8 8" refX="8" refY="4" markerWidth="7" '
        'markerHeight="7" orient="auto"><path d="M0 0L8 4L0 8z" fill="#64748b"/></marker></defs>',
    ]
    for before, after in dict.fromkeys(drawn.edges):
        (x1, y1), (x2, y2) = places[before], places[after]
        parts.append(
            f'<line x1="{x1 + _WIDTH / 2:g}" y1="{y1 + _HEIGHT:g}" x2="{x2 + _WIDTH / 2:g}" '
            f'y2="{y2:g}" stroke="#64748b" marker-end="url(#arrow)"/>'
        )
    parts += [_box(node, *places[node.number]) for node in drawn.nodes]
    return "\n".join([*parts, "</svg>"]) + "\n"


def _box(node: Node, x: float, y: float) -> str:
    fill = "#dbeafe" if node.is_leaf else "#f8fafc"
    line = "#2563eb" if node.wants_gradient else "#94a3b8"
    middle = x + _WIDTH / 2
    return (
        f"<g><title>{escape(node.name)}: {escape(node.detail)}</title>"
        f'<rect x="{x:g}" y="{y:g}" width="{_WIDTH}" height="{_HEIGHT}" rx="6" '
        f"fill={quoteattr(fill)} stroke={quoteattr(line)}/>"
        f'<text x="{middle:g}" y="{y + 17:g}" text-anchor="middle" font-size="13">'
        f"{escape(node.name[:20])}</text>"
        f'<text x="{middle:g}" y="{y + 32:g}" text-anchor="middle" font-size="9" '
        f'fill="#475569">{escape(node.detail[:34])}</text></g>'
    )
