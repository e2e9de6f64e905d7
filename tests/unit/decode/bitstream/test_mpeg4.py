"""MPEG-4 planes and layers written by hand, and real ones that are changed."""

from __future__ import annotations

from pathlib import Path

import pytest

from framedex.decode.bitstream import Untrusted, keyed_stream
from unit.decode.bitstream.coded import other
from unit.decode.bitstream.written import BitWriter

GROUP, USER_DATA = b"\0\0\1\xb3\0\x10\7", b"\0\0\1\xb2XviD0073"


def layer(
    *,
    version: int | None = None,
    control: int = 1,
    low_delay: int = 0,
    buffer: int = 0,
    shape: int = 0,
    resolution: int = 25,
    fixed: int = 0,
    interlaced: int = 0,
    sprite: int = 0,
    width: int = 128,
) -> bytes:
    bits = BitWriter().u(0, 1).u(1, 8).u(int(version is not None), 1)
    if version is not None:
        bits.u(version, 4).u(1, 3)
    bits.u(1, 4).u(control, 1)
    if control:
        bits.u(1, 2).u(low_delay, 1).u(buffer, 1)
        bits.bits += "1" * 79 * buffer
    bits.u(shape, 2).u(1, 1).u(resolution, 16).u(1, 1).u(fixed, 1)
    bits.u(1, fixed * max(1, (resolution - 1).bit_length()))
    bits.u(1, 1).u(width, 13).u(1, 1).u(96, 13).u(1, 1).u(interlaced, 1).u(1, 1)
    bits.u(sprite, 1 if version in (None, 1) else 2)
    return b"\0\0\1\0\0\0\1\x20" + bits.u(0, 1).u(0x155, 9).unit(b"")


def plane(kind: str, *, seconds: int = 0, coded: int = 1, time_bits: int = 5, marker: int = 1) -> bytes:
    bits = BitWriter().u("IPBS".index(kind), 2)
    bits.bits += "1" * seconds + "0"
    return b"\0\0\1\xb6" + bits.u(marker, 1).u(1, time_bits).u(marker, 1).u(coded, 1).u(0x3AAAA, 18).unit(b"")


def test_entries_are_intra_planes_that_the_container_calls_key_frames() -> None:
    stream = keyed_stream("mpeg4", layer())
    assert stream.begins(plane("I"), key=True)
    assert not stream.begins(plane("P", seconds=3), key=False)
    assert not stream.begins(plane("B"), key=False)
    assert not stream.begins(plane("I"), key=False)
    assert stream.begins(GROUP + plane("I"), key=True)
    assert not stream.begins(plane("P") + b"\0\0\1\xb1", key=False)


@pytest.mark.parametrize(
    ("packet", "reason"),
    [
        (plane("P", coded=0), "not coded"),
        (plane("P") + plane("B"), "second plane"),
        (plane("P") + layer(), "headers behind"),
        (plane("S"), "sprites"),
        (plane("P", marker=0), "does not go with its layer"),
        (plane("P", seconds=500), "past its data"),
        (layer(width=64) + plane("P"), "differs from the first"),
        (USER_DATA + plane("P"), "headers that differ"),
        (b"\0\0\1\xb4" + plane("P"), "type 180"),
        (b"a" + plane("P"), "does not begin with headers"),
        (b"", "without a picture"),
        (layer(), "without a picture"),
    ],
)
def test_what_is_not_one_coded_plane_is_untrusted(packet: bytes, reason: str) -> None:
    stream = keyed_stream("mpeg4", layer())
    stream.begins(plane("I"), key=True)
    with pytest.raises(Untrusted, match=reason):
        stream.begins(packet, key=False)


@pytest.mark.parametrize("kind", ["P", "B"])
def test_other_plane_called_a_key_frame_is_untrusted(kind: str) -> None:
    stream = keyed_stream("mpeg4", layer())
    stream.begins(plane("I"), key=True)
    with pytest.raises(Untrusted, match="differ on whether it is a key frame"):
        stream.begins(plane(kind), key=True)


@pytest.mark.parametrize(
    ("fields", "time_bits"),
    [
        ({"version": 1}, 5),
        ({"version": 2}, 5),
        ({"buffer": 1}, 5),
        ({"resolution": 1}, 1),
        ({"resolution": 2}, 1),
        ({"resolution": 30000, "fixed": 1}, 15),
        ({"resolution": 32}, 5),
        ({"resolution": 33}, 6),
        ({"resolution": 65535}, 16),
    ],
)
def test_time_has_the_bits_that_the_layer_says(fields: dict[str, int], time_bits: int) -> None:
    stream = keyed_stream("mpeg4", layer(**fields))
    assert stream.begins(plane("I", time_bits=time_bits), key=True)
    with pytest.raises(Untrusted, match="not coded"):
        stream.begins(plane("P", time_bits=time_bits, coded=0), key=False)


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"shape": 1}, "shapes"),
        ({"shape": 3}, "shapes"),
        ({"sprite": 1}, "sprites"),
        ({"version": 2, "sprite": 1}, "sprites"),
        ({"version": 2, "sprite": 2}, "sprites"),
        ({"resolution": 0}, "no time"),
    ],
)
def test_layer_of_another_kind_is_untrusted(fields: dict[str, int], reason: str) -> None:
    with pytest.raises(Untrusted, match=reason):
        keyed_stream("mpeg4", layer(**fields))


@pytest.mark.parametrize("fields", [{"control": 0}, {"low_delay": 1}, {"interlaced": 1}])
def test_b_planes_must_be_announced(fields: dict[str, int]) -> None:
    stream = keyed_stream("mpeg4", layer(**fields))
    assert stream.begins(plane("I"), key=True)
    assert not stream.begins(plane("P"), key=False)
    with pytest.raises(Untrusted, match="B plane"):
        stream.begins(plane("B"), key=False)


def test_headers_in_the_packets_must_be_at_every_entry() -> None:
    entry = layer() + USER_DATA + GROUP + plane("I")
    stream = keyed_stream("mpeg4", None)
    assert stream.begins(entry, key=True)
    assert not stream.begins(USER_DATA + plane("P"), key=False)
    assert stream.begins(entry, key=True)
    for packet in (plane("I"), layer() + plane("I"), layer() + b"\0\0\1\xb2XviD0046" + plane("I")):
        with pytest.raises(Untrusted, match="headers that differ"):
            stream.begins(packet, key=True)


def test_headers_that_the_decoder_has_already_may_be_left_out() -> None:
    stream = keyed_stream("mpeg4", layer() + USER_DATA)
    assert stream.begins(layer() + USER_DATA + plane("I"), key=True)
    assert stream.begins(plane("I"), key=True)
    assert stream.begins(USER_DATA + plane("I"), key=True)


def test_plane_without_a_layer_is_untrusted() -> None:
    with pytest.raises(Untrusted, match="without a layer"):
        keyed_stream("mpeg4", None).begins(plane("I"), key=True)


def test_stream_with_another_layer_behind_is_untrusted(tmp_path: Path) -> None:
    first = other(tmp_path / "a.ts", "mpeg4", n=12)
    assert sum(first.begins()) == 1
    again = other(tmp_path / "b.ts", "mpeg4", n=12, flags="+qpel")
    first.packets.extend(again.packets)
    with pytest.raises(Untrusted, match="differs from the first"):
        first.begins()
