"""How long does a whole ingest take, against what the machine allows and against the loop that public projects run?

    python bench/ingest.py            about half an hour
    python bench/ingest.py --quick    smaller and fewer clips under the same names

Three sets of synthetic H.264 clips (most of 20 s, some of 3 s), one frame per second: `decode_bound`, 720p with the bundled
encoder; `embed_bound`, 360p with a made-up SigLIP tower that costs more than decoding; `balanced`, 540p with that tower.

    figure            timed
    ingest            framedex.ingest.ingest into a new store: its processes started, everything flushed to disk
    command           `framedex index` on the same, once: Python's start, imports and loading the encoder too
    decode.processes  the same frames decoded and resized only, by as many processes as threads, one thread each, started before
    decode.threads    likewise, video after video in one process, its decoder with all threads
    embed             the same frames embedded only, from memory, in full batches, all threads
    loop              for each video: every frame decoded and converted, Hugging Face model in batches of 32, one array saved

The physical limit is the longest of: decoding alone (the faster way), embedding alone, and the processor time of both divided
by the threads. Before anything is timed the vectors of ingest and loop are compared. Ways take turns; figures are medians. Other
work on the machine slows the loop most, for torch's threads wait by spinning, and ingest's decoders step back for it.

Memory is that of bench/ingest_memory.py, on clips of small pictures, where what grows with the length weighs most.
"""

from __future__ import annotations

import argparse
import importlib.metadata
import itertools
import shutil
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from framedex.cli.output import default_threads, note, print_table
from framedex.decode import FpsGrid
from framedex.embed import load_embedder
from framedex.index import Store
from framedex.ingest import Indexed, IngestSettings, ingest
from harness import Measured, report, run_bench
from ingest_clips import FULL, QUICK, Plan, Workload, make_workloads
from ingest_loop import (
    MIN_COSINE,
    Decoders,
    PublicLoop,
    Took,
    alone,
    index_command,
    interleaved,
    least_cosine,
    spent_s,
)
from ingest_memory import Memory, measure_memory, memory_how, memory_rows, print_memory, worst_growth

FPS = 1
GRID = FpsGrid.parse(str(FPS))
PACKAGES = ("av", "numpy", "onnxruntime", "torch", "transformers")


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """One set of clips.

    Attributes:
        name: of the set.
        took: by way.
        command_s: wall time of the command.
        least_cosine: between ingest's vectors and the loop's.
        threads: that each way had.
    """

    name: str
    took: Mapping[str, Took]
    command_s: float
    least_cosine: float
    threads: int

    @property
    def decode(self) -> Took:
        """Decoding alone, the faster way."""
        return min((self.took["decode.processes"], self.took["decode.threads"]), key=lambda took: took.wall_s)

    @property
    def work_s(self) -> float:
        """Processor time of decoding and embedding, divided by the threads."""
        return (self.decode.cpu_s + self.took["embed"].cpu_s) / self.threads

    @property
    def limit_s(self) -> float:
        """What the machine allows."""
        return max(self.decode.wall_s, self.took["embed"].wall_s, self.work_s)

    @property
    def over_limit(self) -> float:
        """Ingest's wall time in units of the limit."""
        return self.took["ingest"].wall_s / self.limit_s

    @property
    def speedup(self) -> float:
        """Of ingest over the loop."""
        return self.took["loop"].wall_s / self.took["ingest"].wall_s


def run(options: argparse.Namespace, folder: Path) -> bool:
    """Make the inputs, measure everything, print tables and JSON line; tells whether the answers were equal."""
    plan, repeats = (QUICK, 3) if options.quick else (FULL, 5)
    threads = default_threads()
    workloads = make_workloads(folder, plan)
    with Decoders(threads) as decoders:
        results = [measure(workload, decoders, folder / "out", threads, repeats) for workload in workloads]
    memory = measure_memory(
        plan.memory_size, plan.memory_s, folder / "memory", threads=threads, repeats=1 if options.quick else repeats
    )
    print_results(results, memory)
    equal = all(result.least_cosine >= MIN_COSINE for result in results) and all(one.complete for one in memory)
    conclude(options, plan, results, memory, threads=threads, equal=equal)
    return equal


