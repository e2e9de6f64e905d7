"""What the packets of a video say before any is decoded: when each is shown, and which of them others refer to.

The table is kept as arrays of a few bytes a packet, so that hours of video fit.
"""

from __future__ import annotations

from array import array
from dataclasses import dataclass
from fractions import Fraction
from typing import Final

import numpy as np
from av.packet import Packet
from av.video.stream import VideoStream
from numpy.typing import NDArray

from framedex.decode.bitstream import CodedStream, KeyedStream, Picture, Untrusted, coded_stream, keyed_stream

#: Entries: no decode can begin at the packet; it can, and pictures shown before it may be lacking; it can, and none is.
NO_ENTRY, OPEN_ENTRY, CLOSED_ENTRY = 0, 1, 2

#: Containers that store presentation times; AVI and the like have decoding order only, and FFmpeg guesses.
_TIMED_CONTAINERS: Final = frozenset({"mov,mp4,m4a,3gp,3g2,mj2", "matroska,webm", "mpegts"})
_INDEXED_CONTAINERS: Final = frozenset({"mov,mp4,m4a,3gp,3g2,mj2", "matroska,webm"})

#: Codecs whose reference structure is read from the packets.
_READ_CODECS: Final = frozenset({"h264", "hevc"})

#: Of the others, those that send pictures in another order than they are shown; what leads an entry is never referred to.
_REORDERED_CODECS: Final = frozenset({"mpeg4", "mpeg2video", "mpeg1video"})

_ENTRIES: Final = {"none": NO_ENTRY, "open": OPEN_ENTRY, "closed": CLOSED_ENTRY}


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PacketTable:
    """The packets of one stream, in the order in which they are decoded.

    Attributes:
        time_base: seconds per unit of pts.
        pts: int64 (n,), all different.
        nbytes: uint32 (n,), size of each packet.
        shown: bool (n,), False where an edit list leaves the picture out.
        entry: uint8 (n,), NO_ENTRY, OPEN_ENTRY or CLOSED_ENTRY; the first is no NO_ENTRY.
        referenced: bool (n,), whether a later picture of the same layer refers to it; True where that is not known.
        entry_dts: int64 (e,), decoding time of each packet that is an entry; its pts where the container has none.
        layer: uint8 (n,), temporal layer: a picture refers to none of a higher layer.
        feeds_led: whether referenced pictures that lead an open entry have to be fed where decoding begins there.
        reads_references: whether `referenced` and `layer` come from the packets or the container, or all count as referenced.
    """

    time_base: Fraction
    pts: NDArray[np.int64]
    nbytes: NDArray[np.uint32]
    shown: NDArray[np.bool_]
    entry: NDArray[np.uint8]
    entry_dts: NDArray[np.int64]
    referenced: NDArray[np.bool_]
    layer: NDArray[np.uint8]
    feeds_led: bool
    reads_references: bool

    def __len__(self) -> int:
        return len(self.pts)

    def dts_of_entry(self, number: int) -> int:
        """Decoding time of the entry that is packet `number`."""
        entries = np.flatnonzero(self.entry != NO_ENTRY)
        return int(self.entry_dts[np.searchsorted(entries, number)])

    @property
    def timeline(self) -> NDArray[np.int64]:
        """int64 (m,): timestamps of the frames that are shown, in order."""
        timeline: NDArray[np.int64] = self.pts[self.shown]  # a copy, to be sorted in place
        timeline.sort()
        return timeline


