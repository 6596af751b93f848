"""The SVD at work: low rank, how much a rank keeps, the pseudo-inverse, and a random shortcut."""

import numpy as np

from groundup.course.exercise import Exercise
from groundup.maths.low_rank import LowRank
from groundup.maths.qr import qr

# The nearest matrix of low rank

LOW_RANK = Exercise(
    "low_rank",
    of="groundup.maths.low_rank:low_rank",
    title="The nearest matrix of rank k",
    minutes=30,
    hints=(
        "Written as s_1 u_1 v_1' + s_2 u_2 v_2' + ..., which terms would you keep, and what is "
        "the size of those you leave out?",
        "Keep k columns of U and k rows of Vt, and give each side the root of s. The spectral "
        "error is the first s left out, the Frobenius error the root of the sum of the squares of "
        "all left out.",
        "`scaled, exponent = unit_scale(finite_matrix(A))`, `U, s, Vt = svd(scaled)`, check k with "
        "whole_number(k, 'k', 0, len(s)); left = U[:, :k] * roots, right = roots[:, None] * "
        "Vt[:k]; give half of the exponent back to each side with `rescaled`.",
    ),
)


def _matrix(case, m=4, n=3):
    """Singular values 4, 2, 1 (and 0.5), turned at random."""
    left, right = np.linalg.qr(case.array(m, m)).Q, np.linalg.qr(case.array(n, n)).Q
    size = min(m, n)
    return (left[:, :size] * 4 / 2.0 ** np.arange(size)) @ right[:size]


def _cut(A, k):
    U, s, Vt = np.linalg.svd(A, full_matrices=False)
    return (U[:, :k] * s[:k]) @ Vt[:k]


@LOW_RANK.check("left times right is the SVD cut after k terms")
def _(low_rank, case):
    A = _matrix(case)
    for k in (1, 2):
        found = low_rank(A, k)
        case.same(found.left @ found.right, _cut(A, k), given={"A": A, "k": k})


@LOW_RANK.check("the factors have k columns and k rows")
def _(low_rank, case):
    A = _matrix(case, 5, 3)
    found = low_rank(A, 2)
    shapes = [found.left.shape, found.right.shape]
    case.same(shapes, [(5, 2), (2, 3)], given={"A": A, "k": 2}, says="the shapes are other ones")


@LOW_RANK.check("the errors are how far the product is from A")
def _(low_rank, case):
    A = _matrix(case, 4, 4)
    for k in (1, 2):
        found, rest = low_rank(A, k), A - _cut(A, k)
        expected = [float(np.linalg.norm(rest, 2)), float(np.linalg.norm(rest))]
        errors = [found.spectral_error, found.frobenius_error]
        says = "the spectral and the Frobenius error are other ones"
        case.same(errors, expected, given={"A": A, "k": k}, says=says)


@LOW_RANK.check("each singular value is shared as two roots", tier="deep")
def _(low_rank, case):
    A = _matrix(case)
    left, right, *_ = low_rank(A, 2)
    says = "left'left and right right' are not both diag(s)"
    expected = [np.diag([4.0, 2.0]), np.diag([4.0, 2.0])]
    case.same([left.T @ left, right @ right.T], expected, given={"A": A, "k": 2}, says=says)


@LOW_RANK.check("rank 0 is nothing, full rank is A", tier="deep")
def _(low_rank, case):
    A = _matrix(case)
    nothing, whole = low_rank(A, 0), low_rank(A, 3)
    case.same(nothing.left @ nothing.right, np.zeros((4, 3)), given={"A": A, "k": 0})
    case.same(nothing.spectral_error, 4.0, given={"A": A, "k": 0})
    case.same(whole.left @ whole.right, A, given={"A": A, "k": 3})
    case.same(whole.frobenius_error, 0.0, given={"A": A, "k": 3})


@LOW_RANK.check("wide matrices, and huge ones", tier="deep")
def _(low_rank, case):
    A = _matrix(case, 3, 5)
    for size in (1.0, 1e200):
        found = low_rank(size * A, 2)
        given = {"A": size * A, "k": 2}
        case.same(found.left @ found.right / size, _cut(A, 2), given=given)
        case.same(found.frobenius_error / size, 1.0, given=given, says="over the size, the error")


@LOW_RANK.check("a rank beyond the matrix is refused", tier="deep")
def _(low_rank, case):
    A = _matrix(case)
    for k in (4, -1):
        says = "wanted a ValueError for a rank that is none"
        case.refuses(lambda k=k: low_rank(A, k), says=says, given={"A": A, "k": k})


