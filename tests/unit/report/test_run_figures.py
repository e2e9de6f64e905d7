"""Bars and lines are where their values are."""

from __future__ import annotations

import re

from framedex.report.bars import Bar, bars_svg
from framedex.report.lines import Point, lines_svg

HOSTILE = '<script>"'


def test_a_bar_is_as_long_as_its_value() -> None:
    # The axis from 0 to 1 is 860 - 300 - 110 = 450 wide and begins at 300.
    svg = bars_svg([Bar(label="a", value=0.5, low=0.4, high=0.6)], title="t", reference=0.25, reference_name="chance")
    assert '<rect x="300.0" y="13" width="225.0"' in svg
    assert '<line class="whisker" x1="480.0" x2="570.0"' in svg
    assert 'class="mark" x1="412.5"' in svg


def test_intervals_beyond_0_and_1_stretch_the_axis() -> None:
    svg = bars_svg([Bar(label="a", value=0.5, low=-0.25, high=1.25)], title="t", reference=None)
    assert '<line class="whisker" x1="300.0" x2="750.0"' in svg
    assert 'class="mark"' not in svg


def test_lines_span_the_values_and_their_intervals() -> None:
    points = [Point(x=0, x_label="0 %", y=0.5, low=0.4, high=0.8), Point(x=0.5, x_label="50 %", y=0.6)]
    svg = lines_svg({"drop lowest": points}, title="t")
    # Height 250 less 14 and 34 is 202 for 0.4 to 0.8: 0.5 is at 14 + 202 × 0.75, 0.6 at 14 + 202 × 0.5.
    assert '<polyline points="80.0,165.5 670.0,115.0"' in svg
    assert 'y1="216.0" y2="14.0"' in svg
    assert svg.count("<circle") == 2


def test_one_flat_point_can_be_drawn() -> None:
    assert "nan" not in lines_svg({"a": [Point(x=0, x_label="0", y=0.5)]}, title="t")


def test_names_are_escaped() -> None:
    drawn = bars_svg([Bar(label=HOSTILE, value=0.1)], title=HOSTILE, reference=0.5, reference_name=HOSTILE)
    drawn += lines_svg({HOSTILE: [Point(x=0, x_label=HOSTILE, y=0.5)]}, title=HOSTILE)
    assert not re.search("<script", drawn)
