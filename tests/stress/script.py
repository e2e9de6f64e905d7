"""What the stress scripts share: their command line, their temporary folder, and the JSON line at the end."""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

sys.path.append(str(Path(__file__).resolve().parents[2] / "bench"))

import harness

#: So many problems and remarks are kept in the JSON line.
_TEXTS = 40


@dataclass(slots=True, kw_only=True)
class Found:
    """What a script found.

    Attributes:
        problems: a sentence for each check that did not hold.
        remarks: what a person should look at, though nothing broke.
        counts: how often each thing happened.
        figures: other numbers: name to (value, unit).
    """

    problems: list[str] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)
    counts: dict[str, int] = field(default_factory=dict)
    figures: dict[str, tuple[float, str]] = field(default_factory=dict)

    def count(self, name: str, n: int = 1) -> None:
        self.counts[name] = self.counts.get(name, 0) + n


def options(doc: str, *, trials: int, quick: int) -> argparse.Namespace:
    """The options of every script; `trials` is set whether it was given or not."""

    def add(parser: argparse.ArgumentParser) -> None:
        parser.add_argument("--trials", type=int, metavar="N", help=f"default {trials}, with --quick {quick}")
        parser.add_argument("--seed", type=int, default=0, metavar="N", help="default 0; equal seeds, equal trials")
        parser.add_argument("--work", type=Path, metavar="DIR", help="work there and keep everything")

    given = harness.arguments(doc, add)
    if given.trials is None:
        given.trials = quick if given.quick else trials
    return given


@contextmanager
def work_folder(kept: Path | None) -> Iterator[Path]:
    """A new folder, gone afterwards; or the one that is to be kept."""
    if kept is not None:
        kept.mkdir(parents=True, exist_ok=True)
        yield kept
    else:
        with tempfile.TemporaryDirectory(prefix="framedex-stress-") as folder:
            yield Path(folder)


def say(text: str) -> None:
    """A line of progress."""
    print(text, file=sys.stderr, flush=True)


def report(name: str, found: Found, given: argparse.Namespace, config: Mapping[str, Any], *, work: Path) -> int:
    """Print the findings and the JSON line, in which paths begin at the work folder; gives the exit code."""
    for problem in found.problems:
        say(f"PROBLEM: {problem}")
    for remark in found.remarks:
        say(f"remark: {remark}")
    rows = [harness.Measured(name=key, value=n, unit="count") for key, n in sorted(found.counts.items())]
    rows += [harness.Measured(name=key, value=value, unit=unit) for key, (value, unit) in found.figures.items()]
    harness.report(
        name,
        threads=len(os.sched_getaffinity(0)),
        config={
            "trials": given.trials,
            "seed": given.seed,
            "quick": given.quick,
            **config,
            "problems": _within(work, found.problems),
            "remarks": _within(work, found.remarks),
        },
        equal=not found.problems,
        rows=rows,
        ratios={},
        out=given.out,
    )
    return 1 if found.problems else 0


def _within(work: Path, texts: Sequence[str]) -> list[str]:
    """The first texts with paths relative to a folder, and how many more there are."""
    rest = len(texts) - _TEXTS
    shown = [text.replace(f"{work}/", "") for text in texts[:_TEXTS]]
    return [*shown, f"and {rest} more"] if rest > 0 else shown
