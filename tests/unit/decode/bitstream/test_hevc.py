"""HEVC access units written by hand, with the counts that the standard gives them."""

from __future__ import annotations

import pytest

from framedex.decode.bitstream import CodedStream, Picture, Untrusted, coded_stream
from unit.decode.bitstream.written import annex_b, hevc_header, hevc_pps, hevc_slice, hevc_sps

TRAIL_N, TRAIL_R, RADL_N, RADL_R, RASL_N, RASL_R = 0, 1, 6, 7, 8, 9
BLA_W_LP, BLA_W_RADL, BLA_N_LP, IDR_W_RADL, IDR_N_LP, CRA = range(16, 22)

DELIMITER = hevc_header(35) + b"\x50"
MESSAGE = b"\x05\x02AB\x80"
IDR = hevc_slice(IDR_N_LP)


def stream(*, output_flag: int = 0, extra_bits: int = 0) -> CodedStream:
    return coded_stream("hevc", annex_b(hevc_sps(), hevc_pps(output_flag=output_flag, extra_bits=extra_bits)))


def pictures(coded: CodedStream, *slices: bytes) -> list[Picture]:
    return [coded.picture(annex_b(piece)) for piece in slices]


@pytest.mark.parametrize(
    ("kind", "entry", "leading", "referenced"),
    [
        *((kind, "none", "none", kind % 2 == 1) for kind in range(6)),
        (RADL_N, "none", "decodable", False),
        (RADL_R, "none", "decodable", True),
        (RASL_N, "none", "skipped", False),
        (RASL_R, "none", "skipped", True),
        *((kind, "closed", "none", True) for kind in (BLA_W_LP, BLA_W_RADL, BLA_N_LP, IDR_W_RADL, IDR_N_LP)),
        (CRA, "open", "none", True),
    ],
)
def test_unit_type_tells_what_a_picture_is(kind: int, entry: str, leading: str, referenced: bool) -> None:
    picture = pictures(stream(), IDR, hevc_slice(kind))[1]
    assert (picture.entry, picture.leading, picture.referenced) == (entry, leading, referenced)
    assert (picture.layer, picture.parameter_sets) == (0, frozenset())


def test_layer_is_the_temporal_id() -> None:
    picture = pictures(stream(), IDR, hevc_slice(TRAIL_R, layer=2, lsb=1))[1]
    assert picture.layer == 2


def test_counts_build_on_the_last_picture_that_nothing_lacks() -> None:
    coded = pictures(
        stream(),
        IDR,
        hevc_slice(TRAIL_R, lsb=6),
        hevc_slice(TRAIL_N, lsb=13),  # not referenced: what follows is counted from 6
        hevc_slice(TRAIL_R, lsb=0, layer=1),  # from 13 this would be 16; of a higher layer: likewise
        hevc_slice(CRA, lsb=12),  # from 0 this would be -4
        hevc_slice(RASL_R, lsb=3),  # a leading picture: what follows is counted from 12
        hevc_slice(RADL_R, lsb=9),  # from 19 this would be 25; likewise
        hevc_slice(TRAIL_R, lsb=4),  # from 9 this would be 4
        hevc_slice(TRAIL_R, lsb=11),
    )
    assert [picture.order for picture in coded] == [0, 6, 13, 0, 12, 19, 9, 20, 27]
    assert {picture.sequence for picture in coded} == {1}


@pytest.mark.parametrize("kind", [BLA_W_LP, CRA])
def test_first_count_of_a_sequence_has_no_upper_bits(kind: int) -> None:
    coded = stream()
    if kind == BLA_W_LP:
        pictures(coded, IDR, hevc_slice(TRAIL_R, lsb=7), hevc_slice(TRAIL_R, lsb=14))
    first, leading, trailing = pictures(
        coded, hevc_slice(kind, lsb=13), hevc_slice(RASL_N, lsb=11), hevc_slice(TRAIL_R, lsb=1)
    )
    assert [first.order, leading.order, trailing.order] == [13, 11, 17]
    assert first.sequence == leading.sequence == trailing.sequence == (2 if kind == BLA_W_LP else 1)


def test_pictures_led_by_an_idr_picture_are_counted_below_0() -> None:
    coded = pictures(stream(), hevc_slice(IDR_W_RADL), hevc_slice(RADL_N, lsb=15), hevc_slice(TRAIL_R, lsb=1))
    assert [picture.order for picture in coded] == [0, -1, 1]


def test_extra_bits_and_output_flag_stand_before_the_count() -> None:
    coded = stream(output_flag=1, extra_bits=3)
    extra = "101"
    shown = pictures(
        coded, hevc_slice(IDR_N_LP, extra=extra, shown=1), hevc_slice(TRAIL_R, extra=extra, shown=1, lsb=5)
    )
    assert shown[1].order == 5
    with pytest.raises(Untrusted, match="not shown"):
        coded.picture(annex_b(hevc_slice(TRAIL_R, extra=extra, shown=0, lsb=6)))


def test_slice_segments_of_one_picture() -> None:
    packet = annex_b(
        DELIMITER,
        hevc_header(39) + MESSAGE,
        hevc_slice(IDR_N_LP),
        hevc_slice(IDR_N_LP, first=0),
        hevc_slice(IDR_N_LP, first=0),
        hevc_header(40) + MESSAGE,
        hevc_header(38) + b"\xff\x80",
        hevc_header(62) + b"\x19\x08\x80",
    )
    assert stream().picture(packet).entry == "closed"


