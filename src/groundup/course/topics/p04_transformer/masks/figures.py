"""Pictures of masks to play with."""

from typing import Annotated, Any

import altair as alt

from groundup.course.lesson_forms import Slider
from groundup.layers.masks import causal_mask, window_mask

Rows = list[dict[str, Any]]


def mask(
    queries: Annotated[int, Slider(1, 10)] = 6,
    cached_keys: Annotated[int, Slider(0, 8)] = 0,
    window: Annotated[int, Slider(1, 18)] = 18,
    padding_at_the_right: Annotated[int, Slider(0, 4)] = 0,
) -> alt.LayerChart | alt.FacetChart:
    """Who may look at whom: a row for each query, a column for each key"""
    S = cached_keys + queries
    mask_TS = window_mask(queries, S, window)
    mask_TS[:, max(1, S - padding_at_the_right) :] = False
    causal_TS = causal_mask(queries, S)
    rows: Rows = []
    for t in range(queries):
        for s in range(S):
            kind = "may look" if mask_TS[t, s] else "too far, or padding"
            rows.append(
                {
                    "query": cached_keys + t,
                    "key": s,
                    "what": kind if causal_TS[t, s] else "later",
                    "own": "●" if s == cached_keys + t else "",
                }
            )
    colour = alt.Color(
        "what:N",
        scale=alt.Scale(
            domain=["may look", "later", "too far, or padding"],
            range=["#1b9e77", "#d9d9d9", "#e6ab02"],
        ),
        legend=alt.Legend(title=None, orient="bottom"),
    )
    top = alt.Axis(orient="top", labelAngle=0)
    grid = alt.Chart(alt.Data(values=rows)).encode(
        x=alt.X("key:O", axis=top, title="position of the key"),
        y=alt.Y("query:O", title="position of the query"),
    )
    cells = grid.mark_rect(stroke="white").encode(
        color=colour, tooltip=["query:O", "key:O", "what:N"]
    )
    own = grid.mark_text(color="white", fontSize=12).encode(text="own:N")
    return alt.layer(cells, own, width=alt.Step(26), height=alt.Step(26))