def _low_rank(A, k, *, powers=(0.5, 0.5), columns=False, spectral=0, frobenius=np.linalg.norm):
    """The cut, with one thing otherwise."""
    U, s, Vt = np.linalg.svd(A, full_matrices=False)
    rows = Vt[:, :k].T if columns else Vt[:k]
    left, right = U[:, :k] * s[:k] ** powers[0], s[:k, None] ** powers[1] * rows
    out = s[k + spectral : k + spectral + 1]
    return LowRank(left, right, float(out.max(initial=0.0)), float(frobenius(s[k:])))


@LOW_RANK.mistake(
    "s is multiplied into both factors, so it counts twice: each side gets its root",
    caught_by="left times right is the SVD cut after k terms",
)
def _(A, k):
    return _low_rank(A, k, powers=(1, 1))


@LOW_RANK.mistake(
    "k columns of Vt are taken; it is V transposed already, so the right singular vectors are "
    "its rows",
    caught_by="left times right is the SVD cut after k terms",
)
def _(A, k):
    return _low_rank(A, k, columns=True)


@LOW_RANK.mistake(
    "the spectral error is that of one term too few: the first one left out is s[k], "
    "counted from 0",
    caught_by="the errors are how far the product is from A",
)
def _(A, k):
    return _low_rank(A, k, spectral=-1)


@LOW_RANK.mistake(
    "the Frobenius error is the sum of the singular values left out; wanted the root of the sum "
    "of their squares",
    caught_by="the errors are how far the product is from A",
)
def _(A, k):
    return _low_rank(A, k, frobenius=np.sum)


@LOW_RANK.mistake(
    "all of s stands in the left factor; give each side its root, so that both are of one size "
    "when they are trained on",
    caught_by="each singular value is shared as two roots",
)
def _(A, k):
    return _low_rank(A, k, powers=(1, 0))


# How much a rank keeps

ENERGY = Exercise(
    "rank_for_energy",
    of="groundup.maths.low_rank:rank_for_energy",
    title="The rank that keeps a share of a matrix",
    minutes=25,
    hints=(
        "Energy is the sum of squares. What share of it do the first one, two, three values keep?",
        "Find the first k after which enough is kept. It is safer to ask when little enough is "
        "left out: with squares of 1 and 1e-18, what is kept rounds to all of it after one term.",
        "`left_out = np.append(np.cumsum(squares[::-1])[::-1], 0.0)` has what is missing after k "
        "terms at place k; `np.argmax(left_out <= (1 - share) * left_out[0])` is the first k.",
    ),
)
_SHARES = (0.2, 0.64, 0.65, 0.92, 0.93, 1.0)


@ENERGY.check("of 3, 2, 1 the squares are 9, 4, 1 of 14")
def _(rank_for_energy, case):
    s = [3.0, 2.0, 1.0]
    for share, expected in zip(_SHARES, (1, 1, 2, 2, 3, 3), strict=True):
        case.same(rank_for_energy(s, share), expected, given={"s": s, "share": share})


@ENERGY.check("a share that is met exactly is enough")
def _(rank_for_energy, case):
    given = {"s": [2.0, 2.0, 2.0, 2.0], "share": 0.5}
    case.same(rank_for_energy(**given), 2, given=given)


@ENERGY.check("the rank keeps enough, and one less would not")
def _(rank_for_energy, case):
    s = np.sort(np.abs(case.array(6)))[::-1]
    share = float(case.chance.uniform(0.3, 0.95))
    kept = [float((s[:k] ** 2).sum() / (s**2).sum()) for k in range(7)]
    expected = next(k for k in range(7) if kept[k] >= share)
    case.same(rank_for_energy(s, share), expected, given={"s": s, "share": share})


@ENERGY.check("nothing asked, or nothing there, takes rank 0", tier="deep")
def _(rank_for_energy, case):
    for given in ({"s": [2.0, 1.0], "share": 0.0}, {"s": [0.0, 0.0], "share": 0.9}):
        case.same(rank_for_energy(**given), 0, given=given)


@ENERGY.check("all of it means all, however small the last is", tier="deep")
def _(rank_for_energy, case):
    given = {"s": [1.0, 1e-9], "share": 1.0}
    case.same(rank_for_energy(**given), 2, given=given)


@ENERGY.check("what is no share, or not in order, is refused", tier="deep")
def _(rank_for_energy, case):
    wrong = ([2.0, 1.0], 1.5), ([2.0, 1.0], -0.1), ([1.0, 2.0], 0.5), ([1.0, -1.0], 0.5)
    for s, share in wrong:
        given = {"s": s, "share": share}
        case.refuses(
            lambda given=given: rank_for_energy(**given), says="wanted a ValueError", given=given
        )


def _rank(s, share, *, power=2, more=1, enough=np.greater_equal):
    """From what is kept, summed from the large end, with one thing otherwise."""
    values = np.asarray(s, float) ** power
    if share == 0 or not values.any():
        return 0
    kept = np.cumsum(values) / values.sum()
    return int(np.argmax(enough(kept, share))) + more


