"""MPEG-1 and MPEG-2 packets with a bit, a unit or a picture that is out of place."""

from __future__ import annotations

from pathlib import Path

import pytest

from framedex.decode.bitstream import KeyedStream, Untrusted, keyed_stream
from unit.decode.bitstream.coded import Coded, other


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Coded:
    folder: Path = tmp_path_factory.mktemp("mpeg2")
    return other(folder / "clip.ts", "mpeg2video", n=24, bf="2")


@pytest.fixture
def key(clip: Coded) -> bytes:
    return bytes(clip.packets[0])


@pytest.fixture
def begun(key: bytes) -> KeyedStream:
    stream = keyed_stream("mpeg2video", None)
    assert stream.begins(key, key=True)
    return stream


def picture(clip: Coded, kind: int) -> bytes:
    """The first packet of a picture_coding_type that has no sequence header."""
    packets = (bytes(packet) for packet in clip.packets)
    return next(packet for packet in packets if packet[:4] == b"\0\0\1\0" and packet[5] >> 3 & 7 == kind)


def with_extension(packet: bytes, content: bytes) -> bytes:
    """An extension behind the picture's own."""
    at = packet.index(b"\0\0\1\1")
    return packet[:at] + b"\0\0\1\xb5" + content + packet[at:]


def test_intra_picture_without_a_sequence_header_is_no_entry(begun: KeyedStream, key: bytes) -> None:
    assert not begun.begins(key[key.index(b"\0\0\1\xb8") :], key=True)
    assert not begun.begins(key, key=False)
    assert begun.begins(key, key=True)


def test_two_pictures_in_a_packet_are_untrusted(begun: KeyedStream, clip: Coded, key: bytes) -> None:
    p, b = picture(clip, 2), picture(clip, 3)
    assert not begun.begins(p, key=False)
    assert not begun.begins(b + b"\0\0\1\xb7", key=False)
    for packet in (p + b, p + key, p + b"\0\0\1\xb5\x31\x11\x11"):
        with pytest.raises(Untrusted, match="second picture in the packet, or headers behind"):
            begun.begins(packet, key=False)


@pytest.mark.parametrize("structure", [1, 2, 0])
def test_field_pictures_are_untrusted(begun: KeyedStream, clip: Coded, structure: int) -> None:
    packet = bytearray(picture(clip, 2))
    at = packet.index(b"\0\0\1\xb5") + 6
    assert packet[at] & 3 == 3
    packet[at] ^= 3 ^ structure
    with pytest.raises(Untrusted, match="field pictures"):
        begun.begins(bytes(packet), key=False)


def test_matrices_of_a_picture_are_untrusted(begun: KeyedStream, clip: Coded) -> None:
    packet = picture(clip, 2)
    assert not begun.begins(with_extension(packet, b"\x71\1\1\1\1"), key=False)  # a pan-scan window
    for content in (b"\x31\1\1\1", b"\x91\1\1\1", b"\xa1\1\1\1"):
        with pytest.raises(Untrusted, match="other headers than its own"):
            begun.begins(with_extension(packet, content), key=False)


@pytest.mark.parametrize("is_key", [True, False])
def test_sequence_headers_must_all_be_the_same(begun: KeyedStream, key: bytes, is_key: bool) -> None:
    at = key.index(b"\0\0\1\xb3") + 4
    wider = key[:at] + bytes([key[at] + 1]) + key[at + 1 :]
    at = key.index(b"\0\0\1\xb5")
    other_matrix = key[: at - 1] + bytes([key[at - 1] | 2]) + b"\x10" * 64 + key[at:]
    for packet in (wider, other_matrix):
        with pytest.raises(Untrusted, match="headers that differ"):
            begun.begins(packet, key=is_key)


def test_sequence_extension_must_be_the_same(begun: KeyedStream, key: bytes) -> None:
    start, end = key.index(b"\0\0\1\xb5"), key.index(b"\0\0\1\xb8")
    with pytest.raises(Untrusted, match="headers that differ"):
        begun.begins(key[:start] + key[end:], key=True)
    with pytest.raises(Untrusted, match="extension of a sequence"):
        begun.begins(key[:end] + b"\0\0\1\xb5\x55\1\1" + key[end:], key=True)
    with pytest.raises(Untrusted, match="MPEG-1 in MPEG-2"):
        keyed_stream("mpeg2video", None).begins(key[:start] + key[end:], key=True)


def test_user_data_is_passed_over_but_for_one_encoder(begun: KeyedStream, clip: Coded) -> None:
    packet = picture(clip, 3)
    at = packet.index(b"\0\0\1\1")
    captions = packet[:at] + b"\0\0\1\xb2GA94\3\xd4\xff" + packet[at:]
    assert not begun.begins(captions, key=False)
    assert not begun.begins(b"\0\0\1\xb8\x08\0\x40\0\0\1\xb2CC\1" + packet, key=False)
    with pytest.raises(Untrusted, match="other headers"):
        begun.begins(captions.replace(b"GA94", b"\0TMPGEXS\0"), key=False)


def test_picture_of_dc_coefficients_is_untrusted(begun: KeyedStream, clip: Coded) -> None:
    packet = bytearray(picture(clip, 2))
    packet[5] = packet[5] & 0xC7 | 4 << 3
    with pytest.raises(Untrusted, match="none of the types"):
        begun.begins(bytes(packet), key=False)


def test_b_picture_must_be_announced(clip: Coded, key: bytes) -> None:
    at = key.index(b"\0\0\1\xb5") + 9
    low_delay = key[:at] + bytes([key[at] | 0x80]) + key[at + 1 :]
    stream = keyed_stream("mpeg2video", None)
    assert stream.begins(low_delay, key=True)
    assert not stream.begins(picture(clip, 2), key=False)
    with pytest.raises(Untrusted, match="low_delay"):
        stream.begins(picture(clip, 3), key=False)


@pytest.mark.parametrize(
    "packet", [b"", b"\0\0\1\xb3abc", b"a\0\0\1\0\0\x10", b"\0\0\1\0\0", b"\0\0\1\0\0\x10\0\0\1\xb5"]
)
def test_packet_without_a_whole_picture_is_untrusted(packet: bytes) -> None:
    with pytest.raises(Untrusted):
        keyed_stream("mpeg1video", None).begins(packet, key=False)
