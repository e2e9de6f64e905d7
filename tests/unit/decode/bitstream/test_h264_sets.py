"""H.264 parameter sets with what must be skipped in them."""

from __future__ import annotations

import pytest

from framedex.decode.bitstream.h264_sets import PictureSet, SequenceSet, read_picture_set, read_sequence_set
from framedex.decode.bitstream.picture import Untrusted
from unit.decode.bitstream.written import BitWriter, h264_pps


def high(*, profile: int = 100, chroma: int = 1, planes: int = 0) -> BitWriter:
    """Set 5 of a high profile up to seq_scaling_matrix_present_flag."""
    bits = BitWriter().u(profile, 8).u(0, 8).u(41, 8).ue(5, chroma)
    if chroma == 3:
        bits.u(planes, 1)
    return bits.ue(2, 2).u(0, 1)


def rest(bits: BitWriter) -> bytes:
    """6 bits of frame_num, 9 of pic_order_cnt_lsb."""
    return bits.ue(2, 0, 5).ue(3).u(1, 1).ue(119, 67).u(1, 1).u(0xFF, 8).unit(b"\x67")


def expected(unit: bytes) -> SequenceSet:
    return SequenceSet(unit=unit, set_id=5, frame_num_bits=6, order_type=0, order_bits=9)


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
