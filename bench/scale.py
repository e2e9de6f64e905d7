"""Does a video cost the same among 1,000 as among 100,000, and does memory stay within bounds?

    python bench/scale.py            stores of 1,000, 10,000 and 100,000 videos of 32 frames × 256; minutes and 3 GB of disk
    python bench/scale.py --quick    200, 1,000 and 5,000

Each store is worked through by a process of its own, so that its peak memory is its own: the rows are listed, and group by
group the index files are opened (a bounded number at a time), looked up for 16 prompts per video on one thread, and frames
selected for all of them by one `select_many`: 4 samplers × 2 budgets, as a sweep does. The files are in the system's cache from
being written.

    row                                  what it is
    videos.<n>.list                      opening the store and listing its rows: microseconds of the processor per video
    videos.<n>.lookup_and_select         opening, look-up and selections: the same
    videos.<n>.lookup_and_select_clock   the same by the clock
    videos.<n>.all                       listing, look-up and selections: microseconds of the processor per video
    videos.<n>.peak_rss                  of the process that did it all

Figures are medians over groups of 200 videos and several passes (listing: over passes); stores take turns. The processor's
time, user and system, is what is compared: the work is one thread's and waits for nothing, and other processes disturb it less.
`cost_per_video_drift` is the largest deviation of a store's `all` from the mean of the stores'; the limit is that a video costs
the same in all of them. Answers are compared before: in every store the last video's scores with a float64 product, and its
selections with those of `framedex.select`, one by one.
"""

from __future__ import annotations

import argparse
import multiprocessing
import resource
import statistics
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np

import framedex
from framedex.cli.output import note, print_table
from framedex.index import Row, Store, VideoIndex
from framedex.index.many import open_many
from framedex.score.lookup import LookUp, look_up
from framedex.select.picks import Picks
from harness import Measured, report, run_bench
from stored_videos import unit_rows, write_store

FRAMES, DIM, PROMPTS = 32, 256, 16
SAMPLERS, BUDGETS = ("uniform", "top", "aks", "bolt"), (4, 8)
#: Videos whose cost is one sample.
GROUP = 200
TOLERANCE = 1e-5
GIB = 1 << 30


@dataclass(frozen=True, slots=True, kw_only=True)
class Pass:
    """One pass over a store.

    Attributes:
        list_s: seconds of the processor to open it and list its rows.
        groups_s: of each whole group, seconds of the processor.
        groups_clock_s: the same by the clock.
        peak_rss_nbytes: of the process.
        equal: whether the answers were right.
    """

    list_s: float
    groups_s: list[float]
    groups_clock_s: list[float]
    peak_rss_nbytes: int
    equal: bool


def main() -> int:
    """Run the bench."""
    return run_bench(__doc__ or "", lambda _: None, run)


def run(options: argparse.Namespace, folder: Path) -> bool:
    """Measure; whether all answers were right."""
    sizes = (200, 1000, 5000) if options.quick else (1000, 10_000, 100_000)
    turns = 3 if options.quick else 5
    for size in sizes:
        note(f"writing {size} videos")
        write_store(folder / str(size), [FRAMES] * size, DIM)
    passes: dict[int, list[Pass]] = {size: [] for size in sizes}
    for turn in range(turns):
        note(f"turn {turn + 1} of {turns}")
        for size in sizes:
            # Small stores are gone through more often, for medians of as many samples.
            if turn == 0 or size < sizes[-1] or turn == turns - 1:
                passes[size].append(in_own_process(folder / str(size)))
    equal = all(each.equal for done in passes.values() for each in done)
    rows = [row for size, done in passes.items() for row in rows_of(size, done)]
    figures = {row.name: row.value for row in rows}
    costs = [figures[f"videos.{size}.all"] for size in sizes]
    mean = statistics.fmean(costs)
    ratios = {
        "cost_per_video_drift": max(abs(cost / mean - 1) for cost in costs),
        "peak_rss_gib": max(figures[f"videos.{size}.peak_rss"] for size in sizes),
    }
    print_table(["what", "value", "unit"], [[row.name, f"{row.value:.3g}", row.unit] for row in rows])
    report(
        "scale",
        threads=1,
        config={
            "videos": list(sizes),
            "frames": FRAMES,
            "dim": DIM,
            "prompts": PROMPTS,
            "samplers": list(SAMPLERS),
            "budgets": list(BUDGETS),
            "group": GROUP,
            "turns": turns,
            "quick": options.quick,
        },
        equal=equal,
        rows=rows,
        ratios=ratios,
        out=options.out,
    )
    return equal


