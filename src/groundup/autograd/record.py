"""The engine: what was computed is recorded, and gradients walk back along the record.

A `Recorded` value knows the rule and the inputs that made it, nothing more: references point from
results to inputs only, so a record lives exactly as long as its last result. There is no tape.

`gradients` is reverse-mode differentiation (Linnainmaa, 1970; Griewank and Walther, "Evaluating
Derivatives", 2008, chapter 3): visit the record from the result back in topological order, so that
a value's gradient is complete, the sum over all its uses, before it is passed on to its inputs.
"""

import contextlib
from collections.abc import Iterator, Sequence
from contextvars import ContextVar
from typing import Any, NamedTuple, Self

import numpy as np

from groundup.autograd.rule import Array, FusedRule, Rule, unbroadcast
from groundup.autograd.table import RULES

_recording: ContextVar[bool] = ContextVar("recording", default=True)


class Node(NamedTuple):
    """How a value was made."""

    rule: Rule | FusedRule
    inputs: tuple[Any, ...]
    """Recorded values and constants."""
    settings: dict[str, Any]
    kept: Any
    """What a fused rule keeps for its gradient."""


class Recorded:
    """An array, whether its gradient is wanted, the gradient, and how it was made."""

    __slots__ = ("__weakref__", "data", "grad", "keeps_grad", "node", "requires_grad")

    data: Array
    grad: Self | None
    node: Node | None
    requires_grad: bool
    keeps_grad: bool

    @classmethod
    def wrap(cls, data: Array, requires_grad: bool = False, node: Node | None = None) -> Self:
        """A value around an array as it is, without any check."""
        value = cls.__new__(cls)
        value.data = data
        value.grad = None
        value.node = node
        value.requires_grad = requires_grad
        value.keeps_grad = False
        return value

    @property
    def is_leaf(self) -> bool:
        """Whether it was made by the user and not by an operation that is recorded."""
        return self.node is None


_FREED = Node(Rule(np.positive, ()), (), {}, None)
"""Stands where a record was thrown away after its gradients were taken."""


class _Operations:
    """Every operation of the table as an attribute: what rules know as `xp`."""

    def __init__(self, on_arrays: bool) -> None:
        for name, rule in RULES.items():
            setattr(self, name, _on_arrays(rule) if on_arrays else _on_values(rule))


def _on_arrays(rule: Rule | FusedRule) -> Any:
    if isinstance(rule, Rule):
        return rule.forward
    return lambda *arrays, **settings: rule.forward(*arrays, **settings)[0]


def _on_values(rule: Rule | FusedRule) -> Any:
    return lambda *inputs, **settings: apply(rule, *inputs, **settings)


_ON_ARRAYS = _Operations(on_arrays=True)
ON_VALUES = _Operations(on_arrays=False)
"""The table on Tensors, recorded: what rules know as `xp` where gradients are differentiated."""


@contextlib.contextmanager
def no_grad() -> Iterator[None]:
    """Within it nothing is recorded, as with torch's; usable as a decorator too."""
    token = _recording.set(False)
    try:
        yield
    finally:
        _recording.reset(token)


def is_recording() -> bool:
    """Whether operations are recorded here and now."""
    return _recording.get()


def apply(rule: Rule | FusedRule, *inputs: Any, **settings: Any) -> Any:
    """Compute a rule's operation on values and constants; record it if a gradient is wanted."""
    arrays = []
    wanted = False
    kind: Any = None
    for value in inputs:
        if isinstance(value, Recorded):
            kind = type(value)
            wanted = wanted or value.requires_grad
            arrays.append(value.data)
        else:
            arrays.append(value)
    kept = None
    if isinstance(rule, Rule):
        data = rule.forward(*arrays, **settings)
    else:
        data, kept = rule.forward(*arrays, **settings)
    if type(data) is not np.ndarray:
        data = np.asarray(data)
    if wanted and _recording.get() and data.dtype.kind == "f":
        return kind.wrap(data, True, Node(rule, inputs, settings, kept))
    return kind.wrap(data)


def backward(
    result: Recorded, gradient: Any = None, create_graph: bool = False, retain_graph: bool = False
) -> None:
    """Add to the `grad` of every leaf that wants one the gradient of `result`.

    `gradient`: that of some later loss with respect to `result`; may be left out for a scalar.
    `create_graph`: record the gradients' own computation, to differentiate them again. The record
    is thrown away unless it or `retain_graph` is set, as torch does.
    """
    order = _topological(result, frozenset())
    for value, g, is_own in _walk(order, _seed(result, gradient), create_graph):
        if value.is_leaf or value.keeps_grad:
            found = g if create_graph else _kept(value, g, is_own)
            value.grad = found if value.grad is None else _add(value.grad, found, create_graph)
    if not (create_graph or retain_graph):
        for value in order:
            if value.node is not None:
                value.node = _FREED


def gradients(
    result: Recorded,
    inputs: Sequence[Recorded],
    gradient: Any = None,
    create_graph: bool = False,
) -> list[Any]:
    """The gradient of `result` with respect to each of `inputs`; None where it does not depend.

    Touches no `grad`, keeps the record. The counterpart of `torch.autograd.grad`.
    """
    stops = frozenset(id(value) for value in inputs)
    order = _topological(result, stops)
    found: dict[int, Any] = {}
    for value, g, is_own in _walk(order, _seed(result, gradient), create_graph, stops):
        if id(value) in stops:
            found[id(value)] = g if create_graph else _kept(value, g, is_own)
    return [found.get(id(value)) for value in inputs]


def _kept(value: Recorded, g: Any, is_own: bool) -> Any:
    """The gradient as a value of its own: no other array shares its memory."""
    is_alone = is_own and type(g) is np.ndarray and value.node is None
    return type(value).wrap(g if is_alone else np.array(g))