class PacketScan:
    """Reads packets one by one and ends in a table, or in the reason why the packets cannot be trusted.

    Args:
        container: FFmpeg's short name of the format.
        stream: the video stream.
    """

    def __init__(self, container: str, stream: VideoStream) -> None:
        codec = stream.codec_context.codec.canonical_name
        self.distrust: str | None = None
        self._codec = codec
        self._container = container
        self._time_base = stream.time_base
        self._coded: CodedStream | None = None
        self._keyed: KeyedStream | None = None
        self._guesses_order = False  # a decoder has to guess how far pictures overtake each other
        self._pts, self._entry_dts, self._nbytes = array("q"), array("q"), array("I")
        self._shown, self._entry, self._referenced, self._layer = bytearray(), bytearray(), bytearray(), bytearray()
        self._sequence = 0
        self._orders = array("q")  # of the pictures of the present coded video sequence
        self._shown_until: int | None = None  # latest pts of the sequences before
        self._last_dts: int | None = None
        self._says_dependencies = container.startswith("mov,")
        self._any_disposable = False
        self._sets: frozenset[bytes] | None = None
        self._lead_in = False  # the last entry is the first packet, or closed: what leads it is never shown
        if container not in _TIMED_CONTAINERS:
            self.distrust = f"the container {container} stores no presentation times that can be relied on"
        elif self._time_base is None:
            self.distrust = "the stream has no time base"
        else:
            try:
                if codec in _READ_CODECS:
                    self._coded = coded_stream(codec, stream.codec_context.extradata)
                else:
                    self._keyed = keyed_stream(codec, stream.codec_context.extradata)
            except Untrusted as reason:
                self.distrust = str(reason)

    def add(self, packet: Packet[VideoStream]) -> None:
        """Take the next packet in; nothing is done once the packets are distrusted."""
        if self.distrust is None:
            try:
                self._add(packet)
            except Untrusted as reason:
                self.distrust = f"packet {len(self._pts)}: {reason}"

    def table(self) -> PacketTable | None:
        """All packets, or None where `distrust` says why not."""
        if self.distrust is None:
            try:
                self._end_sequence()
                return self._table()
            except Untrusted as reason:
                self.distrust = str(reason)
        return None

    def _add(self, packet: Packet[VideoStream]) -> None:
        pts, dts = packet.pts, packet.dts
        if pts is None:
            raise Untrusted("it has no timestamp")
        if packet.is_corrupt:
            raise Untrusted("the container says that pieces of it are missing")
        if packet.has_sidedata("new_extradata"):
            raise Untrusted("the stream changes its parameters there")
        if dts is not None:
            if self._last_dts is not None and dts < self._last_dts:
                raise Untrusted("its decoding time is before that of the packet before")
            self._last_dts = dts
        if self._coded is not None:
            self._add_picture(self._coded.picture(bytes(packet)))
        else:
            assert self._keyed is not None
            self._add_keyed(packet, self._keyed.begins(bytes(packet), key=packet.is_keyframe))
        self._pts.append(pts)
        if self._entry[-1] != NO_ENTRY:
            self._entry_dts.append(pts if dts is None else dts)
        self._nbytes.append(packet.size)
        self._shown.append(not packet.is_discard)
        if len(self._pts) == 1 and self._entry[0] == NO_ENTRY:
            raise Untrusted("the stream does not begin with a picture where decoding can begin")

    def _add_keyed(self, packet: Packet[VideoStream], begins: bool) -> None:
        self._entry.append(OPEN_ENTRY if begins else NO_ENTRY)
        # ISO/IEC 14496-12, 8.6.4: sample_is_depended_on; FFmpeg passes it on as a flag of the packet.
        disposable = self._says_dependencies and packet.is_disposable
        self._any_disposable = self._any_disposable or disposable
        self._referenced.append(not disposable)
        self._layer.append(0)

    def _add_picture(self, picture: Picture) -> None:
        if picture.sequence != self._sequence:
            self._end_sequence()
            self._sequence = picture.sequence
        self._orders.append(picture.order)
        self._guesses_order = self._guesses_order or not picture.states_reordering
        if picture.parameter_sets and picture.entry == "none":
            raise Untrusted("it changes parameters where decoding cannot begin")
        if picture.entry != "none":
            # A jump to an entry must find the parameters that a walk to it would have found.
            if self._sets is not None and picture.parameter_sets != self._sets:
                raise Untrusted("its parameters differ from those before")
            self._sets = picture.parameter_sets
            self._lead_in = not self._pts or picture.entry == "closed"
        if picture.leading == "skipped" and self._lead_in:
            raise Untrusted("it holds a picture that is not shown")
        self._entry.append(_ENTRIES[picture.entry])
        self._referenced.append(picture.referenced)
        self._layer.append(picture.layer)

    def _end_sequence(self) -> None:
        """Timestamps must go with the order that the pictures themselves state, or they are not of these pictures."""
        n_pictures = len(self._orders)
        if not n_pictures:
            return
        orders = np.array(self._orders, dtype=np.int64)
        pts = np.array(self._pts[-n_pictures:], dtype=np.int64)[np.argsort(orders)]
        if (np.diff(np.sort(orders)) == 0).any() or (np.diff(pts) <= 0).any():
            raise Untrusted("timestamps do not follow the order in which the pictures say they are shown")
        if self._shown_until is not None and pts[0] <= self._shown_until:
            raise Untrusted("timestamps of one sequence of pictures reach into the next")
        self._shown_until = int(pts[-1])
        del self._orders[:]

    def _check_order(self, pts: NDArray[np.int64]) -> None:
        """Pictures may overtake each other only as their codec allows, or a whole decode would not keep these times."""
        if not (pts[1:] < pts[:-1]).any():
            return
        if self._keyed is not None and self._codec not in _REORDERED_CODECS:
            raise Untrusted(f"timestamps go back, which {self._codec} does not need")
        if self._guesses_order and not can_seek(self._container):
            # Where a file is opened, FFmpeg looks at its beginning only; it loses frames where they overtake more later.
            raise Untrusted("the stream does not say how far pictures overtake each other")
        entries = np.flatnonzero(np.frombuffer(self._entry, dtype=np.uint8) != NO_ENTRY)
        latest = np.maximum.accumulate(pts)
        if (pts[entries[1:]] <= latest[entries[1:] - 1]).any():
            raise Untrusted("an entry is shown before a picture that is sent before it")

    def _table(self) -> PacketTable:
        assert self._time_base is not None
        pts = np.frombuffer(self._pts, dtype=np.int64) if self._pts else np.empty(0, np.int64)
        shown = np.frombuffer(self._shown, dtype=np.bool_)
        if not shown.any():
            raise Untrusted("no packet is shown")
        if self._entry[0] == OPEN_ENTRY and pts.min() < pts[0]:
            raise Untrusted("the stream begins with pictures that need earlier ones")
        timeline = np.sort(pts)
        if (timeline[1:] <= timeline[:-1]).any():  # compared, not subtracted: hours of video are millions of bytes
            raise Untrusted("two packets have one timestamp")
        del timeline
        self._check_order(pts)
        return PacketTable(
            time_base=self._time_base,
            pts=pts,
            nbytes=np.frombuffer(self._nbytes, dtype=np.uint32),
            shown=shown,
            entry=np.frombuffer(self._entry, dtype=np.uint8),
            entry_dts=np.frombuffer(self._entry_dts, dtype=np.int64),
            referenced=np.frombuffer(self._referenced, dtype=np.bool_),
            layer=np.frombuffer(self._layer, dtype=np.uint8),
            feeds_led=self._codec == "h264",
            reads_references=self._coded is not None or self._any_disposable,
        )


def can_seek(container: str) -> bool:
    """Whether the container has an index that leads to packets as they are numbered here."""
    return container in _INDEXED_CONTAINERS
