"""Pictures of sampling to play with."""

import math
from typing import Annotated, Any

import altair as alt
import torch

from groundup.course.lesson_forms import Slider
from groundup.inference.sampling import Sampling, filtered

Rows = list[dict[str, Any]]
_WORDS = ("mat", "sofa", "floor", "bed", "roof", "moon", "verb", "of")
_LOGITS = (3.0, 2.5, 2.2, 1.5, 1.0, -1.0, -3.0, -4.0)


def choices(
    temperature: Annotated[float, Slider(0.1, 3.0, step=0.1)] = 1.0,
    top_k: Annotated[int, Slider(1, 8)] = 8,
    top_p: Annotated[float, Slider(0.05, 1.0, step=0.05)] = 1.0,
    min_p: Annotated[float, Slider(0.0, 1.0, step=0.05)] = 0.0,
) -> alt.LayerChart | alt.FacetChart:
    """The word after "the cat sat on the": what is drawn from"""
    sampling = Sampling(temperature=temperature, top_k=top_k, top_p=top_p, min_p=min_p)
    logits_BV = torch.tensor([_LOGITS], dtype=torch.float64)
    kept_BV = filtered(logits_BV, sampling)
    shares = kept_BV.softmax(-1)[0].tolist()
    rows: Rows = []
    for word, share, logit in zip(_WORDS, shares, kept_BV[0].tolist(), strict=True):
        label = "refused" if logit == -math.inf else f"{share:.1%}"
        rows.append({"word": word, "probability": share, "label": label})
    base = alt.Chart(alt.Data(values=rows)).encode(
        y=alt.Y("word:N", sort=None, title=None),
        x=alt.X("probability:Q", scale=alt.Scale(domain=[0, 1])),
    )
    bars = base.mark_bar(color="#1b9e77").encode(tooltip=["word:N", "label:N"])
    texts = base.mark_text(align="left", dx=6, color="#7a7a7a").encode(text="label:N")
    return alt.layer(bars, texts, width=420, height=230)


def stretches(
    chance: Annotated[float, Slider(0.0, 0.99, step=0.01)] = 0.5,
    temperature: Annotated[float, Slider(0.1, 3.0, step=0.1)] = 1.0,
) -> alt.LayerChart | alt.FacetChart:
    """The probabilities laid end to end; the line is the number of chance"""
    shares = (torch.tensor(_LOGITS, dtype=torch.float64) / temperature).softmax(-1)
    ends = shares.cumsum(-1).tolist()
    begins = [0.0, *ends[:-1]]
    drawn = next((w for w, e in zip(_WORDS, ends, strict=True) if e > chance), _WORDS[-1])
    rows: Rows = [
        {
            "from": begin, "to": end, "middle": (begin + end) / 2, "word": word,
            "is drawn": word == drawn, "label": word if end - begin > 0.06 else "",
        }
        for word, begin, end in zip(_WORDS, begins, ends, strict=True)
    ]  # fmt: skip
    colour = alt.condition(alt.datum["is drawn"], alt.value("#d95f02"), alt.value("#a6cfc1"))
    scale = alt.Scale(domain=[0, 1])
    base = alt.Chart(alt.Data(values=rows), title=f"drawn: {drawn}")
    bars = base.mark_bar(stroke="white", height=36).encode(
        x=alt.X("from:Q", scale=scale, title="cumulative probability"),
        x2="to:Q",
        color=colour,
        tooltip=["word:N", alt.Tooltip("from:Q", format=".3f"), alt.Tooltip("to:Q", format=".3f")],
    )
    texts = base.mark_text(fontSize=12, color="#222").encode(
        x=alt.X("middle:Q", scale=scale), text="label:N"
    )
    rule = alt.Chart(alt.Data(values=[{"chance": chance}])).mark_rule(
        color="#7570b3", strokeWidth=3
    )
    return alt.layer(bars, texts, rule.encode(x="chance:Q"), width=540, height=70)
