"""What the parent and a decode worker say to each other; frames themselves lie in the slots between them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from framedex.contracts import Pts, Timing
from framedex.decode import DecodeSummary, Grid, VideoInfo, VideoSource
from framedex.embed.preprocess.rules import ResizeRules
from framedex.ingest.slots import SlotLayout

#: In `Frames.repeats`: a new frame, whose pixels lie in the slot.
NEW = -1


@dataclass(frozen=True, slots=True, kw_only=True)
class Setup:
    """To a worker, first of all.

    Attributes:
        layout: of the slots.
        image: the encoder's rules for pictures.
        grids: all that may be asked for.
        decoder: a name of `framedex.decode.decoders`.
        folder_fps: declared rate of frame folders.
        tolerance: grey levels, for `Repeats`.
    """

    layout: SlotLayout
    image: ResizeRules
    grids: tuple[Grid, ...]
    decoder: str
    folder_fps: str | None
    tolerance: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """To a worker: identify this input, then wait for `Decode`."""

    path: Path
    threads: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Decode:
    """To a worker: decode what it identified once for each group of grids (numbers into `Setup.grids`); none is "leave it"."""

    groups: tuple[tuple[int, ...], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Release:
    """To a worker: the slot is free again."""

    slot: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Ready:
    """From a worker: it has started."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Identified:
    """From a worker: what its input is."""

    source: VideoSource


@dataclass(frozen=True, slots=True, kw_only=True)
class Begun:
    """From a worker: a pass begins; frames of a pass of the same group before it are void."""

    group: tuple[int, ...]
    timing: Timing


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Frames:
    """From a worker: the next frames of the pass.

    Attributes:
        slot: where the pixels of the new ones are, in order; None where none is new.
        pts_us: int64 (n,), microseconds.
        repeats: int64 (n,), `NEW`, or the number within the pass of the earlier frame that this one repeats.
    """

    slot: int | None
    pts_us: Pts
    repeats: NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """From a worker: the pass is complete."""

    info: VideoInfo
    summary: DecodeSummary


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """From a worker: the input is done with."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Failed:
    """From a worker: the input failed; class of the error and its sentence."""

    error: str
    reason: str


FromWorker = Ready | Identified | Begun | Frames | Ended | Done | Failed
