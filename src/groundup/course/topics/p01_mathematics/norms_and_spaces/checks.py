"""Lengths, angles, projections, an orthonormal basis: what answers must do, and how they fail."""

import math

import numpy as np

from groundup.course.exercise import Exercise
from groundup.maths.qr import QR

# The angle between two vectors

ANGLE = Exercise(
    "angle",
    of="groundup.maths.vectors:angle",
    title="The angle between two vectors",
    minutes=20,
    hints=(
        "Lengths do not matter: make both vectors one long first. How far apart are their tips, "
        "and how long is their sum, when they point the same way, and when they are opposite?",
        "For unit vectors u and v, |u - v| = 2 sin(angle / 2) and |u + v| = 2 cos(angle / 2). An "
        "arctangent of the two loses no digits anywhere; an arccosine does near 0 and pi.",
        "_pair checks the inputs, _direction makes a vector one long (and refuses zero): "
        "`2 * math.atan2(length(u - v), length(u + v))`.",
    ),
)
_KNOWN = [([1, 0], [0, 2], math.pi / 2), ([1, 1], [-2, -2], math.pi), ([1, 0], [1, 1], math.pi / 4)]


@ANGLE.check("a right angle, the opposite direction, half a right angle")
def _(angle, case):
    for x, y, expected in _KNOWN:
        case.same(angle(x, y), expected, given={"x": x, "y": y})


@ANGLE.check("its cosine is that of the definition, in any dimension")
def _(angle, case):
    x, y = case.array(5), case.array(5)
    cosine = x @ y / np.sqrt((x @ x) * (y @ y))
    case.same(math.cos(angle(x, y)), cosine, given={"x": x, "y": y}, says="the cosine is wrong")


@ANGLE.check("a small angle keeps its digits", tier="deep")
def _(angle, case):
    for tiny in (1e-4, 1e-7, 1e-10):
        share = angle([3, 0], [2, 2 * tiny]) / math.atan(tiny)
        given = {"x": [3, 0], "y": [2, 2 * tiny]}
        case.same(share, 1.0, given=given, says=f"as a share of {tiny:g}, the angle is wrong")


@ANGLE.check("very long and very short vectors have directions too", tier="deep")
def _(angle, case):
    given = {"x": [1e200, 0], "y": [1e-200, 1e-200]}
    case.same(angle(**given), math.pi / 4, given=given)


@ANGLE.check("the zero vector is refused", tier="deep")
def _(angle, case):
    for x, y in (([0, 0], [1, 0]), ([1, 0], [0, 0])):
        says = "the zero vector has no direction: wanted a ValueError"
        case.refuses(lambda x=x, y=y: angle(x, y), says=says, given={"x": x, "y": y})


def _cosine(x, y):
    x, y = np.asarray(x, float), np.asarray(y, float)
    with np.errstate(all="ignore"):
        return float(x @ y / (np.linalg.norm(x) * np.linalg.norm(y)))


@ANGLE.mistake(
    "arccos of the cosine: near 1 the cosine hardly moves, so that half the digits of a small "
    "angle are gone before arccos sees them",
    caught_by="a small angle keeps its digits",
)
def _(x, y):
    return math.acos(max(-1.0, min(1.0, _cosine(x, y))))


@ANGLE.mistake(
    "the angle is in degrees; wanted radians, in which half a turn is pi",
    caught_by="a right angle, the opposite direction, half a right angle",
)
def _(x, y):
    return math.degrees(math.acos(max(-1.0, min(1.0, _cosine(x, y)))))


@ANGLE.mistake(
    "this is half the angle: atan2(|u - v|, |u + v|) has to be doubled",
    caught_by="a right angle, the opposite direction, half a right angle",
)
def _(x, y):
    return math.acos(max(-1.0, min(1.0, _cosine(x, y)))) / 2


@ANGLE.mistake(
    "the vectors are compared as they came; make each one long first, or the longer one "
    "pulls the angle its way",
    caught_by="a right angle, the opposite direction, half a right angle",
)
def _(x, y):
    x, y = np.asarray(x, float), np.asarray(y, float)
    with np.errstate(all="ignore"):
        return 2 * math.atan2(np.linalg.norm(x - y), np.linalg.norm(x + y))


@ANGLE.mistake(
    "the sign of the inner product is lost: opposite vectors are pi apart, not 0 "
    "(and an arcsine cannot tell them apart)",
    caught_by="a right angle, the opposite direction, half a right angle",
)
def _(x, y):
    return math.acos(min(1.0, abs(_cosine(x, y))))


# The projection onto a line

