"""2,000 damaged videos in one folder: does `framedex index` come to an end with each of them indexed or quarantined?

Checked: the exit code is 0 or 1, no traceback is printed, every file is indexed, skipped for the same bytes, or quarantined with
one line that names it, `framedex verify` finds nothing, and the run ends within a bound. Then, for what was indexed: the frames
that the decode plan gives are, pixel for pixel, those of a decode of everything. A file of which the plan needs only sound
packets may be indexed while a decode of everything fails: these are counted apart, as are files with damaged frames.

Run: python tests/stress/mutated_videos.py --out bench/results/stress_mutated.json (--quick: 150 files)
"""

from __future__ import annotations

import multiprocessing
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from pathlib import Path

import numpy as np

sys.path.append(str(Path(__file__).resolve().parents[1]))

from framedex.contracts import Pixels
from framedex.decode import CountGrid, DecodeSummary, EveryGrid, FpsGrid, Grid, identify, passes
from framedex.decode.pyav import PyAVReader
from framedex.errors import VideoError
from stress.index_runs import Ran, framedex
from stress.mutations import MUTATIONS, Clip, NotApplicable, Task
from stress.packet_mutations import PACKET_MUTATIONS
from stress.script import Found, options, report, say, work_folder
from stress.source_clips import make_clips
from stress.stores import quarantined

ENCODER = ("--encoder", "micro-siglip")
LIMITS = ("--stall-limit", 20, "--time-limit", 60, "--memory-limit", 2)
FPS = "3"
#: Classes of errors that damage is expected to end in; those that are worth a look; any other is a fault of ours.
EXPECTED = frozenset({"NotAVideo", "NoVideoStream", "TruncatedVideo", "DecodeFailed", "OutsideVideo"})
NOTABLE = frozenset({"WorkerLost", "OverBudget"})
#: A run may take so long: a second per file, and the limits of a few that hang.
_SECONDS_PER_FILE, _SECONDS = 1.0, 300.0
_COMPARE_S = 120


def make_mutants(folder: Path, clips: Sequence[Clip], count: int, seed: int) -> list[Path]:
    """Mutants whose names say what was done to which clip; equal seeds and numbers, equal mutants."""
    folder.mkdir(parents=True)
    every = {**MUTATIONS, **PACKET_MUTATIONS}
    names = list(every)
    made = []
    for number in range(count):
        rng = np.random.default_rng((seed, number))
        name = names[number % len(names)]
        while True:
            clip = clips[int(rng.integers(len(clips)))]
            try:
                data, suffix = every[name](Task(clip=clip, clips=clips, rng=rng))
            except NotApplicable:
                continue
            break
        path = folder / f"{number:04}-{name}-{clip.path.stem}-{clip.suffix[1:]}{suffix}"
        path.write_bytes(data)
        made.append(path)
    return made


def check_run(ran: Ran, mutants: Sequence[Path], store: Path, found: Found) -> list[Path]:
    """What the run did with each mutant; gives those that were indexed."""
    bound_s = _SECONDS + _SECONDS_PER_FILE * len(mutants)
    found.figures["index.seconds"] = (ran.seconds, "s")
    if ran.code not in (0, 1):
        found.problems.append(f"exit code {ran.code} after {ran.seconds:.0f} s; stderr ends: {ran.err[-1000:]!r}")
        return []
    if ran.seconds > bound_s:
        found.problems.append(f"the run took {ran.seconds:.0f} s, expected less than {bound_s:.0f} s")
    found.problems += ran.tracebacks
    document = ran.json()
    outcomes = Counter(entry["path"] for part in ("indexed", "skipped", "quarantined") for entry in document[part])
    for path in mutants:
        if outcomes[str(path)] != 1:
            found.problems.append(f"{path.name}: {outcomes[str(path)]} outcomes, expected 1")
    for part in ("indexed", "skipped", "quarantined"):
        found.count(part, len(document[part]))
    found.problems += [
        f"the reason is no line that names the file: {entry['reason']!r}"
        for entry in document["quarantined"]
        if entry["path"] not in entry["reason"] or len(entry["reason"].splitlines()) != 1
    ]
    for entry in quarantined(store).values():
        found.count(f"quarantined.{entry['error']}")
        if entry["error"] not in EXPECTED:
            (found.remarks if entry["error"] in NOTABLE else found.problems).append(
                f"{entry['error']}: {entry['reason']}"
            )
    return [Path(entry["path"]) for entry in document["indexed"]]


Frames = dict[int, Pixels]


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """How the planned frames of a file compare with those of a decode of everything.

    Attributes:
        path: the file.
        how: the kind of result.
        what: where and how, in words.
        is_wrong: whether the plan gave a picture that is neither the clip's nor that of the whole decode, which has the clip's.
    """

    path: Path
    how: str
    what: str = ""
    is_wrong: bool = False


def grid_of(path: Path, seed: int) -> Grid:
    rng = np.random.default_rng((seed, int(path.name[:4])))
    choices: tuple[Grid, ...] = (FpsGrid.parse(FPS), CountGrid(count=2), EveryGrid(step=11), CountGrid(count=1))
    return choices[int(rng.integers(len(choices)))]


