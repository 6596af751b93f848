"""What the same text costs in each language: the premium, its spread, and a chart of both.

A model is paid for, limited and slowed by tokens. Where a language needs three times the tokens of
another for the same text, its speakers pay three times as much for a third of the context.

Source: Petrov et al. (2023), "Language Model Tokenizers Introduce Unfairness Between Languages";
Foroutan et al. (2025) for the Gini coefficient. The texts must be translations of each other, as
the Universal Declaration of Human Rights is. Leaves out texts of its own.
"""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.figure import Figure

from groundup.tokenizers.compare import Measures

_COLOURS = ("#2563eb", "#d97706", "#059669", "#db2777", "#7c3aed", "#475569")
_MARKERS = "osD^vP"


def premiums(measures: Mapping[str, Measures], *, base: str) -> dict[str, float]:
    """Tokens of each language over the tokens of the base language, on parallel texts.

    Raises ValueError if the base is not among them, or has no tokens.
    """
    if base not in measures:
        raise ValueError(f"there is no language {base!r}; there are: {', '.join(measures)}")
    if not measures[base].tokens:
        raise ValueError(f"the text in {base!r} has no tokens to compare with")
    return {name: m.tokens / measures[base].tokens for name, m in measures.items()}


def gini(costs: Sequence[float]) -> float:
    """How unevenly costs are spread: 0 where all are alike, near 1 where one bears all.

    Gini = Σᵢ Σⱼ |xᵢ - xⱼ| / (2 n Σ x). Raises ValueError if there are none, one is negative, or
    all are 0.
    """
    x = np.sort(np.asarray(costs, dtype=np.float64))
    if not len(x) or x[0] < 0 or not x.sum() > 0:
        raise ValueError(f"wanted costs of 0 or more and not all 0, got {list(costs)[:5]}")
    ranks = np.arange(1, len(x) + 1)
    return float(((2 * ranks - len(x) - 1) * x).sum() / (len(x) * x.sum()))


def fairness_figure(
    by_tokenizer: Mapping[str, Mapping[str, float]], *, base: str, most: int = 40
) -> Figure:
    """A row for each language, a dot for each tokenizer: how many times the base's tokens it needs.

    The rows are in order of the first tokenizer's premium, the dearest on top; of more than `most`
    languages, so many are shown, evenly picked from that order. Raises ValueError if there is
    nothing to draw, or the tokenizers have different languages.
    """
    names = list(by_tokenizer)
    if not names or not by_tokenizer[names[0]]:
        raise ValueError("there are no premiums to draw; measure a tokenizer on some texts first")
    first = by_tokenizer[names[0]]
    if odd := [name for name in names if by_tokenizer[name].keys() != first.keys()]:
        raise ValueError(f"{odd[0]!r} was not measured on the same languages as {names[0]!r}")
    languages = _evenly(sorted(first, key=lambda language: first[language]), most)
    figure = Figure(figsize=(7, 1.2 + 0.2 * len(languages)), layout="constrained")
    axes = figure.add_subplot()
    axes.axvline(1, color="#94a3b8", linewidth=1)
    rows = range(len(languages))
    for i, name in enumerate(names):
        values = [by_tokenizer[name][language] for language in languages]
        label = f"{name} (Gini {gini(list(by_tokenizer[name].values())):.2f})"
        colour, marker = _COLOURS[i % len(_COLOURS)], _MARKERS[i % len(_MARKERS)]
        axes.plot(values, rows, marker, color=colour, markersize=4.5, label=label)
    axes.set_yticks(rows, languages, fontsize=7.5, parse_math=False)
    axes.set_ylim(-0.8, len(languages) - 0.2)
    axes.set_xscale("log", base=2)
    axes.xaxis.set_major_formatter(lambda value, _: f"{value:g}")
    axes.set_xlabel(f"tokens for the same text, {base} = 1", parse_math=False)
    axes.grid(axis="x", color="#e2e8f0", linewidth=0.7)
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(loc="lower right", fontsize=8, frameon=False)
    return figure


def _evenly(items: Sequence[str], most: int) -> list[str]:
    """At most so many of the items in their order, the first and the last among them."""
    if len(items) <= most:
        return list(items)
    return [items[round(i)] for i in np.linspace(0, len(items) - 1, most)]
