"""VP9: which frames a packet holds, and what the beginnings of their uncompressed headers say (VP9 bitstream specification)."""

from __future__ import annotations

from framedex.decode.bitstream.bits import Bits
from framedex.decode.bitstream.picture import Untrusted

_SYNC_CODE = 0x498342
_RGB = 7  # color_space
_HEAD_NBYTES = 24  # an uncompressed header up to the size of the frame takes 15 bytes at most


class Vp9Packets:
    """The last frame of every packet is shown, and no other one; a key frame resets all that a decoder keeps (6.1.2, 7.2)."""

    def __init__(self) -> None:
        self._size: int | None = None

    def begins(self, packet: bytes, *, key: bool) -> bool:
        """See `KeyedStream`."""
        is_key = shown = False
        for i, head in enumerate(_heads(packet)):
            if shown:
                raise Untrusted("it holds a picture behind the one that is shown")
            frame_is_key, shown = self._read(head)
            is_key = is_key or frame_is_key
            if frame_is_key and i:
                raise Untrusted("a key frame behind other frames in the packet")
        if not shown:
            raise Untrusted("it holds a picture that is not shown")
        if key != is_key:
            raise Untrusted("the container and the packet differ on whether it is a key frame")
        return key

    def _read(self, head: bytes) -> tuple[bool, bool]:
        """Whether a frame is a key frame, and whether it is shown (uncompressed_header, 6.2)."""
        bits = Bits(head)
        if bits.u(2) != 2:  # frame_marker
            raise Untrusted("a VP9 frame without its marker")
        profile = bits.u(1) + 2 * bits.u(1)
        if profile == 3 and bits.u(1):
            raise Untrusted("a VP9 profile that there is none of")
        if bits.u(1):
            return False, True  # show_existing_frame
        is_key, shown, robust = not bits.u(1), bits.u(1) == 1, bits.u(1) == 1
        if is_key:
            _skip_format(bits, profile)
            self._check_size(bits)
            return True, shown
        intra = not shown and bits.u(1) == 1
        if not robust:
            bits.u(2)  # reset_frame_context
        if intra:
            if profile:
                _skip_format(bits, profile)
            elif bits.u(24) != _SYNC_CODE:
                raise Untrusted("a VP9 frame without its sync code")
            bits.u(8)  # refresh_frame_flags
            self._check_size(bits)
        else:
            bits.u(8 + 3 * 4)  # refresh_frame_flags; which frames are referred to
            if not any(bits.u(1) for _ in range(3)):  # found_ref: the size is that of a frame that was checked before
                self._check_size(bits)
        return False, shown

    def _check_size(self, bits: Bits) -> None:
        size = bits.u(32)
        if self._size not in (None, size):
            raise Untrusted("the size of the pictures changes")
        self._size = size


def _skip_format(bits: Bits, profile: int) -> None:
    """frame_sync_code and color_config (6.2, 6.2.2)."""
    if bits.u(24) != _SYNC_CODE:
        raise Untrusted("a VP9 frame without its sync code")
    if profile >= 2:
        bits.u(1)  # ten_or_twelve_bit
    if bits.u(3) != _RGB:
        bits.u(1)  # color_range
        if profile % 2:
            bits.u(3)  # subsampling
    elif profile % 2:
        bits.u(1)
    else:
        raise Untrusted("VP9 with RGB pictures in a profile that has none")


def _heads(packet: bytes) -> list[bytes]:
    """The beginnings of the frames in a packet, which are told apart by an index at its end if there are several (annex B)."""
    if not packet:
        raise Untrusted("an empty packet")
    marker = packet[-1]
    n_frames, width = (marker & 7) + 1, (marker >> 3 & 3) + 1
    index = len(packet) - 2 - n_frames * width
    if marker & 0xE0 != 0xC0 or index < 0 or packet[index] != marker:
        return [packet[:_HEAD_NBYTES]]
    heads = []
    at = 0
    for entry in range(index + 1, index + 1 + n_frames * width, width):
        nbytes = int.from_bytes(packet[entry : entry + width], "little")
        if not 0 < nbytes <= index - at:
            raise Untrusted("a VP9 index that does not go with the packet")
        heads.append(packet[at : at + min(nbytes, _HEAD_NBYTES)])
        at += nbytes
    if at != index:
        raise Untrusted("a VP9 index that does not go with the packet")
    return heads
