"""HEVC parameter sets: the fields without which a slice segment header cannot be read, and whether pictures are fields."""

from __future__ import annotations

from dataclasses import dataclass

from framedex.decode.bitstream.bits import Bits, unescaped
from framedex.decode.bitstream.hevc_references import ReferenceSet, read_reference_set
from framedex.decode.bitstream.picture import Untrusted

#: Longest sequence parameter set that is read; real ones take some tens of bytes, or some hundreds with scaling lists.
_SET_NBYTES = 4096

_MOST_KEPT = 16  # pictures, ITU-T H.265 A.4.2


@dataclass(frozen=True, slots=True, kw_only=True)
class SequenceSet:
    """A sequence parameter set.

    Attributes:
        unit: the whole unit.
        set_id: sps_seq_parameter_set_id.
        order_bits: bits of slice_pic_order_cnt_lsb.
        most_reordered: how many pictures may overtake one on their way to be shown.
        reference_sets: the short-term reference picture sets that a slice segment may name.
        has_long_term: long_term_ref_pics_present_flag.
        n_long_term_sets: num_long_term_ref_pics_sps.
    """

    unit: bytes
    set_id: int
    order_bits: int
    most_reordered: int
    reference_sets: tuple[ReferenceSet, ...]
    has_long_term: bool
    n_long_term_sets: int


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
    most_reordered = 0
    for _ in range(top_layer + 1 if bits.u(1) else 1):
        bits.ue()  # pictures that are kept
        most_reordered = bits.ue(_MOST_KEPT)  # in the end, of all layers together
        bits.ue()  # latency
    _skip_codes(bits, 6)  # block and transform sizes
    if bits.u(1) and bits.u(1):
        _skip_scaling_lists(bits)
    bits.u(2)  # amp_enabled_flag, sample_adaptive_offset_enabled_flag
    if bits.u(1):
        bits.u(8)  # pcm bit depths and block sizes, and their loop filter
        _skip_codes(bits, 2)
        bits.u(1)
    reference_sets: list[ReferenceSet] = []
    for _ in range(bits.ue(64)):
        reference_sets.append(read_reference_set(bits, reference_sets, in_slice=False))
    has_long_term = bits.u(1) == 1
    n_long_term_sets = bits.ue(32) if has_long_term else 0
    for _ in range(n_long_term_sets):
        bits.u(order_bits + 1)
    bits.u(2)  # sps_temporal_mvp_enabled_flag, strong_intra_smoothing_enabled_flag
    if bits.u(1) and _holds_fields(bits):
        raise Untrusted("HEVC whose pictures are fields")
    return SequenceSet(
        unit=unit,
        set_id=set_id,
        order_bits=order_bits,
        most_reordered=most_reordered,
        reference_sets=tuple(reference_sets),
        has_long_term=has_long_term,
        n_long_term_sets=n_long_term_sets,
    )


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
