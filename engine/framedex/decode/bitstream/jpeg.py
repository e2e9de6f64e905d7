"""Motion JPEG: the segments in front of a picture's samples (ITU-T T.81)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from framedex.decode.bitstream.picture import Untrusted

# Second bytes of markers, ITU-T T.81 table B.1. Frames are sequential and Huffman-coded, since others have tables between
# their scans; restart intervals hold for one picture only in FFmpeg.
_BEGINNING = b"\xff\xd8"
_ANOTHER = re.compile(_BEGINNING)  # much quicker than bytes.find
_FRAMES = frozenset({0xC0, 0xC1})
_HUFFMAN, _SCAN, _QUANTISATION, _RESTART = 0xC4, 0xDA, 0xDB, 0xDD
_APPLICATION = range(0xE0, 0xF0)
_COMMENT = 0xFE
# Application data upon which FFmpeg reads samples or colours otherwise (AVI1, Adobe), and comments that do the same.
_STICKY = frozenset({0xE0, 0xEE, _COMMENT})


@dataclass(frozen=True, slots=True, kw_only=True)
class _Headers:
    """What must be the same in all pictures, so that nothing is left over from one of them in another.

    Attributes:
        frame: the frame header: size, components, sampling, and the quantisation table of each.
        quantisation: numbers of the quantisation tables that are given.
        huffman: classes and numbers of the Huffman tables that are given; decoders have default ones.
        sticky: segments upon which decoders change their ways.
    """

    frame: bytes
    quantisation: frozenset[int]
    huffman: frozenset[int]
    sticky: frozenset[tuple[int, bytes]]


class JpegPackets:
    """Every packet is one picture with its own tables, and so an entry."""

    def __init__(self) -> None:
        self._first: _Headers | None = None

    def begins(self, packet: bytes, *, key: bool) -> bool:
        """See `KeyedStream`."""
        headers, at = _read_headers(packet)
        if self._first is None:
            components = headers.frame[6:]
            if not headers.quantisation.issuperset(components[2::3]):
                raise Untrusted("a picture without its quantisation tables")
            self._first = headers
        elif headers != self._first:
            raise Untrusted("a picture with another frame header or other tables than the first one")
        if _ANOTHER.search(packet, at):
            raise Untrusted("a second picture in the packet")
        return key


def _read_headers(packet: bytes) -> tuple[_Headers, int]:
    """The headers, and where the samples begin (ITU-T T.81 B.2.1)."""
    frame: bytes | None = None
    quantisation: set[int] = set()
    huffman: set[int] = set()
    sticky: set[tuple[int, bytes]] = set()
    if packet[:2] != _BEGINNING:
        raise Untrusted("a packet that does not begin with a JPEG picture")
    for marker, start, end in _segments(packet):
        if marker == _QUANTISATION:
            quantisation.update(_quantisation_tables(packet[start:end]))
        elif marker == _HUFFMAN:
            huffman.update(_huffman_tables(packet[start:end]))
        elif marker in _FRAMES and frame is None:
            frame = packet[start:end]
            if len(frame) < 6 or len(frame) != 6 + 3 * frame[5]:
                raise Untrusted("a JPEG frame header that is cut short")
        elif marker == _SCAN:
            if frame is None or packet[start] != frame[5]:
                raise Untrusted("JPEG pictures of several scans")
            headers = _Headers(
                frame=frame,
                quantisation=frozenset(quantisation),
                huffman=frozenset(huffman),
                sticky=frozenset(sticky),
            )
            return headers, end
        elif marker in _STICKY:
            sticky.add((marker, packet[start:end]))
        elif marker not in _APPLICATION and marker != _RESTART:
            raise Untrusted(f"JPEG marker {marker:#x}")
    raise Untrusted("a JPEG picture without samples")


def _segments(packet: bytes) -> Iterator[tuple[int, int, int]]:
    """Marker, beginning and end of the content of each segment (ITU-T T.81 B.1.1.4), until the packet or the demand ends."""
    at = 2
    while at + 4 < len(packet):
        if packet[at] != 0xFF:
            raise Untrusted("a JPEG segment without its marker")
        if packet[at + 1] == 0xFF:
            at += 1  # a fill byte
            continue
        start = at + 4
        end = at + 2 + int.from_bytes(packet[at + 2 : start], "big")
        if not start < end <= len(packet):
            raise Untrusted("a JPEG segment that is cut short")
        yield packet[at + 1], start, end
        at = end


def _quantisation_tables(content: bytes) -> Iterator[int]:
    """Numbers of the tables (ITU-T T.81 B.2.4.1): 64 elements of one byte, or of two where the upper four bits say so."""
    at = 0
    while at < len(content):
        yield content[at] & 15
        at += 129 if content[at] & 0xF0 else 65
    if at != len(content):
        raise Untrusted("a JPEG table that is cut short")


def _huffman_tables(content: bytes) -> Iterator[int]:
    """Classes and numbers of the tables (ITU-T T.81 B.2.4.2): 16 counts, and as many values as they add up to."""
    at = 0
    while at < len(content):
        yield content[at]
        at += 17 + sum(content[at + 1 : at + 17])
    if at != len(content):
        raise Untrusted("a JPEG table that is cut short")
