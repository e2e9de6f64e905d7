"""`framedex analyze`: tables and findings of one or more runs."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from framedex.cli import options
from framedex.cli.output import print_json, print_table
from framedex.errors import UsageError

if TYPE_CHECKING:
    from framedex.analysis import Analysis

RunsArgument = Annotated[
    list[Path],
    typer.Argument(
        metavar="RUN...", help="Folders written by `framedex sweep`; several are taken together.", show_default=False
    ),
]
DrawsOption = Annotated[
    int, typer.Option("--draws", min=1, metavar="N", help="Resamples behind each interval and p-value; recorded.")
]


def analyze(
    runs: RunsArgument,
    table: Annotated[
        str | None,
        typer.Option(
            "--table",
            metavar="NAME",
            help="One table: accuracy, contrast, oracle, confidence, fifths, drop, blind or status. [default: all, and findings]",
        ),
    ] = None,
    csv: Annotated[bool, typer.Option("--csv", help="Exact values, comma-separated; needs --table.")] = False,
    md: Annotated[bool, typer.Option("--md", help="Markdown.")] = False,
    json: options.JsonOption = False,
    draws: DrawsOption = 2000,
    seed: options.SeedOption = 0,
) -> None:
    """Say what a sweep found: sentences first, then the tables behind them.

    Intervals are 95 % and respect that questions of one video belong together; differences are paired by question.
    Answers that could not be read, or whose prompt did not fit, count as wrong; invalid ones are left out and counted.
    Each interval is for itself: of many comparisons some miss zero by chance.

    \b
    Examples:
      framedex analyze RUN
      framedex analyze RUN --table oracle
      framedex analyze RUN --table accuracy --csv > accuracy.csv
    """
    from framedex.analysis import TABLES, Resampling, check_table
    from framedex.analysis import analyze as analyze_runs
    from framedex.analysis.layout import csv_text, markdown

    if csv + md + json > 1:
        raise UsageError("--csv, --md and --json: expected one of them, got several")
    if csv and table is None:
        raise UsageError(f"--csv writes one table; say which with --table NAME, one of {', '.join(TABLES)}")
    if table is not None:
        check_table(table)
    analysis = analyze_runs(runs, Resampling(draws=draws, seed=seed))
    names = [table] if table is not None else list(TABLES)
    if json:
        print_json(_document(analysis, names))
    elif csv:
        print(csv_text(analysis.table(names[0])), end="")
    elif md:
        print("\n".join(f"## {name}\n\n{markdown(analysis.table(name))}" for name in names if analysis.table(name)))
    else:
        _show(analysis, names, findings=table is None)


def _document(analysis: Analysis, names: list[str]) -> dict[str, object]:
    import dataclasses

    from framedex.analysis.layout import flat

    return {
        "findings": [
            {
                "topic": finding.topic,
                "context": finding.context and dataclasses.asdict(finding.context),
                "sentence": finding.sentence,
            }
            for finding in analysis.findings
        ],
        "tables": {name: [flat(row) for row in analysis.table(name)] for name in names},
        "repeated": analysis.repeated,
        "resampling": dataclasses.asdict(analysis.resampling),
    }


def _show(analysis: Analysis, names: list[str], *, findings: bool) -> None:
    from framedex.analysis.findings import under_headings
    from framedex.analysis.layout import shared_context, short

    if findings:
        grouped = under_headings(analysis.findings)
        for heading, sentences in grouped.items():
            print("\n  - ".join([heading, *sentences]))
        if not grouped:
            print("no comparison can be made of these answers")
    for name in names:
        rows = analysis.table(name)
        shared = shared_context(rows)
        print(f"\n{name}{f' ({shared})' if shared else ''}")
        if rows:
            print_table(*short(rows))
        else:
            print("nothing: the sweep has no answers for it")
