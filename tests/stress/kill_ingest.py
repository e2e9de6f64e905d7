"""`framedex index` killed at a random moment, 50 times: does the same command go on to the store of an undisturbed run?

Half of the trials send SIGKILL, half SIGTERM, to the first process only, at a moment between the start and the time that an
undisturbed run takes; some kill the rerun too, up to three times in a row. Checked after every kill: no process is left within
seconds, no shared memory either, no half file is published. Checked at the end: index files and rows are byte for byte those of
the undisturbed run, what was committed before a kill is the same file still, and `framedex verify` finds nothing. Then a fifth
as many runs lose a worker instead, which must not show, and in the last ones two processes index the folder into one store.

Run: python tests/stress/kill_ingest.py --out bench/results/stress_kill.json (--quick: 6 trials)
"""

from __future__ import annotations

import signal
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path

import numpy as np

sys.path.append(str(Path(__file__).resolve().parents[1]))

from stress.index_runs import IndexRun, Ran, framedex
from stress.script import Found, options, report, say, work_folder
from stress.source_clips import FORMS, make_clip
from stress.stores import Identity, committed, computed_again, differences, published

ENCODER = ("--encoder", "micro-siglip")
#: Processes may take so long to notice that the first one is gone.
_GONE_S = 10.0
_RUN_S = 300.0
#: The clips: numbers of FORMS; and a longer one, so that a kill can fall inside a video.
_SHORT = (0, 4, 6, 8, 9, 12, 14, 17, 19)


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """What every trial works on.

    Attributes:
        work: folder of the trials.
        clips: the folder that is indexed; one file in it is no video.
        undisturbed: the store that a run makes when it is left alone.
        seconds: how long such a run takes.
        code: its exit code.
    """

    work: Path
    clips: Path
    undisturbed: Path
    seconds: float
    code: int | None

    def index(self, store: Path) -> IndexRun:
        arguments = ("index", self.clips, "--store", store, *ENCODER, "--fps", "5", "--json")
        return IndexRun(*arguments, work=self.work)


def make_scene(work: Path, *, long_frames: int, copies: int) -> Scene:
    clips = work / "clips"
    clips.mkdir(parents=True)
    for number, start in product(_SHORT, range(0, 100 * copies, 100)):
        name = f"{number:02}-{FORMS[number].name}-{start}"
        make_clip(clips, FORMS[number], frames=75, size=(128, 96), start=start, name=name)
    make_clip(clips, FORMS[0], frames=long_frames, size=(320, 240), name="05-long")
    (clips / "11-broken.mp4").write_bytes((clips / "05-long.mp4").read_bytes()[:20_000])
    scene = Scene(work=work, clips=clips, undisturbed=work / "undisturbed", seconds=0, code=None)
    ran = _to_the_end(scene, work / "undisturbed")
    if ran.code != 1 or len(published(scene.undisturbed)) != 2 * (copies * len(_SHORT) + 1):
        raise SystemExit(f"the undisturbed run does not index the clips: exit code {ran.code}: {ran.err[-2000:]}")
    return Scene(work=work, clips=clips, undisturbed=work / "undisturbed", seconds=ran.seconds, code=ran.code)