def _add(old: Any, new: Any, create_graph: bool) -> Any:
    with contextlib.nullcontext() if create_graph else no_grad():
        return apply(RULES["add"], old, new)


def _seed(result: Recorded, gradient: Any) -> Any:
    """The gradient to begin with, as a value: one for a scalar."""
    if not result.requires_grad:
        raise ValueError(
            "this value depends on nothing that wants a gradient; "
            "set requires_grad=True on an input, and do not compute it under no_grad()"
        )
    if gradient is None:
        if result.data.size != 1:
            raise ValueError(
                f"a gradient can be left out for a scalar alone, and the shape is "
                f"{result.data.shape}; reduce it (as with .sum()) or pass the gradient"
            )
        return type(result).wrap(np.ones_like(result.data))
    data = gradient.data if isinstance(gradient, Recorded) else np.asarray(gradient)
    if data.shape != result.data.shape:
        raise ValueError(f"the gradient has the shape {data.shape}, the value {result.data.shape}")
    if data.dtype.kind not in "fiub":
        raise ValueError(f"a gradient holds real numbers, and this one is of type {data.dtype}")
    is_fit = isinstance(gradient, Recorded) and data.dtype == result.data.dtype
    return gradient if is_fit else type(result).wrap(data.astype(result.data.dtype))


def _topological(result: Recorded, stops: frozenset[int]) -> list[Recorded]:
    """Every value that wants a gradient, after all it was made from. No recursion: any depth."""
    order: list[Recorded] = []
    seen: set[int] = set()
    waiting: list[tuple[Recorded, bool]] = [(result, False)]
    while waiting:
        value, is_done = waiting.pop()
        if is_done:
            order.append(value)
            continue
        if id(value) in seen:
            continue
        seen.add(id(value))
        waiting.append((value, True))
        if value.node is not None and id(value) not in stops:
            if value.node is _FREED:
                raise ValueError(
                    "this record was thrown away by an earlier backward(); "
                    "call that one with retain_graph=True, or compute the value again"
                )
            waiting.extend(
                (parent, False)
                for parent in value.node.inputs
                if isinstance(parent, Recorded) and parent.requires_grad
            )
    return order


def _walk(
    order: list[Recorded], seed: Any, create_graph: bool, stops: frozenset[int] = frozenset()
) -> Iterator[tuple[Recorded, Any, bool]]:
    """Each value with its complete gradient, from the result back, and whether nobody shares it.

    Of arrays, a sum that only this walk knows (`own`) is added to in place.
    """
    xp = ON_VALUES if create_graph else _ON_ARRAYS
    grads: dict[int, Any] = {id(order[-1]): seed if create_graph else seed.data}
    own: set[int] = set()
    for value in reversed(order):
        g = grads.pop(id(value), None)
        if g is None:
            continue
        yield value, g, id(value) in own
        if value.node is None or id(value) in stops:
            continue
        for parent, part in _contributions(value, g, xp, create_graph):
            key = id(parent)
            known = grads.get(key)
            if known is None:
                grads[key] = part
                if not create_graph and part is not g and part.base is None:
                    own.add(key)
            elif key in own:
                known += part
                grads[key] = known  # a scalar is not added to in place
            else:
                grads[key] = known + part
                if not create_graph:
                    own.add(key)


def _contributions(
    value: Recorded, g: Any, xp: Any, create_graph: bool
) -> Iterator[tuple[Recorded, Any]]:
    """What g adds to the gradient of each input that wants one, in the input's shape and type."""
    node = value.node
    assert node is not None, "only what an operation made passes gradients on"
    if isinstance(node.rule, FusedRule):
        yield from _fused_contributions(value, node, g, create_graph)
        return
    inputs: Sequence[Any] = node.inputs
    y: Any = value
    if not create_graph:
        inputs = [part.data if isinstance(part, Recorded) else part for part in inputs]
        y = value.data
    for i, parent in enumerate(node.inputs):
        if not (isinstance(parent, Recorded) and parent.requires_grad):
            continue
        if node.rule.of_each:
            part = node.rule.vjps[0](i, xp, g, y, *inputs, **node.settings)
        else:
            part = node.rule.vjps[i](xp, g, y, *inputs, **node.settings)
        if part.shape != parent.data.shape:
            part = unbroadcast(xp, part, parent.data.shape)
        if part.dtype != parent.data.dtype:
            part = xp.to(part, dtype=parent.data.dtype)
        yield parent, part


def _fused_contributions(
    value: Recorded, node: Node, g: Any, create_graph: bool
) -> Iterator[tuple[Recorded, Any]]:
    rule = node.rule
    assert isinstance(rule, FusedRule), "the caller looked"
    wanting = [part for part in node.inputs if isinstance(part, Recorded) and part.requires_grad]
    if create_graph:
        result = rule.plain(ON_VALUES, *node.inputs, **node.settings)
        unique = list({id(part): part for part in wanting}.values())
        parts = gradients(result, unique, g, create_graph=True)
        yield from (pair for pair in zip(unique, parts, strict=True) if pair[1] is not None)
        return
    arrays = [part.data if isinstance(part, Recorded) else part for part in node.inputs]
    wanted = [isinstance(part, Recorded) and part.requires_grad for part in node.inputs]
    all_parts = rule.backward(g, value.data, node.kept, *arrays, wanted=wanted, **node.settings)
    for parent, part, is_wanted in zip(node.inputs, all_parts, wanted, strict=True):
        if is_wanted and part is not None:
            if part.shape != parent.data.shape:
                part = unbroadcast(_ON_ARRAYS, part, parent.data.shape)
            yield parent, part.astype(parent.data.dtype, copy=False)
