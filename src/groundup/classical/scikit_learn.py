"""How an estimator of this room shows itself to scikit-learn, which is never imported here.

scikit-learn's tools (its pipelines, searches and `check_estimator`) ask an estimator for *tags* and
catch exceptions of their own classes. Only a process that has loaded scikit-learn can ask, so its
classes are taken from `sys.modules`; where it is not loaded, nothing of it is needed.
"""

import sys
from typing import Any


def tags(kind: str | None, transforms: bool, settings: dict[str, bool]) -> Any:
    """scikit-learn's `Tags` of an estimator (SLEP 21). Only scikit-learn calls this.

    `kind`: classifier, regressor, clusterer, or None; `transforms`: has it a `transform`?
    `settings`: what differs from the usual, by name: a tag of the input (`allow_nan`, `string`,
    `positive_only` ...), of the target (`required`, `multi_output` ...), `poor_score`,
    `multi_class`, or of the whole (`requires_fit`, `non_deterministic`, `no_validation`).
    """
    sklearn = sys.modules["sklearn.utils"]
    is_supervised = kind in ("classifier", "regressor")
    result = sklearn.Tags(
        estimator_type=kind,
        target_tags=sklearn.TargetTags(required=is_supervised),
        transformer_tags=sklearn.TransformerTags() if transforms else None,
        classifier_tags=sklearn.ClassifierTags() if kind == "classifier" else None,
        regressor_tags=sklearn.RegressorTags() if kind == "regressor" else None,
        input_tags=sklearn.InputTags(),
    )
    places = [result.input_tags, result.target_tags, result]
    places += [tag for tag in (result.classifier_tags, result.regressor_tags) if tag is not None]
    for name, value in settings.items():
        found = [place for place in places if hasattr(place, name)]
        assert found, f"scikit-learn has no tag {name!r}"
        setattr(found[0], name, value)
    return result


def as_caught_there(ours: type[Any]) -> type[Any]:
    """Our exception or warning class, also of scikit-learn's class of that name if it is loaded."""
    theirs = getattr(sys.modules.get("sklearn.exceptions"), ours.__name__, None)
    return ours if theirs is None else type(ours.__name__, (ours, theirs), {})
