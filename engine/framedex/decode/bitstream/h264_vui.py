"""H.264 video usability information: how many pictures may be reordered stands at its end."""

from __future__ import annotations

from framedex.decode.bitstream.bits import Bits
from framedex.decode.bitstream.picture import Untrusted

_EXTENDED_RATIO = 255  # aspect_ratio_idc, ITU-T H.264 table E-1


def read_usability(bits: Bits) -> int | None:
    """max_num_reorder_frames, or None without bitstream_restriction_flag (ITU-T H.264 E.1.1).

    Raises:
        Untrusted: it is cut short, or a field is out of its range.
    """
    if bits.u(1) and bits.u(8) == _EXTENDED_RATIO:
        bits.u(32)
    if bits.u(1):
        bits.u(1)  # overscan
    if bits.u(1):
        bits.u(4)  # video format and range
        if bits.u(1):
            bits.u(24)  # colour description
    if bits.u(1):
        bits.ue(5)  # chroma location
        bits.ue(5)
    if bits.u(1):
        bits.u(65)  # timing
    n_buffers = 0  # of the NAL and of the VCL stream
    for _ in range(2):
        if bits.u(1):
            _skip_buffer(bits)
            n_buffers += 1
    if n_buffers:
        bits.u(1)  # low_delay_hrd_flag
    bits.u(1)  # pic_struct_present_flag
    if not bits.u(1):
        return None
    bits.u(1)  # motion_vectors_over_pic_boundaries_flag
    for most in (16, 16, 32, 32):
        bits.ue(most)  # sizes of pictures, macroblocks and motion vectors
    reordered, buffered = bits.ue(16), bits.ue(16)
    if reordered > buffered:
        raise Untrusted("H.264 that reorders more pictures than it buffers")
    return reordered


def _skip_buffer(bits: Bits) -> None:
    """hrd_parameters (ITU-T H.264 E.1.2)."""
    n_schedules = bits.ue(31) + 1
    bits.u(8)  # scales
    for _ in range(n_schedules):
        bits.ue()
        bits.ue()
        bits.u(1)
    bits.u(20)  # lengths of delays and offsets