def rows_of(size: int, done: Sequence[Pass]) -> list[Measured]:
    """The figures of one store."""

    def per_video_us(groups: list[float]) -> float:
        return statistics.median(groups) / GROUP * 1e6

    listed_us = statistics.median(each.list_s for each in done) / size * 1e6
    worked_us = per_video_us([seconds for each in done for seconds in each.groups_s])
    clock_s = [seconds for each in done for seconds in each.groups_clock_s]
    peak_gib = max(each.peak_rss_nbytes for each in done) / GIB
    return [
        Measured(name=f"videos.{size}.list", value=listed_us, unit="µs/video"),
        Measured(name=f"videos.{size}.lookup_and_select", value=worked_us, unit="µs/video"),
        Measured(name=f"videos.{size}.lookup_and_select_clock", value=per_video_us(clock_s), unit="µs/video"),
        Measured(name=f"videos.{size}.all", value=listed_us + worked_us, unit="µs/video"),
        Measured(name=f"videos.{size}.peak_rss", value=peak_gib, unit="GiB"),
    ]


def in_own_process(path: Path) -> Pass:
    """`go_through` in a process that does nothing else."""
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return pool.apply(go_through, (path,))


def go_through(path: Path) -> Pass:
    """List a store, look its videos up and select."""
    started = time.process_time()
    store = Store.open(path)
    rows = store.videos()
    list_s = time.process_time() - started
    prompts = unit_rows(PROMPTS, DIM, seed=5)
    equal = right(store, rows[-1], prompts)
    marks = [(time.process_time(), time.perf_counter())]
    for number, indexes in enumerate(open_many(store, rows, files=GROUP)):
        if number:
            marks.append((time.process_time(), time.perf_counter()))
        found = look_up([index.vectors for index in indexes], [prompts] * len(indexes))
        select_all(indexes, found)
    marks.append((time.process_time(), time.perf_counter()))
    return Pass(
        list_s=list_s,
        groups_s=[after[0] - before[0] for before, after in pairwise(marks)],
        groups_clock_s=[after[1] - before[1] for before, after in pairwise(marks)],
        peak_rss_nbytes=peak_rss_nbytes(),
        equal=equal,
    )


def peak_rss_nbytes() -> int:
    """Of this process. `ru_maxrss` begins with that of the process that started it."""
    status = Path("/proc/self/status")
    if not status.exists():
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    (peak,) = (line for line in status.read_text().splitlines() if line.startswith("VmHWM:"))
    return int(peak.split()[1]) * 1024


def select_all(indexes: Sequence[VideoIndex], found: LookUp) -> Picks:
    """Every selection of a group of videos."""
    return framedex.select_many(
        SAMPLERS,
        [found.scores(video) for video in range(len(indexes))],
        budgets=BUDGETS,
        pts_us=[index.pts_us for index in indexes],
        videos=[index.row.video_key for index in indexes],
    )


def right(store: Store, row: Row, prompts: np.ndarray) -> bool:
    """Whether the scores of one video are those of a float64 product, and its selections those made one by one."""
    with store.open_row(row) as index:
        found = look_up([index.vectors], [prompts])
        scores = found.scores(0)
        exact = prompts.astype(np.float64) @ index.vectors.astype(np.float64).T
        picks = select_all([index], found)
        same = all(
            framedex.select(name, curve, budget=budget, pts_us=index.pts_us, video=row.video_key).rows.tolist()
            == picks.rows(0, prompt, sampler, position).tolist()
            for prompt, curve in enumerate(scores)
            for sampler, name in enumerate(SAMPLERS)
            for position, budget in enumerate(BUDGETS)
        )
    return bool(np.abs(scores - exact).max() <= TOLERANCE) and same


if __name__ == "__main__":
    sys.exit(main())
