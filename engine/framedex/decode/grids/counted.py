"""Grids by number: every so many frames, or so many frames in all."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import ClassVar

from framedex.decode.grids.base import Cursor, Grid, Look, PointCursor
from framedex.errors import UsageError

_MOST = 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class EveryGrid(Grid):
    """Frames 0, n, 2n, … in the order in which they are shown, whatever their times.

    Attributes:
        step: n, 1 to a million.
    """

    step: int

    @classmethod
    def parse(cls, text: str) -> EveryGrid:
        """Read a step: "30".

        Raises:
            UsageError: not a whole number from 1 to a million.
        """
        return cls(step=_whole("--every", text))

    @property
    def name(self) -> str:
        """A name such as "every=30"."""
        return f"every={self.step}"

    def takes_all_at(self, rate: Fraction | None) -> bool:  # noqa: ARG002
        """With a step of one."""
        return self.step == 1

    def cursor(self, *, first: int, last: int | None, time_base: Fraction) -> Cursor:  # noqa: ARG002
        """Counts frames."""
        return _EveryCursor(self.step)


class _EveryCursor(Cursor):
    def __init__(self, step: int) -> None:
        self._step = step
        self._frames = 0
        self._held_taken = False

    def next(self, pts: int, look: Look) -> bool:  # noqa: ARG002
        taken = self._held_taken
        self._held_taken = self._frames % self._step == 0
        self.points += self._held_taken
        self._frames += 1
        return taken

    def end(self) -> bool:
        return self._held_taken


@dataclass(frozen=True, slots=True, kw_only=True)
class CountGrid(Grid):
    """The centres of n equal stretches of the time from the first to the last frame: (2i + 1) / 2n of it, i = 0 … n - 1.

    A video of fewer frames, or with long pauses, gives fewer rows: points that fall on one frame collapse and are counted.
    Source: our definition; video MLLM loaders take either these centres or both ends.

    Attributes:
        count: n, 1 to a million.
    """

    needs_last: ClassVar[bool] = True
    count: int

    @classmethod
    def parse(cls, text: str) -> CountGrid:
        """Read a number of frames: "64".

        Raises:
            UsageError: not a whole number from 1 to a million.
        """
        return cls(count=_whole("--count", text))

    @property
    def name(self) -> str:
        """A name such as "count=64"."""
        return f"count={self.count}"

    def cursor(self, *, first: int, last: int | None, time_base: Fraction) -> PointCursor:  # noqa: ARG002
        """Point i lies before an offset exactly if (2i + 1) · span < 2n · offset."""
        assert last is not None, "the last frame is asked for with needs_last"
        span, n = last - first, self.count
        if span == 0:
            return PointCursor(first, before=lambda _: 0, until=lambda _: n)
        return PointCursor(
            first,
            before=lambda offset: min(max(-((span - 2 * n * offset) // (2 * span)), 0), n),
            until=lambda offset: min(max((2 * n * offset - span) // (2 * span) + 1, 0), n),
        )


def _whole(option: str, text: str) -> int:
    number = int(text) if text.isascii() and text.isdigit() and len(text) <= len(str(_MOST)) else 0
    if not 1 <= number <= _MOST:
        raise UsageError(f"{option}: expected a whole number from 1 to {_MOST:,}, got {text!r}")
    return number