def kill_and_go_on(scene: Scene, number: int, seed: int, found: Found) -> str:
    """One trial; gives its line of progress."""
    rng = np.random.default_rng((seed, number))
    sent = signal.SIGKILL if number % 2 else signal.SIGTERM
    kills = int(rng.integers(2, 4)) if number % 4 >= 2 else 1
    store = scene.work / f"trial-{number}"
    kept: list[int] = []
    before: dict[str, Identity] = {}
    again: list[str] = []
    for _ in range(kills):
        moment = float(rng.uniform(0, scene.seconds))
        with scene.index(store) as run:
            time.sleep(moment)
            shared = run.shared_memory()
            alive = run.signal(sent)
            ran = run.wait(_GONE_S)
            left = run.left_after(_GONE_S)
        what = f"trial {number}, {sent.name} at {moment:.2f} s"
        found.count(f"{sent.name}.{'killed' if alive else 'too late'}")
        found.count(f"{sent.name}.exit code {ran.code}")
        found.problems += _after_kill(what, ran, left, shared, store)
        again += computed_again(before, store)
        before = committed(store)
        kept.append(len(before) // 2)
        if not alive:
            break
    ran = _to_the_end(scene, store)
    again += computed_again(before, store)
    found.problems += [f"trial {number}: {text}" for text in _at_the_end(scene, store, ran)]
    found.problems += [f"trial {number}: committed before a kill and written again: {name}" for name in again]
    found.count("videos kept over a kill", len(before) // 2)
    return f"trial {number}: {sent.name} × {len(kept)}, {kept} videos kept, then {ran.seconds:.1f} s to the end"


def kill_a_worker(scene: Scene, number: int, seed: int, found: Found) -> str:
    """One of the processes below the first is killed, as by a system that is short of memory: the run goes on without a trace."""
    rng = np.random.default_rng((seed, number, 1))
    store = scene.work / f"worker-{number}"
    moment = float(rng.uniform(0.2, 0.9)) * scene.seconds
    with scene.index(store) as run:
        time.sleep(moment)
        killed = run.kill_one_below(rng)
        ran = run.wait(_RUN_S)
        left = run.left_after(_GONE_S)
    found.count("worker killed" if killed else "worker: none there")
    problems = _at_the_end(scene, store, ran) + [f"{len(left)} processes are left: {left}" for _ in left[:1]]
    found.problems += [f"worker {number}, killed at {moment:.2f} s: {text}" for text in problems]
    return f"worker {number}: killed at {moment:.2f} s: {ran.seconds:.1f} s"


def two_at_once(scene: Scene, number: int, found: Found) -> str:
    """Two processes on one store; the second starts somewhat later."""
    store = scene.work / f"together-{number}"
    with scene.index(store) as first:
        time.sleep(0.2 * number * scene.seconds)
        with scene.index(store) as second:
            both = [run.wait(_RUN_S) for run in (first, second)]
    problems = [text for ran in both for text in _ending(scene, ran)]
    problems += _at_the_end(scene, store, _to_the_end(scene, store))
    found.problems += [f"two at once, {number}: {text}" for text in problems]
    found.count("two at once")
    return f"two at once, {number}: {both[0].seconds:.1f} s and {both[1].seconds:.1f} s"


def _to_the_end(scene: Scene, store: Path) -> Ran:
    with scene.index(store) as run:
        return run.wait(_RUN_S)


def _after_kill(what: str, ran: Ran, left: Sequence[str], shared: set[str], store: Path) -> list[str]:
    """What must hold right after a kill."""
    problems = []
    if ran.code is None:
        problems.append(f"{what}: it still ran {_GONE_S:.0f} s later")
    if left:
        problems.append(f"{what}: {len(left)} processes are left after {_GONE_S:.0f} s: {left}")
    problems += [f"{what}: {text}" for text in ran.tracebacks]
    if ran.code == 128 + signal.SIGTERM and "again" not in ran.err:
        problems.append(f"{what}: it ends without a word on how to go on")
    still = sorted(name for name in shared if Path(name).exists())
    if still:
        problems.append(f"{what}: shared memory is left: {still}")
    problems += [f"{what}: a half file is published: {name}" for name in published(store) if name.endswith(".tmp")]
    return problems


def _at_the_end(scene: Scene, store: Path, ran: Ran) -> list[str]:
    """What must hold of a run that was left alone, and of its store."""
    problems = [*_ending(scene, ran), *differences(store, scene.undisturbed)]
    verified = framedex("verify", store, work=scene.work)
    if verified.code != 0:
        problems.append(f"framedex verify: {verified.code}: {verified.out[-600:]!r}")
    return problems


def _ending(scene: Scene, ran: Ran) -> list[str]:
    problems = []
    if ran.code != scene.code:
        problems.append(f"the run ends with {ran.code}, the undisturbed one with {scene.code}: {ran.err[-600:]!r}")
    return problems + ran.tracebacks


def run(work: Path, *, trials: int, seed: int, long_frames: int, copies: int, workers: int, together: int) -> Found:
    found = Found()
    scene = make_scene(work, long_frames=long_frames, copies=copies)
    found.figures["undisturbed.seconds"] = (scene.seconds, "s")
    say(f"undisturbed: {len(published(scene.undisturbed)) // 2} videos, {scene.seconds:.1f} s, exit code {scene.code}")
    for number in range(trials):
        line = kill_and_go_on(scene, number, seed, found)
        say(f"{line}; {len(found.problems)} problems so far")
    for number in range(workers):
        say(kill_a_worker(scene, number, seed, found))
    for number in range(together):
        say(two_at_once(scene, number, found))
    return found


def main() -> int:
    given = options(__doc__ or "", trials=50, quick=6)
    with work_folder(given.work) as work:
        size = {"long_frames": 300, "copies": 1} if given.quick else {"long_frames": 4000, "copies": 2}
        found = run(work, trials=given.trials, seed=given.seed, workers=max(1, given.trials // 5), together=3, **size)
    return report("stress_kill", found, given, size, work=work)


if __name__ == "__main__":
    sys.exit(main())
