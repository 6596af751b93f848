"""Colours that can be told from their background, in both themes (WCAG 2.2, AA)."""

import re

import pytest

from groundup.studio import files

STYLE = (files.FOLDER / "studio.css").read_text(encoding="utf-8")
ROLES = dict(re.findall(r"--([a-z-]+): light-dark\((#[0-9a-f]{6}, #[0-9a-f]{6})\)", STYLE))
TEXT = [
    *((ink, paper) for ink in ("ink", "muted", "accent", "second", "third")
      for paper in ("paper", "card", "wash", "hover", "warn")),
    ("on-accent", "accent"),
]  # fmt: skip
EDGES = [("edge", paper) for paper in ("paper", "card")]


def luminance(colour):
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    return sum(weight * p for weight, p in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


def contrast(one, other):
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


def pair(name, other, theme):
    return contrast(*(ROLES[role].split(", ")[theme] for role in (name, other)))


def test_contrast_is_measured_as_the_rule_says():
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.01)


@pytest.mark.parametrize("theme", [0, 1], ids=["light", "dark"])
def test_text_has_a_contrast_of_four_and_a_half(theme):
    low = {(a, b): c for a, b in TEXT if (c := pair(a, b, theme)) < 4.5}
    assert low == {}


@pytest.mark.parametrize("theme", [0, 1], ids=["light", "dark"])
def test_the_edges_of_fields_have_a_contrast_of_three(theme):
    low = {(a, b): c for a, b in EDGES if (c := pair(a, b, theme)) < 3}
    assert low == {}


def test_focus_is_visible_and_motion_can_be_turned_off():
    assert re.search(r":focus-visible \{ outline: 2px solid var\(--accent\)", STYLE)
    assert "prefers-reduced-motion: reduce" in STYLE


def test_the_style_loads_nothing():
    assert "url(" not in STYLE
    assert "@import" not in STYLE
