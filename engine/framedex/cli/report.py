"""`framedex report`: a page of one or more runs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from framedex.cli import options
from framedex.cli.analyze import DrawsOption, RunsArgument
from framedex.cli.output import note


def report(
    runs: RunsArgument,
    output: Annotated[
        Path, typer.Option("-o", "--output", metavar="FILE", help="The page, replaced where it exists.")
    ] = Path("report.html"),
    draws: DrawsOption = 2000,
    seed: options.SeedOption = 0,
) -> None:
    """Write what a sweep found as one HTML page: findings, figures, tables; it needs nothing but itself.

    \b
    Examples:
      framedex report RUN -o report.html
    """
    from framedex.analysis import Resampling, analyze
    from framedex.index.whole_file import make_folder, write_whole
    from framedex.report.run import run_page

    analysis = analyze(runs, Resampling(draws=draws, seed=seed))
    page = run_page(analysis, title=f"framedex report: {', '.join(run.resolve().name for run in runs)}")
    make_folder(output.resolve().parent)
    write_whole(output, page.encode())
    note(f"report written to {output}")
