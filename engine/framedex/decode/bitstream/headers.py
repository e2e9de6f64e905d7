"""MPEG-1, MPEG-2 and MPEG-4 headers: the units in front of a picture, and that a jump does not miss any."""

from __future__ import annotations

import re
from collections.abc import Iterable

from framedex.decode.bitstream.picture import Untrusted

_START_CODE = b"\0\0\1"
_CODES = re.compile(rb"(?s)\x00\x00\x01(?=(.))")
_MOST = 32  # units in front of a picture; real ones have about six


def units_before(packet: bytes, picture_code: bytes) -> tuple[list[bytes], int]:
    """The units in front of a packet's first picture, and where that picture's header begins.

    Args:
        packet: a packet; what it begins with may only be zero bytes and start codes.
        picture_code: a picture's start code of four bytes; no unit has it within (ITU-T H.262 5.2.3, ISO/IEC 14496-2 6.2.1).

    Returns:
        The units, without `00 00 01` in front and without zero bytes behind, and an index into the packet.

    Raises:
        Untrusted: there is no picture, or something else is in front of it.
    """
    at = packet.find(picture_code)
    if at < 0:
        raise Untrusted("a packet without a picture")
    if not at:
        return [], len(picture_code)
    return split_units(packet[:at]), at + len(picture_code)


def split_units(data: bytes) -> list[bytes]:
    """Units between start codes, without those and without zero bytes behind.

    Raises:
        Untrusted: something is in front of the first start code, a unit is empty, or there are over 32.
    """
    filling, *units = data.split(_START_CODE, _MOST + 1)
    if filling.strip(b"\0") or len(units) > _MOST:
        raise Untrusted("a packet that does not begin with headers")
    stripped = [unit[:1] + unit[1:].rstrip(b"\0") for unit in units]
    if not all(stripped):
        raise Untrusted("an empty unit")
    return stripped


def start_codes(packet: bytes, at: int) -> set[bytes]:
    """The last bytes of all start codes from an index on: what kinds of units there are."""
    return set(_CODES.findall(packet, at))


class EntryHeaders:
    """Checks that whoever jumps to an entry finds the headers there that a walk to it would have found.

    Args:
        known: units that a decoder is given before any packet.
    """

    def __init__(self, known: Iterable[bytes] = ()) -> None:
        self._known = frozenset(known)
        self._first: frozenset[bytes] | None = None

    def check(self, units: list[bytes], *, entry: bool) -> None:
        """The headers in a packet.

        Raises:
            Untrusted: those of an entry are not those of the first entry, or another packet has headers that entries lack.
        """
        found = frozenset(units)
        if entry:
            if self._first is None:
                self._first = found
            same = found - self._known == self._first - self._known
        else:
            same = found <= (self._first or frozenset())
        if not same:
            raise Untrusted("headers that differ from those before")
