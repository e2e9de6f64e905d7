"""Tables for programs and for people."""

from __future__ import annotations

import csv
import io
from dataclasses import replace

from framedex.analysis.accuracy import AccuracyRow
from framedex.analysis.interval import Estimate
from framedex.analysis.layout import csv_text, flat, markdown, shared_context, short
from framedex.analysis.setting import Context

CONTEXT = Context(mllm="m", scoring="option", encoder="e", grid="fps=1", transform="cosine")
ROW = AccuracyRow(
    context=CONTEXT,
    arm="select",
    sampler="window-top:length=8,stride=4",
    budget=4,
    variant="a|b",
    questions=2,
    videos=1,
    accuracy=Estimate(value=1 / 3, low=0.25, high=0.5, questions=2, videos=1, interval="how"),
    chance=0.25,
    minus_uniform=None,
)


def test_programs_get_exact_values_and_every_column() -> None:
    (line,) = csv.DictReader(io.StringIO(csv_text([ROW])))
    assert float(line["accuracy"]) == 1 / 3
    assert (line["accuracy_low"], line["accuracy_high"], line["accuracy_interval"]) == ("0.25", "0.5", "how")
    assert line["sampler"] == "window-top:length=8,stride=4"
    assert line["mllm"] == "m"
    assert [line[f"minus_uniform{end}"] for end in ("", "_low", "_high", "_interval")] == [""] * 4


def test_an_absent_estimate_has_the_same_columns_as_a_present_one() -> None:
    assert list(flat(ROW)) == list(flat(replace(ROW, minus_uniform=ROW.accuracy)))


def test_people_get_the_interval_in_the_cell_and_the_context_only_where_it_differs() -> None:
    header, lines = short([ROW, ROW])
    assert header[:3] == ["arm", "sampler", "budget"]
    assert "0.333 [0.250, 0.500]" in lines[0]
    assert "-" in lines[0]
    assert shared_context([ROW, ROW]) == "m, option scoring, encoder e at fps=1"
    blind = replace(ROW, context=replace(CONTEXT, encoder="", grid="", transform=""))
    assert shared_context([blind, ROW]) == shared_context([ROW])
    both = [ROW, replace(ROW, context=replace(CONTEXT, scoring="letter"))]
    assert short(both)[0][:2] == ["scoring", "arm"]
    assert shared_context(both) == ""


def test_markdown_keeps_its_columns() -> None:
    lines = markdown([ROW]).splitlines()
    assert len(lines) == 3
    assert "a\\|b" in lines[2]


def test_a_table_without_rows_is_empty() -> None:
    assert (csv_text([]), markdown([]), short([])) == ("", "", ([], []))
