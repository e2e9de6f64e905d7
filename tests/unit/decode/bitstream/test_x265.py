"""Streams that x265 makes: the order against timestamps, dependencies and entries against decoding itself."""

from __future__ import annotations

from pathlib import Path

import pytest

from framedex.decode.bitstream import Untrusted
from unit.decode.bitstream.coded import check_against_decoding, check_order, x265


@pytest.mark.parametrize(
    ("params", "entry"),
    [
        ("", "open"),
        ("bframes=4:b-adapt=0", "open"),
        ("bframes=0", "open"),
        ("b-pyramid=0", "open"),
        ("temporal-layers=2", "open"),
        ("temporal-layers=3:bframes=4", "open"),
        ("repeat-headers=1:aud=1:hrd=1:vbv-maxrate=500:vbv-bufsize=500", "open"),
        ("scaling-list=default:range=full:sar=4:colorprim=bt709:chromaloc=2", "open"),
        ("no-open-gop=1", "closed"),
        ("no-open-gop=1:radl=2", "closed"),
    ],
)
def test_groups(tmp_path: Path, params: str, entry: str) -> None:
    coded = x265(tmp_path / "clip.mp4", params)
    pictures = check_order(coded)
    assert [picture.entry for picture in pictures if picture.entry != "none"] == ["closed"] + [entry] * 3
    assert [picture.entry != "none" for picture in pictures] == [packet.is_keyframe for packet in coded.packets]
    assert [not picture.referenced for picture in pictures] == [packet.is_disposable for packet in coded.packets]
    check_against_decoding(coded, pictures)


@pytest.mark.parametrize("suffix", [".ts", ".mkv"])
def test_containers(tmp_path: Path, suffix: str) -> None:
    coded = x265(tmp_path / f"clip{suffix}", "bframes=4:b-adapt=0")
    pictures = check_order(coded)
    assert [picture.entry for picture in pictures if picture.entry != "none"] == ["closed", "open", "open", "open"]
    assert any(picture.leading == "skipped" for picture in pictures)
    check_against_decoding(coded, pictures)


def test_layers_can_be_left_out_from_the_top(tmp_path: Path) -> None:
    coded = x265(tmp_path / "clip.mp4", "temporal-layers=3:bframes=4")
    pictures = check_order(coded)
    assert {picture.layer for picture in pictures} == {0, 1, 2}
    check_against_decoding(coded, pictures, kept=[picture.layer < 2 for picture in pictures])
    check_against_decoding(coded, pictures, kept=[picture.layer < 1 for picture in pictures])


def test_transport_stream_repeats_its_parameter_sets(tmp_path: Path) -> None:
    for picture in check_order(x265(tmp_path / "clip.ts")):
        kinds = {unit[0] >> 1 for unit in picture.parameter_sets}
        assert kinds == (set() if picture.entry == "none" else {32, 33, 34})


def test_order_count_wraps_in_a_long_group(tmp_path: Path) -> None:
    pictures = check_order(x265(tmp_path / "clip.mp4", "keyint=400", n=300))
    assert max(picture.order for picture in pictures) == 299


def test_fields_are_untrusted(tmp_path: Path) -> None:
    with pytest.raises(Untrusted, match="fields"):
        x265(tmp_path / "clip.mp4", "interlace=tff", n=5).pictures()
