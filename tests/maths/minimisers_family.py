"""What every minimiser must do: problems, and the members of the family with a common signature."""

from functools import partial

import numpy as np

from groundup.maths import descent, descent_rules
from groundup.maths.conjugate_gradient import nonlinear_conjugate_gradient
from groundup.maths.line_descent import steepest_descent
from groundup.maths.newton import newton
from groundup.maths.quasi_newton import bfgs, lbfgs
from groundup.maths.trust_region import trust_region


class Quadratic:
    """x'Ax/2 - b'x with eigenvalues from 1 to `kappa`."""

    def __init__(self, seed, size=5, kappa=10.0):
        rng = np.random.default_rng(seed)
        basis = np.linalg.qr(rng.normal(size=(size, size)))[0]
        self.A = (basis * np.geomspace(1, kappa, size)) @ basis.T
        self.A = (self.A + self.A.T) / 2
        self.b = rng.normal(size=size)
        self.kappa = kappa
        self.start = rng.normal(size=size)
        self.best = np.linalg.solve(self.A, self.b)

    def value(self, x):
        return x @ self.A @ x / 2 - self.b @ x

    def gradient(self, x):
        return self.A @ x - self.b

    def hessian(self, x):
        return self.A


class Rosenbrock:
    """(1 - x)^2 + 100 (y - x^2)^2, a curved valley with its minimum at (1, 1)."""

    start = np.array([-1.2, 1.0])
    best = np.ones(2)

    def value(self, x):
        return float((1 - x[0]) ** 2 + 100 * (x[1] - x[0] ** 2) ** 2)

    def gradient(self, x):
        bow = x[1] - x[0] ** 2
        return np.array([-2 * (1 - x[0]) - 400 * x[0] * bow, 200 * bow])

    def hessian(self, x):
        return np.array([[2 - 400 * (x[1] - 3 * x[0] ** 2), -400 * x[0]], [-400 * x[0], 200.0]])


def by_newton(problem, start, **settings):
    return newton(problem.value, problem.gradient, start, problem.hessian, **settings)


def by_trust_region(problem, start, **settings):
    def product(x, v):
        return problem.hessian(x) @ v

    return trust_region(problem.value, problem.gradient, start, product, **settings)


def by(method):
    def solve(problem, start, **settings):
        return method(problem.value, problem.gradient, start, **settings)

    return solve


def by_rule(rule, **bound):
    return by(partial(descent.descend, rule=partial(rule, **bound)))


# name: the solver, whether its trace never rises, whether it can follow Rosenbrock's valley
FAMILY = {
    "steepest": (by(steepest_descent), True, True),
    "bfgs": (by(bfgs), True, True),
    "lbfgs": (by(lbfgs), True, True),
    "conjugate gradient": (by(nonlinear_conjugate_gradient), True, True),
    "newton": (by_newton, True, True),
    "trust region": (by_trust_region, True, True),
    "gradient descent": (by_rule(descent_rules.gradient_descent, lr=0.1), True, False),
    "momentum": (by_rule(descent_rules.momentum, lr=0.05, mu=0.5), False, False),
    "nesterov": (by_rule(descent_rules.nesterov, lr=0.05, mu=0.5), False, False),
    "adam": (by_rule(descent_rules.adam, lr=0.01), False, False),
    "adamw": (by_rule(descent_rules.adamw, lr=0.01, betas=(0.9, 0.999)), False, False),
}
