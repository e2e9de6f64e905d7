"""How fast are sampled frames had, against the peers and against the physical limit?

    python bench/decode.py                 about twenty minutes; the clips are made anew
    python bench/decode.py --clips DIR     keeps the clips in DIR, or takes those that are there
    python bench/decode.py --quick         smaller and shorter clips under the same names

Timed is what a user waits for: from opening the file to the last wanted frame as RGB in memory, frames passed on and not kept.

    way          what it does
    framedex     the engine's default decoder; is told the grid, finds the frames itself
    pyav         PyAV decodes everything and converts the wanted frames
    decord       decord's get_batch, told the frame numbers
    torchcodec   TorchCodec's get_frames_at with seek_mode="exact", told the frame numbers
    ffmpeg       the command's select filter, told the frame numbers; raw RGB through a pipe

On the main clip all are tried on all grids, on the others PyAV on all, decord and TorchCodec at 1 fps.
Grids are every frame, 1 frame per second and 1 per 10 s. The physical limit of a sparse grid is the time in which the decoder
takes exactly the packets that the wanted frames need, from memory, and converts the wanted frames; it is measured on the main
clip, whose needed packets are told apart without the engine. Before anything is timed each way's frames are compared with
PyAV's: the engine's must be the same bit for bit at the same timestamps; a peer that gives other frames, or none, is named and
not timed. Ways take turns, so that all see the same noise; figures are medians.
"""

from __future__ import annotations

import argparse
import hashlib
import statistics
import sys
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from functools import partial
from pathlib import Path

import numpy as np

from decode_clips import MAIN, forms, make_clips
from decode_peers import PeerFailed, Shown, Task, clip_source, peer_versions, peers, task_for
from framedex.cli.output import default_threads, print_table
from framedex.contracts import Pixels
from harness import Measured, report, run_bench
from needed_packets import PacketList, decode_packets

GRIDS: dict[str, Fraction | None] = {"every": None, "1fps": Fraction(1), "0p1fps": Fraction(1, 10)}
LIBRARIES = ("pyav", "decord", "torchcodec")
NEEDED = "needed_packets"
ENGINE = "framedex"
#: Times of peers that count in float32 seconds; frames are 33 ms apart.
TIME_TOLERANCE_US = 5_000
#: Pictures per grid of which pixels are kept for the largest difference; of all others a digest.
KEPT = 24

