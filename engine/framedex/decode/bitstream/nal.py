"""NAL units of a packet: where they are, in the two forms that containers use."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from framedex.decode.bitstream.picture import Untrusted

#: Where a unit begins and ends within the packet: spans, so that payloads are not copied.
Span: TypeAlias = tuple[int, int]

_START_CODE = b"\0\0\1"


@dataclass(frozen=True, slots=True, kw_only=True)
class Framing:
    """How units are told apart.

    Attributes:
        length_nbytes: bytes of the length in front of each unit (ISO/IEC 14496-15); 0 for start codes (ITU-T H.264 and H.265,
            Annex B).
    """

    length_nbytes: int

    def spans(self, packet: bytes) -> list[Span]:
        """The units of a packet; between start codes, a unit may have zero bytes behind it that are not its own.

        Raises:
            Untrusted: the units do not fill the packet, or one is empty.
        """
        return _behind_lengths(packet, self.length_nbytes) if self.length_nbytes else _between_start_codes(packet)


def avc_configuration(extradata: bytes) -> tuple[Framing, list[bytes]]:
    """Framing and parameter sets of H.264 extradata: an avcC record (ISO/IEC 14496-15 5.3.3.1) or Annex B.

    Raises:
        Untrusted: neither, or cut short.
    """
    if extradata[:1] != b"\1":
        return _annex_b(extradata)
    record = _Record(extradata)
    record.skip(4)  # version, profile, compatibility, level
    framing = _behind(record.number(1))
    units = [record.unit() for _ in range(record.number(1) & 31)]
    units += [record.unit() for _ in range(record.number(1))]
    return framing, units  # sample format fields may follow, which repeat what the parameter sets say


def hevc_configuration(extradata: bytes) -> tuple[Framing, list[bytes]]:
    """Framing and parameter sets of HEVC extradata: an hvcC record (ISO/IEC 14496-15 8.3.3.1) or Annex B.

    Raises:
        Untrusted: neither, or cut short.
    """
    if extradata[:1] != b"\1":
        return _annex_b(extradata)
    record = _Record(extradata)
    record.skip(21)  # version, profile and format fields
    framing = _behind(record.number(1))
    units: list[bytes] = []
    for _ in range(record.number(1)):
        record.skip(1)  # the type that the array's units have, which they say themselves
        units += [record.unit() for _ in range(record.number(2))]
    return framing, units


class _Record:
    """Reads a configuration record from its beginning."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    def skip(self, nbytes: int) -> bytes:
        taken = self._data[self._at : self._at + nbytes]
        if len(taken) < nbytes:
            raise Untrusted("the codec configuration is cut short")
        self._at += nbytes
        return taken

    def number(self, nbytes: int) -> int:
        return int.from_bytes(self.skip(nbytes), "big")

    def unit(self) -> bytes:
        unit = self.skip(self.number(2))
        if not unit:
            raise Untrusted("an empty NAL unit")
        return unit


def _annex_b(extradata: bytes) -> tuple[Framing, list[bytes]]:
    framing = Framing(length_nbytes=0)
    return framing, [extradata[start:end] for start, end in framing.spans(extradata)] if extradata else []


def _behind(length_field: int) -> Framing:
    length_nbytes = (length_field & 3) + 1
    if length_nbytes == 3:
        raise Untrusted("NAL unit lengths of 3 bytes")
    return Framing(length_nbytes=length_nbytes)


def _behind_lengths(packet: bytes, length_nbytes: int) -> list[Span]:
    spans = []
    at, nbytes = 0, len(packet)
    while at < nbytes:
        start = at + length_nbytes
        at = start + int.from_bytes(packet[at:start], "big")
        if not start < at <= nbytes:
            raise Untrusted("NAL unit lengths that do not fill the packet")
        spans.append((start, at))
    return spans


def _between_start_codes(packet: bytes) -> list[Span]:
    code = packet.find(_START_CODE)
    if code < 0 or packet.count(0, 0, code) < code:
        raise Untrusted("a packet that does not begin with a start code")
    spans = []
    while code >= 0:
        start = code + 3
        code = packet.find(_START_CODE, start)
        end = len(packet) if code < 0 else code
        if start == end:
            raise Untrusted("an empty NAL unit")
        spans.append((start, end))
    return spans
