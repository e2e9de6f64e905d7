"""VP8: what the beginning of a frame says (RFC 6386)."""

from __future__ import annotations

from framedex.decode.bitstream.picture import Untrusted

_INTER, _SHOWN = 0x01, 0x10  # in the first byte, RFC 6386 9.1
_START_CODE = b"\x9d\x01\x2a"


class Vp8Packets:
    """Every packet is one frame that is shown; a key frame resets all that a decoder keeps (RFC 6386 9.7 to 9.11)."""

    def __init__(self) -> None:
        self._size: bytes | None = None

    def begins(self, packet: bytes, *, key: bool) -> bool:
        """See `KeyedStream`."""
        if len(packet) < 4:
            raise Untrusted("a VP8 frame that is cut short")
        if not packet[0] & _SHOWN:
            raise Untrusted("it holds a picture that is not shown")
        if key == bool(packet[0] & _INTER):
            raise Untrusted("the container and the packet differ on whether it is a key frame")
        if key:
            self._check_key(packet)
        return key

    def _check_key(self, packet: bytes) -> None:
        """Check what a key frame does not reset: the size, and the segments of macroblocks (RFC 6386 9.1, 9.3)."""
        size = packet[6:10]  # with the scaling that is asked for
        if packet[3:6] != _START_CODE or len(packet) < 14:
            raise Untrusted("a VP8 key frame without its start code")
        if self._size not in (None, size):
            raise Untrusted("the size of the pictures changes")
        self._size = size
        # color_space, clamping_type, segmentation_enabled, update_mb_segmentation_map, RFC 6386 19.2
        _, _, segmented, mapped = _even_flags(int.from_bytes(packet[10:14], "big"))
        if segmented and not mapped:
            raise Untrusted("a key frame that keeps the segments of the frame before")


def _even_flags(value: int) -> list[bool]:
    """The first four flags of a bool-coded partition, whose odds are all even (RFC 6386 7.3).

    Args:
        value: its first 32 bits.
    """
    flags = []
    span = 255
    for _ in range(4):
        split = 1 + ((span - 1) * 128 >> 8)
        flag = value >= split << 24
        if flag:
            value -= split << 24
            span -= split
        else:
            span = split
        shift = 8 - span.bit_length()
        span <<= shift
        value <<= shift
        flags.append(flag)
    return flags
