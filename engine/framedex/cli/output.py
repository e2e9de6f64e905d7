"""What commands print: results on stdout, progress and notes on stderr."""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from framedex.visible import visible


def print_json(value: Any) -> None:
    """One JSON document on stdout, on one line."""
    print(json.dumps(value, ensure_ascii=False))


def note(text: str) -> None:
    """A line for the person at the terminal; never part of a result."""
    try:
        print(visible(text), file=sys.stderr, flush=True)
    except BrokenPipeError:  # nobody reads the notes any more; the work is what counts
        sys.stderr = Path(os.devnull).open("w", encoding="utf-8")  # noqa: SIM115


def print_table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """A plain table: columns as wide as their widest cell; cells that are numbers stand right."""
    shown = [[visible(cell) for cell in row] for row in rows]
    widths = [max(len(row[column]) for row in [header, *shown]) for column in range(len(header))]
    for row in [header, ["-" * width for width in widths], *shown]:
        cells = [_pad(cell, width) for cell, width in zip(row, widths, strict=True)]
        print("  ".join(cells).rstrip())


def _pad(cell: str, width: int) -> str:
    number = cell.removesuffix(" %").replace(".", "", 1).replace(",", "").lstrip("-").isdigit()
    return cell.rjust(width) if number else cell.ljust(width)


def clock(seconds: float) -> str:
    """Seconds as a person reads them on a player: 0:07.25, 1:02:03.00."""
    minutes, rest = divmod(round(max(seconds, 0.0) * 100), 6000)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest / 100:05.2f}" if hours else f"{minutes}:{rest / 100:05.2f}"


def default_threads() -> int:
    """The cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


class Progress:
    """A bar with remaining time on a terminal; where stderr is piped, plain lines.

    Args:
        what: what an item is: "video".
        total: items to come, where it is known beforehand.
    """

    def __init__(self, what: str, total: int = 0) -> None:
        self._total = total
        self._done = 0
        self._started = time.monotonic()
        self._bar: Any = None
        if sys.stderr.isatty():
            from rich.console import Console
            from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn, TimeRemainingColumn
            from rich.progress import Progress as Bar

            self._bar = Bar(
                TextColumn("{task.description}"),
                BarColumn(),
                MofNCompleteColumn(),
                TimeElapsedColumn(),
                TextColumn("left"),
                TimeRemainingColumn(),
                TextColumn("{task.fields[detail]}", markup=False),
                console=Console(stderr=True),
            )
            self._task = self._bar.add_task(f"{what}s", total=total or None, detail="")
            self._bar.start()

    def detail(self, text: str) -> None:
        """Show what is going on inside the current item; nothing where stderr is piped."""
        if self._bar is not None:
            self._bar.update(self._task, detail=visible(text))

    def show(self, done: int, total: int) -> None:
        """Set how far it is; nothing where stderr is piped."""
        if self._bar is not None:
            self._bar.update(self._task, completed=done, total=total)

    def advance(self, line: str) -> None:
        """One item is done; `line` says what became of it."""
        self._done += 1
        if self._bar is None:
            note(f"[{self._done}/{self._total}, {time.monotonic() - self._started:.0f} s] {line}")
        else:
            self._bar.update(self._task, advance=1, detail=visible(line))

    def close(self) -> None:
        """Leave the terminal as it was."""
        if self._bar is not None:
            self._bar.stop()
            self._bar = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
