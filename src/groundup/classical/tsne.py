r"""t-SNE: a map in which rows that are neighbours stay neighbours.

Rows pick neighbours with probabilities $p_{ij}$ (see `affinities`); points of the map pick each
other with $q_{ij} \propto (1 + \|y_i - y_j\|^2)^{-1}$, whose heavy tail leaves room for what is
moderately far. The points move down the gradient of $KL(P \| Q) = \sum p_{ij} \ln (p_{ij} /
q_{ij})$ (van der Maaten and Hinton, "Visualizing data using t-SNE", 2008). Distances between
clusters of the map, and their sizes, say little; the map depends on the start.

This is the exact method: time and memory grow as n^2. Left out: the Barnes-Hut approximation;
`transform` of new rows, which the method does not have.
"""

from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from groundup.classical.affinities import EPS, joint_affinities
from groundup.classical.distances import pairwise_distances, refuse_overflow
from groundup.classical.estimator import Estimator
from groundup.classical.linkage import check_distances
from groundup.classical.parameter_values import check_number, check_whole
from groundup.classical.pca import PCA
from groundup.classical.validation import check_array, check_fit, random_generator
from groundup.swap import replaceable

Floats = NDArray[np.float64]
_EXPLORATION = 250  # steps with exaggerated affinities
_CHECK_EVERY = 50
_WITHOUT_PROGRESS = 300
_LEAST_GRADIENT = 1e-7
_LEAST_GAIN = 0.01


@replaceable
def student_kernel(Y: Floats, freedom: int) -> Floats:
    r"""$(1 + \|y_i - y_j\|^2 / \nu)^{-(\nu + 1) / 2}$, n x n, with zeros on the diagonal.

    $\nu$ (`freedom`) is 1 on a plane and f - 1 in f dimensions: a ball there has more room at its
    border (van der Maaten, "Learning a parametric embedding by preserving local structure", 2009).
    """
    norms = np.einsum("nf,nf->n", Y, Y)
    kernel = Y @ Y.T
    kernel *= -2.0
    kernel += norms
    kernel += norms[:, None]
    np.maximum(kernel, 0.0, out=kernel)
    kernel /= freedom
    kernel += 1.0
    if freedom == 1:
        np.reciprocal(kernel, out=kernel)
    else:
        kernel **= -(freedom + 1) / 2
    np.fill_diagonal(kernel, 0.0)
    return kernel


@replaceable
def kl_divergence(P: Floats, kernel: Floats) -> float:
    r"""$\sum_{i \ne j} p_{ij} \ln (p_{ij} / q_{ij})$ in nats; q is the kernel over its sum.

    Zeros count as EPS inside the logarithm.
    """
    Q = np.maximum(kernel / kernel.sum(), EPS)
    return float(np.einsum("ij,ij->", P, np.log(np.maximum(P, EPS) / Q)))


@replaceable
def kl_gradient(P: Floats, Y: Floats, kernel: Floats, freedom: int) -> Floats:
    r"""The gradient of the divergence by the map Y (n x f).

    $\frac{2 (\nu + 1)}{\nu} \sum_j (p_{ij} - q_{ij}) (1 + \|y_i - y_j\|^2 / \nu)^{-1} (y_i - y_j)$:
    springs that pull where $p > q$ and push where $q > p$. (The paper of 2009, and scikit-learn
    with it, has the exponent $-(\nu + 1) / 2$ here too: the derivative for $\nu = 1$ only.)
    """
    stiffness = kernel / -kernel.sum()
    stiffness += P
    stiffness *= kernel if freedom == 1 else kernel ** (2 / (freedom + 1))
    forces: Floats = stiffness.sum(axis=1)[:, None] * Y - stiffness @ Y
    forces *= 2.0 * (freedom + 1) / freedom
    return forces


@dataclass
class Descent:
    """The state of the descent: where the points are and how they move, n x f each."""

    Y: Floats
    """The map."""
    velocity: Floats
    """The last step of each coordinate."""
    gains: Floats
    """The factor of each coordinate's gradient."""

    def step(self, gradient: Floats, learning_rate: float, momentum: float) -> float:
        """Move once, and return the length of the gradient times its gains.

        A coordinate's gain grows by 0.2 while it keeps its direction and shrinks by a fifth when
        the gradient turns it (Jacobs, "Increased rates of convergence through learning rate
        adaptation", 1988). What moves against the gradient moves on.
        """
        keeps_direction = self.velocity * gradient < 0
        self.gains = np.where(keeps_direction, self.gains + 0.2, self.gains * 0.8)
        np.maximum(self.gains, _LEAST_GAIN, out=self.gains)
        scaled = gradient * self.gains
        self.velocity = momentum * self.velocity - learning_rate * scaled
        self.Y = self.Y + self.velocity
        return float(np.linalg.norm(scaled))


