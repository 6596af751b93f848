r"""Classifiers whose border is a plane: the class with the highest score $w_k \cdot x + b_k$.

With two classes one plane is enough: the second class is on its positive side.
"""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from groundup.classical.estimator import Classifier
from groundup.classical.validation import check_predict

Floats = NDArray[np.float64]


class LinearClassifier(Classifier):
    """A classifier with planes; a member sets `classes_`, `coef_`, `intercept_` in `fit`.

    `coef_` has the shape (k, f) and `intercept_` (k,) for k classes; k is 1 where there are two.
    """

    coef_: Floats
    intercept_: Floats

    def decision_function(self, X: ArrayLike) -> Floats:
        """The score of each class, n x k; with two classes that of the second, (n,).

        The distance to the plane is the score over the norm of the coefficients.
        """
        rows: Floats = check_predict(self, X)
        scores: Floats = rows @ self.coef_.T + self.intercept_
        return scores[:, 0] if scores.shape[1] == 1 else scores

    def predict(self, X: ArrayLike) -> NDArray[Any]:
        """The class of the highest score; of two classes the second where its score is above 0."""
        scores = self.decision_function(X)
        best = (scores > 0).astype(np.int64) if scores.ndim == 1 else scores.argmax(axis=1)
        labels: NDArray[Any] = self.classes_[best]
        return labels
