"""Files that are damaged but not cut: whatever is missing is counted or refused, never passed over."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import av
import pytest

from clips import draw_number, encode, read_number
from framedex.contracts import FrameBatch, Timing
from framedex.decode import DecodeSummary, FpsGrid, identify, open_video
from framedex.errors import DecodeFailed, TimestampsUnordered, VideoError

PAL = Fraction(1, 25)
TICK = Fraction(1, 90_000)
PACKET = 188


def decode(path: Path, *, timing: Timing = "container") -> tuple[list[FrameBatch], DecodeSummary]:
    with open_video(identify(path, folder_fps=None), threads=1) as reader:
        return list(reader.frames(FpsGrid(fps=Fraction(25)), timing=timing)), reader.summary


def transport(path: Path, **options: str) -> bytes:
    """A transport stream of fifty frames, a few packets each."""
    stamps = [180_000 + 3600 * i for i in range(50)]
    encode(
        path,
        stamps,
        TICK,
        draw=lambda number: draw_number(number, width=512, height=384),
        gop=25,
        codec_options=options,
    )
    return path.read_bytes()


def lose_every(data: bytes, step: int, *, start: int) -> bytes:
    """The stream without every `step`th packet from `start` on."""
    packets = [data[i : i + PACKET] for i in range(0, len(data), PACKET)]
    return b"".join(packet for i, packet in enumerate(packets) if i < start or i % step)


def test_a_damaged_picture_is_counted(tmp_path: Path) -> None:
    """Half of one slice is noise: the decoder conceals it, and says so."""
    path = tmp_path / "noise.mp4"
    encode(path, range(50), PAL)
    with av.open(str(path)) as container:
        places = [(packet.pos or 0, packet.size) for packet in container.demux(video=0) if packet.size]
    data = bytearray(path.read_bytes())
    start, size = places[20]
    for i in range(start + size // 2, start + size):
        data[i] ^= 0x5A
    path.write_bytes(data)
    _, summary = decode(path)
    assert (summary.decoded_frames, summary.damaged_frames) == (50, 1)


def test_a_lost_transport_packet_is_never_silent(tmp_path: Path) -> None:
    """Whichever piece of the stream is lost: the frames are all there and right, or the damage is counted or refused."""
    path = tmp_path / "lost.ts"
    encode(path, [180_000 + 3600 * i for i in range(50)], TICK)
    data = path.read_bytes()
    outcomes = set()
    for lost in range(10, len(data) // PACKET - 5, 3):
        path.write_bytes(data[: PACKET * lost] + data[PACKET * (lost + 1) :])
        try:
            batches, summary = decode(path)
        except VideoError:
            outcomes.add("refused")
            continue
        if summary.damaged_frames:
            outcomes.add("counted")
        else:
            outcomes.add("harmless")
            assert [read_number(picture) for batch in batches for picture in batch.frames] == list(range(50))
    assert {"counted", "harmless"} <= outcomes


def test_times_are_not_rebuilt_where_frames_are_lost(tmp_path: Path) -> None:
    """Counting frames gives wrong times when some of them are missing, so a video out of order and with losses is refused."""
    data = transport(tmp_path / "whole.ts")
    path = tmp_path / "lost.ts"
    refused = 0
    for step in range(5, 25, 5):
        path.write_bytes(lose_every(data, step, start=8))
        try:
            decode(path)
        except TimestampsUnordered:
            with pytest.raises(DecodeFailed, match=r"lost.ts: .*with \d+ incomplete packets they cannot be rebuilt"):
                decode(path, timing="reconstructed")
            refused += 1
    assert refused


def test_more_lost_than_decoded_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "lost.ts"
    path.write_bytes(lose_every(transport(path, bf="0"), 2, start=8))
    with pytest.raises(DecodeFailed, match=r"lost.ts: \d+ frames are damaged or lost, only \d+ could be decoded"):
        decode(path)