PROJECT = Exercise(
    "project",
    of="groundup.maths.vectors:project",
    title="The part of one vector along another",
    minutes=15,
    hints=(
        "The answer is some number times `onto`. For which number is what is left of x at a right "
        "angle to `onto`?",
        "With a unit vector u along `onto` the number is the inner product of u and x. Doubling "
        "`onto` must change nothing.",
        "`u = _direction(onto, 'onto')`, which refuses zero, then `(u @ x) * u`.",
    ),
)


@PROJECT.check("onto an axis, one coordinate is kept")
def _(project, case):
    given = {"x": [3, 4], "onto": [0, 2]}
    case.same(project(**given), np.array([0.0, 4.0]), given=given)


@PROJECT.check("what is left is orthogonal to the line")
def _(project, case):
    given = {"x": case.array(4), "onto": case.array(4)}
    rest = given["x"] - project(**given)
    case.same(rest @ given["onto"], 0.0, given=given, says="<x - result, onto> is not 0")


@PROJECT.check("it is the multiple of the line that least squares finds")
def _(project, case):
    given = {"x": case.array(4), "onto": case.array(4)}
    column = given["onto"][:, None]
    nearest = column @ np.linalg.lstsq(column, given["x"], rcond=None)[0]
    case.same(project(**given), nearest, given=given)


@PROJECT.check("a projection of a projection is itself", tier="deep")
def _(project, case):
    x, onto = case.array(4), case.array(4)
    once = project(x, onto)
    case.same(project(once, onto), once, given={"x": once, "onto": onto})


@PROJECT.check("a very long and a very short line are lines too", tier="deep")
def _(project, case):
    for size in (1e-200, 1e200):
        given = {"x": [1.0, 3.0], "onto": [size, size]}
        case.same(project(**given), np.array([2.0, 2.0]), given=given)


@PROJECT.check("the zero vector is refused", tier="deep")
def _(project, case):
    given = {"x": [1.0, 2.0], "onto": [0.0, 0.0]}
    says = "the zero vector spans no line: wanted a ValueError"
    case.refuses(lambda: project(**given), says=says, given=given)


def _along(x, onto, divisor):
    x, onto = np.asarray(x, float), np.asarray(onto, float)
    with np.errstate(all="ignore"):
        return (x @ onto) / divisor(x, onto) * onto


@PROJECT.mistake(
    "nothing is divided by: <x, onto> onto grows with the length of `onto`, squared",
    caught_by="onto an axis, one coordinate is kept",
)
def _(x, onto):
    return _along(x, onto, lambda x, onto: 1.0)


@PROJECT.mistake(
    "divided by the length of `onto` once; both the number and the direction need it, "
    "so divide by its square",
    caught_by="onto an axis, one coordinate is kept",
)
def _(x, onto):
    return _along(x, onto, lambda x, onto: np.linalg.norm(onto))


@PROJECT.mistake(
    "`onto` is projected onto x, not x onto `onto`",
    caught_by="onto an axis, one coordinate is kept",
)
def _(x, onto):
    return _along(onto, x, lambda onto, x: x @ x)


@PROJECT.mistake(
    "this is what is left, x minus its projection; wanted the projection",
    caught_by="onto an axis, one coordinate is kept",
)
def _(x, onto):
    return np.asarray(x) - _along(x, onto, lambda x, onto: onto @ onto)


@PROJECT.mistake(
    "this is the number alone; wanted the point, that number times the unit vector",
    caught_by="onto an axis, one coordinate is kept",
)
def _(x, onto):
    return float(np.asarray(x, float) @ onto / np.linalg.norm(onto))


@PROJECT.mistake(
    "the length of `onto` is squared, which is 0 or infinite for very short or long vectors; "
    "make a unit vector first",
    caught_by="a very long and a very short line are lines too",
)
def _(x, onto):
    return _along(x, onto, lambda x, onto: onto @ onto)


# The p-norms

NORM = Exercise(
    "vector_norm",
    of="groundup.maths.norms:vector_norm",
    title="How long a vector is: the p-norms",
    minutes=30,
    hints=(
        "Three cases have no power and no root: p = 0 counts, p = inf and p = -inf look for one "
        "entry. Write those first.",
        "(1e200)^2 is infinite though the norm is not. Divide all by the largest, take the norm of "
        "what is left, and multiply again. For a negative p the smallest entry rules.",
        "`sizes = np.abs(_vector(x))`; refuse NaN, and p < 0 without numbers; then "
        "`np.count_nonzero`, `sizes.max(initial=0.0)`, `sizes.min()`, or `_power_mean(sizes, p)`, "
        "which does the scaling.",
    ),
)


