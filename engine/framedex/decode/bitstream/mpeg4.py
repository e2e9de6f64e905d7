"""MPEG-4 part 2: the headers of a video object plane (ISO/IEC 14496-2)."""

from __future__ import annotations

from dataclasses import dataclass

from framedex.decode.bitstream.bits import Bits
from framedex.decode.bitstream.headers import EntryHeaders, split_units, start_codes, units_before
from framedex.decode.bitstream.picture import Untrusted

# Start codes, ISO/IEC 14496-2 table 6-3; 0x00 to 0x1F are video objects, 0x20 to 0x2F their layers.
_PLANE_CODE = b"\0\0\1\xb6"
_LAYERS = range(0x20, 0x30)
_USER_DATA, _GROUP = 0xB2, 0xB3
_SEQUENCE_END = {b"\xb1"}
_HEADERS = frozenset({*range(0x30), 0xB0, _USER_DATA, 0xB5})  # with visual object sequence and visual object

_I, _P, _B = 0, 1, 2  # vop_coding_type, table 6-20; 3 is a sprite
_RECTANGULAR = 0  # video_object_layer_shape
_EXTENDED_RATIO = 15
_HEAD_NBYTES = 24  # a plane's header up to vop_coded, with up to 140 seconds since the one before


@dataclass(frozen=True, slots=True, kw_only=True)
class _Layer:
    """A video object layer.

    Attributes:
        unit: the whole header.
        time_bits: bits of vop_time_increment.
        takes_b: low_delay is given and 0, and planes are not interlaced. Where it is not given, FFmpeg waits for the first B
            plane; where planes are interlaced, it measures distances by the first B plane that it has seen.
    """

    unit: bytes
    time_bits: int
    takes_b: bool


class Mpeg4Packets:
    """Every packet is one plane that is coded; an entry is an I plane, with the same headers as all of them.

    Args:
        extradata: headers that a decoder is given before any packet, or empty.

    Raises:
        Untrusted: it is not fully understood.
    """

    def __init__(self, extradata: bytes) -> None:
        self._layer: _Layer | None = None
        units = split_units(extradata.rstrip(b"\0"))
        self._learn(units)
        self._headers = EntryHeaders(units)

    def begins(self, packet: bytes, *, key: bool) -> bool:
        """See `KeyedStream`."""
        units, at = units_before(packet, _PLANE_CODE)
        if units:
            units = [unit for unit in units if unit[0] != _GROUP]
            self._learn(units)
        if self._layer is None:
            raise Untrusted("a plane without a layer before it")
        bits = Bits(packet[at : at + _HEAD_NBYTES])
        kind = bits.u(2)
        if key and kind != _I:
            raise Untrusted("the container and the packet differ on whether it is a key frame")
        if kind not in (_I, _P, _B):
            raise Untrusted("MPEG-4 sprites")
        if kind == _B and not self._layer.takes_b:
            raise Untrusted("a B plane where the layer does not say that there are any")
        while bits.u(1):  # modulo_time_base
            pass
        marked = bits.u(1)
        bits.u(self._layer.time_bits)
        if not marked or not bits.u(1):
            raise Untrusted("a plane whose header does not go with its layer")
        if not bits.u(1):
            raise Untrusted("a plane that is not coded (vop_coded is 0)")
        if start_codes(packet, at) - _SEQUENCE_END:
            raise Untrusted("a second plane in the packet, or headers behind one")
        self._headers.check(units, entry=key)
        return key

    def _learn(self, units: list[bytes]) -> None:
        for unit in units:
            if unit[0] not in _HEADERS:
                raise Untrusted(f"a unit of type {unit[0]} in front of a plane")
            if unit[0] in _LAYERS and (self._layer is None or self._layer.unit != unit):
                if self._layer is not None:
                    raise Untrusted("a layer that differs from the first one")
                self._layer = _read_layer(unit)


def _read_layer(unit: bytes) -> _Layer:
    """Read a video object layer up to its sprites (VideoObjectLayer, ISO/IEC 14496-2 6.2.3)."""
    bits = Bits(unit[1:64])
    bits.u(1 + 8)  # random_accessible_vol, type
    if bits.u(1):
        bits.u(4 + 3)  # version, priority
    if bits.u(4) == _EXTENDED_RATIO:
        bits.u(16)
    low_delay = 1
    if bits.u(1):
        bits.u(2)  # chroma_format
        low_delay = bits.u(1)
        if bits.u(1):
            bits.u(79)  # buffer sizes
    if bits.u(2) != _RECTANGULAR:
        raise Untrusted("MPEG-4 with shapes")
    bits.u(1)
    resolution = bits.u(16)
    bits.u(1)
    time_bits = max(1, (resolution - 1).bit_length())
    if bits.u(1):
        bits.u(time_bits)  # fixed_vop_time_increment
    bits.u(29)  # width and height, between markers
    interlaced = bits.u(1)
    bits.u(1)  # obmc_disable
    # sprite_enable has one bit in version 1, in front of not_8_bit, and two in later ones.
    if not resolution or bits.u(2):
        raise Untrusted("MPEG-4 with sprites, samples of other than 8 bits, or no time")
    return _Layer(unit=unit, time_bits=time_bits, takes_b=not low_delay and not interlaced)
