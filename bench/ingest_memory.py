"""How much more memory does it take to index three hours of video than three minutes?

    python bench/ingest_memory.py            720p; a quarter of an hour, for each length and container one `framedex index`
    python bench/ingest_memory.py --quick    small pictures, and twenty minutes in place of three hours

Memory is the largest resident size (VmHWM, read every 50 ms) of `framedex index` and of each of its processes, added up: pages
that they share count in each. It is measured on two clips of the same pictures that differ in length only, as Matroska and as
MP4, one frame per second with the bundled encoder, the smallest there is. The floor is what FFmpeg keeps of a file that is open:
of an MP4 an index of every packet. bench/ingest.py measures the same on small pictures.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from framedex.cli.output import default_threads, note, print_table
from framedex.index import Store
from harness import Measured, report, run_bench
from ingest_clips import FULL, QUICK, write_repeated
from ingest_loop import SAMPLE_S, index_command, watched

#: FFmpeg keeps an index of every packet of an open MP4, and of the key frames of a Matroska file.
CONTAINERS = ("mkv", "mp4")
FPS = 1
#: The format of the goals for decoding.
SIZE = (1280, 720)


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
    """Measure; whether every frame was indexed."""
    size, lengths_s = (QUICK.memory_size, QUICK.memory_s) if options.quick else (SIZE, FULL.memory_s)
    threads = default_threads()
    memory = measure_memory(size, lengths_s, folder / "memory", threads=threads, repeats=1)
    print_memory(memory)
    equal = all(one.complete for one in memory)
    report(
        "ingest_memory",
        threads=threads,
        config={"memory": memory_how(size), "fps": FPS, "quick": options.quick},
        equal=equal,
        rows=memory_rows(memory),
        ratios={"peak_rss_long_over_short": worst_growth(memory)},
        out=options.out,
    )
    return equal


def measure_memory(
    size: tuple[int, int], lengths_s: tuple[int, int], folder: Path, *, threads: int, repeats: int
) -> list[Memory]:
    """Index a short and a long clip of the same pictures, and watch."""
    folder.mkdir()
    results = []
    for suffix in CONTAINERS:
        paths = {seconds: folder / f"{seconds}.{suffix}" for seconds in lengths_s}
        expected = write_repeated(paths, width=size[0], height=size[1])
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


def worst_growth(memory: Sequence[Memory]) -> float:
    """Of all containers."""
    return max(growth(memory, suffix) for suffix in CONTAINERS)


def memory_how(size: tuple[int, int]) -> str:
    """What is measured, in words."""
    return f"{size[0]}x{size[1]}, sum of VmHWM, read every {SAMPLE_S * 1000:g} ms"


def memory_rows(memory: Sequence[Memory]) -> list[Measured]:
    """Peaks, times and growth."""
    rows = []
    for one in memory:
        rows.append(Measured(name=f"memory.{one.name}.peak", value=one.peak_nbytes / 2**20, unit="MiB"))
        rows.append(Measured(name=f"memory.{one.name}.wall", value=one.wall_s, unit="s"))
    rows += [
        Measured(name=f"memory.{suffix}.long_over_short", value=growth(memory, suffix), unit="ratio")
        for suffix in CONTAINERS
    ]
    return rows


def print_memory(memory: Sequence[Memory]) -> None:
    """The table."""
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


def add_options(_parser: argparse.ArgumentParser) -> None:
    """This bench has no options of its own."""


if __name__ == "__main__":
    assert __doc__ is not None
    sys.exit(run_bench(__doc__, add_options, run))