def compare(path: Path, clip: Path, seed: int) -> Compared:
    """Decode by the plan, then everything, and hold one against the other, and both against the clip before it was damaged."""
    grid = grid_of(path, seed)
    try:
        planned, summary = _decode(path, grid, everything=False)
    except VideoError as error:
        return Compared(path=path, how=f"the plan fails: {type(error).__name__}", what=str(error))
    if summary.decoded == "everything":
        return Compared(path=path, how="no plan")
    try:
        whole, found = _decode(path, grid, everything=True)
    except VideoError as error:
        return Compared(path=path, how=f"the whole fails: {type(error).__name__}, the plan does not")
    flagged = "flagged" if found.damaged_frames else "not flagged"
    wrong = [pts for pts in planned.keys() & whole.keys() if not np.array_equal(planned[pts], whole[pts])]
    if wrong:
        truth, _ = _decode(clip, EveryGrid(step=1), everything=True)
        planned_true, whole_true = (all(_same(taken, truth, pts) for pts in wrong) for taken in (planned, whole))
        who = {(True, False): "the whole", (False, True): "the plan"}.get((planned_true, whole_true), "both")
        return Compared(
            path=path,
            how=f"pictures differ, {who} from the clip too, {flagged}",
            what=f"frames at {wrong} µs, {grid}, {summary.decoded}",
            is_wrong=who == "the plan",
        )
    if found.frames < summary.frames:
        return Compared(path=path, how=f"equal, but the whole lost frames, {flagged}")
    facts = [(s.frames, s.first_pts_us, s.last_pts_us, s.samples) for s in (summary, found)]
    if facts[0] != facts[1]:
        return Compared(
            path=path, how="frames or times differ", what=f"{facts[0]} instead of {facts[1]}, {grid}", is_wrong=True
        )
    return Compared(path=path, how=f"equal, damage {flagged}" if found.damaged_frames else "equal")


def _decode(path: Path, grid: Grid, *, everything: bool) -> tuple[Frames, DecodeSummary]:
    taken: Frames = {}
    with PyAVReader(identify(path, folder_fps=None), threads=1, progress=lambda: None) as reader:
        for item in reader.frames(grid, everything=True) if everything else passes(reader, grid):
            if isinstance(item, str):
                taken = {}
            else:
                taken |= {int(pts): frame.copy() for pts, frame in zip(item.pts_us, item.frames, strict=True)}
        return taken, reader.summary


def _same(taken: Frames, truth: Frames, pts: int) -> bool:
    return pts in truth and np.array_equal(taken[pts], truth[pts])


def compare_all(paths: Sequence[Path], clips: Path, seed: int) -> Iterator[Compared]:
    """Compare in processes of their own: a decoder that falls over on a damaged file is a finding, not the end."""
    waiting = list(paths)
    while waiting:
        with ProcessPoolExecutor(2, mp_context=multiprocessing.get_context("spawn")) as pool:
            futures = [(path, pool.submit(compare, path, _clip_of(path, clips), seed)) for path in waiting]
            waiting = []
            for at, (path, future) in enumerate(futures):
                try:
                    yield future.result(timeout=_COMPARE_S)
                except (BrokenProcessPool, TimeoutError) as error:
                    yield Compared(path=path, how=f"comparing ended in {type(error).__name__}", is_wrong=True)
                    for process in multiprocessing.active_children():
                        process.kill()
                    waiting = [path for path, _ in futures[at + 1 :]]
                    break


def _clip_of(mutant: Path, clips: Path) -> Path:
    """The clip that was damaged: its name and suffix stand behind the mutation's name."""
    *name, suffix = mutant.stem.split("-")[2:]
    return clips / f"{'-'.join(name)}.{suffix}"


def check_frames(indexed: Sequence[Path], clips: Path, seed: int, found: Found) -> None:
    for done, compared in enumerate(compare_all(indexed, clips, seed), start=1):
        found.count(f"compared.{compared.how}")
        if compared.what or compared.is_wrong:
            (found.problems if compared.is_wrong else found.remarks).append(
                f"{compared.path.name}: {compared.how}: {compared.what}"
            )
        if done % 200 == 0:
            say(f"compared {done} of {len(indexed)}")


def run(work: Path, *, trials: int, seed: int) -> Found:
    found = Found()
    clips = [Clip(path=path, data=path.read_bytes()) for path in make_clips(work / "clips")]
    mutants = make_mutants(work / "mutants", clips, trials, seed)
    say(f"{len(mutants)} mutants of {len(clips)} clips")
    store = work / "S"
    limit_s = 2 * (_SECONDS + _SECONDS_PER_FILE * trials)
    arguments = ("index", work / "mutants", "--store", store, *ENCODER, "--fps", FPS, *LIMITS, "--json")
    ran = framedex(*arguments, work=work, timeout_s=limit_s)
    (work / "index.err").write_text(ran.err)
    say(f"indexed in {ran.seconds:.0f} s, exit code {ran.code}")
    indexed = check_run(ran, mutants, store, found)
    if indexed:
        verified = framedex("verify", store, work=work)
        if verified.code != 0:
            found.problems.append(f"framedex verify: exit code {verified.code}: {verified.out[-1000:]!r}")
        check_frames(indexed, work / "clips", seed, found)
    return found


def main() -> int:
    given = options(__doc__ or "", trials=2000, quick=150)
    with work_folder(given.work) as work:
        found = run(work, trials=given.trials, seed=given.seed)
    return report("stress_mutated", found, given, {"limits": " ".join(map(str, LIMITS)), "fps": FPS}, work=work)


if __name__ == "__main__":
    sys.exit(main())
