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

Memory is the largest resident size (VmHWM, read every 50 ms) of `framedex index` and of each of its processes, added up: pages
that they share count in each. It is measured on two clips of the same pictures that differ in length only.
"""

from __future__ import annotations

import argparse
import importlib.metadata
import itertools
import shutil
import statistics
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
from ingest_clips import FULL, QUICK, Plan, Workload, make_workloads, write_repeated
from ingest_loop import (
    MIN_COSINE,
    SAMPLE_S,
    Decoders,
    PublicLoop,
    Took,
    alone,
    index_command,
    interleaved,
    least_cosine,
    spent_s,
    watched,
)

#: FFmpeg keeps an index of every packet of an open MP4, and of the key frames of a Matroska file.
CONTAINERS = ("mkv", "mp4")
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Memory:
    """`framedex index` on one long or short clip: medians.

    Attributes:
        name: "short.mkv" or "long.mp4".
        seconds: length of the clip.
        peak_nbytes: largest resident sizes of all processes, added up.
        wall_s: of the command, watched.
        complete: every frame is in the store, and none was flagged as damaged.
    """

    name: str
    seconds: int
    peak_nbytes: float
    wall_s: float
    complete: bool


def run(options: argparse.Namespace, folder: Path) -> bool:
    """Make the inputs, measure everything, print tables and JSON line; tells whether the answers were equal."""
    plan, repeats = (QUICK, 3) if options.quick else (FULL, 5)
    threads = default_threads()
    workloads = make_workloads(folder, plan)
    with Decoders(threads) as decoders:
        results = [measure(workload, decoders, folder / "out", threads, repeats) for workload in workloads]
    memory = measure_memory(plan, folder / "memory", threads, repeats=1 if options.quick else repeats)
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


def measure_memory(plan: Plan, folder: Path, threads: int, *, repeats: int) -> list[Memory]:
    """Index a short and a long clip of the same pictures, and watch."""
    folder.mkdir()
    results = []
    for suffix in CONTAINERS:
        paths = {seconds: folder / f"{seconds}.{suffix}" for seconds in plan.memory_s}
        expected = write_repeated(paths, width=plan.memory_size[0], height=plan.memory_size[1])
        for (seconds, path), length in zip(paths.items(), ("short", "long"), strict=True):
            results.append(_memory_of(path, f"{length}.{suffix}", seconds, expected[seconds], threads, repeats))
    return results


def _memory_of(path: Path, name: str, seconds: int, n_frames: int, threads: int, repeats: int) -> Memory:
    note(f"memory: {path.suffix} of {seconds / 60:g} minutes")
    peaks, walls_s, complete = [], [], True
    for number in range(repeats):
        store = path.with_name(f"{name}-{number}")
        began_s = time.perf_counter()
        peaks.append(watched(index_command([path], store, encoder="micro-siglip", fps=FPS, threads=threads)))
        walls_s.append(time.perf_counter() - began_s)
        (row,) = Store.open(store).videos()
        complete = complete and (row.count, row.decode.damaged_frames) == (n_frames, 0)
    return Memory(
        name=name,
        seconds=seconds,
        peak_nbytes=statistics.median(peaks),
        wall_s=statistics.median(walls_s),
        complete=complete,
    )


def growth(memory: Sequence[Memory], suffix: str) -> float:
    """Peak of the long clip over that of the short one."""
    peaks = {one.name: one.peak_nbytes for one in memory}
    return peaks[f"long.{suffix}"] / peaks[f"short.{suffix}"]


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
    print_table(
        ["clip", "peak MiB", "command s", "complete"],
        [
            [
                f"{one.seconds / 60:g} min {one.name.partition('.')[2]}",
                f"{one.peak_nbytes / 2**20:.1f}",
                f"{one.wall_s:.2f}",
                str(one.complete),
            ]
            for one in memory
        ],
    )


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
    for one in memory:
        rows.append(Measured(name=f"memory.{one.name}.peak", value=one.peak_nbytes / 2**20, unit="MiB"))
        rows.append(Measured(name=f"memory.{one.name}.wall", value=one.wall_s, unit="s"))
    for suffix in CONTAINERS:
        rows.append(Measured(name=f"memory.{suffix}.long_over_short", value=growth(memory, suffix), unit="ratio"))
    report(
        "ingest",
        threads=threads,
        config={
            "command": "python bench/ingest.py" + (" --quick" if options.quick else ""),
            "fps": FPS,
            "clips": [f"{clips.number} x {clips.seconds} s" for clips in plan.clips],
            "sizes": {name: f"{width}x{height}" for name, (width, height) in plan.sizes.items()},
            "tower": f"random weights, {plan.tower[0]} wide, {plan.tower[1]} layers, patch 16, 224 px",
            "memory": f"{plan.memory_size[0]}x{plan.memory_size[1]}, sum of VmHWM, read every {SAMPLE_S * 1000:g} ms",
            "versions": {name: importlib.metadata.version(name) for name in PACKAGES},
            "quick": options.quick,
        },
        equal=equal,
        rows=rows,
        ratios={
            "wall_over_limit": max(result.over_limit for result in results),
            "speedup_vs_public_loop": min(result.speedup for result in results),
            "peak_rss_long_over_short": max(growth(memory, suffix) for suffix in CONTAINERS),
        },
        out=options.out,
    )


def add_options(_parser: argparse.ArgumentParser) -> None:
    """This bench has no options of its own."""


if __name__ == "__main__":
    assert __doc__ is not None
    sys.exit(run_bench(__doc__, add_options, run))
