"""Decoders that hang, crash, leak and shout: does `framedex index` get through the good files and name what befell the bad ones?

Each decoder of `bad_decoders.py` gets a folder of good and bad files. Checked: the run ends within its limits and some slack, the
good files are indexed, the bad ones quarantined under the right class of error with one line that names the file and the cause,
stdout is one JSON document all the same, no traceback is printed, and no process is left.

Run: python tests/stress/hanging_decoders.py --out bench/results/stress_decoders.json (--quick: a few decoders)
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[1]))

from stress.index_runs import IndexRun, Ran, framedex
from stress.script import Found, options, report, say, work_folder
from stress.source_clips import FORMS, make_clip
from stress.stores import quarantined

ENCODER = ("--encoder", "micro-siglip")
#: Beyond what the limits allow: starting, decoding the good files, ending processes; the machine may be busy.
_SLACK_S = 30.0
_GONE_S = 5.0
STALL_S, TIME_S, MEMORY_GIB = 3, 8, 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """A decoder and what is expected of its bad files.

    Attributes:
        decoder: name in bad_decoders.
        errors: classes of errors that are right.
        words: one of them is in the reason, whatever its case.
        seconds: the longest that a bad file may take, tries and all.
    """

    decoder: str
    errors: tuple[str, ...]
    words: tuple[str, ...]
    seconds: float = 2.0


_STALLED = ("progress", "stall", "hang", "hung")
CASES = (
    Case(decoder="hangs_with_lock", errors=("OverBudget",), words=_STALLED, seconds=STALL_S),
    Case(decoder="segfaults", errors=("WorkerLost",), words=("SIGSEGV", "segmentation")),
    Case(decoder="raises", errors=("RuntimeError",), words=("are inconsistent",)),
    Case(decoder="prints_garbage", errors=(), words=()),
    Case(decoder="grows", errors=("OverBudget",), words=("memory", "GiB"), seconds=TIME_S),
    Case(decoder="never_ends", errors=("OverBudget",), words=("time", f"{TIME_S} s"), seconds=TIME_S),
    Case(decoder="leaves", errors=("WorkerLost",), words=("exit", "code 3", "status 3")),
    Case(decoder="hangs_without_lock", errors=("OverBudget",), words=_STALLED, seconds=STALL_S),
    Case(decoder="hangs_inside", errors=("OverBudget",), words=_STALLED, seconds=STALL_S),
    Case(decoder="hangs_deaf", errors=("OverBudget",), words=_STALLED, seconds=STALL_S),
    Case(decoder="stops", errors=("OverBudget",), words=_STALLED, seconds=STALL_S),
    Case(decoder="hangs_with_child", errors=("OverBudget",), words=_STALLED, seconds=STALL_S),
    Case(decoder="waits_for_dead_thread", errors=("OverBudget",), words=_STALLED, seconds=STALL_S),
    Case(decoder="segfaults_inside", errors=("WorkerLost",), words=("SIGSEGV", "segmentation")),
    Case(decoder="aborts", errors=("WorkerLost",), words=("SIGABRT", "abort")),
    Case(decoder="leaves_quietly", errors=("WorkerLost",), words=("exit", "code 0", "status 0", "ended")),
    Case(decoder="exits", errors=("DecodeFailed", "WorkerLost"), words=("giving up", "exit")),
    Case(
        decoder="raises_inside",
        errors=("RuntimeError",),
        words=("are inconsistent",),
    ),
    Case(decoder="grows_at_once", errors=("OverBudget",), words=("memory", *_STALLED), seconds=TIME_S),
)
QUICK = 3


def make_folder(folder: Path, *, good: int, bad: int) -> Path:
    """Clips of several forms; which of them are bad is their name's to say."""
    folder.mkdir(parents=True)
    for number in range(good + bad):
        name = f"{number:02}-{'bad' if number % 2 and number // 2 < bad else 'good'}"
        make_clip(folder, FORMS[(0, 14, 9, 16)[number % 4]], start=number, name=name)
    return folder


