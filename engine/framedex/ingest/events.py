"""What the crew tells of each input: `Decided` or `Failed` first, then what its passes gave, then `Done` or `Failed`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from framedex.contracts import Pixels, Pts, Timing
from framedex.decode import DecodeSummary, VideoInfo, VideoSource
from framedex.ingest.docket import Decision


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """One input of the run.

    Attributes:
        number: its place among the inputs.
        path: where it is.
    """

    number: int
    path: Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Decided:
    """What the input is, and what is to be done with it; comes once, whatever happens afterwards."""

    task: Task
    source: VideoSource
    decision: Decision


@dataclass(frozen=True, slots=True, kw_only=True)
class Begun:
    """A pass begins for some of the grids; a pass for the same ones before it is void."""

    task: Task
    group: tuple[int, ...]
    timing: Timing


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Frames:
    """The next frames of the pass.

    Attributes:
        task: whose.
        pixels: uint8 (k, H, W, 3), the new ones; a view that holds until `release` is called.
        pts_us: int64 (n,), microseconds.
        repeats: int64 (n,), `messages.NEW`, or the number within the pass of the earlier frame that this one repeats.
        release: gives the memory back.
    """

    task: Task
    pixels: Pixels
    pts_us: Pts
    repeats: NDArray[np.int64]
    release: Callable[[], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """The pass is complete."""

    task: Task
    info: VideoInfo
    summary: DecodeSummary


@dataclass(frozen=True, slots=True, kw_only=True)
class Voided:
    """The pass that was under way, if any, will not be completed; it begins anew, or the input fails."""

    task: Task


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """Nothing more comes of the input."""

    task: Task


@dataclass(frozen=True, slots=True, kw_only=True)
class Failed:
    """Nothing more comes of the input, for it failed.

    Attributes:
        task: which.
        error: class of the error.
        reason: its sentence.
    """

    task: Task
    error: str
    reason: str


Event = Decided | Begun | Frames | Ended | Voided | Done | Failed