@ENERGY.mistake(
    "the values are summed as they are; energy is the sum of their squares",
    caught_by="of 3, 2, 1 the squares are 9, 4, 1 of 14",
)
def _(s, share):
    return _rank(s, share, power=1)


@ENERGY.mistake(
    "one too few: the place of the first sum that is enough counts from 0, the rank from 1",
    caught_by="of 3, 2, 1 the squares are 9, 4, 1 of 14",
)
def _(s, share):
    return _rank(s, share, more=0)


@ENERGY.mistake(
    "a share that is met exactly is enough: at least, not more than",
    caught_by="a share that is met exactly is enough",
)
def _(s, share):
    return _rank(s, share, enough=np.greater)


@ENERGY.mistake(
    "what is kept rounds to 1 before the small values are added; sum what is left out, "
    "from the small end",
    caught_by="all of it means all, however small the last is",
)
def _(s, share):
    return _rank(s, share)


# The pseudo-inverse

PSEUDO_INVERSE = Exercise(
    "pseudo_inverse",
    of="groundup.maths.low_rank:pseudo_inverse",
    title="An inverse for every matrix",
    minutes=25,
    hints=(
        "A turns v_i into s_i u_i. What must its inverse turn u_i into, and what can it do where "
        "s_i is 0?",
        "V diag(1/s) U', over those s alone that are above the threshold, which is a share of the "
        "largest: an s of 1e-17 is a zero that rounding missed, and 1/s would be 1e17.",
        "`U, s, Vt = svd(A)`, threshold = max(A.shape) * EPS unless rtol is given, kept = number "
        "of s > threshold * s.max(initial=0.0); `(Vt[:kept].T / s[:kept]) @ U[:, :kept].T`.",
    ),
)


@PSEUDO_INVERSE.check("of an invertible matrix it is the inverse")
def _(pseudo_inverse, case):
    A = _matrix(case, 3, 3)
    case.same(pseudo_inverse(A), np.linalg.inv(A), given={"A": A})


@PSEUDO_INVERSE.check("of a tall matrix it solves least squares")
def _(pseudo_inverse, case):
    A, b = _matrix(case), case.array(4)
    x = np.linalg.lstsq(A, b, rcond=None)[0]
    case.same(pseudo_inverse(A) @ b, x, given={"A": A, "b": b}, says="A+ b is not the best x")


@PSEUDO_INVERSE.check("a direction that A forgets stays forgotten", tier="deep")
def _(pseudo_inverse, case):
    A = _cut(_matrix(case, 4, 4), 2)
    case.same(pseudo_inverse(A), np.linalg.pinv(A, rcond=1e-12), given={"A": A})


@PSEUDO_INVERSE.check("rtol is a share of the largest singular value", tier="deep")
def _(pseudo_inverse, case):
    A = 10 * _matrix(case, 4, 4)  # singular values 40, 20, 10, 5
    given = {"A": A, "rtol": 0.3}
    case.same(pseudo_inverse(**given), np.linalg.pinv(A, rcond=0.3), given=given)


@PSEUDO_INVERSE.check("the zero matrix has one too, and shapes turn round", tier="deep")
def _(pseudo_inverse, case):
    A = np.zeros((2, 3))
    case.same(pseudo_inverse(A), np.zeros((3, 2)), given={"A": A})


def _inverse(A, rtol, *, share=True, power=-1.0, keep_all=False, turned=False):
    """V f(s) U', with one thing otherwise."""
    U, s, Vt = np.linalg.svd(A, full_matrices=False)
    least = (1e-14 if rtol is None else rtol) * (s.max(initial=0.0) if share else 1.0)
    kept = len(s) if keep_all else int((s > least).sum())
    with np.errstate(all="ignore"):
        V = Vt.T[:kept].T if turned else Vt[:kept].T
        return (V * s[:kept] ** power) @ U[:, :kept].T


@PSEUDO_INVERSE.mistake(
    "every singular value is inverted; those that are only rounding error become 1e16: count what "
    "is below the threshold as zero",
    caught_by="a direction that A forgets stays forgotten",
)
def _(A, rtol=None):
    return _inverse(A, rtol, keep_all=True)


@PSEUDO_INVERSE.mistake(
    "s is multiplied by, not divided by: this is A transposed",
    caught_by="of an invertible matrix it is the inverse",
)
def _(A, rtol=None):
    return _inverse(A, rtol, power=1.0)


@PSEUDO_INVERSE.mistake(
    "Vt stands where V should: the inverse begins with V, which is Vt transposed",
    caught_by="of an invertible matrix it is the inverse",
)
def _(A, rtol=None):
    return _inverse(A, rtol, turned=True)


