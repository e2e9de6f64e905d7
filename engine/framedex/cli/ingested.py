"""What a run of ingest looks like to a person and to a program, whichever command runs it."""

from __future__ import annotations

import contextlib
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from framedex.cli.output import Progress, note, print_table
from framedex.visible import visible

if TYPE_CHECKING:
    from framedex.embed.base import Embedder
    from framedex.index import Row, Store
    from framedex.ingest import Indexed, IngestSettings, Outcome, Quarantined, Skipped, Tally

_REASONS_SHOWN = 10
_PERCENT = 100
_NAMES_SHOWN = 5
#: A video is short of its stated length where more than this share of it, and more than this time, is missing.
_SHORT, _SHORT_US = 0.1, 2_000_000
_ADVICE = {
    "NotAVideo": "no videos, empty, or unreadable: check what these paths are",
    "NoFrameRate": "folders of images: say how many a second has with --folder-fps, or leave them out",
    "NoVideoStream": "nothing in them but sound or still pictures: name other files",
    "TruncatedVideo": "incomplete: copy or download them again",
    "DecodeFailed": "damaged, or of a kind that the decoder does not know: copy them again, or convert them",
    "OutsideVideo": "shorter than the times asked for: leave them out, or ask for other times",
    "WorkerLost": "the decoder crashes on them: convert them, or try another --decoder",
    "OverBudget": "too slow or too large: raise the limit that the reason names, or convert them",
}
_NO_ADVICE = "not foreseen: please report it, with the file if you may"


@dataclass(slots=True, kw_only=True)
class Ingested:
    """The outcomes of a run, or of several.

    Attributes:
        outcomes: as they came.
        tallies: where the time went, for each run.
    """

    outcomes: list[Outcome] = field(default_factory=list)
    tallies: list[Tally] = field(default_factory=list)

    def run(
        self, paths: Sequence[Path], *, store: Store, embedder: Embedder, settings: IngestSettings, progress: Progress
    ) -> None:
        """Ingest, showing progress: a line per video, when all of it is known."""
        from framedex.ingest import Quarantined, Tally, ingest

        tally = Tally()
        order = {path: number for number, path in enumerate(paths)}
        of_path: dict[Path, list[Outcome]] = defaultdict(list)
        running = ingest(
            paths,
            store=store,
            embedder=embedder,
            settings=settings,
            tally=tally,
            frames_done=lambda path, n: progress.detail(f"{path.name}: {n} frames"),
        )
        with contextlib.closing(running):
            for outcome in running:
                found = of_path[outcome.path]
                found.append(outcome)
                if isinstance(outcome, Quarantined) or len(found) == len(settings.grids):
                    progress.advance(_line(outcome.path, found, n_grids=len(settings.grids)))
        for path in sorted(of_path, key=lambda path: order[path]):
            self.outcomes += of_path[path]
        self.tallies.append(tally)

    @property
    def indexed(self) -> list[Indexed]:
        """Rows that were made."""
        from framedex.ingest import Indexed

        return [outcome for outcome in self.outcomes if isinstance(outcome, Indexed)]

    @property
    def skipped(self) -> list[Skipped]:
        """Rows that were there."""
        from framedex.ingest import Skipped

        return [outcome for outcome in self.outcomes if isinstance(outcome, Skipped)]

    @property
    def quarantined(self) -> list[Quarantined]:
        """Videos that cannot be used."""
        from framedex.ingest import Quarantined

        return [outcome for outcome in self.outcomes if isinstance(outcome, Quarantined)]

    def as_json(self) -> dict[str, Any]:
        """The outcomes for a program."""
        return {
            "indexed": [_entry(outcome) for outcome in self.indexed],
            "skipped": [_entry(outcome) for outcome in self.skipped],
            "quarantined": [
                {
                    "path": str(outcome.path),
                    "error": outcome.error,
                    "reason": outcome.reason,
                    "tried": not outcome.held,
                }
                for outcome in self.quarantined
            ],
            "stages": [stage for tally in self.tallies for stage in _stages_json(tally)],
        }

    def show(self, store: Path, *, beside: Sequence[tuple[str, int, str]] = ()) -> None:
        """The summary for a person.

        Args:
            store: for the commands that it names.
            beside: further lines: (what, how many, remark).
        """
        indexed, quarantined = self.indexed, self.quarantined
        frames, reused = (sum(numbers) for numbers in _sums(indexed))
        videos = len({outcome.path for outcome in indexed})
        rows = f"{len(indexed)} rows, " if len(indexed) != videos else ""
        taken = f", {reused} of them took another's vector" if reused else ""
        held = sum(outcome.held for outcome in quarantined)
        again = (
            f"  ({held} of them as before, and not tried: framedex quarantine {store} --retry tries them)"
            if held
            else ""
        )
        print(f"indexed      {videos:>6}  ({rows}{frames} frames{taken})")
        print(f"skipped      {len({outcome.path for outcome in self.skipped}):>6}  (already in {store})")
        print(f"quarantined  {len(quarantined):>6}{again}")
        show_reasons([(outcome.error, outcome.reason) for outcome in quarantined], store)
        for what, number, remark in beside:
            if number:
                print(f"{what:<11}  {number:>6}  ({remark})")
        self._show_times()
        rows_of = {outcome.path: outcome.row for outcome in indexed}
        _note_videos(
            "had timestamps out of order, so that their times are order × frame duration", rows_of, _is_rebuilt
        )
        _note_videos("with frames that the decoder flagged as damaged", rows_of, _is_damaged)
        _note_videos("shorter than their container says, and perhaps cut short", rows_of, _is_short)

    def _show_times(self) -> None:
        for tally in self.tallies:
            if not tally.rows:
                continue
            print()
            print_table(
                ["stage", "lanes × threads", "done", "per second", "busy", "waiting"],
                [
                    [
                        stage.stage,
                        stage.lanes,
                        f"{stage.items} {stage.unit}",
                        f"{stage.rate:.1f}" if stage.rate is not None else "-",
                        f"{_PERCENT * stage.busy:.0f} %",
                        f"{_PERCENT * stage.waiting:.0f} %",
                    ]
                    for stage in tally.stages()
                ],
            )
            print(
                f"{tally.wall_s:.1f} s; {tally.decoded_frames} of {tally.video_frames} frames decoded, "
                f"{tally.taken_frames} taken, {tally.repeated_frames} of them repeats"
            )


