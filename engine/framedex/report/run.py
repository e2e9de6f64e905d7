"""The page of one or more runs: findings first, then figures, then every number behind them."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any, TypeVar

import framedex
from framedex.analysis import TABLES, Analysis
from framedex.analysis.findings import under_headings
from framedex.analysis.layout import shared_context, short
from framedex.report.bars import Bar, bar, bars_svg
from framedex.report.lines import Point, lines_svg
from framedex.report.page import markup, render

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """A picture and what it is a picture of."""

    caption: str
    svg: str


def run_page(analysis: Analysis, *, title: str) -> str:
    """The whole page as text; it needs nothing but itself.

    Args:
        analysis: what is shown.
        title: names the run.

    Raises:
        MissingDependency: jinja2 is not installed.
    """
    return render(
        "run.html",
        title=title,
        findings=under_headings(analysis.findings),
        figures=figure_values(analysis),
        tables=[table_values(analysis, name) for name in TABLES],
        resampling=analysis.resampling,
        provenance=[_indented(text) for text in analysis.provenance],
        version=framedex.__version__,
    )


def figure_values(analysis: Analysis) -> dict[str, list[dict[str, Any]]]:
    """Caption and picture of every figure, by section, for a template."""
    figures = {
        "accuracy": accuracy_figures(analysis),
        "oracle": oracle_figures(analysis),
        "confidence": confidence_figures(analysis),
        "drop": drop_figures(analysis),
    }
    return {
        name: [{"caption": figure.caption, "svg": markup(figure.svg)} for figure in found]
        for name, found in figures.items()
    }


def table_values(analysis: Analysis, name: str) -> dict[str, Any]:
    """Name, shared context, header and lines of a table, for a template."""
    rows = analysis.table(name)
    header, lines = short(rows)
    return {"name": name, "context": shared_context(rows), "header": header, "lines": lines}


def accuracy_figures(analysis: Analysis) -> list[Figure]:
    """Bars per model, index and variant: every sampler and budget, with the share that guessing gets as a line."""
    rows = [row for row in analysis.accuracy if row.arm == "select"]
    figures = []
    for (context, variant), own in _grouped(rows, lambda row: (row.context, row.variant)):
        budgets = sorted({row.budget for row in own})
        bars = [
            bar(f"{row.sampler}, {row.budget} frames", row.accuracy, tone=budgets.index(row.budget))
            for row in sorted(own, key=lambda row: (row.budget, -row.accuracy.value))
        ]
        prompt = f"prompt variant {variant}" if variant else "no prompt"
        caption = f"Accuracy, {prompt}; {context}. Dashed: chance."
        svg = bars_svg(bars, title=caption, reference=own[0].chance, reference_name="chance")
        figures.append(Figure(caption=caption, svg=svg))
    return figures


def oracle_figures(analysis: Analysis) -> list[Figure]:
    """Bars per window rule and uniform budget: uniform, cross-fitted oracle, raw oracle, and independent guesses."""
    figures = []
    for row in analysis.oracle:
        estimates = (
            (f"uniform, {row.uniform_budget} frames", row.uniform, 0),
            ("best window, cross-fitted", row.cross_fitted, 2),
            ("any window right (raw)", row.raw, 1),
        )
        bars = [bar(label, estimate, tone=tone) for label, estimate, tone in estimates if estimate is not None]
        bars.append(Bar(label="any of so many guesses right", value=row.guesser, tone=4))
        correction = "" if row.cross_fitted else f" This run {row.correction}."
        caption = f"Windows of {row.length} every {row.stride} against uniform sampling; {row.context}.{correction}"
        figures.append(Figure(caption=caption, svg=bars_svg(bars, title=caption, reference=None)))
    return figures


def confidence_figures(analysis: Analysis) -> list[Figure]:
    """Per model and index: within-question AUROC of every variant, then share right by fifth of the confidence."""
    figures = []
    for context, own in _grouped(analysis.confidence, lambda row: row.context):
        bars = [
            bar(f"{row.variant}, {row.statistic} of {row.length}", row.auroc) for row in own if row.auroc is not None
        ]
        if bars:
            caption = f"Within-question AUROC of window confidence; {context}. Dashed: confidence says nothing."
            svg = bars_svg(bars, title=caption, reference=0.5, reference_name="no information")
            figures.append(Figure(caption=caption, svg=svg))
    highest = [row for row in analysis.fifths if row.statistic == "max"]
    for context, fifths in _grouped(highest, lambda row: row.context):
        lines = {
            f"{variant}, windows of {length}": [
                Point(x=row.fifth, x_label=_ORDINALS[row.fifth - 1], y=row.right) for row in part
            ]
            for (variant, length, _), part in _grouped(fifths, lambda row: (row.variant, row.length, row.stride))
        }
        caption = f"Share of windows answered right, by fifth of the window's highest score, all questions together; {context}."
        figures.append(Figure(caption=caption, svg=lines_svg(lines, title=caption)))
    return figures


_ORDINALS = ("lowest fifth", "second", "third", "fourth", "highest fifth")


def drop_figures(analysis: Analysis) -> list[Figure]:
    """Lines per base, budget and variant: accuracy by share of frames dropped, one line per rule."""
    figures = []
    for (context, base, budget, variant), own in _grouped(
        analysis.drop, lambda row: (row.context, row.base, row.budget, row.variant)
    ):
        rules = sorted({row.by for row in own if row.by != "none"})
        lines = {
            f"drop {rule}": [
                Point(
                    x=row.rate,
                    x_label=f"{100 * row.rate:.0f} %",
                    y=row.accuracy.value,
                    low=row.accuracy.low,
                    high=row.accuracy.high,
                )
                for row in own
                if row.by in ("none", rule)
            ]
            for rule in rules
        }
        prompt = f", scores of prompt variant {variant}" if variant else ""
        caption = f"Accuracy as frames are dropped from {base}, {budget} frames{prompt}; {context}."
        figures.append(Figure(caption=caption, svg=lines_svg(lines, title=caption)))
    return figures


def _grouped(rows: Iterable[T], key: Callable[[T], Any]) -> Iterator[tuple[Any, Sequence[T]]]:
    for value, own in groupby(sorted(rows, key=key), key=key):
        yield value, list(own)


def _indented(text: str) -> str:
    """Provenance is JSON; text that is none is shown as it is."""
    try:
        return json.dumps(json.loads(text), indent=1, ensure_ascii=False)
    except json.JSONDecodeError:
        return text
