"""How random numbers of other kinds are made from uniform ones.

Inverse transform, Box-Muller, Marsaglia-Tsang, rejection, Walker's alias table and Devroye's
generator for log-concave counts: enough for every distribution of this room. All are vectorised:
what is rejected is drawn again, together. Source: Devroye, "Non-uniform random variate generation"
(1986). Left out: the ziggurat method, which is faster for normals (NumPy's own generator has it).
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike, NDArray

from groundup.maths.numeric_input import Floats, sample
from groundup.swap import replaceable

Shape = tuple[int, ...]


def uniforms(rng: np.random.Generator, shape: Shape) -> Floats:
    """Uniform numbers strictly inside (0, 1): multiples of 2^-53 plus a half of one."""
    return (np.floor(rng.random(shape) * 2**53) + 0.5) / 2**53 * (1 - 2**-53)


@replaceable
def box_muller(rng: np.random.Generator, shape: Shape) -> Floats:
    r"""Standard normals in pairs: $\sqrt{-2\log U}\,(\cos 2\pi V, \sin 2\pi V)$.

    Box and Muller, "A note on the generation of random normal deviates" (1958): the squared radius
    of two independent normals is exponential, the angle uniform.
    """
    count = int(np.prod(shape))
    half = (count + 1) // 2
    radius = np.sqrt(-2 * np.log(uniforms(rng, (half,))))
    angle = 2 * np.pi * rng.random(half)
    both = np.concatenate([radius * np.cos(angle), radius * np.sin(angle)])
    return both[:count].reshape(shape)


@replaceable
def log_gamma_variates(rng: np.random.Generator, shape_parameter: ArrayLike, size: Shape) -> Floats:
    r"""Logarithms of gamma variables of rate 1, by squeezing a cubed normal.

    With $d = a - 1/3$, $c = 1/\sqrt{9d}$: $d (1 + cZ)^3$ is accepted when
    $\log U < Z^2/2 + d - dv + d \log v$, $v = (1 + cZ)^3$. For a < 1 a variable of shape a + 1
    times $U^{1/a}$; the logarithm keeps what would underflow at tiny a. Marsaglia and Tsang, "A
    simple method for generating gamma variables" (2000).
    """
    shape = np.broadcast_to(np.asarray(shape_parameter, dtype=np.float64), size).ravel()
    d = np.where(shape < 1, shape + 1, shape) - 1 / 3
    c = 1 / np.sqrt(9 * d)
    result, pending = np.empty(shape.shape), np.arange(shape.size)
    while pending.size:
        z = box_muller(rng, pending.shape)
        root = 1 + c[pending] * z
        v = np.where(root > 0, root, 1.0) ** 3
        scale = d[pending]
        bound = 0.5 * z * z + scale * (1 - v + np.log(v))
        good = (root > 0) & (np.log(uniforms(rng, pending.shape)) < bound)
        result[pending[good]] = np.log(scale[good] * v[good])
        pending = pending[~good]
    boost = np.log(uniforms(rng, shape.shape)) / np.minimum(shape, 1)
    return np.where(shape < 1, result + boost, result).reshape(size)


@replaceable
def rejection(
    rng: np.random.Generator,
    log_density: Callable[[Floats], Floats],
    propose: Callable[[np.random.Generator, int], Floats],
    log_envelope: Callable[[Floats], Floats],
    count: int,
) -> Floats:
    """`count` draws from a density f (any scale) under an envelope: f(x) <= exp(log_envelope(x)).

    Draw x from the proposal, whose density is proportional to the envelope; keep it with
    probability f(x) / envelope(x) (von Neumann, 1951). Raises ValueError where f exceeds it.
    """
    kept: list[Floats] = []
    missing = count
    while missing > 0:
        x = propose(rng, 2 * missing + 16)
        log_ratio = log_density(x) - log_envelope(x)
        if (log_ratio > 1e-9).any():
            worst = float(x[np.argmax(log_ratio)])
            raise ValueError(f"the density exceeds its envelope at {worst}; raise the envelope")
        kept.append(x[np.log(uniforms(rng, x.shape)) < log_ratio][:missing])
        missing -= kept[-1].size
    return np.concatenate(kept) if kept else np.empty(0)


class AliasTable:
    """Draws from k categories in constant time each, after O(k) preparation.

    Every category gets a column of height 1; what it lacks is filled by one other, its alias.
    Walker (1974), in the stable form of Vose, "A linear algorithm for generating random numbers
    with a given distribution" (1991).
    """

    def __init__(self, weights: ArrayLike) -> None:
        weight = sample(weights, "weights")
        if (weight < 0).any() or weight.sum() <= 0:
            raise ValueError("weights must not be negative, and one must be positive")
        heights = weight / weight.sum() * weight.size
        self.keep = np.ones(weight.size)
        self.alias = np.arange(weight.size)
        low = [i for i, height in enumerate(heights) if height < 1]
        high = [i for i, height in enumerate(heights) if height >= 1]
        while low and high:
            poor, rich = low.pop(), high.pop()
            self.keep[poor], self.alias[poor] = heights[poor], rich
            heights[rich] -= 1 - heights[poor]
            (low if heights[rich] < 1 else high).append(rich)
        # left-overs are columns of 1 up to rounding; one of weight 0 must never be drawn
        for i in low:
            if weight[i] == 0:
                self.keep[i], self.alias[i] = 0.0, int(np.argmax(weight))

    def draw(self, rng: np.random.Generator, shape: Shape) -> NDArray[np.int64]:
        """Category numbers of the given shape: a column, then the lower or the upper part of it."""
        column = rng.integers(self.keep.size, size=shape)
        return np.where(rng.random(shape) < self.keep[column], column, self.alias[column])


@replaceable
def log_concave_counts(
    rng: np.random.Generator,
    log_pmf: Callable[..., Floats],
    mode: Floats,
    parameters: tuple[Floats, ...],
    size: Shape,
) -> Floats:
    """Counts with any log-concave distribution, by Devroye's universal rejection method.

    A log-concave pmf with p at its mode m lies under min(p, p exp(w - p |k - m|)), w = 1 + p/2:
    flat in the middle, exponential outside, so that at most about five draws are needed for one,
    whatever the parameters. Devroye, "A simple generator for discrete log-concave
    distributions" (1987). `log_pmf(k, *parameters)` is minus infinity outside the support.
    """
    center = np.broadcast_to(mode, size).ravel()
    given = [np.broadcast_to(each, size).ravel() for each in parameters]
    peak = np.exp(log_pmf(center, *given))
    width = 1 + peak / 2
    result, pending = np.empty(center.shape), np.arange(center.size)
    while pending.size:
        w, p = width[pending], peak[pending]
        u, v = uniforms(rng, pending.shape), uniforms(rng, pending.shape)
        tail = -np.log(uniforms(rng, pending.shape))
        flat = u <= w / (1 + w)
        y = np.where(flat, v * w / p, (w + tail) / p)
        side = np.where(rng.random(pending.shape) < 0.5, -1.0, 1.0)
        k = center[pending] + side * np.round(y)
        log_height = np.log(uniforms(rng, pending.shape)) + np.where(flat, 0.0, -tail)
        log_ratio = log_pmf(k, *(each[pending] for each in given)) - np.log(p)
        good = log_height <= log_ratio
        result[pending[good]] = k[good]
        pending = pending[~good]
    return result.reshape(size)
