"""H.264 parameter sets with what must be skipped in them."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from framedex.decode.bitstream.h264_sets import PictureSet, SequenceSet, read_picture_set, read_sequence_set
from framedex.decode.bitstream.picture import Untrusted
from unit.decode.bitstream.written import BitWriter, h264_pps, h264_restriction, h264_sps, h264_sps_until_vui


def high(*, profile: int = 100, constraints: int = 0, chroma: int = 1, planes: int = 0) -> BitWriter:
    """Set 5 of a high profile up to seq_scaling_matrix_present_flag."""
    bits = BitWriter().u(profile, 8).u(constraints, 8).u(41, 8).ue(5, chroma)
    if chroma == 3:
        bits.u(planes, 1)
    return bits.ue(2, 2).u(0, 1)


def rest(bits: BitWriter) -> bytes:
    """6 bits of frame_num, 9 of pic_order_cnt_lsb."""
    return until_vui(bits).u(0, 1).unit(b"\x67")


def until_vui(bits: BitWriter) -> BitWriter:
    """Up to vui_parameters_present_flag, with cropping."""
    return bits.ue(2, 0, 5).ue(3).u(1, 1).ue(119, 67).u(1, 1).u(1, 1).u(1, 1).ue(0, 0, 0, 4)


def expected(unit: bytes, *, most_reordered: int | None = None) -> SequenceSet:
    return SequenceSet(unit=unit, set_id=5, frame_num_bits=6, order_type=0, order_bits=9, most_reordered=most_reordered)


@pytest.mark.parametrize("profile", [100, 110, 122, 244, 44])
def test_high_profiles_give_a_format(profile: int) -> None:
    unit = rest(high(profile=profile).u(0, 1))
    assert read_sequence_set(unit) == expected(unit)


@pytest.mark.parametrize(("chroma", "n_lists"), [(1, 8), (3, 12)])
def test_scaling_lists_are_skipped(chroma: int, n_lists: int) -> None:
    bits = high(chroma=chroma).u(1, 1)
    for i in range(n_lists):
        if i % 3 == 0:
            bits.u(0, 1)  # no list
        elif i % 3 == 1:
            bits.u(1, 1).se(4).se(-12)  # 12, then 0: the rest is as before
        else:
            bits.u(1, 1)
            for _ in range(16 if i < 6 else 64):
                bits.se(7)
    unit = rest(bits)
    assert read_sequence_set(unit) == expected(unit)


def test_list_that_is_the_default_has_one_code() -> None:
    unit = rest(high().u(1, 1).u(1, 1).se(-8).u(0, 7))
    assert read_sequence_set(unit) == expected(unit)


def test_separate_colour_planes_are_untrusted() -> None:
    with pytest.raises(Untrusted, match="colour planes"):
        read_sequence_set(rest(high(chroma=3, planes=1).u(0, 1)))


def test_picture_set_says_whether_fields_are_counted() -> None:
    assert read_picture_set(h264_pps(set_id=255, sps_id=31, bottom_delta=1)) == PictureSet(
        set_id=255, sequence_set_id=31, has_bottom_delta=True
    )
    assert not read_picture_set(h264_pps()).has_bottom_delta


@pytest.mark.parametrize("ids", [(256, 0), (0, 32)])
def test_ids_beyond_the_standard_are_untrusted(ids: tuple[int, int]) -> None:
    with pytest.raises(Untrusted, match="header field"):
        read_picture_set(h264_pps(set_id=ids[0], sps_id=ids[1]))


def test_sets_cut_short_are_untrusted() -> None:
    unit = rest(high().u(0, 1))
    for cut in range(1, len(unit) - 2):
        with pytest.raises(Untrusted):
            read_sequence_set(unit[:cut])


def schedules(bits: BitWriter, count: int) -> BitWriter:
    """hrd_parameters (ITU-T H.264 E.1.2)."""
    bits.ue(count - 1).u(0x35, 8)
    for i in range(count):
        bits.ue(1000 + i, 2000).u(i % 2, 1)
    return bits.u(23, 5).u(23, 5).u(23, 5).u(24, 5)


def bare(bits: BitWriter) -> BitWriter:
    return bits.u(0, 5).u(0, 2).u(0, 1)


def full(bits: BitWriter) -> BitWriter:
    """All that may stand in front of bitstream_restriction_flag (ITU-T H.264 E.1.1)."""
    bits.u(1, 1).u(255, 8).u(40, 16).u(33, 16).u(1, 1).u(1, 1).u(1, 1).u(5, 3).u(0, 1).u(1, 1).u(0x010101, 24)
    bits.u(1, 1).ue(2, 2).u(1, 1).u(1, 32).u(50, 32).u(1, 1)
    schedules(schedules(bits.u(1, 1), 32).u(1, 1), 1)
    return bits.u(1, 1).u(1, 1)


def one_buffer(bits: BitWriter) -> BitWriter:
    return schedules(bits.u(1, 1).u(1, 8).u(0, 5).u(1, 1), 2).u(0, 1).u(1, 1)


def other_buffer(bits: BitWriter) -> BitWriter:
    """The ratio is not written out."""
    return schedules(bits.u(0, 6).u(1, 1), 3).u(0, 1).u(1, 1)


@pytest.mark.parametrize("vui", [bare, full, one_buffer, other_buffer])
@pytest.mark.parametrize("reordered", [None, 0, 3, 16])
def test_reordering_is_found_behind_the_usability_information(
    vui: Callable[[BitWriter], BitWriter], reordered: int | None
) -> None:
    bits = vui(until_vui(high().u(0, 1)).u(1, 1))
    unit = (bits.u(0, 1) if reordered is None else h264_restriction(bits, reordered=reordered)).unit(b"\x67")
    assert read_sequence_set(unit) == expected(unit, most_reordered=reordered)
    for cut in range(1, len(unit)):
        with pytest.raises(Untrusted):
            read_sequence_set(unit[:cut])
    with pytest.raises(Untrusted):
        read_sequence_set(unit + b"\x80")


@pytest.mark.parametrize("restriction", [(17, 17), (3, 2)])
def test_reordering_beyond_the_buffer_is_untrusted(restriction: tuple[int, int]) -> None:
    reordered, buffered = restriction
    bits = bare(h264_sps_until_vui().u(1, 1))
    with pytest.raises(Untrusted):
        read_sequence_set(h264_restriction(bits, reordered=reordered, buffered=buffered).unit(b"\x67"))


@pytest.mark.parametrize(
    ("unit", "most_reordered"),
    [
        (h264_sps(), None),
        (h264_sps(profile=66), 0),
        (h264_sps(order_type=2), 0),
        (rest(high(profile=110).u(0, 1)), None),
        (rest(high(profile=110, constraints=0x10).u(0, 1)), 0),
        (bare(h264_sps_until_vui(profile=66).u(1, 1)).u(0, 1).unit(b"\x67"), 0),
    ],
)
def test_reordering_that_is_ruled_out_otherwise(unit: bytes, most_reordered: int | None) -> None:
    assert read_sequence_set(unit).most_reordered == most_reordered


def test_set_of_an_unlikely_length_is_untrusted() -> None:
    with pytest.raises(Untrusted, match="unlikely length"):
        read_sequence_set(h264_sps() + bytes(5000))
