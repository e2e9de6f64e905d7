"""The stages overlapped, as `framedex index` runs them: what the whole takes, and who waits for whom."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from framedex.decode import Grid
from framedex.embed import load_embedder
from framedex.errors import UsageError
from framedex.index import Store
from framedex.ingest import Budget, Indexed, IngestSettings, ingest
from framedex.ingest.tally import StageTime, Tally
from harness import Measured


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One whole ingest.

    Attributes:
        wall_s: seconds, processes started and all rows on disk.
        lanes: processes and threads, in words.
        stages: where the time went.
    """

    wall_s: float
    lanes: str
    stages: tuple[StageTime, ...]


def time_pipeline(
    paths: Sequence[Path],
    grid: Grid,
    folder: Path,
    *,
    encoder: str,
    decoder: str,
    runtime: str,
    threads: int,
    repeats: int,
) -> Run:
    """Index the files into a fresh store, again and again; the run of median length.

    Raises:
        UsageError: a file cannot be indexed.
    """
    budget = Budget.split(threads, videos=len(paths))
    settings = IngestSettings(grids=(grid,), threads=threads, decoder=decoder)
    runs: list[Run] = []
    with load_embedder(encoder, runtime=runtime, threads=budget.embedder_threads) as embedder:
        for number in range(repeats + 1):
            store, tally = Store.open(folder / f"pipeline-{number}", create=True), Tally()
            outcomes = list(ingest(paths, store=store, embedder=embedder, settings=settings, tally=tally))
            bad = [outcome for outcome in outcomes if not isinstance(outcome, Indexed)]
            if bad:
                raise UsageError(f"{bad[0].path}: cannot be indexed; name files that can, each once")
            runs.append(Run(wall_s=tally.wall_s, lanes=str(budget), stages=tally.stages()))
    median_s = statistics.median_low(run.wall_s for run in runs[1:])
    return next(run for run in runs[1:] if run.wall_s == median_s)


def measured(run: Run) -> list[Measured]:
    """The rows of the JSON line."""
    rows = [Measured(name="pipeline.wall", value=run.wall_s, unit="s")]
    for stage in run.stages:
        rows.append(Measured(name=f"pipeline.{stage.stage}.busy", value=stage.busy, unit="of the wall time"))
        rows.append(Measured(name=f"pipeline.{stage.stage}.waiting", value=stage.waiting, unit="of the wall time"))
    return rows
