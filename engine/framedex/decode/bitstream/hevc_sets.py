"""HEVC parameter sets: the fields without which a slice segment header cannot be read, and whether pictures are fields."""

from __future__ import annotations

from dataclasses import dataclass

from framedex.decode.bitstream.bits import Bits, unescaped
from framedex.decode.bitstream.picture import Untrusted

#: Longest sequence parameter set that is read; real ones take some tens of bytes, or some hundreds with scaling lists.
_SET_NBYTES = 4096


@dataclass(frozen=True, slots=True, kw_only=True)
class SequenceSet:
    """A sequence parameter set.

    Attributes:
        unit: the whole unit.
        set_id: sps_seq_parameter_set_id.
        order_bits: bits of slice_pic_order_cnt_lsb.
    """

    unit: bytes
    set_id: int
    order_bits: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PictureSet:
    """A picture parameter set.

    Attributes:
        set_id: pps_pic_parameter_set_id.
        sequence_set_id: pps_seq_parameter_set_id.
        has_output_flag: output_flag_present_flag.
        extra_bits: num_extra_slice_header_bits.
    """

    set_id: int
    sequence_set_id: int
    has_output_flag: bool
    extra_bits: int


def read_sequence_set(unit: bytes) -> SequenceSet:
    """Read a sequence parameter set (ITU-T H.265 7.3.2.2.1) up to field_seq_flag.

    Raises:
        Untrusted: pictures are fields, colour planes are separate, or the set is cut short.
    """
    bits = Bits(unescaped(unit[2:_SET_NBYTES]))
    bits.u(4)  # sps_video_parameter_set_id
    top_layer = bits.u(3)
    if top_layer > 6:
        raise Untrusted("HEVC with over 7 temporal layers")
    bits.u(1)  # sps_temporal_id_nesting_flag
    _skip_profile(bits, top_layer)
    set_id = bits.ue(15)
    if bits.ue(3) == 3 and bits.u(1):
        raise Untrusted("HEVC with separate colour planes")
    bits.ue()  # width and height
    bits.ue()
    if bits.u(1):
        _skip_codes(bits, 4)  # conformance window
    bits.ue(8)  # bit depths
    bits.ue(8)
    order_bits = bits.ue(12) + 4
    _skip_codes(bits, 3 * (top_layer + 1 if bits.u(1) else 1))  # buffer sizes
    _skip_codes(bits, 6)  # block and transform sizes
    if bits.u(1) and bits.u(1):
        _skip_scaling_lists(bits)
    bits.u(2)  # amp_enabled_flag, sample_adaptive_offset_enabled_flag
    if bits.u(1):
        bits.u(8)  # pcm bit depths and block sizes, and their loop filter
        _skip_codes(bits, 2)
        bits.u(1)
    _skip_reference_sets(bits)
    if bits.u(1):
        for _ in range(bits.ue(32)):
            bits.u(order_bits + 1)  # long-term reference pictures
    bits.u(2)  # sps_temporal_mvp_enabled_flag, strong_intra_smoothing_enabled_flag
    if bits.u(1) and _holds_fields(bits):
        raise Untrusted("HEVC whose pictures are fields")
    return SequenceSet(unit=unit, set_id=set_id, order_bits=order_bits)


def read_picture_set(unit: bytes) -> PictureSet:
    """Read the beginning of a picture parameter set (ITU-T H.265 7.3.2.3.1).

    Raises:
        Untrusted: it is cut short.
    """
    bits = Bits(unescaped(unit[2:32]))
    set_id, sequence_set_id = bits.ue(63), bits.ue(15)
    bits.u(1)  # dependent_slice_segments_enabled_flag, which the first segment of a picture does not ask for
    has_output_flag = bits.u(1) == 1
    return PictureSet(
        set_id=set_id, sequence_set_id=sequence_set_id, has_output_flag=has_output_flag, extra_bits=bits.u(3)
    )


def _skip_codes(bits: Bits, count: int) -> None:
    for _ in range(count):
        bits.ue()


def _skip_profile(bits: Bits, top_layer: int) -> None:
    """ITU-T H.265 7.3.3, with the general profile present."""
    bits.u(88)
    bits.u(8)
    present = [(bits.u(1), bits.u(1)) for _ in range(top_layer)]
    if top_layer:
        bits.u(2 * (8 - top_layer))
    for has_profile, has_level in present:
        bits.u(88 * has_profile + 8 * has_level)


def _skip_scaling_lists(bits: Bits) -> None:
    """ITU-T H.265 7.3.4."""
    for size in range(4):
        for _ in range(2 if size == 3 else 6):
            if not bits.u(1):
                bits.ue()  # as in an earlier list
                continue
            _skip_codes(bits, min(64, 16 << 2 * size) + (size > 1))


def _skip_reference_sets(bits: Bits) -> None:
    """The short-term reference picture sets (ITU-T H.265 7.3.7): how long one is depends on how many pictures another has."""
    offsets: list[
        int
    ] = []  # of the set before, in the order of 7.4.8: negative ones from 0 downwards, positive ones upwards
    for i in range(bits.ue(64)):
        if i and bits.u(1):
            sign, size = bits.u(1), bits.ue(32767) + 1
            shift = -size if sign else size
            # Bits for each picture of the set before and for the one it belongs to: used_by_curr_pic_flag, use_delta_flag.
            kept = [offset + shift for offset in [*offsets, 0] if bits.u(1) or bits.u(1)]
            offsets = sorted((o for o in kept if o < 0), reverse=True) + sorted(o for o in kept if o > 0)
        else:
            negative, positive = bits.ue(16), bits.ue(16)
            offsets = [-offset for offset in _offsets(bits, negative)] + _offsets(bits, positive)
        if len(offsets) > 16:
            raise Untrusted("HEVC with over 16 reference pictures")


def _offsets(bits: Bits, count: int) -> list[int]:
    offsets, offset = [], 0
    for _ in range(count):
        offset += bits.ue(32767) + 1
        bits.u(1)  # used_by_curr_pic_flag
        offsets.append(offset)
    return offsets


def _holds_fields(bits: Bits) -> bool:
    """field_seq_flag of the video usability information (ITU-T H.265 E.2.1)."""
    if bits.u(1) and bits.u(8) == 255:
        bits.u(32)  # sample aspect ratio
    if bits.u(1):
        bits.u(1)  # overscan
    if bits.u(1):
        bits.u(4)  # video format and range
        if bits.u(1):
            bits.u(24)  # colour description
    if bits.u(1):
        _skip_codes(bits, 2)  # chroma location
    bits.u(1)  # neutral_chroma_indication_flag
    return bits.u(1) == 1
