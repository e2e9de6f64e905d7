"""H.264 parameter sets: the fields without which a slice header cannot be read."""

from __future__ import annotations

from dataclasses import dataclass

from framedex.decode.bitstream.bits import Bits, unescaped
from framedex.decode.bitstream.h264_vui import read_usability
from framedex.decode.bitstream.picture import Untrusted

#: Longest sequence parameter set that is read; real ones take some tens of bytes, or some hundreds with scaling lists.
_SET_NBYTES = 4096

_BASELINE = 66
_PROFILES = frozenset({_BASELINE, 77, 88})
# Those that give a chroma format; scalable and multiview ones are not read. With constraint_set3_flag they are intra only.
_HIGH_PROFILES = frozenset({44, 100, 110, 122, 244})
_INTRA_ONLY = 0x10  # constraint_set3_flag


@dataclass(frozen=True, slots=True, kw_only=True)
class SequenceSet:
    """A sequence parameter set.

    Attributes:
        unit: the whole unit.
        set_id: seq_parameter_set_id.
        frame_num_bits: bits of frame_num.
        order_type: pic_order_cnt_type, 0 or 2.
        order_bits: bits of pic_order_cnt_lsb; 0 for type 2.
        most_reordered: how many pictures may overtake one on their way to be shown; None where the set leaves that open.
    """

    unit: bytes
    set_id: int
    frame_num_bits: int
    order_type: int
    order_bits: int
    most_reordered: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class PictureSet:
    """A picture parameter set.

    Attributes:
        set_id: pic_parameter_set_id.
        sequence_set_id: seq_parameter_set_id.
        has_bottom_delta: bottom_field_pic_order_in_frame_present_flag.
    """

    set_id: int
    sequence_set_id: int
    has_bottom_delta: bool


def read_sequence_set(unit: bytes) -> SequenceSet:
    """Read a sequence parameter set (ITU-T H.264 7.3.2.1.1).

    Raises:
        Untrusted: interlaced, of another profile, with another way to count pictures, or not well-formed to its last bit.
    """
    if len(unit) > _SET_NBYTES:
        raise Untrusted("a sequence parameter set of an unlikely length")
    bits = Bits(unescaped(unit[1:]))
    profile = bits.u(8)
    constraints = bits.u(8)
    bits.u(8)  # level
    set_id = bits.ue(31)
    if profile in _HIGH_PROFILES:
        _skip_format(bits)
    elif profile not in _PROFILES:
        raise Untrusted(f"H.264 profile {profile}")
    frame_num_bits = bits.ue(12) + 4
    order_type = bits.ue(2)
    if order_type == 1:
        raise Untrusted("H.264 picture order count type 1")
    order_bits = bits.ue(12) + 4 if order_type == 0 else 0
    bits.ue()  # max_num_ref_frames
    bits.u(1)  # gaps_in_frame_num_value_allowed_flag
    bits.ue()  # width and height
    bits.ue()
    if not bits.u(1):
        raise Untrusted("H.264 that may hold fields (frame_mbs_only_flag is 0)")
    bits.u(1)  # direct_8x8_inference_flag
    if bits.u(1):
        for _ in range(4):
            bits.ue()  # cropping
    stated = read_usability(bits) if bits.u(1) else None
    if not bits.at_end():
        raise Untrusted("a sequence parameter set that does not end where it should")
    intra_only = profile in _HIGH_PROFILES and constraints & _INTRA_ONLY
    if stated is None and (order_type == 2 or profile == _BASELINE or intra_only):
        stated = (
            0  # ITU-T H.264 8.2.1.3 and E.2.1; baseline streams without B pictures do not reorder, which is checked
        )
    return SequenceSet(
        unit=unit,
        set_id=set_id,
        frame_num_bits=frame_num_bits,
        order_type=order_type,
        order_bits=order_bits,
        most_reordered=stated,
    )


def read_picture_set(unit: bytes) -> PictureSet:
    """Read the beginning of a picture parameter set (ITU-T H.264 7.3.2.2).

    Raises:
        Untrusted: it is cut short.
    """
    bits = Bits(unescaped(unit[1:32]))
    set_id, sequence_set_id = bits.ue(255), bits.ue(31)
    bits.u(1)  # entropy_coding_mode_flag
    return PictureSet(set_id=set_id, sequence_set_id=sequence_set_id, has_bottom_delta=bits.u(1) == 1)


def _skip_format(bits: Bits) -> None:
    chroma_format = bits.ue(3)
    if chroma_format == 3 and bits.u(1):
        raise Untrusted("H.264 with separate colour planes")
    bits.ue(6)  # bit depths
    bits.ue(6)
    bits.u(1)  # qpprime_y_zero_transform_bypass_flag
    if bits.u(1):
        for i in range(12 if chroma_format == 3 else 8):
            if bits.u(1):
                _skip_scaling_list(bits, 16 if i < 6 else 64)


def _skip_scaling_list(bits: Bits, size: int) -> None:
    """ITU-T H.264 7.3.2.1.1.1; once a scale is 0, no more are coded."""
    scale = 8
    for _ in range(size):
        scale = (scale + bits.se()) % 256
        if scale == 0:
            return
