"""Small real encodes for the readers of bitstreams, and what must hold of each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import partial
from pathlib import Path

import av

from clips import draw_number, encode
from framedex.decode.bitstream import Picture, coded_stream, keyed_stream

_TIME_BASE = {".mp4": Fraction(1, 12800), ".ts": Fraction(1, 90000), ".mkv": Fraction(1, 1000)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Coded:
    """A stream's packets in decode order."""

    codec: str
    extradata: bytes | None
    packets: list[av.Packet]

    def pictures(self) -> list[Picture]:
        stream = coded_stream(self.codec, self.extradata)
        return [stream.picture(bytes(packet)) for packet in self.packets]

    def begins(self) -> list[bool]:
        """Whether each packet of a codec whose references are not read is an entry."""
        stream = keyed_stream(self.codec, self.extradata)
        return [stream.begins(bytes(packet), key=packet.is_keyframe) for packet in self.packets]


def x264(path: Path, params: str = "", *, n: int = 48) -> Coded:
    """Pictures 0 to n - 1 as H.264 in the container of `path`'s suffix."""
    return _coded(path, n, codec="libx264", codec_options={"x264-params": f"scenecut=0:{params}"})


def x265(path: Path, params: str = "", *, n: int = 48) -> Coded:
    """Pictures 0 to n - 1 as HEVC in the container of `path`'s suffix."""
    params = f"log-level=none:pools=none:frame-threads=1:scenecut=0:keyint=12:{params}"
    return _coded(path, n, codec="libx265", codec_options={"x265-params": params, "preset": "ultrafast"})


def other(path: Path, codec: str, *, n: int = 36, pixel_format: str = "yuv420p", **codec_options: str) -> Coded:
    """Pictures 0 to n - 1 with another encoder, a key frame every 12 unless it decides otherwise."""
    draw = draw_number if codec != "dnxhd" else partial(draw_number, width=256, height=120)
    encode(
        path, range(n), Fraction(1, 25), codec=codec, codec_options=codec_options, pixel_format=pixel_format, draw=draw
    )
    return _read(path)


def _coded(path: Path, n: int, *, codec: str, codec_options: dict[str, str]) -> Coded:
    time_base = _TIME_BASE[path.suffix]
    step = int(Fraction(1, 25) / time_base)
    encode(path, [i * step for i in range(n)], time_base, codec=codec, codec_options=codec_options)
    return _read(path)


def _read(path: Path) -> Coded:
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        context = stream.codec_context
        packets = [packet for packet in container.demux(stream) if packet.size]
        return Coded(codec=context.codec.canonical_name, extradata=context.extradata, packets=packets)


def decoded(coded: Coded, packets: list[av.Packet]) -> dict[int, bytes]:
    """The pictures that some of the packets give, by timestamp."""
    context = av.CodecContext.create({"av1": "libdav1d"}.get(coded.codec, coded.codec), "r")
    context.extradata = coded.extradata
    context.thread_count = 1
    shown = {}
    for packet in [*packets, None]:
        for frame in context.decode(packet):
            shown[frame.pts] = b"".join(bytes(plane) for plane in frame.planes)
    return shown


def check_order(coded: Coded) -> list[Picture]:
    """The pictures, once their order is that of the timestamps."""
    pictures = coded.pictures()
    in_order = sorted(range(len(pictures)), key=lambda i: (pictures[i].sequence, pictures[i].order))
    assert in_order == sorted(range(len(pictures)), key=lambda i: coded.packets[i].pts)
    return pictures


def check_against_decoding(coded: Coded, pictures: list[Picture], *, kept: Sequence[bool] | None = None) -> None:
    """Pictures come out the same without those that nothing refers to, and after an entry without all before it.

    Args:
        coded: the stream.
        pictures: of each packet.
        kept: packets that the others must not be needed for; by default those that are referenced.
    """
    kept = kept or [picture.referenced for picture in pictures]
    whole = decoded(coded, coded.packets)
    assert len(whole) == len(pictures)
    some = [packet for packet, is_kept in zip(coded.packets, kept, strict=True) if is_kept]
    assert decoded(coded, some) == {packet.pts: whole[packet.pts] for packet in some}
    check_entries(coded, [picture.entry != "none" for picture in pictures])
    for i, picture in enumerate(pictures):
        if picture.entry == "closed":
            since = coded.packets[i].pts
            assert len(decoded(coded, coded.packets[i:])) == sum(pts >= since for pts in whole)


def check_entries(coded: Coded, begins: Sequence[bool]) -> None:
    """What is shown from an entry on comes out the same without all that is in front of it; every packet gives a frame."""
    whole = decoded(coded, coded.packets)
    assert len(whole) == len(begins) == len(coded.packets)
    for i in (i for i, begin in enumerate(begins) if begin):
        since = coded.packets[i].pts
        shown = decoded(coded, coded.packets[i:])
        expected = {pts: pixels for pts, pixels in whole.items() if pts >= since}
        assert {pts: pixels for pts, pixels in shown.items() if pts >= since} == expected
