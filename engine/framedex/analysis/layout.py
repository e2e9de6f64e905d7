"""Rows of a table as columns: exact values for programs, short text for people."""

from __future__ import annotations

import csv
import dataclasses
import io
from collections.abc import Sequence
from typing import TYPE_CHECKING

from framedex.analysis.interval import Estimate
from framedex.analysis.setting import Context

if TYPE_CHECKING:
    from _typeshed import DataclassInstance as Row

Cell = str | int | float | None


def flat(row: Row) -> dict[str, Cell]:
    """One row with exact values: a context becomes its fields, an estimate `x` becomes x, x_low, x_high and x_interval."""
    cells: dict[str, Cell] = {}
    for field in dataclasses.fields(row):
        value = getattr(row, field.name)
        if isinstance(value, Context):
            cells |= dataclasses.asdict(value)
        elif isinstance(value, Estimate) or "Estimate" in str(field.type):
            ends = (value.value, value.low, value.high, value.interval) if value else (None, None, None, None)
            cells |= dict(
                zip((field.name, *(f"{field.name}_{part}" for part in ("low", "high", "interval"))), ends, strict=True)
            )
        else:
            cells[field.name] = value
    return cells


def csv_text(rows: Sequence[Row]) -> str:
    """Comma-separated values with a header; absent values are empty."""
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    lines = [flat(row) for row in rows]
    if lines:
        writer.writerow(lines[0])
        writer.writerows(line.values() for line in lines)
    return buffer.getvalue()


def short(rows: Sequence[Row]) -> tuple[list[str], list[list[str]]]:
    """Header and cells for people: estimates with their interval in one cell, context columns only where they differ."""
    if not rows:
        return [], []
    lines = [_short_line(row) for row in rows]
    alike = {name for name, found in _context_values(rows).items() if len(found) < 2}
    header = [name for name in lines[0] if name not in alike]
    return [name.replace("_", " ") for name in header], [[line[name] for name in header] for line in lines]


def markdown(rows: Sequence[Row]) -> str:
    """The short form as a Markdown table."""
    header, lines = short(rows)
    cells = [header, ["---"] * len(header), *([cell.replace("|", "\\|") for cell in line] for line in lines)]
    return "".join(f"| {' | '.join(line)} |\n" for line in cells) if header else ""


def _short_line(row: Row) -> dict[str, str]:
    cells: dict[str, str] = {}
    for field in dataclasses.fields(row):
        value = getattr(row, field.name)
        if isinstance(value, Context):
            cells |= dataclasses.asdict(value)
        else:
            cells[field.name] = _short_cell(value)
    return cells


def _short_cell(value: Estimate | Cell) -> str:
    if value is None:
        return "-"
    if isinstance(value, Estimate):
        ends = "" if value.low is None or value.high is None else f" [{value.low:.3f}, {value.high:.3f}]"
        return f"{value.value:.3f}{ends}"
    return f"{value:.3f}" if isinstance(value, float) else str(value)


def shared_context(rows: Sequence[Row]) -> str:
    """What the short form leaves out: the context, where no rows differ in it, else ""."""
    values = _context_values(rows)
    if not values or any(len(found) > 1 for found in values.values()):
        return ""
    return str(Context(**{name: "".join(found) for name, found in values.items()}))


def _context_values(rows: Sequence[Row]) -> dict[str, set[str]]:
    """The values of each column of the context; rows without video leave those of the index open and differ from none."""
    contexts = [value for row in rows if isinstance(value := getattr(row, "context", None), Context)]
    names = [field.name for field in dataclasses.fields(Context)] if contexts else []
    return {name: {getattr(context, name) for context in contexts} - {""} for name in names}
