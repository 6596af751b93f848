"""Pictures of the cache to play with."""

from typing import Annotated, Any

import altair as alt
import numpy as np

from groundup.course.lesson_forms import Choice, Slider
from groundup.inference.blocks import BlockPool

Rows = list[dict[str, Any]]


def memory(
    layers: Annotated[int, Slider(4, 96, step=4)] = 32,
    key_heads: Annotated[int, Choice(1, 2, 4, 8, 16, 32, 64)] = 8,
    head_width: Annotated[int, Choice(64, 128, 256)] = 128,
    bits_a_number: Annotated[int, Choice(8, 16, 32)] = 16,
    sequences: Annotated[int, Slider(1, 64)] = 16,
) -> alt.LayerChart | alt.FacetChart:
    """Gigabytes of keys and values, by the length of each text; the line is a card of 80"""
    one = 2 * layers * key_heads * head_width * bits_a_number / 8
    lengths = [0, *(2**n for n in range(8, 18))]
    rows = [{"tokens": n, "GiB": sequences * n * one / 2**30} for n in lengths]
    title = f"{one / 1024:.0f} KiB a token"
    x = alt.X("tokens:Q", title="tokens in each text")
    area = alt.Chart(alt.Data(values=rows), title=title).mark_area(color="#1b9e77", opacity=0.6)
    tooltip = ["tokens:Q", alt.Tooltip("GiB:Q", format=".2f")]
    line = alt.Chart(alt.Data(values=[{"GiB": 80}])).mark_rule(color="#d95f02", strokeDash=[6, 4])
    areas = area.encode(x=x, y=alt.Y("GiB:Q"), tooltip=tooltip)
    return alt.layer(areas, line.encode(y="GiB:Q"), width=440, height=240)


def pool(
    requests: Annotated[int, Slider(1, 6)] = 4,
    block_size: Annotated[int, Choice(1, 4, 8, 16)] = 4,
    shared_tokens: Annotated[int, Slider(0, 16)] = 8,
    tokens_each: Annotated[int, Slider(17, 40)] = 22,
) -> alt.LayerChart | alt.FacetChart:
    """Places of memory in blocks, a colour for each request; what they share is there once"""
    blocks = BlockPool(400)
    full = shared_tokens // block_size
    common = [blocks.take() for _ in range(full)]
    owner = dict.fromkeys(common, "shared")
    used = dict.fromkeys(common, block_size)
    for request in range(requests):
        left = tokens_each - full * block_size
        while left > 0:
            block = blocks.take()
            owner[block], used[block] = f"request {request + 1}", min(left, block_size)
            left -= block_size
    rows: Rows = []
    for block, name in owner.items():
        for place in range(block_size):
            cell = block * block_size + place
            is_used = place < used[block]
            row, column = divmod(cell, 32)
            rows.append(
                {
                    "row": row,
                    "column": column,
                    "block": block,
                    "owner": name if is_used else "empty",
                }
            )
    names = ["shared", *(f"request {n + 1}" for n in range(requests)), "empty"]
    colours = ["#444444", "#1b9e77", "#d95f02", "#7570b3", "#e7298a", "#66a61e", "#e6ab02"]
    scale = alt.Scale(domain=names, range=[*colours[: requests + 1], "#e5e5e5"])
    written = sum(used.values())
    title = f"{len(owner)} blocks, {written} of {len(owner) * block_size} places used"
    grid = alt.Chart(alt.Data(values=rows), title=title).mark_rect(stroke="white")
    return alt.layer(
        grid.encode(
            x=alt.X("column:O", axis=None),
            y=alt.Y("row:O", axis=None),
            color=alt.Color("owner:N", scale=scale, legend=alt.Legend(title=None, orient="bottom")),
            tooltip=["block:Q", "owner:N"],
        ),
        width=alt.Step(16),
        height=alt.Step(16),
    )


def work(
    prompt: Annotated[int, Slider(0, 2000, step=100)] = 100,
    written: Annotated[int, Slider(10, 1000, step=10)] = 200,
) -> alt.LayerChart | alt.FacetChart:
    """Tokens that pass through the model while a text is written, in all"""
    steps = np.arange(1, written + 1)
    without = np.cumsum(prompt + steps - 1)
    rows: Rows = []
    for place in np.unique(np.linspace(0, written - 1, 100).astype(int)):
        n = int(steps[place])
        rows.append({"written": n, "tokens": int(without[place]), "how": "without a cache"})
        rows.append({"written": n, "tokens": prompt + n - 1, "how": "with a cache"})
    scale = alt.Scale(domain=["without a cache", "with a cache"], range=["#d95f02", "#1b9e77"])
    colour = alt.Color("how:N", scale=scale, legend=alt.Legend(title=None, orient="top-left"))
    line = alt.Chart(alt.Data(values=rows)).mark_line()
    lines = line.encode(x="written:Q", y=alt.Y("tokens:Q", title="tokens read"), color=colour)
    return alt.layer(lines, width=440, height=230)
