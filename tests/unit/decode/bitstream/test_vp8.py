"""VP8 frames: what a changed header says, bit by bit."""

from __future__ import annotations

from pathlib import Path

import pytest

from framedex.decode.bitstream import Untrusted, keyed_stream
from framedex.decode.bitstream.vp8 import _even_flags
from unit.decode.bitstream.coded import other


@pytest.fixture(scope="module")
def frames(tmp_path_factory: pytest.TempPathFactory) -> tuple[bytes, bytes]:
    """A key frame and the frame behind it."""
    folder: Path = tmp_path_factory.mktemp("vp8")
    key, inter = other(folder / "clip.webm", "libvpx", n=2, deadline="realtime").packets
    return bytes(key), bytes(inter)


def test_frame_that_is_not_shown_is_untrusted(frames: tuple[bytes, bytes]) -> None:
    key, inter = frames
    stream = keyed_stream("vp8", None)
    assert stream.begins(key, key=True)
    assert not stream.begins(inter, key=False)
    with pytest.raises(Untrusted, match="not shown"):
        stream.begins(bytes([inter[0] & ~0x10]) + inter[1:], key=False)


@pytest.mark.parametrize("index", [0, 1])
def test_container_must_agree(frames: tuple[bytes, bytes], index: int) -> None:
    with pytest.raises(Untrusted, match="differ on whether it is a key frame"):
        keyed_stream("vp8", None).begins(frames[index], key=index == 1)


def test_other_size_is_untrusted(frames: tuple[bytes, bytes]) -> None:
    key, _ = frames
    stream = keyed_stream("vp8", None)
    stream.begins(key, key=True)
    with pytest.raises(Untrusted, match="size"):
        stream.begins(key[:6] + b"\x40\0" + key[8:], key=True)


@pytest.mark.parametrize(
    "packet", [b"", b"\x10\0\0", b"\x10\0\0\x9d\x01\x2b" + bytes(20), b"\x10\0\0\x9d\x01\x2a\x80\0\x60\0"]
)
def test_broken_key_frame_is_untrusted(packet: bytes) -> None:
    with pytest.raises(Untrusted):
        keyed_stream("vp8", None).begins(packet, key=True)


@pytest.mark.parametrize(
    ("first", "flags"),
    [
        # Halves of 255 are 128 and 127, which is doubled: after a 0 the span is 128, with 64 as its lower part.
        (0x00, [False, False, False, False]),
        (0x80, [True, False, False, False]),
        (0x40, [False, True, False, False]),
        (0x20, [False, False, True, False]),
        (0x10, [False, False, False, True]),
        (0xFE, [True, True, True, True]),
    ],
)
def test_flags_of_even_odds(first: int, flags: list[bool]) -> None:
    assert _even_flags(first << 24) == flags


def test_key_frame_that_keeps_segments_is_untrusted() -> None:
    head = b"\x10\0\0\x9d\x01\x2a\x80\0\x60\0"
    assert keyed_stream("vp8", None).begins(head + b"\x10\0\0\0", key=True)
    assert keyed_stream("vp8", None).begins(head + b"\x30\0\0\0", key=True)
    with pytest.raises(Untrusted, match="keeps the segments"):
        keyed_stream("vp8", None).begins(head + b"\x20\0\0\0", key=True)
