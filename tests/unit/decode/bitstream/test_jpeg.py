"""Motion JPEG pictures with segments taken out, put in or changed."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from framedex.decode.bitstream import Untrusted, keyed_stream
from unit.decode.bitstream.coded import other

Segment = tuple[int, bytes]


@pytest.fixture(scope="module")
def picture(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    folder: Path = tmp_path_factory.mktemp("jpeg")
    return bytes(other(folder / "clip.mov", "mjpeg", n=2, pixel_format="yuvj420p").packets[0])


def split(picture: bytes) -> tuple[list[Segment], bytes]:
    """Marker and content of the segments up to the scan's, and the rest."""
    at, segments = 2, []
    while not segments or segments[-1][0] != 0xDA:
        end = at + 2 + int.from_bytes(picture[at + 2 : at + 4], "big")
        segments.append((picture[at + 1], picture[at + 4 : end]))
        at = end
    return segments, picture[at:]


def joined(segments: list[Segment], rest: bytes) -> bytes:
    written = (bytes([0xFF, marker]) + (len(content) + 2).to_bytes(2, "big") + content for marker, content in segments)
    return b"\xff\xd8" + b"".join(written) + rest


def changed(picture: bytes, marker: int, change: Callable[[bytes], bytes]) -> bytes:
    segments, rest = split(picture)
    return joined([(m, change(content) if m == marker else content) for m, content in segments], rest)


def without(picture: bytes, marker: int) -> bytes:
    segments, rest = split(picture)
    return joined([segment for segment in segments if segment[0] != marker], rest)


def with_segment(picture: bytes, marker: int, content: bytes) -> bytes:
    segments, rest = split(picture)
    return joined([(marker, content), *segments], rest)


def test_every_picture_is_an_entry_if_the_container_says_so(picture: bytes) -> None:
    stream = keyed_stream("mjpeg", None)
    assert joined(*split(picture)) == picture
    assert stream.begins(picture, key=True)
    assert not stream.begins(picture, key=False)
    assert stream.begins(with_segment(picture, 0xE1, b"Exif\0\0\xff\xd8\xff\xd9"), key=True)  # a small picture within
    assert stream.begins(with_segment(picture, 0xDD, b"\0\4"), key=True)


def test_other_values_in_the_same_tables_are_as_good(picture: bytes) -> None:
    stream = keyed_stream("mjpeg", None)
    stream.begins(picture, key=True)
    assert stream.begins(changed(picture, 0xDB, lambda content: content[:1] + bytes([99]) + content[2:]), key=True)


@pytest.mark.parametrize("marker", [0xDB, 0xC4])
def test_picture_that_uses_tables_of_another_is_untrusted(picture: bytes, marker: int) -> None:
    stream = keyed_stream("mjpeg", None)
    stream.begins(picture, key=True)
    with pytest.raises(Untrusted, match="other tables than the first one"):
        stream.begins(without(picture, marker), key=True)


def test_no_huffman_tables_at_all_are_the_default_ones(picture: bytes) -> None:
    stream = keyed_stream("mjpeg", None)
    bare = without(picture, 0xC4)
    assert stream.begins(bare, key=True)
    assert stream.begins(bare, key=True)
    with pytest.raises(Untrusted, match="other tables than the first one"):
        stream.begins(picture, key=True)


@pytest.mark.parametrize("marker", [0xE0, 0xEE, 0xFE])
def test_segment_that_changes_how_decoders_go_on_must_be_in_all(picture: bytes, marker: int) -> None:
    stream = keyed_stream("mjpeg", None)
    stream.begins(picture, key=True)
    with pytest.raises(Untrusted, match="than the first one"):
        stream.begins(with_segment(picture, marker, b"AVI1\1abc"), key=True)


def test_other_size_is_untrusted(picture: bytes) -> None:
    stream = keyed_stream("mjpeg", None)
    stream.begins(picture, key=True)
    with pytest.raises(Untrusted, match="another frame header"):
        stream.begins(changed(picture, 0xC0, lambda content: content[:2] + b"\x40" + content[3:]), key=True)


def test_field_pair_is_untrusted(picture: bytes) -> None:
    with pytest.raises(Untrusted, match="second picture"):
        keyed_stream("mjpeg", None).begins(picture + picture, key=True)


def test_what_is_not_a_sequential_picture_of_one_scan_is_untrusted(picture: bytes) -> None:
    segments, rest = split(picture)
    for kind in (0xC2, 0xC3, 0xC9, 0xCC, 0xDC):
        progressive = joined([(kind if m == 0xC0 else m, content) for m, content in segments], rest)
        with pytest.raises(Untrusted, match=f"marker {kind:#x}"):
            keyed_stream("mjpeg", None).begins(progressive, key=True)
    for packet, reason in [
        (without(picture, 0xDB), "without its quantisation tables"),
        (without(picture, 0xC0), "several scans"),
        (changed(picture, 0xDA, lambda content: b"\1" + content[1:]), "several scans"),
        (changed(picture, 0xDB, lambda content: content[:-1]), "table that is cut short"),
        (changed(picture, 0xC4, lambda content: content + b"\0"), "table that is cut short"),
        (changed(picture, 0xC0, lambda content: content[:-1]), "header that is cut short"),
        (picture[1:], "does not begin with a JPEG"),
        (picture[:2], "without samples"),
        (picture[:30], "cut short|without samples"),
        (b"\xff\xd8abcdef", "without its marker"),
    ]:
        with pytest.raises(Untrusted, match=reason):
            keyed_stream("mjpeg", None).begins(packet, key=True)


def test_fill_bytes_may_stand_before_markers(picture: bytes) -> None:
    assert keyed_stream("mjpeg", None).begins(picture[:2] + b"\xff\xff" + picture[2:], key=True)
