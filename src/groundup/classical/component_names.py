"""Names for new columns that are no longer any of the old ones: pca0, pca1, ..."""

from typing import Any

from numpy.typing import ArrayLike

from groundup.classical.estimator import Transformer
from groundup.classical.feature_names import Names, default_names, input_names


class NumbersColumns(Transformer):
    """A transformer whose columns are called by its class and their numbers, as in scikit-learn."""

    output_columns = "components_"
    """The learned attribute that has one row for each new column."""

    def get_feature_names_out(self, input_features: ArrayLike | None = None) -> Names:
        """The class's name in small letters with 0, 1, ...; `input_features` are checked only."""
        input_names(self, input_features)
        rows: Any = getattr(self, self.output_columns)
        return default_names(len(rows), type(self).__name__.lower())
