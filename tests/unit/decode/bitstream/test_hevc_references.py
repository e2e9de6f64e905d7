"""HEVC reference pictures: what is missing, and what should not be referred to."""

from __future__ import annotations

import pytest

from framedex.decode.bitstream import CodedStream, Untrusted, coded_stream
from framedex.decode.bitstream.bits import Bits
from framedex.decode.bitstream.hevc_references import read_reference_set
from unit.decode.bitstream.written import (
    BitWriter,
    annex_b,
    hevc_pps,
    hevc_references,
    hevc_slice,
    hevc_sps,
    hevc_sps_until_vui,
)

TRAIL_N, TRAIL_R, RADL_R, RASL_R = 0, 1, 7, 9
BLA_W_LP, IDR_N_LP, CRA = 16, 20, 21


def stream() -> CodedStream:
    return coded_stream("hevc", annex_b(hevc_sps(), hevc_pps()))


def read(*slices: bytes) -> CodedStream:
    coded = stream()
    for piece in slices:
        coded.picture(annex_b(piece))
    return coded


IDR = hevc_slice(IDR_N_LP)
FOUR = hevc_slice(TRAIL_R, lsb=4, references={-4: 1})
TWO = hevc_slice(TRAIL_R, lsb=2, references={-2: 1, 2: 1})


def test_pictures_that_are_there_may_be_referred_to() -> None:
    coded = read(IDR, FOUR, TWO)
    assert coded.picture(annex_b(hevc_slice(TRAIL_N, lsb=1, references={-1: 1, 1: 1, 3: 1}))).order == 1


@pytest.mark.parametrize(
    "slices",
    [
        [IDR, TWO],
        [IDR, FOUR, hevc_slice(TRAIL_R, lsb=6, references={-4: 1})],
        [IDR, FOUR, hevc_slice(TRAIL_R, lsb=2, references={-2: 1}), hevc_slice(TRAIL_N, lsb=3, references={1: 1})],
        [IDR, FOUR, IDR, TWO],
        [IDR, FOUR, hevc_slice(BLA_W_LP, lsb=8, references={-4: 0}), hevc_slice(TRAIL_R, lsb=9, references={-5: 1})],
        # A picture that says that none of its layer refers to it, and one of a higher layer.
        [IDR, hevc_slice(TRAIL_N, lsb=4, references={-4: 1}), TWO],
        [IDR, hevc_slice(TRAIL_R, layer=1, lsb=4, references={-4: 1}), TWO],
    ],
)
def test_missing_picture_is_untrusted(slices: list[bytes]) -> None:
    coded = read(*slices[:-1])
    with pytest.raises(Untrusted, match="is not there"):
        coded.picture(annex_b(slices[-1]))


def test_higher_layer_may_refer_to_a_picture_that_its_own_layer_may_not() -> None:
    coded = read(IDR, hevc_slice(TRAIL_N, lsb=4, references={-4: 1}))
    higher = coded.picture(annex_b(hevc_slice(TRAIL_R, layer=1, lsb=2, references={2: 1})))
    assert (higher.layer, higher.order) == (1, 2)


def test_picture_that_is_kept_but_not_referred_to_may_be_missing() -> None:
    assert read(IDR).picture(annex_b(hevc_slice(TRAIL_R, lsb=4, references={-4: 1, -2: 0}))).order == 4


def test_pictures_in_front_of_an_entry_are_for_leading_ones() -> None:
    beginning = [IDR, FOUR, hevc_slice(CRA, lsb=8, references={-4: 0})]
    coded = read(*beginning, hevc_slice(RASL_R, lsb=6, references={-2: 1, 2: 1}))
    coded.picture(annex_b(hevc_slice(TRAIL_R, lsb=10, references={-2: 1, -4: 0})))
    for offset in (-4, -6):
        coded = read(*beginning, hevc_slice(RASL_R, lsb=6, references={-2: 1, 2: 1}))
        with pytest.raises(Untrusted, match="in front of the last entry"):
            coded.picture(annex_b(hevc_slice(TRAIL_R, lsb=10, references={-2: 1, -4: 0, -6: 0, offset: 1})))
    coded = read(IDR, FOUR)
    with pytest.raises(Untrusted, match="in front of the last entry"):
        coded.picture(annex_b(hevc_slice(CRA, lsb=8, references={-4: 1})))
    with pytest.raises(Untrusted, match="shown before pictures in front"):
        read(IDR, FOUR, hevc_slice(CRA, lsb=3, references={1: 0}))


def test_slice_may_build_on_any_set_of_the_sequence() -> None:
    known = [{-1: True}, {-1: True, -3: False}, {-2: True, 1: True}]
    # delta_idx_minus1 is 1: the second set. Moved by -2: -3 is used, -5 is not and not kept, -2 is kept for later.
    bits = BitWriter().u(1, 1).ue(1).u(1, 1).ue(1).u(0b1, 1).u(0b00, 2).u(0b01, 2)
    assert read_reference_set(Bits(bits.unit(b"")), known, in_slice=True) == {-2: False, -3: True}
    own = hevc_references(BitWriter().u(0, 1), {-7: 1, -1: 0, 5: 1})
    assert list(read_reference_set(Bits(own.unit(b"")), known, in_slice=True).items()) == [
        (-1, False),
        (-7, True),
        (5, True),
    ]
    with pytest.raises(Untrusted, match="at most 2"):
        read_reference_set(Bits(BitWriter().u(1, 1).ue(3).unit(b"")), known, in_slice=True)


def test_more_pictures_than_can_be_kept_are_untrusted() -> None:
    many = hevc_references(BitWriter(), dict.fromkeys((*range(-9, 0), *range(1, 9)), 1))
    with pytest.raises(Untrusted, match="over 16 reference"):
        read_reference_set(Bits(many.unit(b"")), [], in_slice=False)


def test_named_set_and_long_term_pictures() -> None:
    sps = hevc_sps_until_vui()
    # Up to num_short_term_ref_pic_sets, which is the last code in front of three flags.
    sps.bits = sps.bits.removesuffix("1" + "0" + "00")
    hevc_references(hevc_references(sps.ue(2), {-1: 1}).u(0, 1), {-2: 1}).u(1, 1).ue(0).u(0, 2)
    units = annex_b(sps.u(0, 2).unit(b"\x42\1"), hevc_pps())

    def named(number: int, *, lsb: int, long_term: int = 0) -> bytes:
        bits = BitWriter().u(1, 1).ue(0, 1).u(lsb, 4).u(1, 1).u(number, 1).ue(long_term).u(0xABCDE, 20)
        return annex_b(bits.unit(b"\x02\1"))

    coded = coded_stream("hevc", units)
    coded.picture(annex_b(IDR))
    assert [coded.picture(named(0, lsb=1)).order, coded.picture(named(1, lsb=3)).order] == [1, 3]
    with pytest.raises(Untrusted, match="is not there"):
        coded.picture(named(0, lsb=5))
    coded = coded_stream("hevc", units)
    coded.picture(annex_b(IDR))
    with pytest.raises(Untrusted, match="long-term"):
        coded.picture(named(0, lsb=1, long_term=1))
