"""AV1 temporal units written by hand: what is shown, and what is no entry."""

from __future__ import annotations

import pytest

from framedex.decode.bitstream import Untrusted, keyed_stream

SEQUENCE_HEADER, DELIMITER, FRAME_HEADER, TILES, METADATA, FRAME, COPY, TILE_LIST, PADDING = 1, 2, 3, 4, 5, 6, 7, 8, 15


def unit(kind: int, content: bytes = b"", *, sized: bool = True, layer: int | None = None) -> bytes:
    header = bytes([kind << 3 | (layer is not None) << 2 | sized << 1])
    return header + (b"" if layer is None else bytes([layer])) + (bytes([len(content)]) if sized else b"") + content


HEADER = unit(SEQUENCE_HEADER, b"\x00\x00\x00\x04\x3c")
KEY, HIDDEN_KEY, INTER, HIDDEN, INTRA, SWITCH, AGAIN = (
    unit(FRAME, bytes([first]) + b"abc") for first in (0x10, 0x00, 0x30, 0x20, 0x50, 0x70, 0x80)
)


def test_entry_is_a_shown_key_frame_with_its_sequence_header() -> None:
    stream = keyed_stream("av1", None)
    assert stream.begins(unit(DELIMITER) + HEADER + KEY, key=True)
    assert not stream.begins(unit(DELIMITER) + INTER, key=False)
    assert not stream.begins(HIDDEN + HIDDEN + INTER, key=False)
    assert not stream.begins(AGAIN, key=False)
    assert stream.begins(HEADER + unit(METADATA, b"\2abc") + KEY + unit(PADDING, b"\0"), key=True)
    assert not stream.begins(HEADER + KEY, key=False)


@pytest.mark.parametrize(
    "packet",
    [
        HEADER + INTER,
        KEY,
        HEADER + HIDDEN_KEY + INTER,
        HEADER + HIDDEN + KEY,
        HEADER + INTRA,
        HEADER + SWITCH,
        HEADER + AGAIN,
    ],
)
def test_no_entry_whatever_the_container_says(packet: bytes) -> None:
    stream = keyed_stream("av1", None)
    stream.begins(HEADER + KEY, key=True)
    assert not stream.begins(packet, key=True)


def test_frame_in_pieces_is_one_frame() -> None:
    stream = keyed_stream("av1", None)
    pieces = unit(FRAME_HEADER, b"\x10a") + unit(TILES, b"b") + unit(COPY, b"\x10a") + unit(TILES, b"c", sized=False)
    assert stream.begins(HEADER + pieces, key=True)


def test_still_pictures_have_no_flags() -> None:
    still = unit(SEQUENCE_HEADER, b"\x18\x00\x00\x04\x3c")
    assert keyed_stream("av1", None).begins(still + unit(FRAME, b"\x00abc"), key=True)


@pytest.mark.parametrize(
    ("packet", "reason"),
    [
        (HIDDEN, "not shown"),
        (INTER + HIDDEN, "behind the one that is shown"),
        (INTER + INTER, "behind the one that is shown"),
        (AGAIN + INTER, "behind the one that is shown"),
        (unit(DELIMITER), "not shown"),
        (b"", "not shown"),
        (INTER + unit(DELIMITER), "second temporal unit"),
        (unit(SEQUENCE_HEADER, b"\x00\x00\x00\x04\x3d") + KEY, "differs from the first"),
        (HIDDEN + HEADER + INTER, "behind a frame"),
        (unit(TILE_LIST) + INTER, "type 8$"),
        (unit(9) + INTER, "type 9$"),
        (unit(FRAME, b"\x30", layer=0x08), "layers"),
        (bytes([INTER[0] | 0x80]) + INTER[1:], "broken header"),
        (INTER[:-1], "fill the packet"),
        (INTER + b"\x12", "without its size"),
        (INTER + b"\x12\x80\x80\x80\x80\x80\x00", "without its size"),
        (unit(FRAME), "cut short"),
    ],
)
def test_what_is_not_one_shown_frame_is_untrusted(packet: bytes, reason: str) -> None:
    stream = keyed_stream("av1", None)
    stream.begins(HEADER + KEY, key=True)
    with pytest.raises(Untrusted, match=reason):
        stream.begins(packet, key=False)


def test_frame_without_a_sequence_header_is_untrusted() -> None:
    with pytest.raises(Untrusted, match="without a sequence header"):
        keyed_stream("av1", None).begins(KEY, key=True)
