"""Carries a decode plan out: feeds the decoder what the plan says and holds it to what must come back.

Nothing is believed: every packet must be the one that was planned with, and every packet that is fed must give its frame, whole,
at its own time, in order. Otherwise `PlanFailed`, and everything is decoded.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from queue import SimpleQueue
from typing import TypeAlias

import numpy as np
from av.packet import Packet
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from framedex.contracts import Pixels
from framedex.decode.packets import PacketTable, can_seek
from framedex.decode.plan import DecodePlan, Group
from framedex.decode.pyav_stream import FrameStream
from framedex.errors import DecodeFailed, PlanFailed

#: A jump by the container's index costs about as much as reading this much.
_JUMP_NBYTES = 4 << 20
#: What groups that are decoded at once may hold, in packets and in pictures that wait for their turn.
_HELD_NBYTES = 192 << 20
#: Every decoder has the file open, and FFmpeg keeps some 86 bytes of each packet of an open MP4.
_MOST_PACKETS = 100_000

FramePacket: TypeAlias = "Packet[VideoStream]"


class PacketFeed:
    """The packets of a plan, from the file, in order.

    Args:
        video: at its first packet.
        path: for messages.
        table: its packets.
    """

    def __init__(self, video: FrameStream, path: Path, table: PacketTable) -> None:
        self._video = video
        self._path = path
        self._table = table
        self._packets = video.packets()
        self._next = 0
        self._can_jump = can_seek(video.container_name)

    def of(self, group: Group) -> Iterator[FramePacket]:
        """The packets that a group feeds; groups are to be asked for in the plan's order.

        Raises:
            PlanFailed: the file gives other packets than before.
        """
        self._jump_towards(int(group.feed[0]))
        for number in group.feed.tolist():
            yield self._packet(number)

    def _packet(self, number: int) -> FramePacket:
        for packet in self._packets:
            at, self._next = self._next, self._next + 1
            if packet.pts != self._table.pts[at] or packet.size != self._table.nbytes[at]:
                break
            if at == number:
                return packet
        raise PlanFailed(f"{self._path}: packet {number} is not where it was; decode everything")

    def _jump_towards(self, number: int) -> None:
        if not self._can_jump or number <= self._next:
            return
        if self._table.nbytes[self._next : number].sum(dtype=np.int64) < _JUMP_NBYTES:
            return
        self._packets.close()
        self._video.jump(self._table.dts_of_entry(number))
        self._packets = self._video.packets()
        first = next(self._packets, None)
        landed = self._number_of(first, number)
        self._packets = _with_first(first, self._packets)
        # An index with few entries leads back, and would do so again for every group.
        self._can_jump = landed >= self._next
        self._next = landed

    def _number_of(self, packet: FramePacket | None, target: int) -> int:
        """The number of the packet at which a jump landed: the target, or one before it."""
        if packet is not None and packet.pts is not None:
            before = slice(0, target + 1)
            same = (self._table.pts[before] == packet.pts) & (self._table.nbytes[before] == packet.size)
            if same.any():
                return int(np.flatnonzero(same)[-1])
        raise PlanFailed(f"{self._path}: the container's index leads past packet {target}; decode everything")


def planned_pictures(
    videos: list[FrameStream],
    feed: PacketFeed,
    plan: DecodePlan,
    *,
    path: Path,
    table: PacketTable,
    picture: Callable[[int, VideoFrame], Pixels],
) -> Generator[tuple[int, Pixels], None, None]:
    """Decode a plan.

    Args:
        videos: one decoder, which then uses its own threads; or several, and each decodes groups of its own.
        feed: the packets.
        plan: what is decoded.
        path: for messages.
        table: the stream's packets.
        picture: makes pixels of the frame at a timestamp; called by the thread that decoded it, with that decoder's number.

    Yields:
        (pts, picture) of every target, in order.

    Raises:
        PlanFailed: the decoder gave something else than was planned.
    """
    if len(videos) == 1:
        for group in plan.groups:
            for pts, frame in group_frames(videos[0], feed.of(group), group, path=path, table=table):
                yield pts, picture(0, frame)
        return
    idle: SimpleQueue[int] = SimpleQueue()
    for number in range(len(videos)):
        idle.put(number)

    def work(group: Group, packets: list[FramePacket]) -> list[tuple[int, Pixels]]:
        number = idle.get()
        try:
            frames = group_frames(videos[number], iter(packets), group, path=path, table=table)
            return [(pts, picture(number, frame).copy()) for pts, frame in frames]
        finally:
            idle.put(number)

    with ExitStack() as stack:
        pool = ThreadPoolExecutor(len(videos), thread_name_prefix="framedex-decode")
        stack.callback(pool.shutdown, wait=True, cancel_futures=True)
        waiting: deque[Future[list[tuple[int, Pixels]]]] = deque()
        for group in plan.groups:
            waiting.append(pool.submit(work, group, list(feed.of(group))))
            if len(waiting) > len(videos):
                yield from waiting.popleft().result()
        while waiting:
            yield from waiting.popleft().result()


def group_frames(
    video: FrameStream, packets: Iterator[FramePacket], group: Group, *, path: Path, table: PacketTable
) -> Iterator[tuple[int, VideoFrame]]:
    """Decode one group and give its targets, (pts, frame), in order; once exhausted, the decoder is ready for the next.

    Raises:
        PlanFailed: a packet did not give its frame, whole, at its time, in order.
    """
    targets = set(group.targets.tolist())
    shown = table.shown[group.feed]
    due = set(table.pts[group.feed[shown & ~group.led]].tolist())
    void = set(table.pts[group.feed[group.led]].tolist())
    last: int | None = None
    try:
        for packet in _and_end(packets):
            for frame in video.decoded(packet, "a group"):
                pts = frame.pts
                if pts in void:
                    continue
                if pts is None or pts not in due or frame.is_corrupt or (last is not None and pts <= last):
                    raise PlanFailed(f"{path}: a frame came out damaged or at another time; decode everything")
                due.remove(pts)
                last = pts
                if pts in targets:
                    yield pts, frame
    except DecodeFailed as error:
        raise PlanFailed(f"{path}: a group did not decode by itself; decode everything") from error
    if due:
        raise PlanFailed(f"{path}: {len(due)} packets gave no frame; decode everything")
    video.flush()


def decoders_for(plan: DecodePlan, table: PacketTable, *, threads: int, frame_nbytes: int) -> int:
    """How many decoders work at once: as many as threads, where the groups are many and small enough to wait for each other.

    Args:
        plan: what is decoded.
        table: the stream's packets.
        threads: that there are.
        frame_nbytes: of a picture; each decoder's own pictures, some twenty at the most, come on top.
    """
    if threads == 1 or len(plan.groups) < 2 * threads or len(table) > _MOST_PACKETS:
        return 1
    held = max(
        int(table.nbytes[group.feed].sum(dtype=np.int64)) + len(group.targets) * frame_nbytes for group in plan.groups
    )
    return threads if held * (threads + 1) <= _HELD_NBYTES else 1


def _and_end(packets: Iterator[FramePacket]) -> Iterator[FramePacket | None]:
    yield from packets
    yield None


def _with_first(
    first: FramePacket | None, rest: Generator[FramePacket, None, None]
) -> Generator[FramePacket, None, None]:
    if first is not None:
        yield first
    yield from rest
