"""The decoder contract: a video file or frame folder in, sampled RGB frames with their timestamps out.

A decoder gives frames at full size (`Decoder`), or at an encoder's size where it resizes by itself (`TowerDecoder`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Literal, Protocol, Self, TypeAlias, TypeVar

import numpy as np

from framedex.contracts import Fit, FrameBatch, Pts, Timing, TowerBatch
from framedex.decode.grids import Grid

#: A FrameBatch is closed once it holds this many bytes of pixels, or this many frames: what comes after the decoder may make a
#: small picture large, and can begin while the next batch is decoded.
BATCH_NBYTES = 16 << 20
BATCH_FRAMES = 32


#: What a reader gives: frames at full size, or at the tower's.
Batch = TypeVar("Batch", FrameBatch, TowerBatch)
Batch_co = TypeVar("Batch_co", FrameBatch, TowerBatch, covariant=True)

#: Called as work goes on, at every packet, so that whoever waits can tell a long decode from one that hangs.
Progress = Callable[[], None]


def no_progress() -> None:
    """Nobody waits."""


@dataclass(frozen=True, slots=True, kw_only=True)
class VideoSource:
    """One video to decode, already identified by content.

    Attributes:
        path: the file, or the folder of images.
        key: video key, 32 hex digits.
        nbytes: size of the file, or of all images.
        folder_fps: declared frames per second of a frame folder, as written ("3", "30000/1001"); None for a file.
    """

    path: Path
    key: str
    nbytes: int
    folder_fps: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class VideoInfo:
    """What the container says of its video stream; hints, not truth.

    Attributes:
        container: short format name, "mov,mp4,m4a,3gp,3g2,mj2"; "folder" for a frame folder.
        codec: "h264", "hevc", …; the images' format for a frame folder.
        width: of the pictures as shown, in pixels, rotation applied.
        height: likewise.
        rotation_deg: rotation that was applied, counter-clockwise, one of 0, 90, 180, 270.
        stated_us: how long the video is, in microseconds; None where nothing is said.
    """

    container: str
    codec: str
    width: int
    height: int
    rotation_deg: int
    stated_us: int | None = None


#: How much of a video was decoded: only what the sampled frames depend on; from key frame to last sampled frame; all of it.
Decoded = Literal["needed", "groups", "everything"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class GridSample:
    """What one grid took of a video.

    Attributes:
        grid: the grid.
        points: its points, before duplicates collapsed.
        pts_us: int64 (n,), the frames taken, strictly increasing, microseconds.
        beyond: points that lie past the end of the video: no frame is theirs, and they are not among `points`.
    """

    grid: Grid
    points: int
    pts_us: Pts
    beyond: int = 0

    def __post_init__(self) -> None:
        self.pts_us.setflags(write=False)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, GridSample):
            return NotImplemented
        counts = (self.grid, self.points, self.beyond) == (other.grid, other.points, other.beyond)
        return counts and np.array_equal(self.pts_us, other.pts_us)

    def __hash__(self) -> int:
        return hash((self.grid, self.points, len(self.pts_us)))


@dataclass(frozen=True, slots=True, kw_only=True)
class DecodeSummary:
    """What a whole pass over a video found; complete once the frames are exhausted.

    Attributes:
        timing: "container", or "reconstructed" where times are order × frame duration.
        decoded: how much was decoded.
        frames: frames of the video.
        decoded_frames: frames that the decoder gave.
        damaged_frames: of those, frames that it flagged as corrupt, or whose packet the container flagged (it may be lost).
        first_pts_us: timestamp of the video's first frame: people see times relative to it.
        last_pts_us: timestamp of its last frame.
        samples: what each grid took, in the order in which they were asked for.
    """

    timing: Timing
    decoded: Decoded
    frames: int
    decoded_frames: int
    damaged_frames: int
    first_pts_us: int
    last_pts_us: int
    samples: tuple[GridSample, ...]


class Reader(Protocol[Batch_co]):
    """An open video; holds the decoder's state until closed."""

    @property
    def info(self) -> VideoInfo:
        """What the container says."""
        ...

    @property
    def summary(self) -> DecodeSummary:
        """What the pass found; only once `frames` is exhausted."""
        ...

    def frames(self, *grids: Grid, timing: Timing = "container", everything: bool = False) -> Iterator[Batch_co]:
        """Decode once, in order, and give the frames that any of `grids` takes, each frame once.

        Batches close at `BATCH_NBYTES` or `BATCH_FRAMES`.

        Args:
            grids: one or more.
            timing: where times come from; "reconstructed" decodes everything.
            everything: decode every frame, whether needed or not.

        Raises:
            PlanFailed: with `everything=False`, where leaving frames out did not work.
            TimestampsUnordered: with `timing="container"`, where timestamps are missing or do not increase in output order.
            VideoError: any other reason why this video cannot be used.
        """
        ...

    def close(self) -> None:
        """Free the decoder; safe to call twice."""
        ...

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None: ...


#: Gives frames at full size.
VideoReader: TypeAlias = Reader[FrameBatch]
#: Gives frames at an encoder's size.
TowerReader: TypeAlias = Reader[TowerBatch]


class Decoder(Protocol):
    """A way to decode: a function from a source to an open reader."""

    def __call__(self, source: VideoSource, *, threads: int, progress: Progress) -> VideoReader:
        """Open `source` with at most `threads` decoding threads; `progress` is called as work goes on, in any thread.

        Raises:
            VideoError: the file cannot be used, and why, in one sentence.
        """
        ...


#: How a frame of (height, width), as shown, becomes a tower's.
FitOf = Callable[[int, int], Fit]


class TowerDecoder(Protocol):
    """A way to decode that gives frames at an encoder's size, resized by the decoder's own means.

    Its pixels are those of the canonical preprocessing within a tolerance that docs/gpu.md states and tests measure.
    """

    def require(self) -> None:
        """Refuse, before any work, a decoder whose device is not there.

        Raises:
            DeviceError: and what it needs.
        """
        ...

    def __call__(self, source: VideoSource, *, fit: FitOf, threads: int, progress: Progress) -> TowerReader:
        """Open `source`; otherwise as a `Decoder`.

        Raises:
            VideoError: the file cannot be used, or not by this decoder, and why, in one sentence.
        """
        ...
