"""How fast are scores and best frames looked up in a store, against FAISS, NumPy and torch, and against memory and arithmetic?

    python bench/lookup.py            1,000 videos × 180 frames × 768, 16 prompts each; cold: 5,031; 2 GB of disk
    python bench/lookup.py --quick    200 videos

Warm: files are mapped and in memory, every video has prompts of its own. Timed is one call that ends with results in memory.

    row                        what runs
    ours.top8                  all scores and the best 8 from the fp16 store: framedex.score.lookup
    ours.scores                all scores alone
    ours.ragged_top8           as ours.top8, as many frames in all, in videos of 60 to 300
    peer.faiss_per_video       the store's own files in FAISS, best 8; each search by all threads
    peer.faiss_pool            the same, each search by one thread, videos shared by a pool
    peer.faiss_flat            a flat float32 index per video, best 8
    peer.numpy                 a float32 product per video and argpartition, best 8
    peer.torch_bmm             one batched float32 product, scores without best frames, equal lengths only
    floor                      max(bytes of the store ÷ rate of reading memory, operations ÷ rate of a matrix product)

Cold: the files' pages are dropped from the system's cache (posix_fadvise DONTNEED after a sync; the share still cached is a
row); then either all files are read whole into one buffer per thread (`cold.read`), or they are opened, checked against their
rows and looked up (`cold.lookup`). A cache of the machine below the system's is not under the bench's control; both sides see
the same one.

Answers are compared before anything is timed: scores within 1e-5 of a float64 product, our best frames exactly those of a
stable sort of our scores, the peers' the same wherever the scores differ by more than 1e-5. Ways take turns; figures are
medians. `speedup_vs_faiss` is against the fastest of the three ways to use FAISS.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import faiss
import numpy as np

from cold_files import evict, read_all, share_cached
from framedex import _native
from framedex.cli.output import default_threads, note, print_table
from framedex.contracts import Vectors
from framedex.index import Row, Store
from framedex.index.many import open_many
from framedex.score.base import View
from framedex.score.lookup import LookUp, Wanted, look_up
from harness import Measured, gemm_flop_per_s, median_s, medians_s, report, run_bench, torch_gemm_flop_per_s
from lookup_peers import Best, FaissFlat, FaissPerVideo, numpy_per_video, torch_bmm, widened
from stored_videos import ragged, unit_rows, write_store

FRAMES, DIM, PROMPTS, TOP = 180, 768, 16, 8
TOLERANCE = 1e-5


def main() -> int:
    """Run the bench."""
    return run_bench(__doc__ or "", add_options, run)


def add_options(parser: argparse.ArgumentParser) -> None:
    """Its own options."""
    parser.add_argument("--threads", type=int, default=default_threads(), metavar="N", help="of every way")


def run(options: argparse.Namespace, folder: Path) -> bool:
    """Measure; whether all answers agreed."""
    threads, quick = options.threads, options.quick
    repeats, n_videos, n_cold = (5, 200, 400) if quick else (9, 1000, 5031)
    wanted = Wanted(top=TOP)
    note(f"writing {n_videos} videos")
    store = write_store(folder / "warm", [FRAMES] * n_videos, DIM)
    indexes = [store.open_row(row) for row in store.videos()]
    views = [index.vectors for index in indexes]
    prompts = unit_rows(n_videos * PROMPTS, DIM, seed=7).reshape(n_videos, PROMPTS, DIM)
    frames = widened(views)
    best_ways: dict[str, Callable[[], Best]] = {
        f"peer.{name}": FaissPerVideo([index.path for index in indexes], prompts, TOP, threads=threads, pooled=pooled)
        for name, pooled in (("faiss_per_video", False), ("faiss_pool", True))
    }
    best_ways["peer.faiss_flat"] = FaissFlat(frames, prompts, TOP, threads=threads)
    best_ways["peer.numpy"] = numpy_per_video(frames, prompts, TOP)
    bmm = torch_bmm(frames, prompts, threads)
    ours = look_up(views, list(prompts), wanted, threads=threads)
    equal = agree(ours, frames, prompts, best_ways, bmm)

    counts = ragged(n_videos, 60, 300)
    joined: View = np.concatenate([np.asarray(view, np.float16) for view in views])
    ends = np.cumsum(counts).tolist()
    pieces: list[View] = [
        joined[end - count : end] for count, end in zip(counts, ends, strict=True) if end <= len(joined)
    ]
    works: dict[str, Callable[[], object]] = {
        "ours.top8": lambda: look_up(views, list(prompts), wanted, threads=threads),
        "ours.scores": lambda: look_up(views, list(prompts), threads=threads),
        "ours.ragged_top8": lambda: look_up(pieces, list(prompts[: len(pieces)]), wanted, threads=threads),
        **best_ways,
        "peer.torch_bmm": bmm,
    }
    note("timing")
    took_s = medians_s(works, repeats=repeats)
    read_rate = read_bytes_per_s(threads)
    gemm_rate = max(gemm_flop_per_s(), torch_gemm_flop_per_s(threads))
    nbytes = sum(view.nbytes for view in views)
    flop = 2 * n_videos * FRAMES * PROMPTS * DIM
    floor_s = max(nbytes / read_rate, flop / gemm_rate)
    for index in indexes:
        index.close()
    note(f"writing {n_cold} videos")
    cold, cold_equal = time_cold(write_store(folder / "cold", [FRAMES] * n_cold, DIM), threads, turns=5)
    equal = equal and cold_equal

    rows = [
        *(Measured(name=name, value=value, unit="s") for name, value in took_s.items()),
        Measured(name="floor", value=floor_s, unit="s"),
        Measured(name="memory.read", value=read_rate / 1e9, unit="GB/s"),
        Measured(name="gemm", value=gemm_rate / 1e9, unit="GFLOP/s"),
        Measured(name="ours.ragged_frames_over_equal", value=sum(map(len, pieces)) / (n_videos * FRAMES), unit="ratio"),
        *cold,
    ]
    figures = {row.name: row.value for row in rows}
    faiss_s = min(took_s[name] for name in ("peer.faiss_per_video", "peer.faiss_pool", "peer.faiss_flat"))
    ratios = {
        "speedup_vs_faiss": faiss_s / took_s["ours.top8"],
        "speedup_vs_torch_bmm": took_s["peer.torch_bmm"] / took_s["ours.top8"],
        "time_over_floor": took_s["ours.top8"] / floor_s,
        "cold_time_over_read": figures["cold.lookup"] / figures["cold.read"],
    }
    print_table(["way", "seconds"], [[row.name, f"{row.value:.4f}"] for row in rows if row.unit == "s"])
    report(
        "lookup",
        threads=threads,
        config={
            "videos": n_videos,
            "cold_videos": n_cold,
            "frames": FRAMES,
            "dim": DIM,
            "prompts": PROMPTS,
            "top": TOP,
            "repeats": repeats,
            "quick": quick,
            "simd": _native.simd_level(),
            "faiss": faiss.__version__,
        },
        equal=equal,
        rows=rows,
        ratios=ratios,
        out=options.out,
    )
    return equal


def agree(
    ours: LookUp,
    frames: Vectors,
    prompts: Vectors,
    best_ways: dict[str, Callable[[], Best]],
    bmm: Callable[[], Vectors],
) -> bool:
    """Whether everybody gives the same scores and best frames; every difference is noted."""
    scores = np.stack([ours.scores(video) for video in range(len(ours))])
    top, rows = map(np.stack, zip(*(ours.top(video) for video in range(len(ours))), strict=True))
    good = True

    def check(name: str, holds: bool) -> None:
        nonlocal good
        if not holds:
            note(f"not equal: {name}")
            good = False

    for video, (each, asked) in enumerate(zip(frames, prompts, strict=True)):
        exact = asked.astype(np.float64) @ each.astype(np.float64).T
        if np.abs(scores[video] - exact).max() > TOLERANCE:
            check(f"scores of video {video}", holds=False)
    expected = np.argsort(-scores, axis=2, kind="stable")[..., :TOP]
    check("ours.top8 rows", np.array_equal(rows, expected))
    check("ours.top8 scores", np.array_equal(top, np.take_along_axis(scores, expected, axis=2)))
    check("peer.torch_bmm", bool(np.abs(bmm() - scores).max() <= TOLERANCE))
    for name, work in best_ways.items():
        their_scores, their_rows = work()
        check(f"{name} scores", bool(np.abs(their_scores - top).max() <= TOLERANCE))
        # By our scores of their frames: another frame may only stand where ours scores the same but for rounding.
        ours_of_theirs = np.take_along_axis(scores, their_rows, axis=2)
        check(f"{name} rows", bool(np.abs(ours_of_theirs - top).max() <= TOLERANCE))
    return good


def time_cold(store: Store, threads: int, *, turns: int) -> tuple[list[Measured], bool]:
    """Median seconds to read the store's index files and to look them up, cold each time, by turns; whether answers are right."""
    rows = store.videos()
    paths = [row.place.index_path(store.path) for row in rows]
    prompts = unit_rows(PROMPTS * len(rows), DIM, seed=8).reshape(len(rows), PROMPTS, DIM)
    reads, lookups, cached = [], [], []
    found: list[LookUp] = []
    for _ in range(turns):
        evict(paths)
        cached.append(share_cached(paths))
        started = time.perf_counter()
        read_all(paths, threads)
        reads.append(time.perf_counter() - started)
        evict(paths)
        cached.append(share_cached(paths))
        started = time.perf_counter()
        found = look_up_store(store, rows, prompts, threads)
        lookups.append(time.perf_counter() - started)
    with store.open_row(rows[-1]) as index:
        exact = prompts[-1].astype(np.float64) @ index.vectors.astype(np.float64).T
    right = bool(np.abs(found[-1].scores(len(found[-1]) - 1) - exact).max() <= TOLERANCE)
    return [
        Measured(name="cold.read", value=statistics.median(reads), unit="s"),
        Measured(name="cold.lookup", value=statistics.median(lookups), unit="s"),
        Measured(name="cold.gb", value=sum(row.nbytes for row in rows) / 1e9, unit="GB"),
        Measured(name="cold.still_cached", value=max(cached), unit="share"),
    ], right and sum(map(len, found)) == len(rows)


def look_up_store(store: Store, rows: Sequence[Row], prompts: Vectors, threads: int) -> list[LookUp]:
    """Open and look up every video; when this returns no file is mapped any more."""
    found: list[LookUp] = []
    done = 0
    for indexes in open_many(store, rows):
        asked = list(prompts[done : done + len(indexes)])
        found.append(look_up([index.vectors for index in indexes], asked, Wanted(top=TOP), threads=threads))
        done += len(indexes)
    return found


def read_bytes_per_s(threads: int) -> float:
    """Bytes per second that `threads` threads read from memory, by the largest of as many numbers as fill 512 MiB."""
    numbers = np.ones((threads, (512 << 20) // threads // 8), np.int64)
    with ThreadPoolExecutor(threads) as pool:
        return numbers.nbytes / median_s(lambda: list(pool.map(np.max, numbers)), repeats=5)


if __name__ == "__main__":
    sys.exit(main())
