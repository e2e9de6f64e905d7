"""AV1: which frames a temporal unit holds, and which of them is shown (AV1 bitstream specification)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from framedex.decode.bitstream.picture import Untrusted

# obu_type, 6.2.2. Tile lists and reserved types are not trusted.
_SEQUENCE_HEADER, _DELIMITER, _FRAME_HEADER, _FRAME = 1, 2, 3, 6
_IGNORED = frozenset({4, 5, 7, 15})  # tiles, metadata, copies of a frame header, padding
_REDUCED_STILL = 0x08  # reduced_still_picture_header in the first byte of a sequence header, 5.5.1
_SIZE_NBYTES = 5  # leb128 of at most 2^32 - 1, 4.10.5


@dataclass(frozen=True, slots=True, kw_only=True)
class _Frame:
    """What the beginning of an uncompressed header says (5.9.2)."""

    is_key: bool
    shown: bool


class Av1Packets:
    """Every packet is a temporal unit with one frame that is shown, the last one.

    An entry is a shown key frame alone with its sequence header: it resets all that a decoder keeps (7.20, 7.21). Key frames
    that are decoded first and shown later are none, though decoding can begin at them too.
    """

    def __init__(self) -> None:
        self._sequence_header: bytes | None = None
        self._reduced_still = False

    def begins(self, packet: bytes, *, key: bool) -> bool:
        """See `KeyedStream`."""
        frames: list[_Frame] = []
        has_sequence_header = False
        for kind, start, end in _units(packet):
            if kind in (_FRAME_HEADER, _FRAME):
                if frames and frames[-1].shown:
                    raise Untrusted("it holds a picture behind the one that is shown")
                frames.append(self._read_frame(packet[start:end][:1]))
            elif kind == _SEQUENCE_HEADER:
                if frames:
                    raise Untrusted("a sequence header behind a frame")
                self._learn(packet[start:end])
                has_sequence_header = True
            elif kind == _DELIMITER:
                if frames or has_sequence_header:
                    raise Untrusted("a second temporal unit in the packet")
            elif kind not in _IGNORED:
                raise Untrusted(f"AV1 OBU type {kind}")
        if not frames or not frames[-1].shown:
            raise Untrusted("it holds a picture that is not shown")
        return key and has_sequence_header and frames[0].is_key and frames[0].shown

    def _learn(self, header: bytes) -> None:
        if self._sequence_header not in (None, header):
            raise Untrusted("a sequence header that differs from the first one")
        self._sequence_header = header
        self._reduced_still = header[:1] != b"" and header[0] & _REDUCED_STILL != 0

    def _read_frame(self, first: bytes) -> _Frame:
        if self._sequence_header is None:
            raise Untrusted("a frame without a sequence header before it")
        if self._reduced_still:
            return _Frame(is_key=True, shown=True)
        if not first:
            raise Untrusted("a frame header that is cut short")
        # show_existing_frame, frame_type of two bits (0 is a key frame), show_frame
        if first[0] & 0x80:
            return _Frame(is_key=False, shown=True)
        return _Frame(is_key=first[0] & 0x60 == 0, shown=first[0] & 0x10 != 0)


def _units(packet: bytes) -> Iterator[tuple[int, int, int]]:
    """Type, beginning and end of the payload of each unit (open_bitstream_unit, 5.3).

    Raises:
        Untrusted: the units do not fill the packet, or are of another layer than the lowest.
    """
    at, nbytes = 0, len(packet)
    while at < nbytes:
        header = packet[at]
        at += 1
        if header & 0x80:
            raise Untrusted("an AV1 unit with a broken header")
        if header & 0x04:  # obu_extension_flag
            if packet[at : at + 1] != b"\0":
                raise Untrusted("AV1 with layers")
            at += 1
        end = nbytes
        if header & 0x02:  # obu_has_size_field
            size, at = _size(packet, at)
            end = at + size
            if end > nbytes:
                raise Untrusted("AV1 units that do not fill the packet")
        yield header >> 3, at, end
        at = end


def _size(packet: bytes, at: int) -> tuple[int, int]:
    """A number in leb128 (4.10.5), and where it ends."""
    size = 0
    for i, byte in enumerate(packet[at : at + _SIZE_NBYTES]):
        size |= (byte & 0x7F) << 7 * i
        if byte < 0x80:
            return size, at + i + 1
    raise Untrusted("an AV1 unit without its size")
