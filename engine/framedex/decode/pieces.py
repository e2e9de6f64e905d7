"""The packets of a decode plan as small clips of their own, for decoders that take files and frame numbers.

A piece is a Matroska file in memory that holds just the packets which some sampled frames depend on, one frame to a packet, at
times of its own. So which frame is number i of it is known here, whatever the video's container says of its times, its edits or
its index; and hours of video never lie in memory.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction

import av
import numpy as np
from av.packet import Packet
from av.video.stream import VideoStream
from numpy.typing import NDArray

from framedex.decode.packets import PacketTable
from framedex.decode.plan import DecodePlan, Group
from framedex.decode.planned import FramePacket, PacketFeed

#: Bytes of packets that a piece holds at most, unless a single group has more.
_MOST_NBYTES = 64 << 20

_TIME_BASE = Fraction(1, 1000)
_STEP = 40  # between two frames, in units of it; any will do


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Piece:
    """Some of a video's packets as a clip.

    Attributes:
        encoded: the file.
        numbers: int32 (k,), which frames of it are wanted, counted in the order in which they are shown.
        pts: int64 (k,), their timestamps in the video, increasing.
        n_packets: packets in it, each of which gives a frame.
    """

    encoded: bytes
    numbers: NDArray[np.int32]
    pts: NDArray[np.int64]
    n_packets: int


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Run:
    """Packets to be decoded in a row, and the frames that are wanted of them."""

    packets: list[FramePacket]
    ranks: NDArray[np.int64]  # of each packet's frame in the order of showing
    numbers: NDArray[np.int64]  # of the wanted frames in that order
    pts: NDArray[np.int64]

    @property
    def nbytes(self) -> int:
        return sum(packet.size for packet in self.packets)


def pieces_of(
    plan: DecodePlan, feed: PacketFeed, table: PacketTable, stream: VideoStream, *, n_frames: int
) -> Iterator[Piece]:
    """Cut a plan into pieces; their frames are those of the plan, in order.

    A group with more wanted frames than a piece may have is begun anew for each piece of it.

    Args:
        plan: of a video whose packets give one frame each; no group begins with pictures that lead its entry.
        feed: its packets.
        table: likewise.
        stream: as which the pieces describe themselves.
        n_frames: wanted frames of a piece at most, >= 1.

    Raises:
        PlanFailed: the file gives other packets than before.
    """
    runs: list[_Run] = []
    for group in plan.groups:
        for run in _runs_of(group, list(feed.of(group)), table, n_frames):
            together = [*runs, run]
            too_many = sum(len(each.pts) for each in together) > n_frames
            if runs and (too_many or sum(each.nbytes for each in together) > _MOST_NBYTES):
                yield _joined(runs, stream)
                together = [run]
            runs = together
    if runs:
        yield _joined(runs, stream)


def _runs_of(group: Group, packets: list[FramePacket], table: PacketTable, n_frames: int) -> Iterator[_Run]:
    assert not group.led.any(), "what leads an entry gives a frame or none"
    pts = table.pts[group.feed]
    for start in range(0, len(group.targets), n_frames):
        wanted = group.targets[start : start + n_frames]
        end = int(np.flatnonzero(np.isin(pts, wanted))[-1]) + 1
        order = np.argsort(pts[:end])
        ranks = np.empty(end, np.int64)
        ranks[order] = np.arange(end)
        yield _Run(
            packets=packets[:end],
            ranks=ranks,
            numbers=np.searchsorted(pts[:end][order], wanted).astype(np.int64),
            pts=wanted,
        )


def _joined(runs: list[_Run], stream: VideoStream) -> Piece:
    """One run after the other: each begins where decoding can begin."""
    firsts = np.cumsum([0, *(len(run.packets) for run in runs)])
    # No frame may be shown before it is decoded.
    delay = max(int((np.arange(len(run.ranks)) - run.ranks).max()) for run in runs)
    file = io.BytesIO()
    with av.open(file, "w", format="matroska") as container:
        target = container.add_stream_from_template(stream)
        for first, run in zip(firsts.tolist(), runs, strict=False):
            for at, (packet, rank) in enumerate(zip(run.packets, run.ranks.tolist(), strict=True)):
                container.mux_one(_copied(packet, target, shown=first + rank + delay, decoded=first + at))
    return Piece(
        encoded=file.getvalue(),
        numbers=np.concatenate([first + run.numbers for first, run in zip(firsts.tolist(), runs, strict=False)]).astype(
            np.int32
        ),
        pts=np.concatenate([run.pts for run in runs]),
        n_packets=int(firsts[-1]),
    )


def _copied(packet: FramePacket, stream: VideoStream, *, shown: int, decoded: int) -> Packet[VideoStream]:
    copy: Packet[VideoStream] = Packet(bytes(packet))  # type: ignore[assignment]
    copy.time_base = _TIME_BASE
    copy.pts, copy.dts = shown * _STEP, decoded * _STEP
    copy.is_keyframe = packet.is_keyframe
    copy.stream = stream
    return copy
