"""Interior point, active set and duality: each other's judges, and SciPy's HiGHS and SLSQP."""

import numpy as np
import pytest
import scipy.optimize
from hypothesis import example, given, settings
from hypothesis import strategies as st

from groundup.maths.active_set import active_set
from groundup.maths.convergence import ConvergenceWarning
from groundup.maths.interior_point import interior_point
from groundup.maths.kkt import kkt_residuals
from groundup.maths.lagrange import equality_quadratic
from groundup.maths.quadratic_program import (
    dual_program,
    dual_value,
    duality_gap,
    program,
)

SEEDS = st.integers(0, 2**31)
SOLVERS = pytest.mark.parametrize("solve", [interior_point, active_set])
quiet = pytest.mark.filterwarnings("ignore::groundup.maths.convergence.ConvergenceWarning")


def random_program(seed, *, linear=False, feasible=False):
    rng = np.random.default_rng(seed)
    n, m, p = rng.integers(1, 7), rng.integers(1, 12), rng.integers(0, 3)
    G, A = rng.normal(size=(m, n)), rng.normal(size=(p, n))
    inside, h = rng.normal(size=n), rng.normal(size=m)
    if feasible:
        h = G @ inside + np.abs(h)
    if p == 2 and seed % 3 == 0:
        A[1] = 2 * A[0]  # an equation that says nothing new
    root = rng.normal(size=(n, n))
    P = None if linear else root @ root.T + 0.01 * np.eye(n)
    return program(rng.normal(size=n), P=P, G=G, h=h, A=A, b=A @ inside)


def residuals(problem, solution):
    return kkt_residuals(
        problem.P @ solution.x + problem.q,
        equality=problem.A @ solution.x - problem.b,
        equality_jacobian=problem.A,
        equality_multipliers=solution.equality,
        inequality=problem.G @ solution.x - problem.h,
        inequality_jacobian=problem.G,
        inequality_multipliers=solution.inequality,
    )


@pytest.mark.reference
@quiet
@settings(max_examples=60)
@given(SEEDS)
def test_linear_programs_are_scipys_also_where_there_is_no_solution(seed):
    problem = random_program(seed, linear=True, feasible=seed % 2 == 0)
    theirs = scipy.optimize.linprog(
        problem.q, problem.G, problem.h, problem.A, problem.b, bounds=(None, None)
    )
    ours = interior_point(problem)
    names = {0: ("optimal",), 2: ("infeasible",), 3: ("unbounded",), 4: ("infeasible", "unbounded")}
    assert ours.status in names[theirs.status]
    if theirs.status == 0:
        assert ours.value == pytest.approx(theirs.fun, rel=1e-6, abs=1e-6)
        assert residuals(problem, ours).largest <= 1e-6 * (1 + np.abs(ours.inequality).max())


@quiet
@settings(max_examples=60)
@given(SEEDS)
def test_both_methods_agree_on_quadratic_programs(seed):
    problem = random_program(seed, feasible=seed % 2 == 0)
    inner, outer = interior_point(problem), active_set(problem)
    assert inner.status == outer.status
    if inner.status == "optimal":
        # interior_point leaves a gap of 1e-9 in units of at most a hundred times x, and of the
        # costs there; the gap bounds the error of f and, by strong convexity 0.01, that of x
        size = 100 * max(np.abs(outer.x).max(), 1e-6 * np.abs(problem.h).max())
        cost = np.abs(problem.q).max() + size * np.abs(problem.P).max()
        gap = 2e-9 * (size * cost + abs(outer.value))
        assert inner.value == pytest.approx(outer.value, abs=gap)
        assert inner.x == pytest.approx(outer.x, abs=(2 * gap / 0.01) ** 0.5)
        assert residuals(problem, inner).largest <= gap + 1e-8 * (size + cost)
        # active_set is right to rounding, magnified by condition numbers
        scale = 1 + np.abs(outer.inequality).max() + np.abs(outer.x).max()
        assert residuals(problem, outer).largest <= 1e-8 * scale
        assert (np.diff(outer.trace) >= -1e-10 * (1 + np.abs(outer.trace[1:]))).all()


@pytest.mark.reference
@SOLVERS
@settings(max_examples=15)
@given(seed=SEEDS)
def test_quadratic_programs_are_slsqps(solve, seed):
    problem = random_program(seed * 3 + 1, feasible=True)
    ours = solve(problem)
    theirs = scipy.optimize.minimize(
        problem.value,
        ours.x + 0.1,
        jac=lambda x: problem.P @ x + problem.q,
        constraints=[
            {
                "type": "ineq",
                "fun": lambda x: problem.h - problem.G @ x,
                "jac": lambda x: -problem.G,
            },
            {"type": "eq", "fun": lambda x: problem.A @ x - problem.b, "jac": lambda x: problem.A},
        ],
        method="SLSQP",
        options={"ftol": 1e-12, "maxiter": 500},
    )
    if theirs.success:
        assert ours.value == pytest.approx(theirs.fun, rel=1e-5, abs=1e-5)


