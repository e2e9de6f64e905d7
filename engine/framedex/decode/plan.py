"""The decode plan: which packets the sampled frames depend on, so that no others are decoded.

A picture is decoded from an *entry*, where decoding can begin, through every picture that a later needed one may refer to:

- a picture that nothing of its layer refers to (H.264 `nal_ref_idc` 0, ITU-T H.264 7.4.1; HEVC sub-layer non-reference,
  ITU-T H.265 7.4.2.2) is decoded only where it is sampled itself, or where a needed picture of a higher layer follows;
- a picture of a temporal layer is decoded only where a needed picture of that layer or a higher one follows;
- pictures sent after an open entry and shown before it *lead* it: they belong to the entry before, and where decoding begins at
  the entry they cannot come out right. HEVC lets a decoder skip them; in H.264 those that are referred to are fed all the same,
  since their numbers and their places in the reference lists count for the pictures that follow;
- nothing is decoded behind the last sampled picture of a group.

The rule errs towards decoding too much: which pictures are really referred to is not read from the slices.
"""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from framedex.decode.packets import CLOSED_ENTRY, NO_ENTRY, PacketTable

#: Where nearly all packets are needed, a plan has nothing to give.
_WORTH = 0.9
_PIECE = 1 << 14


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Group:
    """Packets to be decoded in a row, from an entry on.

    Attributes:
        feed: int64 (k,), packet numbers, increasing; the first is the entry.
        led: bool (k,), packets whose pictures lead the entry: fed for the decoder's books, what comes of them is void.
        targets: int64 (t,), timestamps of the frames to be taken, increasing.
    """

    feed: NDArray[np.int64]
    led: NDArray[np.bool_]
    targets: NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class DecodePlan:
    """Groups in the order of the file; all targets of a group are shown before those of the next.

    Attributes:
        groups: none where no frame is taken.
        n_packets: packets of the stream.
    """

    groups: tuple[Group, ...]
    n_packets: int

    @property
    def n_fed(self) -> int:
        """Packets that are decoded."""
        return sum(len(group.feed) for group in self.groups)

    @property
    def is_worth(self) -> bool:
        """Whether enough is left out for a plan to be quicker than decoding everything."""
        return self.n_fed < _WORTH * self.n_packets


def make_plan(table: PacketTable, targets: NDArray[np.int64]) -> DecodePlan:
    """Plan the decode of some frames.

    Args:
        table: the stream's packets.
        targets: int64 (t,), t >= 1, timestamps of shown frames, increasing.

    Raises:
        ValueError: a target is no shown frame, or no entry leads to it.
    """
    numbers = _numbers_of(table, targets)
    if len(numbers) != len(targets):
        raise ValueError("[make_plan] a target is no frame that is shown")
    ends: dict[int, list[int]] = {}  # targets by entry
    entries = np.flatnonzero(table.entry != NO_ENTRY).tolist()
    for number in numbers:
        ends.setdefault(_entry_of(table, entries, number), []).append(number)
    groups: list[tuple[int, list[int]]] = []
    for entry in sorted(ends):
        # A group that the one before reaches, or meets without a gap, is its continuation.
        if groups and entry <= groups[-1][1][-1] + 1:
            groups[-1][1].extend(ends[entry])
            groups[-1][1].sort()
        else:
            groups.append((entry, ends[entry]))
    return DecodePlan(
        groups=tuple(_group(table, entry, numbers) for entry, numbers in groups),
        n_packets=len(table),
    )


def _numbers_of(table: PacketTable, targets: NDArray[np.int64]) -> list[int]:
    """Packets of the targets that are shown frames, in decode order; looked up piece by piece, so that hours take no room."""
    numbers: list[int] = []
    for start in range(0, len(table), _PIECE):
        piece = slice(start, start + _PIECE)
        pts = table.pts[piece]
        found = targets[np.minimum(np.searchsorted(targets, pts), len(targets) - 1)] == pts
        numbers += (start + np.flatnonzero(found & table.shown[piece])).tolist()
    return numbers


def _entry_of(table: PacketTable, entries: list[int], number: int) -> int:
    """The last entry from which a packet can be decoded."""
    at = bisect_right(entries, number) - 1
    while at >= 0:
        entry = entries[at]
        if table.entry[entry] == CLOSED_ENTRY or table.pts[entry] <= table.pts[number]:
            return entry
        at -= 1
    raise ValueError("[make_plan] a target is shown before every picture at which decoding can begin")


def _group(table: PacketTable, entry: int, targets: list[int]) -> Group:
    span = slice(entry, targets[-1] + 1)
    pts, layers, referenced = table.pts[span].tolist(), table.layer[span].tolist(), table.referenced[span].tolist()
    closed = (table.entry[span] == CLOSED_ENTRY).tolist()
    wanted = {number - entry for number in targets}
    feed: list[int] = []
    led: list[bool] = []

    def leads(at: int) -> bool:
        return not closed[0] and bool(pts[at] < pts[0])

    layer = -1  # highest among the needed pictures that follow
    for at in range(len(pts) - 1, -1, -1):
        spared = layer < layers[at] + (not referenced[at]) or (leads(at) and not table.feeds_led)
        if spared and at and at not in wanted:
            continue
        feed.append(entry + at)
        led.append(leads(at))
        layer = -1 if closed[at] else max(layer, layers[at])
    return Group(
        feed=np.array(feed[::-1], dtype=np.int64),
        led=np.array(led[::-1], dtype=np.bool_),
        targets=np.sort(table.pts[targets]),
    )
