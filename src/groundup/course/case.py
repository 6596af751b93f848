"""What a check is given: seeded inputs, and comparisons that say what is otherwise, and where.

Values are compared, never text. How near two numbers must be follows from their type: with eps the
type's distance from 1 to the next number, |got - expected| <= tol + tol |expected| for
tol = eps^0.6 (4e-10 for float64, 7e-5 for float32, 5e-2 for bfloat16), which leaves room for sums
in another order and none for another formula. NaN equals NaN, where it is expected.
"""

import dataclasses
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

_SHOWN = 400
"""Characters of a value that are shown."""


@dataclass(frozen=True, kw_only=True)
class Finding:
    """What was found to be otherwise, in words and values for people."""

    says: str
    """What is wrong, in a sentence."""
    given: dict[str, str]
    """The inputs."""
    got: str = ""
    """What came; empty where it is not about a value."""
    expected: str = ""
    """What was wanted."""
    where: str = ""
    """The first place at which they differ, and the two values there."""
    tolerance: str = ""
    """How near they had to be."""


class Mismatch(Exception):  # noqa: N818, a finding, no error of ours
    """A comparison did not hold. `value` is what came, `place` the comparison's number, from 0."""

    def __init__(self, finding: Finding, value: Any, place: int) -> None:
        super().__init__(finding.says)
        self.finding, self.value, self.place = finding, value, place


class Case:
    """One run of one check: chance from its seed, and the comparisons."""

    __slots__ = ("chance", "compared", "seed")  # no answer hangs a comparison of its own on it

    def __init__(self, seed: int) -> None:
        self.seed = seed
        self.chance = np.random.default_rng(seed)
        self.compared: list[Any] = []
        """What came, of each comparison so far."""

    def array(self, *shape: int) -> NDArray[np.float64]:
        """Standard normal numbers in float64."""
        return self.chance.standard_normal(shape)

    def tensor(self, *shape: int, dtype: torch.dtype = torch.float64) -> Tensor:
        """Standard normal numbers as a tensor."""
        return torch.from_numpy(self.array(*shape)).to(dtype)

    def integer(self, low: int, high: int) -> int:
        """A whole number from `low` to `high`, both included."""
        return int(self.chance.integers(low, high, endpoint=True))

    def integers(self, low: int, high: int, *shape: int) -> NDArray[np.int64]:
        """Whole numbers from `low` to `high`, both included."""
        return self.chance.integers(low, high, shape, endpoint=True)

    def same(
        self,
        got: Any,
        expected: Any,
        *,
        given: Mapping[str, Any] | None = None,
        says: str = "the result is another one",
        tolerance: float | None = None,
    ) -> None:
        """The two are equal: shapes, lengths and keys exactly, numbers as near as their type asks.

        `given`: the inputs, by name, for the message. Raises Mismatch.
        """
        self.compared.append(got)
        difference = differs(got, expected, tolerance)
        if difference is not None:
            where, near = difference
            self._fail(says, given, got=got, expected=expected, where=where, tolerance=near)

    def holds(
        self,
        condition: bool | Tensor | np.bool_,
        says: str,
        *,
        given: Mapping[str, Any] | None = None,
    ) -> None:
        """Something that must be true is. `says`: what is wrong when it is not. Raises Mismatch."""
        self.compared.append(bool(condition))
        if not condition:
            self._fail(says, given)

    def refuses(
        self,
        call: Callable[[], Any],
        error: type[Exception] = ValueError,
        *,
        says: str,
        given: Mapping[str, Any] | None = None,
    ) -> None:
        """The call raises this error. `says`: what is wrong when it does not. Raises Mismatch."""
        try:
            got = call()
        except error:
            self.compared.append(error)
            return
        self.compared.append(got)
        self._fail(says, given, got=got, expected=error)

    def _fail(
        self,
        says: str,
        given: Mapping[str, Any] | None,
        *,
        got: Any = None,
        expected: Any = None,
        where: str = "",
        tolerance: str = "",
    ) -> None:
        is_about_values = expected is not None
        finding = Finding(
            says=says,
            given={name: shown(value) for name, value in (given or {}).items()},
            got=shown(got) if is_about_values else "",
            expected=shown(expected) if is_about_values else "",
            where=where,
            tolerance=tolerance,
        )
        raise Mismatch(finding, self.compared[-1], len(self.compared) - 1)


def differs(got: Any, expected: Any, tolerance: float | None = None) -> tuple[str, str] | None:
    """The first place at which two values differ, and how near they had to be; None: nowhere."""
    if isinstance(expected, Tensor | np.ndarray):
        return _arrays_differ(got, expected, tolerance)
    if isinstance(expected, bool | str | bytes | None):
        is_same = type(got) is type(expected) and got == expected
        return None if is_same else ("", "")
    if isinstance(expected, int | float | complex | np.number):
        return _arrays_differ(got, np.asarray(expected), tolerance)
    if isinstance(expected, Mapping):
        return _mappings_differ(got, expected, tolerance)
    if isinstance(expected, Sequence):
        return _sequences_differ(got, expected, tolerance)
    if dataclasses.is_dataclass(expected) and type(got) is type(expected):
        return _mappings_differ(vars(got), vars(expected), tolerance)
    if hasattr(expected, "__array__") and not isinstance(expected, np.generic):
        return _arrays_differ(got, np.asarray(expected), tolerance)  # such as our engine's tensors
    return None if got == expected else ("", "")