def _mixed(case, n=4):
    """Numbers of both signs, with a zero."""
    x = case.array(n)
    x[0], x[1] = -abs(x[0]) - 0.5, 0.0
    return x


@NORM.check("p = 1, 2 and 3 are NumPy's")
def _(vector_norm, case):
    x = _mixed(case)
    for p in (1, 2, 3):
        case.same(vector_norm(x, p), float(np.linalg.norm(x, p)), given={"x": x, "p": p})


@NORM.check("p = infinity is the largest size, p = 0 counts what is not zero")
def _(vector_norm, case):
    x = [-3.0, 1.0, 0.0, 2.0]
    for p, expected in ((math.inf, 3.0), (0, 3.0), (-math.inf, 0.0)):
        case.same(vector_norm(x, p), expected, given={"x": x, "p": p})


@NORM.check("without p it is the length")
def _(vector_norm, case):
    case.same(vector_norm([3.0, -4.0]), 5.0, given={"x": [3.0, -4.0]})


@NORM.check("numbers whose squares overflow or vanish have a norm", tier="deep")
def _(vector_norm, case):
    for size in (1e200, 1e-200):
        given = {"x": [3 * size, 4 * size], "p": 2}
        case.same(vector_norm(**given) / size, 5.0, given=given, says=f"over {size:g}, it is wrong")


@NORM.check("p below 1, and below 0", tier="deep")
def _(vector_norm, case):
    x = np.abs(case.array(4)) + 0.1
    for p in (0.5, -1, -2):
        case.same(vector_norm(x, p), float(np.linalg.norm(x, p)), given={"x": x, "p": p})
    given = {"x": [0.0, 2.0], "p": -1}
    case.same(vector_norm(**given), 0.0, given=given, says="for p < 0 one zero makes it 0")


@NORM.check("no numbers have norm 0; what makes no sense is refused", tier="deep")
def _(vector_norm, case):
    case.same(vector_norm([], 2), 0.0, given={"x": [], "p": 2})
    for given in ({"x": [], "p": -1}, {"x": [1.0], "p": math.nan}, {"x": [[1.0]], "p": 2}):
        says = "wanted a ValueError"
        case.refuses(lambda given=given: vector_norm(**given), says=says, given=given)


def _norm(x, p, *, size=np.abs, root=True, many=np.count_nonzero, scaled=True):
    """The norm, with one thing otherwise."""
    sizes = size(np.asarray(x, float))
    if p == 0:
        return float(many(sizes))
    if math.isinf(p):
        return float(sizes.max(initial=0.0) if p > 0 else sizes.min())
    unit = float(np.abs(sizes).max(initial=0.0)) if scaled and p > 0 else 1.0
    with np.errstate(all="ignore"):
        total = ((sizes / (unit or 1.0)) ** p).sum()
        return unit * float(total ** (1 / p)) if root else unit**p * float(total)


@NORM.mistake(
    "the sizes are missing: |x_i| to the power, not x_i, or negative entries cancel others",
    caught_by="p = 1, 2 and 3 are NumPy's",
)
def _(x, p=2):
    return _norm(x, p, size=lambda x: x)


@NORM.mistake("the root 1/p is missing at the end", caught_by="p = 1, 2 and 3 are NumPy's")
def _(x, p=2):
    return _norm(x, p, root=False)


@NORM.mistake(
    "p = 0 counts all entries; 0^0 is 1 in Python, so count those that are not zero",
    caught_by="p = infinity is the largest size, p = 0 counts what is not zero",
)
def _(x, p=2):
    return _norm(x, p, many=len)


@NORM.mistake(
    "the powers overflow (1e200 squared is infinite) or vanish; divide by the largest size first "
    "and multiply by it at the end",
    caught_by="numbers whose squares overflow or vanish have a norm",
)
def _(x, p=2):
    return _norm(x, p, scaled=False)


# Gram-Schmidt

GRAM_SCHMIDT = Exercise(
    "gram_schmidt",
    of="groundup.maths.gram_schmidt:modified",
    title="Gram-Schmidt, the order of the sums that survives rounding",
    minutes=40,
    hints=(
        "Take the first column and make it one long. What must every later column lose so that it "
        "is orthogonal to it? Then go on with what is left of them.",
        "R[j, j] is the length of what is left of column j, R[j, k] how much of q_j the column k "
        "still holds *now*, after it has lost q_0 .. q_(j-1). Measuring on the column as it came "
        "is the classical order, and rounding ruins it.",
        "`A, exponents = _tall(A)`, `Q, R = A.copy(), np.zeros(...)`; for each j: R[j, j] = "
        "_length(Q[:, j], A[:, j], j), divide, `R[j, j+1:] = Q[:, j] @ Q[:, j+1:]`, subtract "
        "`np.outer(Q[:, j], R[j, j+1:])`; return QR(Q, rescaled(R, exponents)).",
    ),
)