@SOLVERS
def test_a_problem_whose_multipliers_are_known(solve):
    # min x^2 + y^2 with x + y >= 2 and x <= 5: at (1, 1), where 2x = z and the second is idle
    problem = program([0, 0], P=2 * np.eye(2), G=[[-1, -1], [1, 0]], h=[-2, 5])
    solution = solve(problem)
    assert solution.status == "optimal"
    assert solution.x == pytest.approx([1, 1], abs=1e-7)
    assert solution.inequality == pytest.approx([2, 0], abs=1e-7)
    assert solution.value == pytest.approx(2, abs=1e-7)


def test_the_textbooks_linear_program():
    # Dantzig's example: max 3x + 5y, x <= 4, 2y <= 12, 3x + 2y <= 18: 36 at (2, 6)
    problem = program([-3, -5], G=[[1, 0], [0, 2], [3, 2], [-1, 0], [0, -1]], h=[4, 12, 18, 0, 0])
    solution = interior_point(problem)
    assert solution.x == pytest.approx([2, 6], abs=1e-6)
    assert solution.inequality == pytest.approx([0, 1.5, 1, 0, 0], abs=1e-6)


@settings(max_examples=40)
@given(SEEDS)
def test_multipliers_are_prices(seed):
    problem = random_program(seed, feasible=True)
    solution = active_set(problem)
    active = np.flatnonzero(solution.inequality > 1e-3)
    if active.size == 0:
        return
    j, step = active[0], 1e-6
    h = problem.h.copy()
    h[j] += step
    looser = active_set(program(problem.q, P=problem.P, G=problem.G, h=h, A=problem.A, b=problem.b))
    gain = (solution.value - looser.value) / step
    # the value is convex in h with second derivative at most 1 / 0.01 / |g_j|^2 or so, and values
    # are right to 1e-12 or so, which the step divides
    price = solution.inequality[j]
    assert gain == pytest.approx(price, rel=1e-2, abs=1e-2 * (1 + abs(solution.value)))


def value_tolerance(problem, solution):
    """What the solver's 1e-9 means for the value: it is relative in units of its own.

    Rows are brought to length 1, x is measured in the largest bound u, costs in the largest c of
    |q| and u |P|. So the gap may be 1e-9 (u c + |value|), and the residuals of the conditions add
    to it up to the same for each of the three, times the multipliers: ten of it in all (of 6000
    random programs the worst had 3.4).
    """
    rows = (problem.h / np.linalg.norm(problem.G, axis=1),)
    rows += (problem.b / np.linalg.norm(problem.A, axis=1),)
    unit = max(np.abs(row).max(initial=0.0) for row in rows) or 1.0
    cost = max(np.abs(problem.q).max(), unit * np.abs(problem.P).max()) or 1.0
    reach = max(unit, np.abs(solution.x).max(initial=0.0))
    return 1e-8 * (reach * cost + abs(solution.value))


@pytest.mark.parametrize("linear", [False, True])
@quiet
@settings(max_examples=40)
@given(seed=SEEDS)
@example(seed=8927057)
def test_the_dual_lies_below_and_meets_the_primal(linear, seed):
    problem = random_program(seed, linear=linear, feasible=True)
    solution = interior_point(problem)
    if solution.status != "optimal":
        return
    allowed = value_tolerance(problem, solution)
    gap = duality_gap(problem, solution.x, solution.inequality, solution.equality)
    assert abs(gap) <= allowed
    # any multipliers at all give a bound
    rng = np.random.default_rng(seed)
    z, y = np.abs(rng.normal(size=problem.h.size)), rng.normal(size=problem.b.size)
    assert dual_value(problem, z, y) <= solution.value + allowed
    assert dual_value(problem, -1 - z, y) == -np.inf
    dual = interior_point(dual_program(problem))
    assert dual.value == pytest.approx(-solution.value, rel=1e-5, abs=1e-5)


@SOLVERS
@settings(max_examples=20)
@given(seed=SEEDS, powers=st.tuples(*[st.integers(-8, 8)] * 3))
def test_units_do_not_matter(solve, seed, powers):
    problem, (x, f, g) = random_program(seed, feasible=True), (10.0**p for p in powers)
    rows = g ** np.linspace(-1, 1, problem.h.size)
    scaled = program(
        problem.q * f / x,
        P=problem.P * f / x**2,
        G=problem.G * rows[:, np.newaxis] / x,
        h=problem.h * rows,
        A=problem.A * g / x,
        b=problem.b * g,
    )
    plain, other = solve(problem), solve(scaled)
    assert other.status == "optimal"
    size = 1 + np.abs(plain.x).max() + np.abs(plain.inequality).max() + abs(plain.value)
    assert other.x / x == pytest.approx(plain.x, abs=2e-4 * size)
    assert other.value / f == pytest.approx(plain.value, abs=1e-6 * size)
    assert other.inequality * rows / f == pytest.approx(plain.inequality, abs=1e-3 * size**2)