def descend(
    P: Floats, Y: Floats, steps: range, *, learning_rate: float, momentum: float, patience: int
) -> tuple[Floats, int]:
    """Move the map down the gradient through those steps; the map, and the last step's number.

    Every 50 steps it is looked whether to stop: no less divergence for `patience` steps, or hardly
    any gradient.
    """
    freedom = max(Y.shape[1] - 1, 1)
    state = Descent(Y=Y, velocity=np.zeros_like(Y), gains=np.ones_like(Y))
    least, least_at = np.inf, steps.start
    for step in steps:
        kernel = student_kernel(state.Y, freedom)
        gradient = kl_gradient(P, state.Y, kernel, freedom)
        length = state.step(gradient, learning_rate, momentum)
        if (step + 1) % _CHECK_EVERY:
            continue
        divergence = kl_divergence(P, kernel)
        if divergence < least:
            least, least_at = divergence, step
        elif step - least_at > patience:
            break
        if length <= _LEAST_GRADIENT:
            break
    return state.Y, step


class TSNE(Estimator):
    """A map of rows in which neighbours stay neighbours, as scikit-learn's with method="exact".

    `n_components`: dimensions of the map; `perplexity`: how many neighbours a row effectively has,
    below the number of rows; `early_exaggeration`: factor of the affinities in the first 250 steps,
    which lets clusters form; `learning_rate`: "auto" is max(n / early_exaggeration / 4, 50);
    `metric`: euclidean, manhattan, cosine ... or precomputed; `init`: "pca", "random", or an array
    (n x n_components).

    Learns `embedding_` (n x n_components), `kl_divergence_` (nats), `n_iter_`, `learning_rate_`.
    Raises ValueError for a perplexity that is not below the number of rows.
    Left out: `method` (Barnes-Hut), `min_grad_norm` and `n_iter_without_progress` (1e-7 and 300).
    """

    embedding_: Floats
    kl_divergence_: float
    n_iter_: int
    learning_rate_: float

    def __init__(
        self,
        n_components: int = 2,
        *,
        perplexity: float = 30.0,
        early_exaggeration: float = 12.0,
        learning_rate: float | str = "auto",
        max_iter: int = 1000,
        metric: str = "euclidean",
        init: Any = "pca",
        random_state: Any = None,
    ) -> None:
        self.n_components = n_components
        self.perplexity = perplexity
        self.early_exaggeration = early_exaggeration
        self.learning_rate = learning_rate
        self.max_iter = max_iter
        self.metric = metric
        self.init = init
        self.random_state = random_state

    def fit(self, X: ArrayLike, y: Any = None) -> Self:
        """Make the map of the rows of X (n x f, or n x n distances). `y` is ignored."""
        self.fit_transform(X)
        return self

    def fit_transform(self, X: ArrayLike, y: Any = None) -> Floats:
        """The same, and return the map, n x n_components."""
        rows: Floats = check_fit(self, X, min_samples=2)
        refuse_overflow(rows)
        self._check_parameters(len(rows))
        if self.metric == "precomputed":
            distances = check_distances(rows)
        else:
            distances = pairwise_distances(rows, metric=self.metric)
        P = joint_affinities(distances**2, self.perplexity)
        rate = self.learning_rate
        if isinstance(rate, str):
            rate = max(len(rows) / self.early_exaggeration / 4, 50.0)
        exploration = min(_EXPLORATION, self.max_iter)
        Y, last = descend(
            P * self.early_exaggeration,
            self._start(rows),
            range(exploration),
            learning_rate=rate,
            momentum=0.5,
            patience=_EXPLORATION,
        )
        if last + 1 < self.max_iter:
            steps = range(last + 1, self.max_iter)
            Y, last = descend(
                P, Y, steps, learning_rate=rate, momentum=0.8, patience=_WITHOUT_PROGRESS
            )
        self.embedding_, self.n_iter_, self.learning_rate_ = Y, last, rate
        self.kl_divergence_ = kl_divergence(P, student_kernel(Y, max(self.n_components - 1, 1)))
        return Y

    def _check_parameters(self, n_samples: int) -> None:
        check_whole(self, "n_components", "max_iter")
        check_number(self, "perplexity")
        check_number(self, "early_exaggeration", least=1.0)
        if not 0 < self.perplexity < n_samples:
            raise ValueError(
                f"perplexity ({self.perplexity}) must be above 0 and less than n_samples "
                f"({n_samples}); a fifth of the rows is much already"
            )
        rate = self.learning_rate
        if rate != "auto" and (isinstance(rate, str) or not rate > 0):
            raise ValueError(f"learning_rate is {rate!r}; it must be 'auto' or above 0")

    def _start(self, rows: Floats) -> Floats:
        """Points close together, so that early on all of them still can pass each other."""
        rng = random_generator(self.random_state)
        shape = (len(rows), self.n_components)
        if not isinstance(self.init, str):
            start: Floats = check_array(self.init, name="init")
            if start.shape != shape:
                raise ValueError(f"init has the shape {start.shape}; the map's is {shape}")
            return start.copy()
        if self.init == "random":
            return 1e-4 * rng.normal(size=shape)
        if self.init != "pca":
            raise ValueError(f"init is {self.init!r}; known are 'pca' and 'random', or an array")
        if self.metric == "precomputed":
            raise ValueError("init='pca' needs rows, not distances; use init='random'")
        projected = PCA(self.n_components, random_state=rng).fit_transform(rows)
        spread = float(projected[:, 0].std())
        if spread == 0:
            return 1e-4 * rng.normal(size=shape)  # equal rows have no directions
        return projected * (1e-4 / spread)
