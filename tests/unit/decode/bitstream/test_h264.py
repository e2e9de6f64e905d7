"""H.264 access units written by hand, with the counts that the standard gives them."""

from __future__ import annotations

import pytest

from framedex.decode.bitstream import CodedStream, Picture, Untrusted, coded_stream
from unit.decode.bitstream.written import (
    annex_b,
    h264_idr,
    h264_pps,
    h264_recovery,
    h264_slice,
    h264_sps,
)

DELIMITER = b"\x09\xf0"


def stream(*, order_type: int = 0, bottom_delta: int = 0) -> CodedStream:
    return coded_stream("h264", annex_b(h264_sps(order_type=order_type), h264_pps(bottom_delta=bottom_delta)))


def pictures(coded: CodedStream, *slices: bytes) -> list[Picture]:
    return [coded.picture(annex_b(piece)) for piece in slices]


def test_idr_picture_begins_a_sequence() -> None:
    first, second, third = pictures(stream(), h264_idr(), h264_slice(frame_num=1, lsb=2), h264_idr(idr_id=1))
    assert first == Picture(
        referenced=True,
        layer=0,
        entry="closed",
        leading="none",
        order=0,
        sequence=1,
        states_reordering=False,
        parameter_sets=frozenset(),
    )
    assert (second.entry, second.order, second.sequence) == ("none", 2, 1)
    assert (third.entry, third.order, third.sequence) == ("closed", 0, 2)


def test_counts_of_type_0_build_on_the_last_referenced_picture() -> None:
    # The last three are not referenced, and so are all counted from 18: from 25, a lower part of 0 would be 32.
    coded = pictures(
        stream(),
        h264_idr(),
        h264_slice(frame_num=1, lsb=6),
        h264_slice(frame_num=2, lsb=12),
        h264_slice(frame_num=3, lsb=2),
        h264_slice(frame_num=4, lsb=9, ref_idc=0),
        h264_slice(frame_num=4, lsb=0, ref_idc=0),
        h264_slice(frame_num=4, lsb=15, ref_idc=0),
    )
    assert [picture.order for picture in coded] == [0, 6, 12, 18, 25, 16, 15]
    assert [picture.referenced for picture in coded] == [True, True, True, True, False, False, False]


def test_count_of_a_frame_is_the_lesser_of_its_fields() -> None:
    coded = pictures(
        stream(bottom_delta=1),
        h264_idr(bottom=1),
        h264_slice(frame_num=1, lsb=6, bottom=-1),
        h264_slice(frame_num=2, lsb=14, bottom=0),  # 8 above the upper field's 6; 9 above 5 would be below it
    )
    assert [picture.order for picture in coded] == [0, 5, 14]


def test_counts_of_type_2_follow_decoding() -> None:
    coded = pictures(
        stream(order_type=2),
        h264_idr(lsb=None),
        h264_slice(frame_num=1, lsb=None),
        h264_slice(frame_num=2, lsb=None, ref_idc=0),
        *(h264_slice(frame_num=frame_num, lsb=None) for frame_num in range(2, 16)),
        h264_slice(frame_num=0, lsb=None),
        h264_slice(frame_num=1, lsb=None, ref_idc=0),
        h264_idr(lsb=None),
        h264_slice(frame_num=1, lsb=None),
    )
    assert [picture.order for picture in coded] == [0, 2, 3, *range(4, 31, 2), 32, 33, 0, 2]
    assert [picture.sequence for picture in coded] == [1] * 19 + [2] * 2
    assert all(picture.states_reordering for picture in coded)


@pytest.mark.parametrize(
    ("units", "entry"),
    [
        ([h264_recovery(), h264_slice(slice_type=7)], "open"),
        ([DELIMITER, b"\6\5\2AB\x80", h264_recovery(), h264_slice(slice_type=2)], "open"),
        ([b"\6\5\2AB" + h264_recovery()[1:], h264_slice(slice_type=7)], "open"),
        ([b"\6\5\xff\1" + bytes(range(1, 255)) + b"AB" + h264_recovery()[1:], h264_slice(slice_type=7)], "open"),
        ([h264_recovery()[:-1], h264_slice(slice_type=7)], "open"),
        ([h264_slice(slice_type=7)], "none"),
        ([b"\6\5\2AB\x80", h264_slice(slice_type=7)], "none"),
        ([h264_recovery(frames=1), h264_slice(slice_type=7)], "none"),
        ([h264_recovery(exact=0), h264_slice(slice_type=7)], "none"),
        ([h264_recovery(broken=1), h264_slice(slice_type=7)], "none"),
        ([h264_recovery(broken=1), h264_recovery(), h264_slice(slice_type=7)], "none"),
        ([h264_recovery(), h264_slice(slice_type=5)], "none"),
        ([h264_recovery(), h264_slice(slice_type=2), h264_slice(slice_type=0, first_mb=9)], "none"),
        ([h264_recovery(), h264_slice(slice_type=2), h264_slice(slice_type=7, first_mb=9)], "open"),
        ([h264_recovery(), h264_idr(idr_id=1)], "closed"),
    ],
)
def test_entry_is_an_intra_picture_with_an_exact_recovery_point(units: list[bytes], entry: str) -> None:
    coded = stream()
    pictures(coded, h264_idr(), *(h264_slice(frame_num=i % 16, lsb=0) for i in range(1, 16)))
    assert coded.picture(annex_b(*units)).entry == entry


