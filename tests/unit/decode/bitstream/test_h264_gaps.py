"""H.264 streams with pictures lost, more reordering than they state, or an encoder that decoders make allowances for."""

from __future__ import annotations

import pytest

from framedex.decode.bitstream import CodedStream, Picture, Untrusted, coded_stream
from unit.decode.bitstream.written import (
    BitWriter,
    annex_b,
    h264_idr,
    h264_pps,
    h264_recovery,
    h264_restriction,
    h264_slice,
    h264_sps,
    h264_sps_until_vui,
)

IDR = h264_idr()


def stream() -> CodedStream:
    return coded_stream("h264", annex_b(h264_sps(), h264_pps()))


def pictures(coded: CodedStream, *slices: bytes) -> list[Picture]:
    return [coded.picture(annex_b(piece)) for piece in slices]


def test_missing_referenced_picture_is_untrusted() -> None:
    beginning = [h264_idr(), h264_slice(frame_num=1, lsb=2), h264_slice(frame_num=2, lsb=4, ref_idc=0)]
    for frame_num in (0, 1, 3, 4):
        coded = stream()
        pictures(coded, *beginning)
        with pytest.raises(Untrusted, match="leave a gap"):
            coded.picture(annex_b(h264_slice(frame_num=frame_num, lsb=6)))
    coded = stream()
    pictures(coded, *beginning, h264_slice(frame_num=2, lsb=6, ref_idc=0), h264_slice(frame_num=2, lsb=8))
    assert coded.picture(annex_b(h264_idr())).sequence == 2
    with pytest.raises(Untrusted, match="leave a gap"):
        coded.picture(annex_b(h264_slice(frame_num=3, lsb=2)))


def test_gap_behind_a_recovery_point_that_the_stream_begins_with_is_untrusted() -> None:
    beginning = [annex_b(h264_recovery(), h264_slice(slice_type=7, frame_num=15, lsb=8)), annex_b(h264_slice(lsb=9))]
    coded = stream()
    assert [coded.picture(packet).entry for packet in beginning] == ["open", "none"]
    with pytest.raises(Untrusted, match="leave a gap"):
        coded.picture(annex_b(h264_slice(frame_num=2, lsb=10)))


@pytest.mark.parametrize(("reordered", "stated"), [(0, True), (1, True), (2, True), (None, False)])
def test_more_reordering_than_stated_is_untrusted(reordered: int | None, stated: bool) -> None:
    bits = h264_sps_until_vui().u(1, 1).u(0, 8)
    sps = (bits.u(0, 1) if reordered is None else h264_restriction(bits, reordered=reordered)).unit(b"\x67")
    coded = coded_stream("h264", annex_b(sps, h264_pps()))
    # Decoded and shown: 0, 4, 2, 1, 3: both 4 and 2 overtake 1.
    units = [h264_idr(), *(h264_slice(frame_num=i + 1, lsb=lsb) for i, lsb in enumerate([4, 2, 1, 3]))]
    for i, unit in enumerate(units):
        if reordered is not None and i == reordered + 2 < 4:
            with pytest.raises(Untrusted, match=f"more than the {reordered} pictures"):
                coded.picture(annex_b(unit))
            break
        assert coded.picture(annex_b(unit)).states_reordering is stated


@pytest.mark.parametrize("profile", [66, 77])
def test_baseline_streams_are_held_to_what_their_profile_leads_to_expect(profile: int) -> None:
    coded = coded_stream("h264", annex_b(h264_sps(profile=profile), h264_pps()))
    pictures(coded, h264_idr(), h264_slice(frame_num=1, lsb=4))
    if profile == 77:
        assert not coded.picture(annex_b(h264_slice(frame_num=2, lsb=2))).states_reordering
    else:
        with pytest.raises(Untrusted, match="more than the 0 pictures"):
            coded.picture(annex_b(h264_slice(frame_num=2, lsb=2)))


@pytest.mark.parametrize(
    ("build", "profile", "trusted"),
    [
        (1, 77, False),
        (33, 77, False),
        (34, 77, True),
        (150, 77, True),
        (150, 244, False),
        (151, 244, True),
        (164, 244, True),
    ],
)
def test_stream_of_an_encoder_with_faults_is_untrusted(build: int, profile: int, trusted: bool) -> None:
    sps = h264_sps(profile=profile)
    if profile == 244:
        bits = BitWriter().u(profile, 8).u(0, 8).u(40, 8).ue(0, 3).u(0, 1).ue(0, 0).u(0, 2).ue(0, 0, 0, 4).u(0, 1)
        sps = bits.ue(7, 5).u(1, 1).u(1, 1).u(0, 2).unit(b"\x67")
    text = bytes(range(16, 32)) + f"x264 - core {build} r9".encode()
    packet = annex_b(b"\6\5" + bytes([len(text)]) + text + b"\x80", IDR)
    coded = coded_stream("h264", annex_b(sps, h264_pps()))
    if trusted:
        assert coded.picture(packet).entry == "closed"
    else:
        with pytest.raises(Untrusted, match=f"x264 build {build}"):
            coded.picture(packet)
