"""ProRes and DNxHD: intra-only frames whose headers say what they are."""

from __future__ import annotations

from framedex.decode.bitstream.picture import Untrusted

_PRORES_MAGIC = b"icpf"
_DNXHD_KINDS = frozenset({1, 2, 3})


class ProresPackets:
    """Every packet is one frame, and so an entry (SMPTE RDD 36, 5.1 and 5.2)."""

    def __init__(self) -> None:
        self._format: bytes | None = None

    def begins(self, packet: bytes, *, key: bool) -> bool:
        """See `KeyedStream`."""
        if len(packet) < 28 or packet[4:8] != _PRORES_MAGIC:
            raise Untrusted("a packet that is no ProRes frame")
        # Width, height, chroma format and interlacing; alpha channel.
        found = packet[16:21] + bytes([packet[25] & 15])
        if self._format not in (None, found):
            raise Untrusted("the format of the pictures changes")
        self._format = found
        return key


class DnxhdPackets:
    """Every packet is one frame, and so an entry (SMPTE ST 2019-1, 6 and 7)."""

    def __init__(self) -> None:
        self._format: bytes | None = None

    def begins(self, packet: bytes, *, key: bool) -> bool:
        """See `KeyedStream`."""
        if len(packet) < 640 or packet[:2] != b"\0\0" or packet[4] not in _DNXHD_KINDS:
            raise Untrusted("a packet that is no DNxHD frame")
        # Height and width; bit depth; compression; flags of the format.
        found = packet[24:28] + packet[33:34] + packet[40:45]
        if self._format not in (None, found):
            raise Untrusted("the format of the pictures changes")
        self._format = found
        return key
