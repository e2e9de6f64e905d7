"""Where the time of a run went."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from framedex.ingest.budget import Budget


@dataclass(frozen=True, slots=True, kw_only=True)
class StageTime:
    """One stage of a run.

    Attributes:
        stage: "decode", "embed" or "write".
        lanes: what worked on it: "2 × 1 thread".
        items: frames, or rows.
        unit: "frames" or "rows".
        n_lanes: how many of them.
        busy_s: seconds of work, of all lanes together.
        busy: share of the run's time, averaged over the lanes.
        waiting: share of the run's time in which it could not work for want of room or of frames.
    """

    stage: str
    lanes: str
    items: int
    unit: str
    n_lanes: int
    busy_s: float
    busy: float
    waiting: float

    @property
    def rate(self) -> float | None:
        """Items per second, while busy, of all lanes together; None where nothing was done."""
        return self.n_lanes * self.items / self.busy_s if self.items and self.busy_s else None


class Tally:
    """Counts and times of one run; begins when it is made. The crew's thread adds to `decode_*`, nobody else does.

    Attributes:
        video_frames: frames of the videos that were decoded.
        decoded_frames: of those, frames that were decoded.
        taken_frames: of those, frames that a grid takes.
        embedded_frames: of those, frames that were embedded.
        repeated_frames: of those, frames that repeat an earlier frame of their video.
        known_frames: of those, frames that another grid held.
        rows: rows written.
    """

    def __init__(self) -> None:
        self.video_frames = self.decoded_frames = self.taken_frames = 0
        self.embedded_frames = self.repeated_frames = self.known_frames = self.rows = 0
        self.decode_busy_s = self.decode_wait_s = 0.0
        self._embed_s = self._wait_s = self._write_s = 0.0
        self._began_s = time.monotonic()
        self._ended_s: float | None = None
        self._budget: Budget | None = None

    def begin(self, budget: Budget) -> None:
        """The run begins."""
        self._budget = budget
        self._began_s = time.monotonic()

    def end(self) -> None:
        """The run is over."""
        self._ended_s = time.monotonic()

    @contextmanager
    def embedding(self) -> Iterator[None]:
        """Time inside is the encoder's."""
        began_s = time.monotonic()
        yield
        self._embed_s += time.monotonic() - began_s

    @contextmanager
    def waiting(self) -> Iterator[None]:
        """Time inside is spent waiting for frames."""
        began_s = time.monotonic()
        yield
        self._wait_s += time.monotonic() - began_s

    @contextmanager
    def writing(self) -> Iterator[None]:
        """Time inside goes into rows."""
        began_s = time.monotonic()
        yield
        self._write_s += time.monotonic() - began_s

    @property
    def wall_s(self) -> float:
        """Seconds of the run."""
        return (time.monotonic() if self._ended_s is None else self._ended_s) - self._began_s

    def stages(self) -> tuple[StageTime, ...]:
        """The stages in order; none before `begin`."""
        if self._budget is None:
            return ()
        wall_s, budget = max(self.wall_s, 1e-9), self._budget
        decoders_s = wall_s * budget.workers
        return (
            StageTime(
                stage="decode",
                lanes=f"{budget.workers} × {budget.decoder_threads}",
                items=self.decoded_frames,
                unit="frames",
                n_lanes=budget.workers,
                busy_s=self.decode_busy_s,
                busy=self.decode_busy_s / decoders_s,
                waiting=self.decode_wait_s / decoders_s,
            ),
            StageTime(
                stage="embed",
                lanes=f"1 × {budget.embedder_threads}",
                items=self.embedded_frames,
                unit="frames",
                n_lanes=1,
                busy_s=self._embed_s,
                busy=self._embed_s / wall_s,
                waiting=self._wait_s / wall_s,
            ),
            StageTime(
                stage="write",
                lanes="1 × 1",
                items=self.rows,
                unit="rows",
                n_lanes=1,
                busy_s=self._write_s,
                busy=self._write_s / wall_s,
                waiting=0.0,
            ),
        )
