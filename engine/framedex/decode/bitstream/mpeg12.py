"""MPEG-1 and MPEG-2 video: the headers of a picture (ISO/IEC 11172-2, ITU-T H.262)."""

from __future__ import annotations

from framedex.decode.bitstream.headers import EntryHeaders, split_units, start_codes, units_before
from framedex.decode.bitstream.picture import Untrusted

# Start codes, ITU-T H.262 table 6-1; slices have 0x01 to 0xAF.
_PICTURE_CODE = b"\0\0\1\0"
_PICTURE, _USER_DATA, _SEQUENCE_HEADER, _EXTENSION, _GROUP = 0x00, 0xB2, 0xB3, 0xB5, 0xB8
_LAST_SLICE = 0xAF
_NOT_AFTER_SLICES = {bytes([code]) for code in (_PICTURE, _SEQUENCE_HEADER, _EXTENSION)}

# extension_start_code_identifier, ITU-T H.262 table 6-2. Quantisation matrices of a picture hold for later ones too, and
# scalable streams refer to other layers: they are not trusted.
_SEQUENCE_EXTENSION, _SEQUENCE_DISPLAY, _PICTURE_CODING = 1, 2, 8
_OF_SEQUENCE = frozenset({_SEQUENCE_EXTENSION, _SEQUENCE_DISPLAY})
_OF_PICTURE = frozenset({4, 7, _PICTURE_CODING})  # with copyright and pan-scan window

_I, _P, _B = 1, 2, 3  # picture_coding_type, ITU-T H.262 table 6-12
_FRAME_PICTURE = 3  # picture_structure
_ODD_ENCODER = b"TMPGEXS"  # user data upon which FFmpeg reads all that follows otherwise


class Mpeg12Packets:
    """Every packet is one frame picture; an entry is an I picture behind a sequence header, the same at all of them."""

    def __init__(self) -> None:
        self._headers = EntryHeaders()
        self._extended = False  # MPEG-2
        self._low_delay = False

    def begins(self, packet: bytes, *, key: bool) -> bool:
        """See `KeyedStream`."""
        units, at = units_before(packet, _PICTURE_CODE)
        sequence_units = [unit for unit in units if _is_of_sequence(unit)]
        kind = packet[at + 1] >> 3 & 7 if at + 1 < len(packet) else 0  # behind temporal_reference
        if kind not in (_I, _P, _B):
            raise Untrusted("a picture of none of the types I, P and B")
        if key and kind != _I:
            raise Untrusted("the container and the packet differ on whether it is a key frame")
        entry = key and any(unit[0] == _SEQUENCE_HEADER for unit in sequence_units)
        self._headers.check(sequence_units, entry=entry)
        for unit in sequence_units:
            if unit[0] == _EXTENSION and unit[1] >> 4 == _SEQUENCE_EXTENSION:
                self._extended = True
                self._low_delay = len(unit) > 6 and unit[6] >= 0x80
        if kind == _B and self._low_delay:
            raise Untrusted("a B picture where low_delay says that there are none")
        self._check_picture(packet, at)
        return entry

    def _check_picture(self, packet: bytes, at: int) -> None:
        """Check the extensions of the picture, and that none follows it."""
        slices = _first_slice(packet, at)
        extended = False
        for unit in split_units(_PICTURE_CODE + packet[at:slices])[1:]:
            if unit[0] == _EXTENSION and len(unit) > 3 and unit[1] >> 4 in _OF_PICTURE:
                if unit[1] >> 4 == _PICTURE_CODING:
                    extended = True
                    if unit[3] & 3 != _FRAME_PICTURE:
                        raise Untrusted("field pictures")
            elif unit[0] != _USER_DATA or _ODD_ENCODER in unit:
                raise Untrusted("a picture with other headers than its own")
        if extended != self._extended:
            raise Untrusted("a picture of MPEG-1 in MPEG-2, or the other way round")
        if not _NOT_AFTER_SLICES.isdisjoint(start_codes(packet, slices)):
            raise Untrusted("a second picture in the packet, or headers behind one")


def _is_of_sequence(unit: bytes) -> bool:
    """Whether a unit in front of a picture belongs to the sequence, and not to the group of pictures."""
    if unit[0] == _SEQUENCE_HEADER:
        return True
    if unit[0] == _EXTENSION:
        if len(unit) < 2 or unit[1] >> 4 not in _OF_SEQUENCE:
            raise Untrusted("an extension of a sequence that is not read")
        return True
    if unit[0] not in (_GROUP, _USER_DATA) or _ODD_ENCODER in unit:
        raise Untrusted(f"a unit of type {unit[0]} in front of a picture")
    return False


def _first_slice(packet: bytes, at: int) -> int:
    """Where the first slice's start code is, behind a picture header at `at`."""
    while True:
        at = packet.find(b"\0\0\1", at)
        if at < 0 or at + 3 >= len(packet):
            raise Untrusted("a picture without slices")
        if 0 < packet[at + 3] <= _LAST_SLICE:
            return at
        at += 3
