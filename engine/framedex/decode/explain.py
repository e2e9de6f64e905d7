"""What will be decoded of a file and why, for people: the plan in words and numbers, before any work is done."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from framedex.decode.base import VideoSource, no_progress
from framedex.decode.grids import Grid, pts_to_us
from framedex.decode.packets import CLOSED_ENTRY, OPEN_ENTRY, PacketTable
from framedex.decode.plan import DecodePlan
from framedex.decode.pyav import PyAVReader
from framedex.errors import UsageError


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedGroup:
    """A stretch of packets that is decoded in a row.

    Attributes:
        start_us: timestamp of its first packet, where decoding begins.
        span: packets from the first to the last that is decoded.
        decoded: of those, packets that are decoded.
        frames: frames taken.
    """

    start_us: int
    span: int
    decoded: int
    frames: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """The plan of one file.

    Attributes:
        container: short format name.
        codec: of the video stream.
        width: of the pictures as shown.
        height: likewise.
        distrust: why the packets cannot be trusted, or None.
        packets: packets of the stream; 0 where they are not trusted.
        closed_entries: packets at which decoding can begin.
        open_entries: packets at which it can begin, but for pictures shown before them.
        unreferenced: packets that no other refers to, as far as the packets say; None where they do not say.
        first_us: timestamp of the first frame.
        last_us: of the last one.
        grids: (name, frames taken) of each grid; empty where that is only known once everything is decoded.
        decoded: packets that will be decoded; all of them where there is no plan, 0 where the packets are not trusted.
        groups: how; empty where there is no plan, or nothing to decode.
        reason: why everything is decoded, or None.
    """

    container: str
    codec: str
    width: int
    height: int
    distrust: str | None
    packets: int
    closed_entries: int
    open_entries: int
    unreferenced: int | None
    first_us: int
    last_us: int
    grids: tuple[tuple[str, int], ...]
    decoded: int
    groups: tuple[PlannedGroup, ...]
    reason: str | None


def explain(source: VideoSource, grids: Sequence[Grid]) -> Explanation:
    """Read a file's packets and plan its decode; only its first frame is decoded.

    Raises:
        UsageError: a frame folder: its images are read one by one, and there is nothing to plan.
        VideoError: the file cannot be used.
    """
    if source.folder_fps is not None:
        raise UsageError(
            f"{source.path}: a folder of images has no plan, each image is read by itself; name a video file"
        )
    with PyAVReader(source, threads=1, progress=no_progress) as reader:
        table = reader.table
        plan, samples = reader.plan(*grids)
        info = reader.info
        timeline = table.timeline if table is not None else np.empty(0, np.int64)
        return Explanation(
            container=info.container,
            codec=info.codec,
            width=info.width,
            height=info.height,
            distrust=reader.distrust,
            packets=0 if table is None else len(table),
            closed_entries=0 if table is None else int((table.entry == CLOSED_ENTRY).sum()),
            open_entries=0 if table is None else int((table.entry == OPEN_ENTRY).sum()),
            unreferenced=None if table is None or not table.reads_references else int((~table.referenced).sum()),
            first_us=0 if table is None else pts_to_us(int(timeline[0]), table.time_base),
            last_us=0 if table is None else pts_to_us(int(timeline[-1]), table.time_base),
            grids=tuple((sample.grid.name, len(sample.pts_us)) for sample in samples),
            decoded=plan.n_fed if plan is not None else (0 if table is None else len(table)),
            groups=() if plan is None or table is None else _groups(plan, table),
            reason=_why_everything(table, plan, grids, reader.rate),
        )


def _groups(plan: DecodePlan, table: PacketTable) -> tuple[PlannedGroup, ...]:
    return tuple(
        PlannedGroup(
            start_us=pts_to_us(int(table.pts[group.feed[0]]), table.time_base),
            span=int(group.feed[-1] - group.feed[0]) + 1,
            decoded=len(group.feed),
            frames=len(group.targets),
        )
        for group in plan.groups
    )


def _why_everything(
    table: PacketTable | None, plan: DecodePlan | None, grids: Sequence[Grid], rate: Fraction | None
) -> str | None:
    if plan is not None:
        return None
    if table is None:
        return "its packets cannot be trusted"
    looking = [grid.name for grid in grids if grid.needs_pictures]
    if looking:
        return f"{looking[0]} looks at every frame"
    dense = [grid.name for grid in grids if grid.takes_all_at(rate)]
    if dense:
        return f"{dense[0]} takes nearly every frame"
    return "the frames depend on nearly all packets"