def _note_videos(what: str, rows: Mapping[Path, Row], holds: Callable[[Row], bool]) -> None:
    names = [path.name for path, row in rows.items() if holds(row)]
    if names:
        more = f" and {len(names) - _NAMES_SHOWN} more" if len(names) > _NAMES_SHOWN else ""
        videos = "video" if len(names) == 1 else "videos"
        note(f"note: {len(names)} {videos} {what}: {', '.join(names[:_NAMES_SHOWN])}{more}")


def _is_rebuilt(row: Row) -> bool:
    return row.timing == "reconstructed"


def _is_damaged(row: Row) -> bool:
    return row.decode.damaged_frames > 0


def _is_short(row: Row) -> bool:
    from framedex.ingest.assembly import STATED_US

    stated_us = int(row.provenance.get(STATED_US, "0"))
    return stated_us - (row.last_pts_us - row.first_pts_us) > max(_SHORT * stated_us, _SHORT_US)


def show_reasons(failures: Iterable[tuple[str, str]], store: Path) -> None:
    """Failures, (class of error, reason), grouped by class: what it means, and some of the reasons."""
    by_error: dict[str, list[str]] = defaultdict(list)
    for error, reason in failures:
        by_error[error].append(reason)
    for error, reasons in sorted(by_error.items(), key=lambda pair: (-len(pair[1]), pair[0])):
        print(f"  {error}, {len(reasons)}: {advice(error)}")
        for reason in reasons[:_REASONS_SHOWN]:
            print(f"    {visible(reason)}")
        if len(reasons) > _REASONS_SHOWN:
            print(f"    … and {len(reasons) - _REASONS_SHOWN} more: framedex quarantine {store}")


def advice(error: str) -> str:
    """What a class of error means, and what to do about it."""
    return _ADVICE.get(error, _NO_ADVICE)


def _sums(indexed: list[Indexed]) -> tuple[list[int], list[int]]:
    return [outcome.row.count for outcome in indexed], [outcome.row.reused_frames for outcome in indexed]


def _line(path: Path, outcomes: list[Outcome], *, n_grids: int) -> str:
    from framedex.ingest import Indexed, Quarantined

    last = outcomes[-1]
    if isinstance(last, Quarantined):
        return f"quarantined {path}: {last.reason.removeprefix(f'{path}: ')}"
    made = [outcome.row for outcome in outcomes if isinstance(outcome, Indexed)]
    if not made:
        return f"skipped {path}: already there"
    if n_grids == 1:
        return f"indexed {path}: {made[0].count} frames"
    return f"indexed {path}: {', '.join(f'{row.count} frames at {row.grid}' for row in made)}"


def _entry(outcome: Indexed | Skipped) -> dict[str, Any]:
    row = outcome.row
    return {
        "video": row.video_key,
        "path": str(outcome.path),
        "grid": row.grid,
        "frames": row.count,
        "reused_frames": row.reused_frames,
        "collapsed_points": row.decode.collapsed_points,
        "damaged_frames": row.decode.damaged_frames,
        "timing": row.timing,
    }


def _stages_json(tally: Tally) -> list[dict[str, Any]]:
    return [
        {
            "stage": stage.stage,
            "lanes": stage.lanes,
            "done": stage.items,
            "unit": stage.unit,
            "per_second": stage.rate,
            "busy": stage.busy,
            "waiting": stage.waiting,
        }
        for stage in tally.stages()
    ] + [
        {
            "stage": "all",
            "wall_s": tally.wall_s,
            "video_frames": tally.video_frames,
            "decoded_frames": tally.decoded_frames,
            "taken_frames": tally.taken_frames,
            "embedded_frames": tally.embedded_frames,
            "repeated_frames": tally.repeated_frames,
            "known_frames": tally.known_frames,
            "rows": tally.rows,
        }
    ]
