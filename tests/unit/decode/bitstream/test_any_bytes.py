"""Whatever the bytes, the answer is a picture or `Untrusted`."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from framedex.decode.bitstream import Picture, Untrusted, coded_stream
from unit.decode.bitstream.coded import Coded, x264, x265

codecs = st.sampled_from(["h264", "hevc"])
# Start codes, lengths and set headers more often than chance would have them.
pieces = st.sampled_from(
    [
        b"\0\0\1",
        b"\0\0\0\1",
        b"\0\0\3",
        b"\0\0\0\5",
        b"\1",
        b"\x67",
        b"\x68",
        b"\x65",
        b"\x06\x06",
        b"\x42\1",
        b"\x44\1",
    ]
)
some_bytes = st.lists(pieces | st.binary(max_size=12), max_size=12).map(b"".join)


@pytest.fixture(scope="module")
def clips(tmp_path_factory: pytest.TempPathFactory) -> list[Coded]:
    folder: Path = tmp_path_factory.mktemp("clips")
    return [
        x264(folder / "a.mp4", "open-gop=1:keyint=4:bframes=2:slices=2", n=9),
        x264(folder / "b.ts", "open-gop=1:keyint=4:bframes=2", n=9),
        x265(folder / "c.mp4", "keyint=4:bframes=2:temporal-layers=2", n=9),
        x265(folder / "d.ts", "keyint=4:bframes=2", n=9),
    ]


def read(codec: str, extradata: bytes | None, packets: list[bytes]) -> None:
    with suppress(Untrusted):
        stream = coded_stream(codec, extradata)
        for packet in packets:
            assert isinstance(stream.picture(packet), Picture)


@given(codecs, st.none() | some_bytes, st.lists(some_bytes, max_size=4))
def test_any_bytes(codec: str, extradata: bytes | None, packets: list[bytes]) -> None:
    read(codec, extradata, packets)


@settings(max_examples=300)
@given(st.data())
def test_changed_streams(clips: list[Coded], data: st.DataObject) -> None:
    clip = data.draw(st.sampled_from(clips))
    packets = [clip.extradata or b"", *(bytes(packet) for packet in clip.packets)]
    for _ in range(data.draw(st.integers(1, 3))):
        i = data.draw(st.integers(0, len(packets) - 1))
        at = data.draw(st.integers(0, min(len(packets[i]), 120)))
        cut = data.draw(st.integers(0, 4))
        packets[i] = packets[i][:at] + data.draw(some_bytes) + packets[i][at + cut :]
    read(clip.codec, packets[0], packets[1:])


@pytest.mark.parametrize("codec", ["h264", "hevc"])
@pytest.mark.parametrize(
    "packet",
    [
        b"\0" * 1_000_000,
        b"\0\0\1" * 300_000,
        b"\0\0\1\x67" + b"\x64\0\x0a" + b"\xff" * 1_000_000,
        b"\0\0\1\x42\1" + b"\xff" * 1_000_000,
        b"\0\0\1\x06" + b"\xff" * 1_000_000,
        b"\0\0\1\x06" + b"\1\0" * 300_000,
        b"\0\0\1\x65" + b"\xff" * 1_000_000,
    ],
)
def test_large_packets_of_nonsense_are_untrusted(codec: str, packet: bytes) -> None:
    with pytest.raises(Untrusted):
        coded_stream(codec, None).picture(packet)