def _arrays_differ(got: Any, expected: Any, tolerance: float | None) -> tuple[str, str] | None:
    wanted, is_exact, near = _numbers(expected, tolerance)
    if isinstance(expected, Tensor) and not isinstance(got, Tensor):
        return f"a {type(got).__name__} came, wanted a tensor", ""
    if isinstance(got, bool | str | bytes | Mapping | None):
        return f"{_a_kind(got)} came, wanted numbers", ""
    try:
        came, _, _ = _numbers(got, tolerance)
    except (TypeError, ValueError):
        return f"{_a_kind(got)} came, wanted numbers", ""
    if came.shape != wanted.shape:
        return f"its shape is {came.shape}, wanted {wanted.shape}", ""
    if is_exact:
        wrong = came != wanted
    else:
        with np.errstate(invalid="ignore"):  # infinity minus infinity
            wrong = ~np.isclose(came, wanted, rtol=near, atol=near, equal_nan=True)
    if not wrong.any():
        return None
    place = tuple(int(i) for i in np.argwhere(wrong)[0])
    index = f"at {list(place)} " if place else ""
    count = f" ({int(wrong.sum())} of {wrong.size} differ)" if wrong.size > 1 else ""
    where = f"{index}it is {came[place]:.6g}, wanted {wanted[place]:.6g}{count}"
    return where, "equal" if is_exact else f"within {near:.0e}, absolute and relative"


def _numbers(value: Any, tolerance: float | None) -> tuple[NDArray[Any], bool, float]:
    """As an array, whether it must be met exactly, and how nearly otherwise."""
    if isinstance(value, Tensor):
        value = value.detach().cpu()
        eps = torch.finfo(value.dtype).eps if value.is_floating_point() else 0.0
        array = (value.double() if value.is_floating_point() else value).numpy()
    else:
        array = np.asarray(value)
        if array.dtype.kind not in "biufc":
            raise TypeError(f"{array.dtype} are no numbers")
        eps = float(np.finfo(array.dtype).eps) if array.dtype.kind in "fc" else 0.0
    near = eps**0.6 if tolerance is None else tolerance
    return array, near == 0.0, near


def _sequences_differ(
    got: Any, expected: Sequence[Any], tolerance: float | None
) -> tuple[str, str] | None:
    if not isinstance(got, Sequence) or isinstance(got, str | bytes):
        return f"{_a_kind(got)} came, wanted a {type(expected).__name__}", ""
    for place, (a, b) in enumerate(zip(got, expected, strict=False)):
        if (found := differs(a, b, tolerance)) is not None:
            at = f"at [{place}] "
            return at + (found[0] or f"it is {shown(a, 60)}, wanted {shown(b, 60)}"), found[1]
    if len(got) != len(expected):
        return f"its length is {len(got)}, wanted {len(expected)}", ""
    return None


def _mappings_differ(
    got: Any, expected: Mapping[Any, Any], tolerance: float | None
) -> tuple[str, str] | None:
    if not isinstance(got, Mapping):
        return f"{_a_kind(got)} came, wanted a {type(expected).__name__}", ""
    for key, value in expected.items():
        if key not in got:
            return f"{key!r} is missing", ""
        if (found := differs(got[key], value, tolerance)) is not None:
            at = f"at {key!r} "
            return at + (
                found[0] or f"it is {shown(got[key], 60)}, wanted {shown(value, 60)}"
            ), found[1]
    surplus = [key for key in got if key not in expected]
    return (f"{surplus[0]!r} should not be there", "") if surplus else None


def _a_kind(value: Any) -> str:
    return "None" if value is None else f"a {type(value).__name__}"


def shown(value: Any, most: int = _SHOWN) -> str:
    """A value for people: arrays rounded, nothing longer than `most` characters."""
    if isinstance(value, Tensor):
        inner = np.array2string(
            value.detach().cpu().double().numpy() if value.is_floating_point() else value.numpy(),
            precision=4, threshold=24, edgeitems=2, suppress_small=True, prefix="tensor(",
        )  # fmt: skip
        kind = str(value.dtype).removeprefix("torch.")
        text = f"tensor({inner}, {kind}, shape {tuple(value.shape)})"
    elif isinstance(value, np.ndarray):
        inner = np.array2string(
            value, precision=4, threshold=24, edgeitems=2, suppress_small=True, prefix="array(",
        )  # fmt: skip
        text = f"array({inner}, {value.dtype}, shape {value.shape})" if value.ndim else inner
    elif isinstance(value, float | np.floating) and math.isfinite(value):
        text = f"{value:.8g}"
    elif callable(value) and hasattr(value, "__name__"):
        text = value.__name__
    else:
        try:
            text = repr(value)
        except Exception as problem:  # a learner's own __repr__
            text = f"<a {type(value).__name__} that cannot be shown: {type(problem).__name__}>"
    return text if len(text) <= most else f"{text[: most - 1]}…"
