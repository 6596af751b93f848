"""Charts say what their data say, take their colours from the page and stay small."""

import functools
import math
import re
import xml.etree.ElementTree as ElementTree
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from groundup.pipeline import report_charts as charts
from groundup.pipeline.report_charts import Bar

POINTS = [(step, 2 + 6 * math.exp(-step / 90) + 0.1 * math.sin(7 * step)) for step in range(2000)]
VALIDATION = [(step, 2.1 + 6 * math.exp(-step / 90)) for step in range(0, 2000, 200)]
BARS = [
    Bar(name="xz -9e", value=0.62, low=0.5, high=0.7),
    Bar(name="a <model> & $x$", value=0.41, low=0.3, high=0.52, highlighted=True),
]


def every_chart():
    return [
        charts.loss_chart(POINTS, VALIDATION, title="Loss"),
        charts.line_chart(POINTS, title="Learning rate", unit="learning rate"),
        charts.throughput_chart(POINTS, title="Speed", flops_per_token=8e6, peak_flops=2e11),
        charts.bar_chart(BARS, title="Bits", unit="bits per byte"),
        charts.whisker_chart(BARS, title="Shares", unit="%"),
        charts.column_chart([3, 900, 12], title="Lengths", xlabel="bytes", ylabel="tokens"),
        charts.lines_chart({"yours": POINTS, "<it>": VALIDATION}, title="Both", unit="nats"),
    ]


@functools.cache
def drawings():
    made = every_chart()
    return [svg for chart in made for svg in (chart.narrow, chart.wide) if svg is not None]


def texts(svg):
    return [element.text for element in ElementTree.fromstring(svg).iter() if element.text]


@pytest.mark.parametrize("index", range(9))
def test_a_drawing_is_well_formed_labelled_and_small(index):
    svg = drawings()[index]
    root = ElementTree.fromstring(svg)
    assert root.get("role") == "img"
    assert len(root.get("aria-label")) > 10
    assert len(svg.encode()) < 60_000


@pytest.mark.parametrize("index", range(9))
def test_a_drawing_cannot_touch_the_rest_of_the_page(index):
    svg = drawings()[index]
    assert "<style" not in svg
    assert "<script" not in svg
    assert not re.search(r"(href|src)=\"(?!#)", svg)
    ids = re.findall(r' id="([^"]*)"', svg)
    assert len(ids) == len(set(ids))
    assert all(f"#{name}" in svg for name in ids)


@pytest.mark.parametrize("index", range(9))
def test_every_colour_comes_from_the_page(index):
    svg = drawings()[index]
    colours = set(re.findall(r"#[0-9a-f]{6}\b", svg)) - {"#ffffff"}
    assert not colours
    assert "var(--muted)" in svg


def test_seven_drawings_are_looked_at():
    assert len(drawings()) == 9


def test_ids_differ_between_charts_of_one_page():
    seen = [set(re.findall(r' id="([^"]*)"', svg)) for svg in drawings()]
    for i, mine in enumerate(seen):
        for other in seen[i + 1 :]:
            assert not mine & other


def test_two_like_charts_on_one_page_keep_their_ids_apart():
    chart = charts.loss_chart(POINTS, VALIDATION, title="Loss")
    one, two = chart.within("one"), chart.within("two")
    for mine, other in ((one.narrow, two.narrow), (one.wide, two.wide)):
        ids = re.findall(r' id="([^"]*)"', mine)
        assert ids
        assert not set(ids) & set(re.findall(r' id="([^"]*)"', other))
        assert set(re.findall(r"[\"(]#([\w.-]+)[\")]", mine)) == set(ids)


def test_the_same_data_draw_the_same_chart():
    def again():
        return charts.line_chart(POINTS, title="Learning rate", unit="").narrow

    assert again() == again()


def test_text_is_text_and_is_never_read_as_a_formula_or_as_html():
    drawn = charts.bar_chart(BARS, title="Bits", unit="u").narrow
    assert "a <model> & $x$" in texts(drawn)
    tags = []
    parser = HTMLParser()
    parser.handle_starttag = lambda tag, attributes: tags.append(tag)
    parser.feed(drawn)
    assert "model" not in tags


def test_ticks_keep_their_digits():
    rates = [(step, 3e-4 * step / 1000) for step in range(1000)]
    drawn = texts(charts.line_chart(rates, title="Learning rate", unit="").narrow)
    small = [text for text in drawn if text.startswith("0.000")]
    assert len(small) >= 3
    assert len(small) == len(set(small))


def test_the_throughput_chart_names_the_peak_only_when_it_is_known():
    known = charts.throughput_chart(POINTS, title="s", flops_per_token=8e6, peak_flops=2e11)
    assert "measured peak" in texts(known.narrow)
    assert "GFLOP/s" in texts(known.narrow)
    assert "200 GFLOP/s" in known.label
    for flops, peak in ((None, 2e11), (8e6, None), (None, None)):
        unknown = charts.throughput_chart(POINTS, title="s", flops_per_token=flops, peak_flops=peak)
        assert "measured peak" not in texts(unknown.narrow)


def test_a_label_says_where_the_curve_began_and_ended():
    label = charts.loss_chart(POINTS, VALIDATION, title="Loss").label
    assert label.startswith("training loss from 8 to 2")
    assert "validation loss from 8.1 to 2.1 at step 1,800" in label


@pytest.mark.parametrize("points", [[], [(0, 1.0)], [(0, 1.0), (1, math.nan), (2, math.inf)]])
def test_few_or_strange_points_still_draw(points):
    for chart in (
        charts.loss_chart(points, [], title="Loss"),
        charts.line_chart(points, title="x", unit="y"),
        charts.throughput_chart(points, title="x", flops_per_token=None, peak_flops=None),
    ):
        ElementTree.fromstring(chart.narrow)
        assert "nan" not in chart.narrow


@given(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=300))
def test_smoothing_stays_between_the_extremes_and_keeps_both_ends(values):
    smooth = charts.smoothed(list(enumerate(values)), share=0.1)
    assert [step for step, _ in smooth] == list(range(len(values)))
    slack = 1e-9 * max(1.0, *map(abs, values)) * len(values)
    assert all(min(values) - slack <= value <= max(values) + slack for _, value in smooth)
    assert smooth[0][1] == pytest.approx(values[0], abs=slack)
    assert smooth[-1][1] == pytest.approx(values[-1], abs=slack)


def test_smoothing_does_not_delay_a_straight_line():
    line = [(step, 3.0 * step) for step in range(200)]
    assert [value for _, value in charts.smoothed(line, share=0.2)] == pytest.approx(
        [value for _, value in line]
    )


@given(st.lists(st.floats(-1e3, 1e3), max_size=700), st.integers(2, 50))
def test_thinning_keeps_the_ends_and_the_order(values, most):
    points = list(enumerate(values))
    thin = charts.thinned(points, most)
    assert len(thin) <= max(most + 2, 0)
    assert [step for step, _ in thin] == sorted(step for step, _ in thin)
    if points:
        assert (thin[0], thin[-1]) == (points[0], points[-1])


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0, "0"),
        (0.0005, "0.0005"),
        (12_340, "12.3k"),
        (8e6, "8M"),
        (2e11, "200G"),
        (-1500, "-1.5k"),
    ],
)
def test_compact_numbers(value, text):
    assert charts.compact(value) == text