def test_bounds_that_stand_for_none_cost_no_accuracy():
    # min x^2 + y^2 - 2x - y within |x|, |y| <= 1e10 and x + y <= 1: at (3/4, 1/4), price 1/2
    G = np.vstack([np.eye(2), -np.eye(2), [[1.0, 1]]])
    problem = program([-2.0, -1], P=2 * np.eye(2), G=G, h=[1e10] * 4 + [1])
    for solve in (interior_point, active_set):
        solution = solve(problem)
        assert solution.x == pytest.approx([0.75, 0.25], abs=1e-6)
        assert solution.inequality == pytest.approx([0, 0, 0, 0, 0.5], abs=1e-6)


def test_contradictions_are_reported():
    for solve in (interior_point, active_set):
        bounds = program([0.0], P=[[1.0]], G=[[1], [-1]], h=[0, -1])
        with pytest.warns(ConvergenceWarning, match="no x meets the constraints"):
            assert solve(bounds).status == "infeasible"
        equations = program([0.0, 0], P=np.eye(2), A=[[1, 1], [2, 2]], b=[1, 3])
        with pytest.warns(ConvergenceWarning, match="no x meets the constraints"):
            assert solve(equations).status == "infeasible"
    with pytest.warns(ConvergenceWarning, match="falls for ever"):
        assert interior_point(program([-1.0], G=[[-1.0]], h=[0.0])).status == "unbounded"
    with pytest.warns(ConvergenceWarning, match="falls for ever"):
        assert interior_point(program([1.0, 0], P=[[0, 0], [0, 1]])).status == "unbounded"


@SOLVERS
def test_without_constraints_it_is_one_linear_system(solve):
    solution = solve(program([1.0, -2], P=[[2, 0], [0, 4]]))
    assert solution.x == pytest.approx([-0.5, 0.5])
    assert solution.inequality.size == 0


@SOLVERS
def test_steps_that_run_out(solve):
    problem = random_program(5, feasible=True)
    with pytest.warns(ConvergenceWarning):
        assert solve(problem, steps=0).status == "stopped"


@settings(max_examples=40)
@given(SEEDS, st.integers(1, 3))
def test_equalities_alone_are_solved_by_one_system(seed, count):
    rng = np.random.default_rng(seed)
    root, q = rng.normal(size=(4, 4)), rng.normal(size=4)
    P, A = root @ root.T + 0.1 * np.eye(4), rng.normal(size=(count, 4))
    A = np.vstack([A, A[:1]])  # an equation twice
    b = A @ rng.normal(size=4)
    x, y = equality_quadratic(P, q, A, b)
    scale = 1e-10 * (1 + np.abs(y).max() + np.abs(x).max())
    assert np.abs(P @ x + q + A.T @ y).max() <= scale
    assert np.abs(A @ x - b).max() <= scale
    assert active_set(program(q, P=P, A=A, b=b)).x == pytest.approx(x, abs=1e-7)


def test_bad_input_is_refused():
    with pytest.raises(ValueError, match="wanted positive semidefinite"):
        program([1.0], P=[[-1.0]])
    with pytest.raises(ValueError, match="belong together"):
        program([1.0], G=[[1.0]])
    with pytest.raises(ValueError, match=r"G has shape \(1, 1\); wanted 2 columns"):
        program([1.0, 2], G=[[1.0]], h=[1.0])
    with pytest.raises(ValueError, match="h has 2 entries"):
        program([1.0], G=[[1.0]], h=[1.0, 2])
    with pytest.raises(ValueError, match="q holds NaN"):
        program([np.nan])
    with pytest.raises(ValueError, match="use interior_point"):
        active_set(program([1.0, 1], P=[[1, 0], [0, 0]], G=[[1, 1]], h=[1]))
    with pytest.raises(np.linalg.LinAlgError, match="contradict each other"):
        equality_quadratic(np.eye(2), [0, 0], [[1, 1], [1, 1]], [0, 1])
    with pytest.raises(np.linalg.LinAlgError, match="no single x is best"):
        equality_quadratic(np.zeros((2, 2)), [0, 0], [[1, 1]], [0])
    with pytest.raises(ValueError, match="it has no dual"):
        dual_program(program([1.0]))
    with pytest.raises(ValueError, match="2 values of the equality and 1 rows"):
        kkt_residuals([1.0], equality=[1, 2], equality_jacobian=[[1]], equality_multipliers=[1, 2])
    with pytest.raises(ValueError, match="tolerance is 0"):
        interior_point(program([1.0]), tolerance=0)