def test_stream_may_begin_at_a_recovery_point() -> None:
    picture = stream().picture(annex_b(h264_recovery(), h264_slice(slice_type=7, frame_num=9, lsb=3)))
    assert (picture.entry, picture.order, picture.sequence) == ("open", 3, 1)


def test_slices_of_one_picture() -> None:
    packet = annex_b(
        DELIMITER,
        h264_idr(),
        h264_idr(first_mb=7, ref_idc=1),
        h264_idr(first_mb=20, slice_type=2),
        b"\x0c\xff\x80",
        b"\x0a",
        b"\x0b",
    )
    assert stream().picture(packet).entry == "closed"


def test_parameter_sets_in_the_packet_are_taken_in_and_given() -> None:
    sps, pps = h264_sps(set_id=3), h264_pps(set_id=7, sps_id=3)
    coded = coded_stream("h264", None)
    first = coded.picture(annex_b(DELIMITER, sps, pps, h264_idr(pps_id=7)))
    assert first.parameter_sets == {sps, pps}
    assert coded.picture(annex_b(h264_slice(pps_id=7, frame_num=1, lsb=2))).parameter_sets == frozenset()
    assert coded.picture(annex_b(sps, pps, h264_slice(pps_id=7, frame_num=2, lsb=4))).parameter_sets == {sps, pps}


def test_other_sequence_set_is_for_an_idr_picture_and_new_picture_sets() -> None:
    coded = stream()
    coded.picture(annex_b(h264_idr()))
    with pytest.raises(Untrusted, match="parameter sets did not come"):
        coded.picture(annex_b(h264_sps(width=9), h264_idr(idr_id=1)))
    assert coded.picture(annex_b(h264_sps(width=9), h264_pps(), h264_idr(idr_id=1))).sequence == 2
    with pytest.raises(Untrusted, match="changes within a sequence"):
        coded.picture(annex_b(h264_sps(), h264_pps(), h264_slice(frame_num=1, lsb=2)))


IDR = h264_idr()


@pytest.mark.parametrize(
    ("units", "reason"),
    [
        ([DELIMITER], "without a slice"),
        ([h264_slice()], "begins where decoding cannot begin"),
        ([h264_idr(pps_id=1)], "parameter sets did not come"),
        ([h264_pps(set_id=2, sps_id=9), h264_idr(pps_id=2)], "parameter sets did not come"),
        ([h264_sps(frames_only=0), h264_pps(), IDR], "may hold fields"),
        ([h264_sps(order_type=1)], "count type 1"),
        ([h264_sps(profile=118)], "profile 118"),
        ([IDR, IDR], "do not follow"),
        ([h264_idr(first_mb=3)], "do not follow"),
        ([IDR, h264_idr(first_mb=9), h264_idr(first_mb=8)], "do not follow"),
        ([IDR, h264_idr(first_mb=9, idr_id=1)], "two pictures"),
        ([IDR, h264_idr(first_mb=9, lsb=2)], "two pictures"),
        ([IDR, h264_slice(first_mb=9)], "two pictures"),
        ([h264_pps(set_id=1), IDR, h264_idr(first_mb=9, pps_id=1)], "two pictures"),
        ([IDR, DELIMITER, h264_idr(first_mb=9)], "second access unit"),
        ([IDR, h264_recovery()], "second access unit"),
        ([IDR, h264_sps()], "second access unit"),
        ([h264_idr(frame_num=1)], "header of another picture"),
        ([h264_idr(ref_idc=0)], "header of another picture"),
        ([h264_idr(slice_type=0)], "header of another picture"),
        ([h264_slice(slice_type=3)], "switching"),
        ([h264_slice(slice_type=10)], "field of 10"),
        ([b"\x65"], "past its data"),
        ([b"\xe5" + IDR[1:]], "unit type"),
        *(([bytes([0x60 | kind]) + IDR[1:]], f"unit type {kind}$") for kind in (0, 2, 3, 4, *range(13, 32))),
    ],
)
def test_what_is_not_understood_is_untrusted(units: list[bytes], reason: str) -> None:
    with pytest.raises(Untrusted, match=reason):
        stream().picture(annex_b(*units))


@pytest.mark.parametrize(
    "second",
    [
        h264_slice(frame_num=1, lsb=2, first_mb=9, ref_idc=0),
        h264_slice(frame_num=2, lsb=2, first_mb=9),
        h264_slice(frame_num=1, lsb=4, first_mb=9),
    ],
)
def test_slices_of_two_pictures_are_untrusted(second: bytes) -> None:
    coded = stream()
    coded.picture(annex_b(h264_idr()))
    with pytest.raises(Untrusted, match="two pictures"):
        coded.picture(annex_b(h264_slice(frame_num=1, lsb=2), second))


@pytest.mark.parametrize("unit", [IDR, h264_slice(frame_num=1, lsb=2)])
def test_message_that_changes_later_pictures_is_untrusted(unit: bytes) -> None:
    with pytest.raises(Untrusted, match="display orientation"):
        stream().picture(annex_b(b"\6\x2f\5\x08\0\0\x80\x80\x80", unit))


@pytest.mark.parametrize("message", [b"\6\6", b"\6\6\x09\xc4\x80", b"\6\xff\xff", b"\6\6\1\0\x80"])
def test_recovery_point_cut_short_is_untrusted(message: bytes) -> None:
    coded = stream()
    coded.picture(annex_b(h264_idr()))
    with pytest.raises(Untrusted):
        coded.picture(annex_b(message, h264_slice(slice_type=7)))


def test_other_codecs_have_no_reader() -> None:
    with pytest.raises(Untrusted, match="no reader for vp9"):
        coded_stream("vp9", None)