Way = Callable[[], Iterable[Shown]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Agreement:
    """How the frames of one way compare with PyAV's.

    Attributes:
        exact: the same timestamps and the same bytes.
        same_frames: as many frames, their timestamps within the tolerance.
        largest: largest difference of a grey level in the pictures kept.
        equal_share: share of equal levels in the pictures kept.
    """

    exact: bool
    same_frames: bool
    largest: int
    equal_share: float


class Reference:
    """PyAV's frames of one task: timestamps, digests, and some of the pictures."""

    def __init__(self, frames: Iterable[Shown], n_frames: int) -> None:
        kept = set(np.linspace(0, n_frames - 1, min(KEPT, n_frames)).round().astype(int).tolist())
        self._times_us: list[int] = []
        self._digests: list[bytes] = []
        self._pictures: dict[int, Pixels] = {}
        for number, (time_us, picture) in enumerate(frames):
            self._times_us.append(time_us)
            self._digests.append(_digest(picture))
            if number in kept:
                self._pictures[number] = picture

    @property
    def times_us(self) -> tuple[int, ...]:
        """Timestamps of the frames."""
        return tuple(self._times_us)

    def compare(self, frames: Iterable[Shown]) -> Agreement:
        """Go through another way's frames."""
        count, exact, same_frames, largest, equal, levels = 0, True, True, 0, 0, 0
        for number, (time_us, picture) in enumerate(frames):
            count += 1
            if number >= len(self._times_us):
                continue
            exact = exact and time_us == self._times_us[number] and _digest(picture) == self._digests[number]
            same_frames = same_frames and abs(time_us - self._times_us[number]) <= TIME_TOLERANCE_US
            if number in self._pictures and picture.shape == self._pictures[number].shape:
                difference = np.abs(picture.astype(np.int16) - self._pictures[number])
                largest = max(largest, int(difference.max()))
                equal += int(np.count_nonzero(difference == 0))
                levels += difference.size
        complete = count == len(self._times_us)
        return Agreement(
            exact=exact and complete,
            same_frames=same_frames and complete,
            largest=largest,
            equal_share=equal / levels if levels else 0.0,
        )


@dataclass(slots=True)
class Results:
    """What the run has found so far.

    Attributes:
        times_s: median by (clip, grid) and way.
        agreements: by (clip, way), one for each grid.
        refused: "clip/way" of peers that were not timed, and why.
        equal: whether the engine's frames were PyAV's everywhere.
    """

    times_s: dict[tuple[str, str], dict[str, float]] = field(default_factory=dict)
    agreements: dict[tuple[str, str], list[Agreement]] = field(default_factory=dict)
    refused: dict[str, str] = field(default_factory=dict)
    equal: bool = True


def run(options: argparse.Namespace, folder: Path) -> bool:
    """Make the clips, compare and time every way on each, print the table and the JSON line; tells whether all were equal."""
    threads = default_threads()
    clips = make_clips(options.clips or folder, forms(quick=options.quick))
    found, absent = peers()
    listed = PacketList.of(clips[MAIN])
    results = Results()
    for clip, path in clips.items():
        source = clip_source(path)
        for grid, rate in GRIDS.items():
            task = task_for(source, rate)
            ways: dict[str, Way] = {
                name: partial(peer, task, threads) for name, peer in found.items() if is_asked(name, clip, grid)
            }
            if clip == MAIN and rate is not None:
                needed = listed.needed(task.stamps)
                ways[NEEDED] = partial(decode_packets, listed, needed, task.stamps, threads=threads)
            fit = compare(results, clip, task, ways)
            results.times_s[clip, grid] = interleaved_medians_s(fit, repeats=3 if options.quick else 5)
            times = ", ".join(f"{name} {took:.3f}" for name, took in results.times_s[clip, grid].items())
            print(f"{clip} {grid}: {times} s", file=sys.stderr)
    print_results(results)
    conclude(options, results, listed, absent, threads=threads)
    return results.equal


def is_asked(name: str, clip: str, grid: str) -> bool:
    """Whether a way is tried: all on the main clip, PyAV everywhere, and the other libraries at 1 fps."""
    return clip == MAIN or name in (ENGINE, "pyav") or (grid == "1fps" and name in LIBRARIES)


def compare(results: Results, clip: str, task: Task, ways: Mapping[str, Way]) -> dict[str, Way]:
    """Compare every way's frames with PyAV's, and give the ways that are fit to be timed."""
    reference = Reference(ways["pyav"](), len(task.numbers))
    results.equal = results.equal and reference.times_us == task.times_us
    fit = {}
    for name, way in ways.items():
        try:
            agreement = reference.compare(way()) if name != "pyav" else None
        except PeerFailed as error:
            results.refused[f"{clip}/{name}"] = str(error)
            results.equal = results.equal and name != ENGINE
            continue
        if agreement is not None:
            results.agreements.setdefault((clip, name), []).append(agreement)
            results.equal = results.equal and (agreement.exact or name not in (ENGINE, NEEDED))
            if not agreement.same_frames:
                results.refused[f"{clip}/{name}"] = "gives other frames than PyAV"
                continue
        fit[name] = way
    return fit


def interleaved_medians_s(ways: Mapping[str, Way], *, repeats: int) -> dict[str, float]:
    """Median wall time of each way, the ways taking turns; the comparison before has warmed them up."""
    times_s: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(repeats):
        for name, way in ways.items():
            started = time.perf_counter()
            for _ in way():
                pass
            times_s[name].append(time.perf_counter() - started)
    return {name: statistics.median(times) for name, times in times_s.items()}


def ratios(results: Results) -> dict[str, float]:
    """The figures whose names are fixed."""

    def best_peer(grid: str) -> float:
        times_s = results.times_s[MAIN, grid]
        return min(times_s[name] for name in LIBRARIES if name in times_s) / times_s[ENGINE]

    one_fps = results.times_s[MAIN, "1fps"]
    return {
        "sparse_1fps_vs_best_peer": best_peer("1fps"),
        "sparse_1fps_over_needed_packets": one_fps[ENGINE] / one_fps[NEEDED],
        "sparse_0p1fps_vs_best_peer": best_peer("0p1fps"),
        "worst_codec_vs_pyav": min(times_s["pyav"] / times_s[ENGINE] for times_s in results.times_s.values()),
    }


def worst(results: Results) -> str:
    """The clip and grid on which the engine is the slowest against PyAV."""
    ratio = {at: times_s["pyav"] / times_s[ENGINE] for at, times_s in results.times_s.items()}
    clip, grid = min(ratio, key=lambda at: ratio[at])
    return f"{clip} {grid}"


def print_results(results: Results) -> None:
    """The table: seconds, and how many times faster than PyAV the engine is."""
    names = [ENGINE, *LIBRARIES, "ffmpeg", NEEDED]
    print_table(
        ["clip", "frames", *(f"{name} s" for name in names), "pyav / framedex"],
        [
            [
                clip,
                grid,
                *(f"{times_s[name]:.3f}" if name in times_s else "-" for name in names),
                f"{times_s['pyav'] / times_s[ENGINE]:.2f}",
            ]
            for (clip, grid), times_s in results.times_s.items()
        ],
    )


def conclude(
    options: argparse.Namespace, results: Results, listed: PacketList, absent: dict[str, str], *, threads: int
) -> None:
    """The JSON line."""
    rows = [
        Measured(name=f"{MAIN}.packets", value=len(listed.packets), unit="packets"),
        Measured(name=f"{MAIN}.non_reference", value=listed.non_reference, unit="packets"),
    ]
    for (clip, grid), times_s in results.times_s.items():
        rows += [Measured(name=f"{clip}.{grid}.{name}", value=took, unit="s") for name, took in times_s.items()]
    for (clip, name), agreements in results.agreements.items():
        if name not in (ENGINE, NEEDED):
            largest = max(agreement.largest for agreement in agreements)
            share = min(agreement.equal_share for agreement in agreements)
            rows.append(Measured(name=f"{clip}.{name}.largest_difference", value=largest, unit="grey levels"))
            rows.append(Measured(name=f"{clip}.{name}.equal_levels", value=share, unit="share"))
    report(
        "decode",
        threads=threads,
        config={
            "command": "python bench/decode.py" + (" --quick" if options.quick else ""),
            "what": "synthetic clips, smaller and shorter than named" if options.quick else "synthetic clips",
            "grids": list(GRIDS),
            "main": MAIN,
            "versions": peer_versions(),
            "worst_codec": worst(results),
            "not_installed": absent,
            "not_timed": results.refused,
            "quick": options.quick,
        },
        equal=results.equal,
        rows=rows,
        ratios=ratios(results),
        out=options.out,
    )


def _digest(picture: Pixels) -> bytes:
    return hashlib.blake2b(np.ascontiguousarray(picture).data, digest_size=16).digest()


def add_options(parser: argparse.ArgumentParser) -> None:
    """This bench's own options."""
    parser.add_argument("--clips", type=Path, metavar="DIR", help="keep the clips here, and take those that are here")


if __name__ == "__main__":
    assert __doc__ is not None
    sys.exit(run_bench(__doc__, add_options, run))
