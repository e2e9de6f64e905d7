"""Grids by list: times that the user names, and frames that are known already."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

from framedex.decode.grids.base import Cursor, Grid, ListCursor, Look, pts_to_us
from framedex.errors import UsageError
from framedex.keys import json_key

_NAME_DIGITS = 16
_TEXT_LENGTH = 40
_MOST_POINTS = 1_000_000
_MOST_S = Fraction(10_000_000)


@dataclass(frozen=True, slots=True, kw_only=True)
class TimesGrid(Grid):
    """The frames shown at given times; a time past the end of a video is an error of that video.

    The last frame is held to last as long as the one before it.

    Attributes:
        times_s: seconds after a video's first frame, strictly increasing, exact, at least one.
    """

    times_s: tuple[Fraction, ...]

    @classmethod
    def read(cls, path: Path) -> TimesGrid:
        """Read a file with one time a line, in seconds ("12.5"); empty lines and what follows a "#" are passed over.

        Raises:
            UsageError: no such file, a line that is no time, or no time at all.
        """
        try:
            lines = path.read_text(encoding="utf-8-sig").splitlines()
        except (OSError, UnicodeDecodeError) as error:
            reason = error.strerror if isinstance(error, OSError) else "it is no UTF-8 text"
            raise UsageError(
                f"{path}: the times cannot be read ({reason}); expected one time in seconds a line"
            ) from error
        times: set[Fraction] = set()
        for number, line in enumerate(lines, start=1):
            text = line.partition("#")[0].strip()
            if text:
                times.add(_time(text, f"{path}, line {number}"))
        if not 1 <= len(times) <= _MOST_POINTS:
            raise UsageError(f"{path}: expected 1 to {_MOST_POINTS:,} times, one a line, got {len(times):,}")
        return cls(times_s=tuple(sorted(times)))

    @property
    def name(self) -> str:
        """The word "times=" and a hash of the list."""
        return f"times={json_key([str(time) for time in self.times_s])[:_NAME_DIGITS]}"

    def cursor(self, *, first: int, last: int | None, time_base: Fraction) -> ListCursor:  # noqa: ARG002
        """Walks the list."""
        return ListCursor(first, time_base=time_base, points_s=self.times_s)


@dataclass(frozen=True, slots=True, kw_only=True)
class FramesGrid(Grid):
    """Frames that are known by their timestamps, as an index holds them; one that the video does not have is not given.

    Attributes:
        pts_us: presentation timestamps in microseconds.
    """

    pts_us: frozenset[int]

    @classmethod
    def of(cls, pts_us: Iterable[int]) -> FramesGrid:
        """The frames at these timestamps."""
        return cls(pts_us=frozenset(pts_us))

    @property
    def name(self) -> str:
        """The word "frames=" and a hash of the list; nothing is stored under it."""
        return f"frames={json_key(sorted(self.pts_us))[:_NAME_DIGITS]}"

    def cursor(self, *, first: int, last: int | None, time_base: Fraction) -> Cursor:  # noqa: ARG002
        """Looks every frame up."""
        return _FramesCursor(self.pts_us, time_base)


class _FramesCursor(Cursor):
    def __init__(self, pts_us: frozenset[int], time_base: Fraction) -> None:
        self._pts_us = pts_us
        self._time_base = time_base
        self._held_taken = False

    def next(self, pts: int, look: Look) -> bool:  # noqa: ARG002
        taken = self._held_taken
        self._held_taken = pts_to_us(pts, self._time_base) in self._pts_us
        self.points += self._held_taken
        return taken

    def end(self) -> bool:
        return self._held_taken


def _time(text: str, where: str) -> Fraction:
    try:
        time_s = Fraction(text) if len(text) <= _TEXT_LENGTH and "e" not in text.lower() else Fraction(-1)
    except (ValueError, ZeroDivisionError):
        time_s = Fraction(-1)
    if not 0 <= time_s <= _MOST_S:
        raise UsageError(f"{where}: expected seconds after the first frame, such as 12.5, got {text!r}")
    return time_s
