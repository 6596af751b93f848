r"""Features without a vocabulary: a hash of the name says in which column a feature goes.

Nothing is learned, nothing grows, and streams need no first pass; the price is that names collide
and cannot be read back. The hash's sign multiplies the value, so that collisions cancel on average:
inner products stay right in expectation (Weinberger et al., "Feature hashing for large scale
multitask learning", 2009).

Results are dense, so the number of columns is 2^10 unless asked for; scikit-learn's is 2^20, which
takes 8 MB a row. Left out: sparse results.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from groundup.classical.estimator import Transformer
from groundup.classical.murmur_hash import murmur_hashes
from groundup.classical.robust_scaling import unit_rows
from groundup.classical.text_analysis import Analyzer, analyzer_of, documents
from groundup.swap import replaceable

Floats = NDArray[np.float64]
Row = Mapping[str, float]


@replaceable
def hashed_rows(rows: list[Row], n_features: int, *, alternate_sign: bool = True) -> Floats:
    """Rows x columns: each value is added, with its sign, to the column |hash| modulo `n_features`.

    -2^31 has no size as a 32-bit number; as in scikit-learn it stands for 2^31 - n_features.
    """
    names = list({name for row in rows for name in row})
    hashes = murmur_hashes([name.encode("utf-8") for name in names]).astype(np.int64)
    sizes = np.where(hashes == -(2**31), 2**31 - n_features, np.abs(hashes))
    columns = dict(zip(names, (sizes % n_features).tolist(), strict=True))
    signs = dict(zip(names, np.where(hashes < 0, -1.0, 1.0).tolist(), strict=True))
    result = np.zeros((len(rows), n_features))
    for place, row in enumerate(rows):
        for name, value in row.items():
            result[place, columns[name]] += value * signs[name] if alternate_sign else value
    return result


def check_width(n_features: int) -> None:
    """ValueError for a number of columns that cannot be."""
    is_whole = isinstance(n_features, int | np.integer) and not isinstance(n_features, bool)
    if not is_whole or not 1 <= n_features < 2**31:
        raise ValueError(
            f"n_features is {n_features!r}; it must be a whole number from 1 to 2^31 - 1"
        )


class FeatureHasher(Transformer):
    """Rows of named values, hashed into `n_features` columns.

    `input_type`: "dict" for {name: value}, "pair" for (name, value) pairs, "string" for names that
    count 1 each. A value that is text makes the name "name=value", with 1. Learns nothing.
    """

    tag_settings: ClassVar[dict[str, bool]] = {
        "requires_fit": False, "two_d_array": False, "dict": True, "string": True,
    }  # fmt: skip

    def __init__(
        self,
        n_features: int = 2**10,
        *,
        input_type: str = "dict",
        alternate_sign: bool = True,
    ) -> None:
        self.n_features = n_features
        self.input_type = input_type
        self.alternate_sign = alternate_sign

    def fit(self, X: Any = None, y: ArrayLike | None = None) -> Self:
        """Check the parameters; there is nothing to learn."""
        check_width(self.n_features)
        if self.input_type not in ("dict", "pair", "string"):
            raise ValueError(
                f"input_type is {self.input_type!r}; it may be 'dict', 'pair' or 'string'"
            )
        return self

    def transform(self, raw_X: Any) -> Floats:
        """The hashed rows."""
        self.fit()
        rows = [self._named(sample) for sample in documents(raw_X)]
        return hashed_rows(rows, self.n_features, alternate_sign=self.alternate_sign)

    def _named(self, sample: Any) -> Row:
        if self.input_type == "string":
            if isinstance(sample, str):
                raise ValueError(
                    "Samples can not be a single string. The input must be an iterable over "
                    "iterables of strings."
                )
            return Counter(_name(name) for name in sample)
        row: dict[str, float] = {}
        for name, value in sample.items() if self.input_type == "dict" else sample:
            is_text = isinstance(value, str)
            key = f"{_name(name)}={value}" if is_text else _name(name)
            row[key] = row.get(key, 0.0) + (1.0 if is_text else float(value))
        return row


def _name(name: Any) -> str:
    if isinstance(name, bytes):
        return name.decode("utf-8")
    if not isinstance(name, str):
        raise TypeError(f"feature names must be strings, got {name!r}")
    return name


class HashingVectorizer(Transformer):
    """Texts as hashed counts of their terms, each row scaled to norm 1 unless `norm` is None.

    Parameters as those of CountVectorizer; `binary`: 1 for any count. Learns nothing.
    """

    tag_settings: ClassVar[dict[str, bool]] = {
        "requires_fit": False, "two_d_array": False, "string": True,
    }  # fmt: skip

    def __init__(
        self,
        *,
        lowercase: bool = True,
        stop_words: Iterable[str] | None = None,
        ngram_range: tuple[int, int] = (1, 1),
        analyzer: str | Analyzer = "word",
        n_features: int = 2**10,
        binary: bool = False,
        norm: str | None = "l2",
        alternate_sign: bool = True,
    ) -> None:
        self.lowercase = lowercase
        self.stop_words = stop_words
        self.ngram_range = ngram_range
        self.analyzer = analyzer
        self.n_features = n_features
        self.binary = binary
        self.norm = norm
        self.alternate_sign = alternate_sign

    def fit(self, X: Any = None, y: ArrayLike | None = None) -> Self:
        """Check the parameters; there is nothing to learn."""
        check_width(self.n_features)
        self.build_analyzer()
        if X is not None:
            documents(X)
        return self

    def build_analyzer(self) -> Analyzer:
        """The function from a document to its terms."""
        return analyzer_of(
            self.analyzer,
            self.ngram_range,
            lowercase=self.lowercase,
            stop_words=self.stop_words,
        )

    def transform(self, X: Any) -> Floats:
        """The hashed counts: documents x columns."""
        check_width(self.n_features)
        analyze = self.build_analyzer()
        bags: list[Row] = [Counter(analyze(document)) for document in documents(X)]
        rows = hashed_rows(bags, self.n_features, alternate_sign=self.alternate_sign)
        if self.binary:
            rows = (rows != 0).astype(np.float64)
        return rows if self.norm is None else unit_rows(rows, self.norm)
