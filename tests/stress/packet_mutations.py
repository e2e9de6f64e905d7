"""Ways to damage what is inside a sound container: the clip is unpacked, its packets are changed, and it is packed again."""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import dataclass, replace
from fractions import Fraction

import av
from av.packet import Packet

from stress.mutations import Clip, Mutation, NotApplicable, Task

_FORMATS = {".mp4": "mp4", ".mov": "mov", ".mkv": "matroska", ".webm": "webm", ".ts": "mpegts", ".avi": "avi"}
_H264_NALS = (
    b"\x09\xf0",
    b"\x0c\xff\xff\x80",
    b"\x0a",
    b"\x0b",
    b"\x06\x05\x01\x00\x80",
    b"\x06\x06\x01\xc4\x80",
    b"\x41\x9a",
)
_HEVC_NALS = (
    b"\x46\x01\x50",
    b"\x4c\x01\xff\x80",
    b"\x48\x01",
    b"\x4a\x01",
    b"\x4e\x01\x05\x01\x00\x80",
    b"\x02\x01\xd0",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """A packet: its bytes, times in units of the stream, and whether the container calls it a key frame."""

    data: bytes
    pts: int
    dts: int
    key: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Unpacked:
    """The packets of a clip, its codec, and whether NAL units stand behind their lengths."""

    parts: list[Part]
    codec: str
    lengths: bool
    extradata: bytes

    @property
    def nal_codec(self) -> bool:
        return self.codec in ("h264", "hevc")


Change = Callable[[Task, Unpacked], list[Part]]


def unpack(clip: Clip) -> Unpacked:
    with av.open(str(clip.path)) as container:
        stream = container.streams.video[0]
        codec, extradata = stream.codec_context.codec.canonical_name, stream.codec_context.extradata or b""
        parts = [
            Part(data=bytes(packet), pts=packet.pts or 0, dts=packet.dts or 0, key=packet.is_keyframe)
            for packet in container.demux(stream)
            if packet.size
        ]
    return Unpacked(parts=parts, codec=codec, lengths=extradata[:1] == b"\x01", extradata=extradata)


def pack(clip: Clip, parts: list[Part]) -> bytes:
    """The clip with other packets in the same container; what the container refuses is left out."""
    out = io.BytesIO()
    with av.open(str(clip.path)) as source:
        template = source.streams.video[0]
        time_base = template.time_base or Fraction(1, 25)
        with av.open(out, "w", format=_FORMATS[clip.suffix], container_options={"fflags": "+bitexact"}) as target:
            stream = target.add_stream_from_template(template, opaque=True)
            refused = 0
            for part in parts:
                packet = Packet(part.data)
                packet.stream, packet.time_base = stream, time_base
                packet.pts, packet.dts, packet.is_keyframe = part.pts, part.dts, part.key
                try:
                    target.mux_one(packet)
                except (av.FFmpegError, ValueError):
                    refused += 1
            if refused == len(parts):
                raise NotApplicable
    return out.getvalue()


def split_nals(data: bytes, *, lengths: bool) -> list[bytes]:
    """The NAL units of a packet; behind four-byte lengths, or behind start codes."""
    nals = []
    if lengths:
        at = 0
        while at + 4 <= len(data):
            size = int.from_bytes(data[at : at + 4])
            nals.append(data[at + 4 : at + 4 + size])
            at += 4 + size
        return nals
    return [nal.rstrip(b"\0") for nal in data.split(b"\0\0\1") if nal.strip(b"\0")]


def join_nals(nals: list[bytes], *, lengths: bool) -> bytes:
    return b"".join((len(nal).to_bytes(4) if lengths else b"\0\0\0\1") + nal for nal in nals)


def drop_packets(task: Task, clip: Unpacked) -> list[Part]:
    gone = {task.below(len(clip.parts)) for _ in range(1 + task.below(4))}
    return [part for i, part in enumerate(clip.parts) if i not in gone]


def swap_data(task: Task, clip: Unpacked) -> list[Part]:
    """Two packets in each other's place, times as they were."""
    parts = clip.parts
    a, b = task.below(len(parts)), task.below(len(parts))
    parts[a], parts[b] = replace(parts[a], data=parts[b].data), replace(parts[b], data=parts[a].data)
    return parts


def repeat_data(task: Task, clip: Unpacked) -> list[Part]:
    a, b = task.below(len(clip.parts)), task.below(len(clip.parts))
    clip.parts[b] = replace(clip.parts[b], data=clip.parts[a].data)
    return clip.parts


def swap_times(task: Task, clip: Unpacked) -> list[Part]:
    parts = clip.parts
    for _ in range(1 + task.below(3)):
        a, b = task.below(len(parts)), task.below(len(parts))
        parts[a], parts[b] = replace(parts[a], pts=parts[b].pts), replace(parts[b], pts=parts[a].pts)
    return parts


def far_times(task: Task, clip: Unpacked) -> list[Part]:
    """From some packet on, times leap far ahead."""
    start = task.below(len(clip.parts))
    leap = 1 << 10 + task.below(35)
    return [
        replace(part, pts=part.pts + leap, dts=part.dts + leap) if i >= start else part
        for i, part in enumerate(clip.parts)
    ]


def lying_keys(task: Task, clip: Unpacked) -> list[Part]:
    """Packets that the container wrongly calls key frames, or wrongly not."""
    changed = {task.below(len(clip.parts)) for _ in range(1 + task.below(5))}
    return [replace(part, key=not part.key) if i in changed else part for i, part in enumerate(clip.parts)]


def spoil_packets(task: Task, clip: Unpacked) -> list[Part]:
    for _ in range(1 + task.below(3)):
        at = task.below(len(clip.parts))
        data = bytearray(clip.parts[at].data)
        for _ in range(1 + task.below(20)):
            data[task.below(len(data))] = task.below(256)
        clip.parts[at] = replace(clip.parts[at], data=bytes(data))
    return clip.parts


def spoil_tail(task: Task, clip: Unpacked) -> list[Part]:
    """The second half of a packet is noise: its header, and with it the plan, is sound."""
    at = task.below(len(clip.parts))
    data = clip.parts[at].data
    clip.parts[at] = replace(clip.parts[at], data=data[: len(data) // 2] + task.rng.bytes(len(data) - len(data) // 2))
    return clip.parts


def cut_packet(task: Task, clip: Unpacked) -> list[Part]:
    at = task.below(len(clip.parts))
    data = clip.parts[at].data
    clip.parts[at] = replace(clip.parts[at], data=data[: 1 + task.below(len(data) - 1)])
    return clip.parts


def merge_packets(task: Task, clip: Unpacked) -> list[Part]:
    parts, at = clip.parts, task.below(len(clip.parts) - 1)
    return [*parts[:at], replace(parts[at], data=parts[at].data + parts[at + 1].data), *parts[at + 2 :]]


def foreign_packet(task: Task, clip: Unpacked) -> list[Part]:
    """A packet of another clip in the place of one."""
    other = unpack(task.clips[task.below(len(task.clips))])
    at = task.below(len(clip.parts))
    clip.parts[at] = replace(clip.parts[at], data=other.parts[task.below(len(other.parts))].data)
    return clip.parts


def insert_nal(task: Task, clip: Unpacked) -> list[Part]:
    """Delimiters, fillers, ends of sequence, messages, stubs of slices, and units of other packets, where none belong."""
    _need_nals(clip)
    own = split_nals(clip.parts[task.below(len(clip.parts))].data, lengths=clip.lengths)
    ready = _H264_NALS if clip.codec == "h264" else _HEVC_NALS
    for _ in range(1 + task.below(4)):
        at = task.below(len(clip.parts))
        nals = split_nals(clip.parts[at].data, lengths=clip.lengths)
        new = [*ready, *own][task.below(len(ready) + len(own))]
        nals.insert(task.below(len(nals) + 1), new)
        clip.parts[at] = replace(clip.parts[at], data=join_nals(nals, lengths=clip.lengths))
    return clip.parts


def drop_nal(task: Task, clip: Unpacked) -> list[Part]:
    _need_nals(clip)
    at = task.below(len(clip.parts))
    nals = split_nals(clip.parts[at].data, lengths=clip.lengths)
    if len(nals) < 2:
        at = 0
        nals = split_nals(clip.parts[at].data, lengths=clip.lengths)
    if len(nals) > 1:
        del nals[task.below(len(nals))]
    clip.parts[at] = replace(clip.parts[at], data=join_nals(nals, lengths=clip.lengths))
    return clip.parts


def nal_header(task: Task, clip: Unpacked) -> list[Part]:
    """Other types and priorities of NAL units: reference pictures that say they are none, and the reverse."""
    _need_nals(clip)
    for _ in range(1 + task.below(4)):
        at = task.below(len(clip.parts))
        nals = [bytearray(nal) for nal in split_nals(clip.parts[at].data, lengths=clip.lengths)]
        nal = nals[-1 - task.below(min(2, len(nals)))]
        if len(nal) > 1:
            if clip.codec == "h264":
                nal[0] ^= (0x60, 0x20, 0x40, 0x04, 0x01)[task.below(5)]
            else:
                nal[task.below(2)] ^= (0x02, 0x01, 0x10, 0x20, 0x03)[task.below(5)]
        clip.parts[at] = replace(clip.parts[at], data=join_nals([bytes(nal) for nal in nals], lengths=clip.lengths))
    return clip.parts


def all_not_referenced(task: Task, clip: Unpacked) -> list[Part]:
    """From some packet on, slices say that nothing refers to their pictures, which is not true."""
    _need_nals(clip)
    start, only = task.below(len(clip.parts)), task.below(3)
    for at in range(start, len(clip.parts)):
        if only and at % 3 != only:
            continue
        nals = [bytearray(nal) for nal in split_nals(clip.parts[at].data, lengths=clip.lengths)]
        for nal in nals:
            if clip.codec == "h264" and nal[0] & 0x1F == 1:
                nal[0] &= 0x9F
            elif clip.codec == "hevc" and nal[0] >> 1 & 0x3F in (1, 3, 5, 7, 9):
                nal[0] &= 0xFD
        clip.parts[at] = replace(clip.parts[at], data=join_nals([bytes(nal) for nal in nals], lengths=clip.lengths))
    return clip.parts


def _need_nals(clip: Unpacked) -> None:
    if not clip.nal_codec:
        raise NotApplicable


def spoil_parameters(task: Task) -> tuple[bytes, str]:
    """Bits of the codec's parameters in the container's header."""
    unpacked = unpack(task.clip)
    extradata = bytearray(unpacked.extradata)
    at = task.clip.data.find(bytes(extradata))
    if not extradata or at < 0:
        raise NotApplicable
    data = bytearray(task.clip.data)
    for _ in range(1 + task.below(3)):
        data[at + task.below(len(extradata))] ^= 1 << task.below(8)
    return bytes(data), task.clip.suffix


def _packed(change: Change) -> Mutation:
    def mutation(task: Task) -> tuple[bytes, str]:
        return pack(task.clip, change(task, unpack(task.clip))), task.clip.suffix

    return mutation


PACKET_MUTATIONS: dict[str, Mutation] = {
    "spoil_parameters": spoil_parameters,
    **{
        change.__name__: _packed(change)
        for change in (
            drop_packets,
            swap_data,
            repeat_data,
            swap_times,
            far_times,
            lying_keys,
            spoil_packets,
            spoil_tail,
            cut_packet,
            merge_packets,
            foreign_packet,
            insert_nal,
            drop_nal,
            nal_header,
            all_not_referenced,
        )
    },
}
