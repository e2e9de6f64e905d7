"""Codecs whose references are not read: real streams pass, others are refused, whatever the bytes."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from framedex.decode.bitstream import Untrusted, keyed_stream
from unit.decode.bitstream.coded import Coded, check_entries, other

MPEG4 = {"bf": "2", "sc_threshold": "1000000000"}
ENCODES: list[tuple[str, str, dict[str, str]]] = [
    ("vp8.webm", "libvpx", {"deadline": "realtime"}),
    ("vp8.mkv", "libvpx", {"deadline": "realtime", "error-resilient": "1"}),
    ("vp9.webm", "libvpx-vp9", {"deadline": "realtime"}),
    ("vp9.mp4", "libvpx-vp9", {"deadline": "good", "cpu-used": "8", "auto-alt-ref": "1", "lag-in-frames": "12"}),
    ("av1.mp4", "libsvtav1", {"preset": "12", "svtav1-params": "irefresh-type=2:lp=1"}),
    ("av1.mkv", "libsvtav1", {"preset": "12", "svtav1-params": "irefresh-type=2:lp=1:film-grain=10"}),
    ("mpeg4.mp4", "mpeg4", MPEG4),
    ("mpeg4.mkv", "mpeg4", MPEG4),
    ("mpeg4.ts", "mpeg4", MPEG4),
    ("mpeg2.ts", "mpeg2video", {"bf": "2"}),
    ("mpeg2.mkv", "mpeg2video", {"bf": "2"}),
    ("mpeg2.mp4", "mpeg2video", {"bf": "0"}),
    ("interlaced.ts", "mpeg2video", {"bf": "2", "flags": "+ildct+ilme"}),
    ("mpeg1.ts", "mpeg1video", {"bf": "2"}),
    ("mpeg1.mkv", "mpeg1video", {"bf": "2"}),
]
INTRA: list[tuple[str, str, str, dict[str, str]]] = [
    ("mjpeg.mov", "mjpeg", "yuvj420p", {}),
    ("mjpeg.mkv", "mjpeg", "yuvj422p", {"huffman": "default"}),
    ("prores.mov", "prores_ks", "yuv422p10le", {}),
    ("prores4444.mkv", "prores_ks", "yuva444p10le", {}),
    ("dnxhr.mov", "dnxhd", "yuv422p", {"profile": "dnxhr_lb"}),
]
CODECS = ["vp8", "vp9", "av1", "mpeg4", "mpeg1video", "mpeg2video", "mjpeg", "prores", "dnxhd"]


@pytest.mark.parametrize(("name", "codec", "options"), ENCODES)
def test_entries_are_the_key_frames(tmp_path: Path, name: str, codec: str, options: dict[str, str]) -> None:
    coded = other(tmp_path / name, codec, **options)
    begins = coded.begins()
    assert begins == [packet.is_keyframe for packet in coded.packets]
    assert 2 <= sum(begins) <= 6
    check_entries(coded, begins)


@pytest.mark.parametrize(("name", "codec", "pixels", "options"), INTRA)
def test_every_picture_of_an_intra_codec_is_an_entry(
    tmp_path: Path, name: str, codec: str, pixels: str, options: dict[str, str]
) -> None:
    coded = other(tmp_path / name, codec, n=4, pixel_format=pixels, **options)
    assert coded.begins() == [True] * 4
    check_entries(coded, [True] * 4)


@pytest.mark.parametrize(("name", "codec", "options"), [e for e in ENCODES if e[1] != "libsvtav1"])
def test_other_pictures_called_key_frames_are_untrusted(
    tmp_path: Path, name: str, codec: str, options: dict[str, str]
) -> None:
    coded = other(tmp_path / name, codec, n=11, **options)
    coded.packets[1].is_keyframe = True
    with pytest.raises(Untrusted, match="differ on whether it is a key frame"):
        coded.begins()


def test_codecs_whose_decoders_keep_more_have_no_checks() -> None:
    for codec in ("ffv1", "h264", "theora"):
        with pytest.raises(Untrusted, match=f"no checks for the packets of {codec}"):
            keyed_stream(codec, None)


pieces = st.sampled_from(
    [
        *(b"\0\0\1" + bytes([code]) for code in (0, 1, 0x20, 0xB0, 0xB2, 0xB3, 0xB5, 0xB6, 0xB8)),
        *(b"\xff" + bytes([marker]) for marker in (0xC0, 0xC4, 0xD8, 0xD9, 0xDA, 0xDB, 0xE0, 0xFE)),
        *(b"\x12\0", b"\x0a\x0b", b"\x32", b"\x82\x49\x83\x42", b"\xc9", b"icpf", b"\0\0\2\x80\1", b"\x9d\x01\x2a"),
        bytes(8),
        b"\0\4",
    ]
)
some_bytes = st.lists(pieces | st.binary(max_size=12), max_size=12).map(b"".join)


def read(codec: str, extradata: bytes | None, packets: list[tuple[bytes, bool]]) -> None:
    with suppress(Untrusted):
        stream = keyed_stream(codec, extradata)
        for packet, key in packets:
            assert isinstance(stream.begins(packet, key=key), bool)


@settings(max_examples=300)
@given(st.sampled_from(CODECS), st.none() | some_bytes, st.lists(st.tuples(some_bytes, st.booleans()), max_size=3))
def test_any_bytes(codec: str, extradata: bytes | None, packets: list[tuple[bytes, bool]]) -> None:
    read(codec, extradata, packets)


@pytest.fixture(scope="module")
def clips(tmp_path_factory: pytest.TempPathFactory) -> list[Coded]:
    folder = tmp_path_factory.mktemp("clips")
    some = [other(folder / name, codec, n=11, **options) for name, codec, options in ENCODES if codec != "libsvtav1"]
    return some + [other(folder / name, codec, n=3, pixel_format=pixels, **o) for name, codec, pixels, o in INTRA]


@settings(max_examples=300)
@given(st.data())
def test_changed_streams(clips: list[Coded], data: st.DataObject) -> None:
    clip = data.draw(st.sampled_from(clips))
    packets = [(clip.extradata or b"", False), *((bytes(packet), packet.is_keyframe) for packet in clip.packets)]
    for _ in range(data.draw(st.integers(1, 3))):
        i = data.draw(st.integers(0, len(packets) - 1))
        packet, key = packets[i]
        at = data.draw(st.integers(0, min(len(packet), 120)))
        cut = data.draw(st.integers(0, 4))
        packets[i] = (packet[:at] + data.draw(some_bytes) + packet[at + cut :], key)
    read(clip.codec, packets[0][0], packets[1:])


@pytest.mark.parametrize("codec", CODECS)
@pytest.mark.parametrize(
    "packet",
    [b"", bytes(1_000_000), b"\0\0\1" * 300_000, b"\xff" * 1_000_000, b"\x12\0" * 500_000, b"\x2a\0" * 500_000],
)
def test_large_packets_of_nonsense_are_untrusted(codec: str, packet: bytes) -> None:
    with pytest.raises(Untrusted):
        keyed_stream(codec, None).begins(packet, key=True)
