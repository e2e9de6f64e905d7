"""What every reader shares: one pass at a time, its summary, and closing."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Generator, Iterator, Sequence
from types import TracebackType
from typing import Generic, Self

from framedex.contracts import Timing
from framedex.decode.base import Batch, DecodeSummary
from framedex.decode.grids import Grid


class PassReader(ABC, Generic[Batch]):
    """A reader whose state lives within a pass: each pass opens what it needs and frees it when it ends or is ended."""

    def __init__(self) -> None:
        self._summary: DecodeSummary | None = None
        self._pass: Generator[Batch, None, DecodeSummary] | None = None
        self._closed = False

    @property
    def summary(self) -> DecodeSummary:
        """What the last pass found, once it is exhausted."""
        assert self._summary is not None, "summary is asked for before frames() is exhausted"
        return self._summary

    def frames(self, *grids: Grid, timing: Timing = "container", everything: bool = False) -> Iterator[Batch]:
        """Decode once, in order, and give the frames that any of `grids` takes; a new pass ends the one that is under way.

        Raises:
            PlanFailed: with `everything=False`, where leaving frames out did not work.
            TimestampsUnordered: with `timing="container"`, where timestamps are missing or do not increase in output order.
            VideoError: any other reason why this video cannot be used.
        """
        assert not self._closed, "the reader is closed"
        assert grids, "a pass needs a grid"
        self._end_pass()
        self._pass = self._one_pass(grids, timing, everything=everything)
        return self._running(self._pass)

    def close(self) -> None:
        """End a pass that is under way and free its decoder; safe to call twice."""
        self._closed = True
        self._end_pass()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @abstractmethod
    def _one_pass(
        self, grids: Sequence[Grid], timing: Timing, *, everything: bool
    ) -> Generator[Batch, None, DecodeSummary]:
        """Give the batches of a pass and return what it found."""

    def _running(self, one_pass: Generator[Batch, None, DecodeSummary]) -> Iterator[Batch]:
        summary = yield from one_pass
        if one_pass is self._pass:  # else it was ended from outside, and there is no summary of it
            self._summary = summary

    def _end_pass(self) -> None:
        self._summary = None
        if self._pass is not None:
            self._pass.close()
            self._pass = None
