"""The floor under a sparse decode: how long the decoder takes for exactly the packets that the sampled frames need.

Independent of the engine's planner, and for one kind of clip only: H.264 in MP4 with closed groups of pictures. A slice with
`nal_ref_idc` 0 belongs to a picture that nothing refers to (ITU-T H.264, 7.4.1).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import cast

import av
from av.packet import Packet
from av.video.codeccontext import VideoCodecContext
from av.video.stream import VideoStream

from framedex.contracts import Pixels

_SLICE_TYPES = range(1, 6)


@dataclass(frozen=True, slots=True, kw_only=True)
class ListedPacket:
    """A packet and what is known of it without decoding.

    Attributes:
        packet: the data.
        pts: presentation timestamp, in units of the stream's time base.
        is_key: whether decoding can start here.
        is_reference: whether another picture may refer to it.
    """

    packet: Packet[VideoStream]
    pts: int
    is_key: bool
    is_reference: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class PacketList:
    """All packets of a clip, in decoding order and in memory, and what a decoder has to be told."""

    packets: tuple[ListedPacket, ...]
    extradata: bytes
    time_base: Fraction

    @classmethod
    def of(cls, path: Path) -> PacketList:
        """Read a clip's packets."""
        with av.open(str(path)) as container:
            stream = container.streams.video[0]
            extradata, time_base = stream.codec_context.extradata, stream.time_base
            assert stream.codec_context.name == "h264"
            assert extradata is not None
            assert extradata[0] == 1, "expected NAL units behind their length, as MP4 has them"
            assert time_base is not None
            listed = []
            for packet in container.demux(stream):
                if packet.size:
                    assert packet.pts is not None
                    listed.append(
                        ListedPacket(
                            packet=packet,
                            pts=packet.pts,
                            is_key=packet.is_keyframe,
                            is_reference=_is_reference(bytes(packet), length_nbytes=(extradata[4] & 3) + 1),
                        )
                    )
        return cls(packets=tuple(listed), extradata=extradata, time_base=time_base)

    @property
    def non_reference(self) -> int:
        """Number of packets that nothing refers to."""
        return sum(not packet.is_reference for packet in self.packets)

    def needed(self, wanted: frozenset[int]) -> tuple[ListedPacket, ...]:
        """Of each group of pictures, up to its last wanted frame: the reference packets and the wanted frames' own."""
        groups: list[list[ListedPacket]] = []
        for packet in self.packets:
            if packet.is_key:
                groups.append([])
            groups[-1].append(packet)
        needed: list[ListedPacket] = []
        for group in groups:
            last = max((i for i, packet in enumerate(group) if packet.pts in wanted), default=-1)
            needed += [packet for packet in group[: last + 1] if packet.is_reference or packet.pts in wanted]
        return tuple(needed)


def decode_packets(
    clip: PacketList, needed: Sequence[ListedPacket], wanted: frozenset[int], *, threads: int
) -> Iterator[tuple[int, Pixels]]:
    """Feed a decoder and convert the wanted frames: (pts_us, RGB uint8 (H, W, 3))."""
    decoder = av.CodecContext.create("h264", "r")
    assert isinstance(decoder, VideoCodecContext)
    decoder.extradata = clip.extradata
    decoder.thread_type, decoder.thread_count = "AUTO", threads
    for packet in [*(listed.packet for listed in needed), None]:
        for frame in decoder.decode(packet):
            if frame.pts is not None and frame.pts in wanted:
                yield round(frame.pts * clip.time_base * 1_000_000), cast(Pixels, frame.to_ndarray(format="rgb24"))


def _is_reference(data: bytes, *, length_nbytes: int) -> bool:
    """Whether the first slice of a packet says that other pictures may refer to it."""
    at = 0
    while at + length_nbytes < len(data):
        start = at + length_nbytes
        if data[start] & 31 in _SLICE_TYPES:
            return data[start] >> 5 & 3 != 0
        at = start + int.from_bytes(data[at:start])
    return True