def try_decoder(case: Case, clips: Path, work: Path, found: Found) -> str:
    """Index the folder with one decoder; gives its line of progress."""
    store = work / f"S-{case.decoder}"
    bad = sorted(str(path) for path in clips.iterdir() if "bad" in path.name)
    good = sorted(str(path) for path in clips.iterdir() if "bad" not in path.name)
    limits = ("--stall-limit", STALL_S, "--time-limit", TIME_S, "--memory-limit", MEMORY_GIB)
    arguments = ("index", clips, "--store", store, *ENCODER, "--decoder", f"bad_decoders:{case.decoder}", *limits)
    bound_s = _SLACK_S + 2 * case.seconds * len(bad)  # a video whose worker was lost is tried twice
    with IndexRun(*arguments, "--json", work=work, python_path=Path(__file__).parent) as run:
        ran = run.wait(bound_s + 60)
        left = run.left_after(_GONE_S)
    problems = [f"{len(left)} processes are left: {left}"] if left else []
    if ran.seconds > bound_s:
        problems.append(f"it took {ran.seconds:.1f} s, expected less than {bound_s:.0f} s")
    found.figures[f"{case.decoder}.seconds"] = (ran.seconds, "s")
    found.count("decoders")
    expected = 1 if case.errors else 0
    if ran.code != expected:
        problems.append(f"exit code {ran.code}, expected {expected}; stderr ends: {ran.err[-1200:]!r}")
    else:
        problems += _outcome_problems(case, ran, store, good=good, bad=bad, found=found)
        verified = framedex("verify", store, work=work)
        if verified.code != 0:
            problems.append(f"framedex verify: {verified.code}: {verified.out[-600:]!r}")
    found.problems += [f"{case.decoder}: {problem}" for problem in problems]
    return f"{case.decoder}: {ran.seconds:.1f} s, exit code {ran.code}, {len(problems)} problems"


def _outcome_problems(
    case: Case, ran: Ran, store: Path, *, good: Sequence[str], bad: Sequence[str], found: Found
) -> list[str]:
    problems = ran.tracebacks
    try:
        document = ran.json()
    except json.JSONDecodeError as wrong:
        return [*problems, f"stdout is no JSON document ({wrong}): {ran.out[:200]!r}"]
    fine = sorted([*good, *([] if case.errors else bad)])
    indexed = sorted(entry["path"] for entry in document["indexed"])
    if indexed != fine:
        problems.append(
            f"indexed {[Path(path).name for path in indexed]}, expected {[Path(path).name for path in fine]}"
        )
    named = sorted(entry["path"] for entry in document["quarantined"])
    if named != sorted(bad if case.errors else []):
        problems.append(f"quarantined {[Path(path).name for path in named]}, expected the bad ones")
    for entry in quarantined(store).values():
        reason, error = entry["reason"], entry["error"]
        found.count(f"{case.decoder}.{error}")
        if error not in case.errors:
            problems.append(f"{error}, expected {' or '.join(case.errors)}: {reason!r}")
        if not any(word.lower() in reason.lower() for word in case.words):
            problems.append(f"no word of {case.words} in the reason: {reason!r}")
        if entry["paths"][0] not in reason or len(reason.splitlines()) != 1:
            problems.append(f"the reason is no line that names the file: {reason!r}")
    found.remarks += [f"{case.decoder}: {entry['reason']}" for entry in list(quarantined(store).values())[:1]]
    return problems


def run(work: Path, cases: Sequence[Case], *, good: int, bad: int) -> Found:
    found = Found()
    clips = make_folder(work / "clips", good=good, bad=bad)
    for case in cases:
        say(try_decoder(case, clips, work, found))
    return found


def main() -> int:
    given = options(__doc__ or "", trials=len(CASES), quick=QUICK)
    with work_folder(given.work) as work:
        found = run(work, CASES[: given.trials], good=8, bad=3)
    limits = {"stall_s": STALL_S, "time_s": TIME_S, "memory_gib": MEMORY_GIB}
    return report("stress_decoders", found, given, {**limits, "cores": os.cpu_count()}, work=work)


if __name__ == "__main__":
    sys.exit(main())