def _columns(case):
    """Three independent columns that are neither orthogonal nor of one length."""
    return np.eye(4, 3) * [1.0, 2.0, 0.5] + 0.4 * case.chance.uniform(0.5, 1.0, (4, 3))


def _nearly_dependent():
    """Läuchli's matrix: the columns differ by 1e-8 alone."""
    return np.vstack([np.ones(4), 1e-8 * np.eye(4)])


@GRAM_SCHMIDT.check("the columns of Q are orthonormal")
def _(modified, case):
    A = _columns(case)
    Q, _ = modified(A)
    case.same(Q.T @ Q, np.eye(3), given={"A": A}, says="Q'Q is not the identity")


@GRAM_SCHMIDT.check("Q times R is A")
def _(modified, case):
    A = _columns(case)
    Q, R = modified(A)
    case.same(Q @ R, A, given={"A": A}, says="QR is not A")


@GRAM_SCHMIDT.check("R is upper triangular, and NumPy's up to signs")
def _(modified, case):
    A = _columns(case)
    theirs = np.linalg.qr(A).R
    signs = np.sign(np.diag(theirs))
    case.same(modified(A)[1], signs[:, None] * theirs, given={"A": A}, says="R is another one")


@GRAM_SCHMIDT.check("nearly dependent columns stay nearly orthogonal", tier="deep")
def _(modified, case):
    A = _nearly_dependent()
    Q, _ = modified(A)
    case.same(Q.T @ Q, np.eye(4), given={"A": A}, says="Q'Q is far from 1", tolerance=1e-6)


@GRAM_SCHMIDT.check("the matrix that came is not changed", tier="deep")
def _(modified, case):
    A = _columns(case)
    before = A.copy()
    modified(A)
    case.same(A, before, given={"A": before}, says="A was changed")


@GRAM_SCHMIDT.check("a column that depends on others is refused", tier="deep")
def _(modified, case):
    A = _columns(case)
    A[:, 2] = A[:, 0] - A[:, 1]
    says = "what is left of the last column is rounding error: wanted a LinAlgError"
    case.refuses(lambda: modified(A), np.linalg.LinAlgError, says=says, given={"A": A})


@GRAM_SCHMIDT.check("more columns than rows are refused", tier="deep")
def _(modified, case):
    A = case.array(2, 3)
    says = "three vectors in a plane are dependent: wanted a ValueError"
    case.refuses(lambda: modified(A), ValueError, says=says, given={"A": A})


def _gram_schmidt(A, *, measured="now", unit=True, lower=False, in_place=False):
    """Column by column, with one thing otherwise."""
    Q = A if in_place else np.array(A, float)
    columns, R = np.array(A, float), np.zeros((Q.shape[1],) * 2)
    for j in range(Q.shape[1]):
        for i in range(j):
            square = 1.0 if unit else Q[:, i] @ Q[:, i]
            seen = columns[:, j] if measured == "as it came" else Q[:, j]
            R[i, j] = Q[:, i] @ seen / square
            Q[:, j] -= R[i, j] * Q[:, i]
        R[j, j] = np.sqrt(Q[:, j] @ Q[:, j]) if unit else 1.0
        Q[:, j] /= R[j, j]
    return QR(Q, R.T.copy() if lower else R)


@GRAM_SCHMIDT.mistake(
    "each projection is measured on the column as it came (classical Gram-Schmidt): measure it on "
    "what the earlier ones have left, or their rounding errors stay in",
    caught_by="nearly dependent columns stay nearly orthogonal",
)
def _(A):
    return _gram_schmidt(A, measured="as it came")


@GRAM_SCHMIDT.mistake(
    "the columns of Q are orthogonal but not one long: divide each by its length, "
    "and keep the length in R[j, j]",
    caught_by="the columns of Q are orthonormal",
)
def _(A):
    return _gram_schmidt(A, unit=False)


@GRAM_SCHMIDT.mistake(
    "R is transposed: R[i, j], i < j, is how much of q_i column j holds",
    caught_by="Q times R is A",
)
def _(A):
    return _gram_schmidt(A, lower=True)


@GRAM_SCHMIDT.mistake(
    "the caller's matrix is overwritten; work on a copy",
    caught_by="the matrix that came is not changed",
)
def _(A):
    return _gram_schmidt(A, in_place=True)
