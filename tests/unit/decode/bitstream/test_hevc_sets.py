"""HEVC parameter sets: field_seq_flag is found behind everything that may stand before it."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from framedex.decode.bitstream.hevc_sets import PictureSet, SequenceSet, read_picture_set, read_sequence_set
from framedex.decode.bitstream.picture import Untrusted
from unit.decode.bitstream.written import BitWriter, hevc_header, hevc_pps, hevc_sps, hevc_sps_until_vui


def beginning(*, layers: list[tuple[int, int]] | None = None, chroma: int = 1, window: int = 0) -> BitWriter:
    """Set 5 up to and with sps_sub_layer_ordering_info: 7 bits of slice_pic_order_cnt_lsb; layers: profile and level present."""
    layers = layers or []
    bits = BitWriter().u(0, 4).u(len(layers), 3).u(0, 1).u(0xA5 << 80, 88).u(93, 8)
    for profile, level in layers:
        bits.u(profile, 1).u(level, 1)
    if layers:
        bits.u(0, 2 * (8 - len(layers)))
    for profile, level in layers:
        bits.u(0x5A << 80, 88 * profile).u(93, 8 * level)
    bits.ue(5, chroma)
    if chroma == 3:
        bits.u(0, 1)
    bits.ue(1920, 1088).u(window, 1)
    if window:
        bits.ue(0, 0, 0, 4)
    bits.ue(2, 2, 3).u(1, 1)
    for layer in range(len(layers) + 1):
        bits.ue(4, layer, 0)
    return bits


def blocks(bits: BitWriter) -> BitWriter:
    return bits.ue(0, 3, 0, 3, 1, 2)


def references(bits: BitWriter) -> BitWriter:
    """No sets, no long-term pictures, sps_temporal_mvp_enabled_flag, strong_intra_smoothing_enabled_flag."""
    return bits.ue(0).u(0, 1).u(3, 2)


def plain(**fields) -> BitWriter:
    return references(blocks(beginning(**fields)).u(0, 1).u(3, 2).u(0, 1))


def with_scaling_lists() -> BitWriter:
    bits = blocks(beginning()).u(1, 1).u(1, 1)
    for size in range(4):
        for matrix in range(2 if size == 3 else 6):
            if matrix % 2:
                bits.u(0, 1).ue(1)
                continue
            bits.u(1, 1)
            for _ in range((16, 64, 64, 64)[size] + (size > 1)):
                bits.se(-3)
    return references(bits.u(3, 2).u(0, 1))


def with_default_scaling_lists() -> BitWriter:
    return references(blocks(beginning()).u(1, 1).u(0, 1).u(3, 2).u(0, 1))


def with_pcm() -> BitWriter:
    return references(blocks(beginning()).u(0, 1).u(3, 2).u(1, 1).u(0x77, 8).ue(0, 2).u(1, 1))


def with_reference_sets() -> BitWriter:
    bits = blocks(beginning()).u(0, 1).u(3, 2).u(0, 1).ue(4)
    bits.ue(2, 1).ue(0).u(1, 1).ue(2).u(1, 1).ue(0).u(1, 1)  # -1, -4 | +1
    # Moved by -1: -2, -5, 0 (which is no reference), and -1 for the picture itself; the second is not kept.
    bits.u(1, 1).u(1, 1).ue(0).u(0b1, 1).u(0b00, 2).u(0b01, 2).u(0b1, 1)
    # That leaves -1, -2: three flags and not four follow. Moved by +3: 2, 1, and 3 for the picture itself.
    bits.u(1, 1).u(0, 1).ue(2).u(0b1, 1).u(0b1, 1).u(0b01, 2)
    bits.u(1, 1).u(0, 1).ue(0).u(0b1, 1).u(0b1, 1).u(0b1, 1).u(0b1, 1)  # 1, 2, 3: four flags
    return bits.u(1, 1).ue(2).u(9, 7).u(1, 1).u(17, 7).u(0, 1).u(3, 2)


SETS: list[Callable[[], BitWriter]] = [
    plain,
    lambda: plain(layers=[(1, 1), (0, 1), (1, 0)], window=1),
    lambda: plain(layers=[(0, 0)] * 6, chroma=3),
    with_scaling_lists,
    with_default_scaling_lists,
    with_pcm,
    with_reference_sets,
]


def short_vui(bits: BitWriter) -> BitWriter:
    return bits.u(1, 1).u(0, 4).u(0, 1)


def long_vui(bits: BitWriter) -> BitWriter:
    """A sample aspect ratio, overscan, colours and chroma location up to neutral_chroma_indication_flag."""
    bits.u(1, 1).u(1, 1).u(255, 8).u(40, 16).u(33, 16).u(1, 1).u(1, 1)
    return bits.u(1, 1).u(5, 3).u(0, 1).u(1, 1).u(0x010101, 24).u(1, 1).ue(2, 2).u(0, 1)


@pytest.mark.parametrize("vui", [short_vui, long_vui])
@pytest.mark.parametrize("written", SETS)
def test_fields_are_untrusted(written: Callable[[], BitWriter], vui: Callable[[BitWriter], BitWriter]) -> None:
    # The bits behind are the opposite of the flag, so that reading beside it is seen.
    frames = vui(written()).u(0, 1).u(0x7F, 7).unit(hevc_header(33))
    found = read_sequence_set(frames)
    assert (found.unit, found.set_id, found.order_bits) == (frames, 5, 7)
    with pytest.raises(Untrusted, match="are fields"):
        read_sequence_set(vui(written()).u(1, 1).u(0, 7).unit(hevc_header(33)))


def test_set_without_usability_information() -> None:
    unit = hevc_sps(set_id=2)
    assert read_sequence_set(unit) == SequenceSet(
        unit=unit,
        set_id=2,
        order_bits=4,
        most_reordered=9,
        reference_sets=(),
        has_long_term=False,
        n_long_term_sets=0,
    )


def test_reference_sets_are_kept() -> None:
    found = read_sequence_set(with_reference_sets().u(0, 8).unit(hevc_header(33)))
    assert found.reference_sets == (
        {-1: True, -4: True, 1: True},
        {-1: True, -2: True},
        {1: True, 2: True, 3: False},
        {1: True, 2: True, 3: True, 4: True},
    )
    assert (found.has_long_term, found.n_long_term_sets) == (True, 2)


@pytest.mark.parametrize("n_layers", [0, 2, 6])
def test_reordering_is_that_of_all_layers(n_layers: int) -> None:
    unit = plain(layers=[(0, 0)] * n_layers).u(0, 1).unit(hevc_header(33))
    assert read_sequence_set(unit).most_reordered == n_layers


def test_separate_colour_planes_are_untrusted() -> None:
    bits = BitWriter().u(0, 4).u(0, 3).u(1, 1).u(0, 96).ue(0, 3).u(1, 1)
    with pytest.raises(Untrusted, match="colour planes"):
        read_sequence_set(bits.unit(hevc_header(33)))


def test_eight_layers_are_untrusted() -> None:
    with pytest.raises(Untrusted, match="temporal layers"):
        read_sequence_set(hevc_header(33) + b"\x0e" + bytes(40))


def test_picture_set_says_what_stands_before_the_count() -> None:
    assert read_picture_set(hevc_pps(set_id=63, sps_id=15, output_flag=1, extra_bits=2)) == PictureSet(
        set_id=63, sequence_set_id=15, has_output_flag=True, extra_bits=2
    )


@pytest.mark.parametrize("ids", [(64, 0), (0, 16)])
def test_ids_beyond_the_standard_are_untrusted(ids: tuple[int, int]) -> None:
    with pytest.raises(Untrusted, match="header field"):
        read_picture_set(hevc_pps(set_id=ids[0], sps_id=ids[1]))


def test_sets_cut_short_are_untrusted() -> None:
    unit = hevc_sps_until_vui().u(1, 1).u(0, 6).unit(hevc_header(33))
    for cut in range(2, len(unit) - 1):
        with pytest.raises(Untrusted):
            read_sequence_set(unit[:cut])
