"""Every decomposition runs the family's list: product, structure, manners, bad input."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.maths.decomposition_family import (
    DEFINITE,
    KINDS,
    Member,
    check_manners,
    check_product,
    check_structure,
    matrices,
)

from groundup.maths import (
    cholesky,
    eigen,
    gram_schmidt,
    jacobi,
    lu,
    polar,
    qr,
    randomized_svd,
    schur,
    svd,
    symmetric_eigen,
)
from groundup.maths.low_rank import low_rank


def from_rows(permutation, product):
    A = np.empty_like(product)
    A[permutation] = product
    return A


def from_columns(permutation, product):
    A = np.empty_like(product)
    A[:, permutation] = product
    return A


def tridiagonal(diagonal, off):
    return np.diag(diagonal) + np.diag(off, 1) + np.diag(off, -1)


def lu_spread(A, factors, power):
    """Backward error of LU is n eps || |L||U| ||, whatever the growth (Higham, theorem 9.3)."""
    product = np.abs(factors.lower) @ np.abs(factors.upper / power)
    return np.sqrt((product**2).sum())


class Pair(tuple):
    """Factors of a function that returns a plain tuple or array."""

    L = property(lambda self: self[0])


FAMILY = {
    "lu": Member(
        lu.lu,
        lambda f: from_rows(f.permutation, f.lower @ f.upper),
        lower=("lower",),
        upper=("upper",),
        spread=lu_spread,
    ),
    "cholesky": Member(
        lambda A: Pair([cholesky.cholesky(A)]), lambda f: f.L @ f.L.T, "definite", lower=("L",)
    ),
    "ldl": Member(
        lambda A: Pair(cholesky.ldl(A)), lambda f: (f.L * f[1]) @ f.L.T, "definite", lower=("L",)
    ),
    "qr": Member(qr.qr, lambda f: f.Q @ f.R, orthonormal=("Q",), upper=("R",)),
    "full qr": Member(
        lambda A: qr.qr(A, "full"), lambda f: f.Q @ f.R, orthonormal=("Q",), upper=("R",)
    ),
    "givens_qr": Member(qr.givens_qr, lambda f: f.Q @ f.R, orthonormal=("Q",), upper=("R",)),
    "pivoted_qr": Member(
        qr.pivoted_qr,
        lambda f: from_columns(f.permutation, f.Q @ f.R),
        orthonormal=("Q",),
        upper=("R",),
    ),
    "classical": Member(gram_schmidt.classical, lambda f: f.Q @ f.R, "independent", upper=("R",)),
    "modified": Member(gram_schmidt.modified, lambda f: f.Q @ f.R, "independent", upper=("R",)),
    "twice": Member(
        gram_schmidt.twice, lambda f: f.Q @ f.R, "independent", orthonormal=("Q",), upper=("R",)
    ),
    "svd": Member(svd.svd, lambda f: (f.U * f.s) @ f.Vt, orthonormal=("U",), descending=("s",)),
    "jacobi_svd": Member(
        jacobi.jacobi_svd, lambda f: (f.U * f.s) @ f.Vt, orthonormal=("U",), descending=("s",)
    ),
    "bidiagonalize": Member(
        svd.bidiagonalize,
        lambda f: (
            f.U @ (np.diag(f.diagonal) + np.diag(f.off_diagonal, 1)) @ f.V.T
            if f.diagonal.size
            else np.zeros((len(f.U), 0))
        ),
        "tall",
        orthonormal=("U", "V"),
    ),
    "symmetric_eigen": Member(
        symmetric_eigen.symmetric_eigen,
        lambda f: (f.vectors * f.values) @ f.vectors.T,
        "symmetric",
        orthonormal=("vectors",),
        ascending=("values",),
    ),
    "jacobi_eigen": Member(
        jacobi.jacobi_eigen,
        lambda f: (f.vectors * f.values) @ f.vectors.T,
        "symmetric",
        orthonormal=("vectors",),
        ascending=("values",),
    ),
    "tridiagonalize": Member(
        symmetric_eigen.tridiagonalize,
        lambda f: (
            f.Q @ tridiagonal(f.diagonal, f.off_diagonal) @ f.Q.T
            if f.diagonal.size
            else np.zeros((0, 0))
        ),
        "symmetric",
        orthonormal=("Q",),
    ),
    "hessenberg": Member(
        schur.hessenberg, lambda f: f.Q @ f.H @ f.Q.T, "square", orthonormal=("Q",)
    ),
    "real_schur": Member(
        schur.real_schur, lambda f: f.Q @ f.T @ f.Q.T, "square", orthonormal=("Q",)
    ),
    "polar": Member(polar.polar, lambda f: f.U @ f.P, "tall", orthonormal=("U",)),
    "low_rank, all of it": Member(
        lambda A: low_rank(A, svd.singular_values(A).size), lambda f: f.left @ f.right
    ),
}
CASES = [
    pytest.param(member, A, id=f"{name}: {title}")
    for name, member in FAMILY.items()
    for title, A in KINDS[member.kind].items()
]
ANY_MEMBER = pytest.mark.parametrize("member", FAMILY.values(), ids=FAMILY)


@pytest.mark.parametrize(("member", "A"), CASES)
def test_on_known_matrices(member, A):
    check_product(member, A)
    check_structure(member, A)
    check_manners(member, A)


@ANY_MEMBER
@settings(max_examples=50)
@given(data=st.data())
def test_on_random_matrices(member, data):
    A = data.draw(matrices(member.kind))
    check_product(member, A)
    check_structure(member, A)


@ANY_MEMBER
@pytest.mark.parametrize(
    ("bad", "message"),
    [
        ([[1.0, np.nan], [np.nan, 1.0]], "NaN or infinity"),
        ([[np.inf, 0.0], [0.0, 1.0]], "NaN or infinity"),
        ([[1.0, 1j], [-1j, 1.0]], "dtype complex128"),
        ([["a", "b"], ["b", "a"]], "dtype <U1"),
        ([[None, 1], [1, None]], "dtype object"),
        ([1.0, 2.0], "shape"),
        (3.0, "shape"),
        (np.ones((2, 2, 2)), "shape"),
    ],
)
def test_what_is_no_matrix_is_refused(member, bad, message):
    with pytest.raises(ValueError, match=message):
        member.decompose(bad)


@ANY_MEMBER
def test_other_types_of_numbers_are_converted(member):
    whole = np.array([[4, 1], [1, 3]], dtype=np.int8)
    for A in (whole, whole.tolist(), whole.astype(np.float32), whole.astype(np.uint64)):
        for got, wanted in zip(
            member.decompose(A), member.decompose(whole.astype(float)), strict=True
        ):
            assert np.array_equal(got, wanted)


@pytest.mark.parametrize(
    "name", ["cholesky", "ldl", "symmetric_eigen", "jacobi_eigen", "tridiagonalize"]
)
def test_an_unsymmetric_matrix_is_refused(name):
    with pytest.raises(ValueError, match="not symmetric"):
        FAMILY[name].decompose([[1.0, 2.0], [3.0, 4.0]])


@pytest.mark.parametrize("name", ["hessenberg", "real_schur", "cholesky", "symmetric_eigen"])
def test_an_oblong_matrix_is_refused(name):
    with pytest.raises(ValueError, match="square"):
        FAMILY[name].decompose(np.ones((2, 3)))


@pytest.mark.parametrize("name", ["polar", "bidiagonalize", "classical", "modified", "twice"])
def test_a_wide_matrix_is_refused_where_columns_must_be_independent(name):
    with pytest.raises(ValueError, match="rows"):
        FAMILY[name].decompose(np.ones((2, 3)))


@pytest.mark.parametrize("A", DEFINITE.values(), ids=DEFINITE)
def test_the_members_agree_on_a_definite_matrix(A):
    """Eigenvalues, singular values, pivots and the determinant are one family of numbers."""
    scale = np.abs(A).max(initial=0.0) or 1.0
    values = symmetric_eigen.symmetric_eigen(A).values
    allowed = 20 * max(len(A), 1) * np.finfo(float).eps * scale * max(len(A), 1)
    assert jacobi.jacobi_eigen(A).values == pytest.approx(values, rel=0, abs=allowed)
    assert svd.singular_values(A)[::-1] == pytest.approx(values, rel=0, abs=allowed)
    assert np.sort(eigen.eigenvalues(A).real) == pytest.approx(values, rel=0, abs=allowed)
    if len(A):
        few = randomized_svd.randomized_svd(A, len(A))
        assert few.s[::-1] == pytest.approx(values, rel=0, abs=allowed)
    logs = np.log(np.diag(cholesky.cholesky(A))).sum() * 2
    # each logarithm of an eigenvalue moves by the relative change of that eigenvalue, eps cond(A)
    condition = values[-1] / values[0] if len(A) else 1.0
    allowed = 20 * max(len(A), 1) * np.finfo(float).eps * condition
    assert lu.log_determinant(A)[1] == pytest.approx(logs, rel=1e-15, abs=allowed)
