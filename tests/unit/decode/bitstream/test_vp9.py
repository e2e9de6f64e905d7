"""VP9 packets written by hand: superframes, hidden frames, and sizes."""

from __future__ import annotations

import pytest

from framedex.decode.bitstream import Untrusted, keyed_stream
from unit.decode.bitstream.written import BitWriter


def head(profile: int = 0) -> BitWriter:
    bits = BitWriter().u(2, 2).u(profile % 2, 1).u(profile // 2, 1)
    return bits.u(0, 1) if profile == 3 else bits


def done(bits: BitWriter) -> bytes:
    return bits.u(0x2AAA, 14).unit(b"")


def coded(bits: BitWriter, profile: int) -> BitWriter:
    """frame_sync_code and color_config."""
    bits.u(0x498342, 24)
    if profile >= 2:
        bits.u(1, 1)
    return bits.u(1, 3).u(0, 1).u(0, 3 * (profile % 2))


def key_frame(*, shown: int = 1, width: int = 128, profile: int = 0) -> bytes:
    bits = coded(head(profile).u(0, 1).u(0, 1).u(shown, 1).u(0, 1), profile)
    return done(bits.u(width - 1, 16).u(95, 16))


def inter_frame(*, shown: int = 1, robust: int = 0, profile: int = 0, width: int | None = None) -> bytes:
    """The size is written out where there is one, and that of the second reference otherwise."""
    bits = head(profile).u(0, 1).u(1, 1).u(shown, 1).u(robust, 1)
    bits.u(0, 0 if shown else 1).u(0, 0 if robust else 2).u(0b101, 8).u(0x123, 12)
    return done(bits.u(0b01, 2) if width is None else bits.u(0, 3).u(width - 1, 16).u(95, 16))


def intra_frame(*, profile: int = 0, width: int = 128) -> bytes:
    """Hidden, as intra-only frames are unless they are robust."""
    bits = head(profile).u(0, 1).u(1, 1).u(0, 1).u(0, 1).u(1, 1).u(0, 2)
    bits = coded(bits, profile) if profile else bits.u(0x498342, 24)
    return done(bits.u(1, 8).u(width - 1, 16).u(95, 16))


EXISTING = head().u(1, 1).u(3, 3).bits
SHOWN_AGAIN = int(EXISTING, 2).to_bytes(1, "big")


def superframe(*frames: bytes, width: int = 2) -> bytes:
    marker = bytes([0xC0 | (width - 1) << 3 | len(frames) - 1])
    sizes = b"".join(len(frame).to_bytes(width, "little") for frame in frames)
    return b"".join(frames) + marker + sizes + marker


@pytest.mark.parametrize("profile", range(4))
def test_frames_of_all_profiles(profile: int) -> None:
    stream = keyed_stream("vp9", None)
    assert stream.begins(key_frame(profile=profile), key=True)
    assert not stream.begins(inter_frame(profile=profile), key=False)
    assert not stream.begins(inter_frame(profile=profile, robust=1, width=128), key=False)
    assert not stream.begins(superframe(intra_frame(profile=profile), inter_frame(profile=profile)), key=False)


@pytest.mark.parametrize("width", [1, 2, 3, 4])
def test_superframe_ends_in_the_frame_that_is_shown(width: int) -> None:
    stream = keyed_stream("vp9", None)
    assert stream.begins(superframe(key_frame(shown=0), inter_frame(), width=width), key=True)
    assert not stream.begins(
        superframe(inter_frame(shown=0), inter_frame(shown=0), inter_frame(), width=width), key=False
    )
    assert not stream.begins(superframe(inter_frame(shown=0), SHOWN_AGAIN, width=width), key=False)
    assert not stream.begins(SHOWN_AGAIN, key=False)


@pytest.mark.parametrize(
    ("packet", "reason"),
    [
        (inter_frame(shown=0), "not shown"),
        (superframe(inter_frame(shown=0), inter_frame(shown=0)), "not shown"),
        (superframe(inter_frame(), inter_frame()), "behind the one that is shown"),
        (superframe(inter_frame(), inter_frame(shown=0)), "behind the one that is shown"),
        (superframe(SHOWN_AGAIN, inter_frame()), "behind the one that is shown"),
        (superframe(inter_frame(shown=0), key_frame()), "behind other frames"),
        (inter_frame(width=64), "size"),
        (superframe(intra_frame(width=64), inter_frame()), "size"),
        (superframe(inter_frame(shown=0), inter_frame())[:-1] + b"\xca", "not shown"),
        (superframe(inter_frame(shown=0), b"", inter_frame()), "index"),
        (superframe(inter_frame(shown=0), inter_frame())[1:], "index"),
        (b"", "empty"),
        (b"\x00", "marker"),
        (b"\x84\xff", "past its data"),
        (key_frame(), "differ"),
        (intra_frame()[:2] + b"\0" + intra_frame()[3:], "sync code"),
    ],
)
def test_what_is_not_one_shown_frame_is_untrusted(packet: bytes, reason: str) -> None:
    stream = keyed_stream("vp9", None)
    stream.begins(key_frame(), key=True)
    with pytest.raises(Untrusted, match=reason):
        stream.begins(packet, key=False)


@pytest.mark.parametrize("packet", [inter_frame(), SHOWN_AGAIN, superframe(intra_frame(), inter_frame())])
def test_container_that_calls_another_frame_a_key_frame_is_untrusted(packet: bytes) -> None:
    stream = keyed_stream("vp9", None)
    stream.begins(key_frame(), key=True)
    with pytest.raises(Untrusted, match="differ on whether it is a key frame"):
        stream.begins(packet, key=True)


def test_key_frame_of_another_size_is_untrusted() -> None:
    stream = keyed_stream("vp9", None)
    stream.begins(key_frame(), key=True)
    with pytest.raises(Untrusted, match="size"):
        stream.begins(key_frame(width=256), key=True)