@PSEUDO_INVERSE.mistake(
    "rtol is compared with s itself; it is relative, so compare with rtol times the largest s",
    caught_by="rtol is a share of the largest singular value",
)
def _(A, rtol=None):
    return _inverse(A, rtol, share=False)


# A random shortcut

RANDOM_RANGE = Exercise(
    "random_range",
    of="groundup.maths.randomized_svd:random_range",
    title="Where a large matrix sends things, from a few random probes",
    minutes=30,
    hints=(
        "Send a few random vectors through A. In which directions do the results point most?",
        "Q is an orthonormal basis of A times a random matrix. One more A A' in front turns s_j "
        "into s_j cubed: large ones win. Make the basis orthonormal after *every* product, or the "
        "small directions drown in the rounding error of the large ones.",
        "`Q = qr(A @ rng.standard_normal((A.shape[1], size))).Q`, then `power` times "
        "`Q = qr(A @ qr(A.T @ Q).Q).Q`.",
    ),
)


def _steep(case):
    """Rank 3 of 6 x 5, with singular values 1, 1e-3 and 1e-6."""
    left, right = np.linalg.qr(case.array(6, 3)).Q, np.linalg.qr(case.array(5, 3)).Q
    return (left * [1.0, 1e-3, 1e-6]) @ right.T


@RANDOM_RANGE.check("the columns are orthonormal, as many as asked")
def _(random_range, case):
    A = _matrix(case, 6, 5)
    Q = random_range(A, 3)
    case.same(Q.T @ Q, np.eye(3), given={"A": A, "size": 3}, says="Q'Q is not the identity")


@RANDOM_RANGE.check("a matrix of rank 2 is caught by 2 columns")
def _(random_range, case):
    A = _cut(_matrix(case, 6, 5), 2)
    Q = random_range(A, 2)
    case.same(Q @ (Q.T @ A), A, given={"A": A, "size": 2}, says="Q Q'A is not A")


@RANDOM_RANGE.check("many powers find the largest singular vectors")
def _(random_range, case):
    A = _matrix(case, 6, 5)
    u = np.linalg.svd(A).U[:, :1]
    Q = random_range(A, 1, power=30)
    given = {"A": A, "size": 1, "power": 30}
    case.same(Q @ Q.T, u @ u.T, given=given, says="Q spans another direction than u_1")


@RANDOM_RANGE.check("the same seed gives the same columns", tier="deep")
def _(random_range, case):
    A = _matrix(case, 6, 5)
    case.same(random_range(A, 3, rng=5), random_range(A, 3, rng=5), given={"A": A, "rng": 5})


@RANDOM_RANGE.check("small directions do not drown between the products", tier="deep")
def _(random_range, case):
    A = _steep(case)
    Q = random_range(A, 3, power=4)
    rest = (A - Q @ (Q.T @ A)) * 1e6
    given = {"A": A, "size": 3, "power": 4}
    says = "A - Q Q'A, times a million, is not 0"
    case.same(rest, np.zeros((6, 5)), given=given, says=says, tolerance=1e-3)


@RANDOM_RANGE.check("more columns than the matrix has are refused", tier="deep")
def _(random_range, case):
    A = _matrix(case, 6, 5)
    for size, power in ((6, 2), (0, 2), (2, -1)):
        given = {"A": A, "size": size, "power": power}
        says = "wanted a ValueError"
        case.refuses(lambda given=given: random_range(**given), says=says, given=given)


def _probe(A, size, rng):
    return A @ np.random.default_rng(rng).standard_normal((A.shape[1], size))


@RANDOM_RANGE.mistake(
    "A times the random matrix spans the right space but is no orthonormal basis of it; "
    "take Q of its QR",
    caught_by="the columns are orthonormal, as many as asked",
)
def _(A, size, *, power=2, rng=0):
    return _probe(A, size, rng)


@RANDOM_RANGE.mistake(
    "`power` is ignored: multiply by A A' that many times more",
    caught_by="many powers find the largest singular vectors",
)
def _(A, size, *, power=2, rng=0):
    return qr(_probe(A, size, rng)).Q


@RANDOM_RANGE.mistake(
    "the powers are taken all at once: after a few, every column is the largest direction and "
    "rounding error; make the columns orthonormal between the products",
    caught_by="small directions do not drown between the products",
)
def _(A, size, *, power=2, rng=0):
    Y = _probe(A, size, rng)
    for _ in range(power):
        Y = A @ (A.T @ Y)
    return np.linalg.qr(Y).Q


@RANDOM_RANGE.mistake(
    "the first columns of A are taken, with no chance in it: they may miss what A does most",
    caught_by="many powers find the largest singular vectors",
)
def _(A, size, *, power=2, rng=0):
    return np.linalg.qr(A[:, :size]).Q