def measure(workload: Workload, decoders: Decoders, folder: Path, threads: int, repeats: int) -> Result:
    """Compare and time every way on one set of clips."""
    note(f"{workload.name}: {len(workload.videos)} clips")
    settings = IngestSettings(grids=(GRID,), threads=threads)
    loop = PublicLoop(workload.checkpoint, fps=FPS, threads=threads)
    new = (folder / f"{number}" for number in itertools.count())
    with load_embedder(workload.encoder, threads=threads) as embedder:

        def ingested(place: Path) -> float:
            store, began_s = Store.open(place, create=True), spent_s()
            outcomes = list(ingest(workload.videos, store=store, embedder=embedder, settings=settings))
            cpu_s = spent_s() - began_s
            assert all(isinstance(outcome, Indexed) for outcome in outcomes), outcomes
            return cpu_s

        ingested(folder / "ingest")
        loop.run(workload.videos, folder / "loop")
        cosine = least_cosine(Store.open(folder / "ingest"), folder / "loop", workload.videos)
        stages = alone(workload.videos, GRID, embedder, decoders, threads=threads)
        for stage in stages.values():
            stage()
        ways = {"ingest": lambda: ingested(next(new)), **stages, "loop": lambda: loop.run(workload.videos, next(new))}
        took = interleaved(ways, repeats=repeats)
    began_s = time.perf_counter()
    command = index_command(workload.videos, next(new), encoder=workload.encoder, fps=FPS, threads=threads)
    subprocess.run(command, check=True, capture_output=True)
    command_s = time.perf_counter() - began_s
    shutil.rmtree(folder)
    return Result(name=workload.name, took=took, command_s=command_s, least_cosine=cosine, threads=threads)


def print_results(results: Sequence[Result], memory: Sequence[Memory]) -> None:
    """The tables."""
    ways = {way: f"{way} s" for way in results[0].took}
    last = ("command s", "work ÷ threads s", "ingest / limit", "loop / ingest", "cosine")
    print_table(
        ["clips", *ways.values(), *last],
        [
            [
                result.name,
                *(f"{result.took[way].wall_s:.3f}" for way in ways),
                f"{result.command_s:.3f}",
                f"{result.work_s:.3f}",
                f"{result.over_limit:.3f}",
                f"{result.speedup:.2f}",
                f"{result.least_cosine:.6f}",
            ]
            for result in results
        ],
    )
    print()
    print_memory(memory)


def conclude(
    options: argparse.Namespace,
    plan: Plan,
    results: Sequence[Result],
    memory: Sequence[Memory],
    *,
    threads: int,
    equal: bool,
) -> None:
    """The JSON line."""
    rows: list[Measured] = []
    for result in results:
        for way, took in result.took.items():
            rows.append(Measured(name=f"{result.name}.{way}.wall", value=took.wall_s, unit="s"))
            rows.append(Measured(name=f"{result.name}.{way}.cpu", value=took.cpu_s, unit="s of processor time"))
        rows += [
            Measured(name=f"{result.name}.command.wall", value=result.command_s, unit="s"),
            Measured(name=f"{result.name}.work_over_threads", value=result.work_s, unit="s"),
            Measured(name=f"{result.name}.wall_over_limit", value=result.over_limit, unit="ratio"),
            Measured(name=f"{result.name}.speedup_vs_public_loop", value=result.speedup, unit="ratio"),
            Measured(name=f"{result.name}.least_cosine", value=result.least_cosine, unit="cosine"),
        ]
    rows += memory_rows(memory)
    report(
        "ingest",
        threads=threads,
        config={
            "command": "python bench/ingest.py" + (" --quick" if options.quick else ""),
            "fps": FPS,
            "clips": [f"{clips.number} x {clips.seconds} s" for clips in plan.clips],
            "sizes": {name: f"{width}x{height}" for name, (width, height) in plan.sizes.items()},
            "tower": f"random weights, {plan.tower[0]} wide, {plan.tower[1]} layers, patch 16, 224 px",
            "memory": memory_how(plan.memory_size),
            "versions": {name: importlib.metadata.version(name) for name in PACKAGES},
            "quick": options.quick,
        },
        equal=equal,
        rows=rows,
        ratios={
            "wall_over_limit": max(result.over_limit for result in results),
            "speedup_vs_public_loop": min(result.speedup for result in results),
            "peak_rss_long_over_short": worst_growth(memory),
        },
        out=options.out,
    )


def add_options(_parser: argparse.ArgumentParser) -> None:
    """This bench has no options of its own."""


if __name__ == "__main__":
    assert __doc__ is not None
    sys.exit(run_bench(__doc__, add_options, run))
