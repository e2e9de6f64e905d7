"""Streams that x264 makes: the order against timestamps, dependencies and entries against decoding itself."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from framedex.decode.bitstream import Untrusted
from unit.decode.bitstream.coded import check_against_decoding, check_order, x264


@pytest.mark.parametrize(
    "params",
    [
        *(f"keyint=12:bframes={bframes}" for bframes in range(6)),
        *(f"keyint=12:bframes=5:b-adapt=0:b-pyramid={pyramid}" for pyramid in ("none", "strict", "normal")),
        "keyint=12:slices=4",
        "keyint=12:cqm=jvt:8x8dct=1",
        "keyint=12:nal-hrd=vbr:vbv-maxrate=500:vbv-bufsize=500:aud=1",
    ],
)
def test_closed_groups(tmp_path: Path, params: str) -> None:
    coded = x264(tmp_path / "clip.mp4", params)
    pictures = check_order(coded)
    assert [picture.entry for picture in pictures if picture.entry != "none"] == ["closed"] * 4
    check_against_decoding(coded, pictures)


@pytest.mark.parametrize("suffix", [".mp4", ".ts", ".mkv"])
def test_open_groups(tmp_path: Path, suffix: str) -> None:
    coded = x264(tmp_path / f"clip{suffix}", "keyint=12:open-gop=1:bframes=3:b-adapt=0")
    pictures = check_order(coded)
    assert [picture.entry for picture in pictures if picture.entry != "none"] == ["closed", "open", "open", "open"]
    assert [picture.entry != "none" for picture in pictures] == [packet.is_keyframe for packet in coded.packets]
    check_against_decoding(coded, pictures)


@pytest.mark.parametrize("suffix", [".mp4", ".ts"])
def test_gradual_refresh_is_no_entry_though_ffmpeg_says_keyframe(tmp_path: Path, suffix: str) -> None:
    coded = x264(tmp_path / f"clip{suffix}", "keyint=12:intra-refresh=1:bframes=2")
    pictures = check_order(coded)
    assert [i for i, picture in enumerate(pictures) if picture.entry != "none"] == [0]
    assert sum(packet.is_keyframe for packet in coded.packets) > 1
    check_against_decoding(coded, pictures)


def test_order_count_wraps_in_a_long_group(tmp_path: Path) -> None:
    pictures = check_order(x264(tmp_path / "clip.mp4", "keyint=400", n=300))
    assert max(picture.order for picture in pictures) == 598


def test_transport_stream_repeats_its_parameter_sets(tmp_path: Path) -> None:
    coded = x264(tmp_path / "clip.ts", "keyint=12")
    for picture in check_order(coded):
        kinds = {unit[0] & 31 for unit in picture.parameter_sets}
        assert kinds == ({7, 8} if picture.entry == "closed" else set())


def test_referenced_is_what_the_slices_say(tmp_path: Path) -> None:
    coded = x264(tmp_path / "clip.ts", "keyint=12:slices=2:bframes=5")
    for packet, picture in zip(coded.packets, check_order(coded), strict=True):
        slices = re.findall(b"\0\0\1([\x01\x05\x21\x25\x41\x45\x61\x65])", bytes(packet))
        assert [header[0] >> 5 > 0 for header in slices] == [picture.referenced] * 2


@pytest.mark.parametrize("params", ["interlaced=1", "tff=1", "bff=1", "fake-interlaced=1"])
def test_interlaced_streams_are_untrusted(tmp_path: Path, params: str) -> None:
    with pytest.raises(Untrusted, match="fields"):
        x264(tmp_path / "clip.mp4", params, n=5).pictures()


def test_stream_cut_in_the_middle_is_untrusted(tmp_path: Path) -> None:
    coded = x264(tmp_path / "clip.ts", "keyint=12")
    del coded.packets[:3]
    with pytest.raises(Untrusted, match="cannot begin"):
        coded.pictures()
