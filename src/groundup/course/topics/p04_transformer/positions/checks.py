"""Rotary positions: tables of angles, the rotation, and slower pairs for longer contexts."""

import math

import torch

from groundup.course.exercise import Exercise
from groundup.layers.positions import RotaryScaling

TABLES = Exercise(
    "rotary-tables",
    of="groundup.layers.positions:rotary_tables",
    title="How fast each pair of numbers turns",
    minutes=20,
    hints=(
        "Pair p turns by a fixed angle a position: its speed. The first is the fastest, with 1 "
        "radian. How many pairs has a head of width D?",
        "speed_p = base^(-2p/D) for p = 0 ... D/2 - 1; angle of position t and pair p: t speed_p, "
        "an outer product. Return the cosines and the sines, T x D/2.",
        "speed_P = 1.0 / base ** (torch.arange(0, D, 2, dtype=torch.float32) / D), scaling.apply "
        "if there is one, then torch.arange(T)[:, None] * speed_P.",
    ),
)


def _angles(T, D, base=10000.0):
    rows = [[t * base ** (-2 * p / D) for p in range(D // 2)] for t in range(T)]
    return torch.tensor(rows, dtype=torch.float64)


def _cos_sin(angles):
    return [angles.cos().float(), angles.sin().float()]


@TABLES.check("the angle of position t and pair p is t base^(-2p/D)")
def _(rotary_tables, case):
    given = {"T": 3, "D": 2 * case.integer(2, 3)}
    case.same(list(rotary_tables(**given)), _cos_sin(_angles(**given)), given=given)


@TABLES.check("a table has a column for each pair, not for each number")
def _(rotary_tables, case):
    given = {"T": case.integer(2, 5), "D": 2 * case.integer(2, 5)}
    shapes = [list(table.shape) for table in rotary_tables(**given)]
    case.same(shapes, [[given["T"], given["D"] // 2]] * 2, given=given, says="another shape")


@TABLES.check("another base turns slower or faster", tier="deep")
def _(rotary_tables, case):
    given = {"T": 4, "D": 4, "base": float(case.integer(100, 900))}
    case.same(list(rotary_tables(**given)), _cos_sin(_angles(**given)), given=given)


@TABLES.check("the scaling is asked for its speeds", tier="deep")
def _(rotary_tables, case):
    factor = float(case.integer(2, 8))
    scaling = RotaryScaling(factor=factor, original_context=1)  # so short that all are slowed
    given = {"T": 3, "D": 4, "scaling": scaling}
    case.same(list(rotary_tables(**given)), _cos_sin(_angles(3, 4) / factor), given=given)


def _tables(T, D, base=10000.0, scaling=None, *, exponents=None, swap=False):
    exponents = torch.arange(0, D, 2, dtype=torch.float32) / D if exponents is None else exponents
    speed = 1.0 / base**exponents
    speed = speed if scaling is None else scaling.apply(speed)
    angle = torch.arange(T, dtype=torch.float32).unsqueeze(-1) * speed
    return (angle.sin(), angle.cos()) if swap else (angle.cos(), angle.sin())


@TABLES.mistake(
    "the exponent is p/D: pair p begins at number 2p, so it is 2p/D (torch.arange(0, D, 2) / D)",
    caught_by="the angle of position t and pair p is t base^(-2p/D)",
)
def _(T, D, *, base=10000.0, scaling=None):
    return _tables(T, D, base, scaling, exponents=torch.arange(D // 2, dtype=torch.float32) / D)


@TABLES.mistake(
    "the minus of the exponent is missing: later pairs turn faster and faster instead of slower",
    caught_by="the angle of position t and pair p is t base^(-2p/D)",
)
def _(T, D, *, base=10000.0, scaling=None):
    return _tables(T, D, base, scaling, exponents=-torch.arange(0, D, 2) / D)


@TABLES.mistake(
    "sines come first and cosines second; callers take them as cos, sin",
    caught_by="the angle of position t and pair p is t base^(-2p/D)",
)
def _(T, D, *, base=10000.0, scaling=None):
    return _tables(T, D, base, scaling, swap=True)


@TABLES.mistake(
    "each angle stands twice, once for each number of a pair: rotate wants one column a pair",
    caught_by="a table has a column for each pair, not for each number",
)
def _(T, D, *, base=10000.0, scaling=None):
    return tuple(torch.cat([table, table], -1) for table in _tables(T, D, base, scaling))


@TABLES.mistake(
    "the scaling is not applied; a model with a stretched context turns some pairs slower",
    caught_by="the scaling is asked for its speeds",
)
def _(T, D, *, base=10000.0, scaling=None):
    return _tables(T, D, base)


ROTATE = Exercise(
    "rotate",
    of="groundup.layers.positions:rotate",
    title="Turn queries and keys by their position",
    minutes=25,
    hints=(
        "A pair of numbers is a point in the plane. Which two-by-two matrix turns it by an angle?",
        "(x, y) becomes (x cos - y sin, x sin + y cos). Here x is the left half of the head and y "
        "the right half: pair i is (x_i, x_{i + D/2}). The tables need a dimension for the heads.",
        "left, right = x_BTHD.chunk(2, -1); cos_T1P = cos_TP.unsqueeze(-2), the same with sin; "
        "torch.cat of the two turned halves along -1, .to(x_BTHD.dtype).",
    ),
)


def _turned(x, angles):
    """With complex numbers: a turn is a product with e^(i angle)."""
    left, right = x.double().chunk(2, -1)
    z = torch.complex(left, right) * torch.polar(torch.ones_like(angles), angles)[:, None]
    return torch.cat([z.real, z.imag], -1)


def _to_turn(case, heads=2, dtype=torch.float64):
    x = case.tensor(1, 3, heads, 4, dtype=dtype)
    angles = 3 * case.tensor(3, 2)
    return {"x_BTHD": x, "cos_TP": angles.cos(), "sin_TP": angles.sin()}, angles


@ROTATE.check("each pair is turned by its position's angle")
def _(rotate, case):
    given, angles = _to_turn(case)
    case.same(rotate(**given), _turned(given["x_BTHD"], angles), given=given)


@ROTATE.check("a quarter turn sends (1, 0) to (0, 1)")
def _(rotate, case):
    size = case.integer(2, 9) * 1.0
    x = torch.tensor([size, size, 0.0, 0.0], dtype=torch.float64).reshape(1, 1, 1, 4)
    cos, sin = (torch.tensor([[value, value]], dtype=torch.float64) for value in (0.0, 1.0))
    given = {"x_BTHD": x, "cos_TP": cos, "sin_TP": sin}
    case.same(rotate(**given), x.flip(-1), given=given)


@ROTATE.check("query times key depends on their distance alone")
def _(rotate, case):
    q, k = case.tensor(1, 1, 1, 4), case.tensor(1, 1, 1, 4)
    t, s, shift = case.integer(0, 5), case.integer(6, 9), case.integer(1, 20)

    def product(at_q, at_k):
        angles = [torch.tensor([[1.0 * at, 0.1 * at]], dtype=torch.float64) for at in (at_q, at_k)]
        a, b = (rotate(x, a.cos(), a.sin()) for x, a in zip((q, k), angles, strict=True))
        return (a * b).sum()

    given = {"q": q, "k": k, "positions": [t, s], "both moved by": shift}
    case.same(product(t + shift, s + shift), product(t, s), given=given, says="it changed")


@ROTATE.check("heads and positions are not confused, were there as many", tier="deep")
def _(rotate, case):
    given, angles = _to_turn(case, heads=3)
    case.same(rotate(**given), _turned(given["x_BTHD"], angles), given=given)


@ROTATE.check("lengths stay, and turning back gives what was", tier="deep")
def _(rotate, case):
    given, _ = _to_turn(case)
    there = rotate(**given)
    back = rotate(there, given["cos_TP"], -given["sin_TP"])
    case.same(there.norm(dim=-1), given["x_BTHD"].norm(dim=-1), given=given)
    case.same(back, given["x_BTHD"], given=given)


@ROTATE.check(
    "bfloat16 is turned with the tables' digits and rounded once, at the end", tier="deep"
)
def _(rotate, case):
    x = case.tensor(1, 3, 2, 4, dtype=torch.bfloat16)
    angles = 3 * case.tensor(3, 2)
    given = {"x_BTHD": x, "cos_TP": angles.cos().float(), "sin_TP": angles.sin().float()}
    expected = _turned(x, angles).to(torch.bfloat16)
    got = rotate(**given)
    case.same(str(got.dtype), "torch.bfloat16", given=given)
    case.same(got, expected, given=given, tolerance=1e-2)


def _halves(x, cos, sin, sign=1.0):
    left, right = x.chunk(2, -1)
    cos, sin = cos.unsqueeze(-2), sin.unsqueeze(-2) * sign
    return torch.cat([left * cos - right * sin, left * sin + right * cos], -1).to(x.dtype)


@ROTATE.mistake(
    "the turn goes the other way round: the minus stands in the left half, x cos - y sin",
    caught_by="a quarter turn sends (1, 0) to (0, 1)",
)
def _(x_BTHD, cos_TP, sin_TP):
    return _halves(x_BTHD, cos_TP, sin_TP, sign=-1.0)


@ROTATE.mistake(
    "neighbours are paired, (x_0, x_1), as in the paper; here a pair is half a width apart, as in "
    "Llama's published weights",
    caught_by="each pair is turned by its position's angle",
)
def _(x_BTHD, cos_TP, sin_TP):
    even, odd = x_BTHD[..., ::2], x_BTHD[..., 1::2]
    cos, sin = cos_TP.unsqueeze(-2), sin_TP.unsqueeze(-2)
    pairs = torch.stack([even * cos - odd * sin, even * sin + odd * cos], -1)
    return pairs.flatten(-2)


@ROTATE.mistake(
    "both halves have the same sign, so that lengths change: a rotation has one minus",
    caught_by="each pair is turned by its position's angle",
)
def _(x_BTHD, cos_TP, sin_TP):
    left, right = x_BTHD.chunk(2, -1)
    cos, sin = cos_TP.unsqueeze(-2), sin_TP.unsqueeze(-2)
    return torch.cat([left * cos + right * sin, left * sin + right * cos], -1)


@ROTATE.mistake(
    "the right half is turned from the left half's new values: keep the old ones until both are "
    "computed",
    caught_by="each pair is turned by its position's angle",
)
def _(x_BTHD, cos_TP, sin_TP):
    left, right = x_BTHD.chunk(2, -1)
    cos, sin = cos_TP.unsqueeze(-2), sin_TP.unsqueeze(-2)
    left = left * cos - right * sin
    return torch.cat([left, left * sin + right * cos], -1)


@ROTATE.mistake(
    "the tables lie along the heads, not along the positions: a T x P table needs unsqueeze(-2) "
    "before it meets T x H x P",
    caught_by="heads and positions are not confused, were there as many",
)
def _(x_BTHD, cos_TP, sin_TP):
    heads = x_BTHD.shape[-2]
    cos, sin = cos_TP[:heads].unsqueeze(0), sin_TP[:heads].unsqueeze(0)
    left, right = x_BTHD.chunk(2, -1)
    return torch.cat([left * cos - right * sin, left * sin + right * cos], -1)


SCALING = Exercise(
    "rotary-scaling",
    of="groundup.layers.positions:RotaryScaling",
    title="Stretch the context: slow down the slow pairs only",
    minutes=25,
    methods=("apply",),
    hints=(
        "A pair that turns many times in the training context has been seen at every angle. "
        "Which pairs meet angles in a longer text that they never met?",
        "turns = original_context * speed / 2 pi. With low_turns or fewer the speed is divided by "
        "factor, with high_turns or more it stays, in between mix the two by where turns lies.",
        "kept = ((turns - low_turns) / (high_turns - low_turns)).clamp(0, 1); "
        "speed * kept + speed / factor * (1 - kept).",
    ),
)


def _speed(turns, context):
    return 2 * math.pi * torch.tensor(turns, dtype=torch.float64) / context


@SCALING.check("pairs that turn often stay, pairs that hardly turn are slowed by the factor")
def _(scaling, case):
    factor = float(case.integer(2, 8))
    one = scaling(factor=factor, original_context=100)
    given = {"factor": factor, "original_context": 100, "speed_P": _speed([9.0, 5.0, 0.5], 100)}
    expected = given["speed_P"] / torch.tensor([1.0, 1.0, factor], dtype=torch.float64)
    case.same(one.apply(given["speed_P"]), expected, given=given)


@SCALING.check("half way between the limits, half of each")
def _(scaling, case):
    factor = float(case.integer(2, 8))
    one = scaling(factor=factor, low_turns=2.0, high_turns=6.0, original_context=50)
    given = {"factor": factor, "low": 2.0, "high": 6.0, "speed_P": _speed([4.0], 50)}
    expected = given["speed_P"] * (0.5 + 0.5 / factor)
    case.same(one.apply(given["speed_P"]), expected, given=given)


@SCALING.check("the context it was trained on decides what a turn is", tier="deep")
def _(scaling, case):
    context = case.integer(20, 90)
    one = scaling(factor=4.0, original_context=context)
    given = {"original_context": context, "speed_P": _speed([1.75, 3.25], context)}
    kept = torch.tensor([0.25, 0.75], dtype=torch.float64)
    case.same(one.apply(given["speed_P"]), given["speed_P"] * (kept + (1 - kept) / 4), given=given)


@SCALING.check("a factor of 1 changes nothing", tier="deep")
def _(scaling, case):
    given = {"speed_P": case.tensor(4).abs()}
    case.same(scaling(factor=1.0).apply(**given), given["speed_P"], given=given)


def _scaled(self, speed, *, turns=None, clamp=True, invert=False, factor=None):
    turns = self.original_context * speed / (2 * math.pi) if turns is None else turns
    kept = (turns - self.low_turns) / (self.high_turns - self.low_turns)
    kept = kept.clamp(0, 1) if clamp else kept
    kept = 1 - kept if invert else kept
    return speed * kept + speed / (factor or self.factor) * (1 - kept)


@SCALING.mistake(
    "all pairs are slowed (position interpolation): the fast ones, which tell neighbours apart, "
    "lose what they learnt",
    caught_by="pairs that turn often stay, pairs that hardly turn are slowed by the factor",
)
class _AllSlowed(RotaryScaling):
    def apply(self, speed_P):
        return speed_P / self.factor


@SCALING.mistake(
    "the fast pairs are slowed and the slow ones kept: it is the slow ones that meet new angles",
    caught_by="pairs that turn often stay, pairs that hardly turn are slowed by the factor",
)
class _WrongOnes(RotaryScaling):
    def apply(self, speed_P):
        return _scaled(self, speed_P, invert=True)


@SCALING.mistake(
    "the share that is kept is not limited to 0 ... 1: outside the limits it goes on growing",
    caught_by="pairs that turn often stay, pairs that hardly turn are slowed by the factor",
)
class _NotClamped(RotaryScaling):
    def apply(self, speed_P):
        return _scaled(self, speed_P, clamp=False)


@SCALING.mistake(
    "there is a step where there should be a slope: pairs between the limits get a mixture",
    caught_by="half way between the limits, half of each",
)
class _Step(RotaryScaling):
    def apply(self, speed_P):
        turns = self.original_context * speed_P / (2 * math.pi)
        return torch.where(turns > self.low_turns, speed_P, speed_P / self.factor)


@SCALING.mistake(
    "a turn is 2 pi radians: the division by 2 pi is missing",
    caught_by="the context it was trained on decides what a turn is",
)
class _Radians(RotaryScaling):
    def apply(self, speed_P):
        return _scaled(self, speed_P, turns=self.original_context * speed_P)