def test_parameter_sets_in_the_packet_are_taken_in_and_given() -> None:
    vps, sps, pps = hevc_header(32) + b"\x0c\1\x80", hevc_sps(set_id=3), hevc_pps(set_id=7, sps_id=3)
    coded = coded_stream("hevc", None)
    first = coded.picture(annex_b(DELIMITER, vps, sps, pps, hevc_slice(IDR_N_LP, pps_id=7)))
    assert first.parameter_sets == {vps, sps, pps}
    assert coded.picture(annex_b(hevc_slice(TRAIL_R, pps_id=7, lsb=1))).parameter_sets == frozenset()
    assert coded.picture(annex_b(sps, pps, hevc_slice(CRA, pps_id=7, lsb=2))).parameter_sets == {sps, pps}


def test_other_sequence_set_is_for_a_new_sequence_and_new_picture_sets() -> None:
    coded = stream()
    coded.picture(annex_b(IDR))
    with pytest.raises(Untrusted, match="parameter sets did not come"):
        coded.picture(annex_b(hevc_sps(width=72), IDR))
    assert coded.picture(annex_b(hevc_sps(width=72), hevc_pps(), IDR)).sequence == 2
    with pytest.raises(Untrusted, match="changes within a sequence"):
        coded.picture(annex_b(hevc_sps(), hevc_pps(), hevc_slice(CRA, lsb=1)))


@pytest.mark.parametrize(
    ("units", "reason"),
    [
        ([DELIMITER], "without a slice segment"),
        ([hevc_slice(TRAIL_R)], "begins where decoding cannot begin"),
        ([hevc_slice(RASL_N)], "begins where decoding cannot begin"),
        ([hevc_slice(IDR_N_LP, pps_id=1)], "parameter sets did not come"),
        ([hevc_pps(set_id=2, sps_id=9), hevc_slice(IDR_N_LP, pps_id=2)], "parameter sets did not come"),
        ([hevc_slice(IDR_N_LP, first=0)], "without its first"),
        ([IDR, IDR], "two pictures"),
        ([IDR, hevc_slice(IDR_W_RADL, first=0)], "two pictures"),
        ([IDR, hevc_slice(IDR_N_LP, first=0, layer=1)], "two pictures"),
        ([hevc_slice(IDR_N_LP, layer=1)], "above the lowest"),
        ([IDR, DELIMITER], "second access unit"),
        ([IDR, hevc_pps()], "second access unit"),
        ([hevc_header(IDR_N_LP, nuh_layer=1) + IDR[2:]], "another layer"),
        ([hevc_header(IDR_N_LP, nuh_layer=32) + IDR[2:]], "another layer"),
        ([IDR, hevc_header(39, nuh_layer=1) + MESSAGE], "another layer"),
        ([bytes([IDR[0] | 0x80]) + IDR[1:]], "broken header"),
        ([bytes([IDR[0], 0]) + IDR[2:]], "broken header"),
        ([IDR[:1]], "broken header"),
        ([IDR[:2]], "without its first"),
        ([hevc_header(TRAIL_R) + b"\x80"], "past its data"),
        *(
            ([hevc_header(kind) + b"\x80\x80"], f"unit type {kind}$")
            for kind in (*range(10, 16), *range(22, 32), 36, 37, *range(41, 62), 63)
        ),
    ],
)
def test_what_is_not_understood_is_untrusted(units: list[bytes], reason: str) -> None:
    with pytest.raises(Untrusted, match=reason):
        stream().picture(annex_b(*units))


def test_end_of_sequence_behind_a_picture_is_untrusted() -> None:
    with pytest.raises(Untrusted, match="unit type 36"):
        stream().picture(annex_b(IDR, hevc_header(36)))


@pytest.mark.parametrize("kind", [39, 40])
def test_message_that_changes_later_pictures_is_untrusted(kind: int) -> None:
    message = hevc_header(kind) + b"\x2f\x03\x08\x00\x40\x80"
    coded = stream()
    with pytest.raises(Untrusted, match="display orientation"):
        coded.picture(annex_b(message, IDR) if kind == 39 else annex_b(IDR, message))


def test_more_reordering_than_stated_is_untrusted() -> None:
    coded = coded_stream("hevc", annex_b(hevc_sps(reordered=1), hevc_pps()))
    shown = pictures(coded, IDR, hevc_slice(TRAIL_R, lsb=4), hevc_slice(TRAIL_R, lsb=2))
    assert all(picture.states_reordering for picture in shown)
    with pytest.raises(Untrusted, match="more than the 1 pictures"):
        coded.picture(annex_b(hevc_slice(TRAIL_R, lsb=1)))


def test_taking_back_earlier_pictures_is_untrusted() -> None:
    coded = stream()
    coded.picture(annex_b(hevc_slice(IDR_N_LP, takes_back=1)))  # there are none yet
    with pytest.raises(Untrusted, match="takes back"):
        coded.picture(annex_b(hevc_slice(IDR_N_LP, takes_back=1)))
