"""Every way of cutting a file is found before it is decoded; no whole file is refused."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import pytest

from clips import encode
from framedex.decode.integrity import check_whole
from framedex.errors import TruncatedVideo

FORMS: dict[str, tuple[str, dict[str, str]]] = {
    "mp4, index last": ("mp4", {}),
    "mp4, index first": ("mp4", {"movflags": "faststart"}),
    "mov": ("mov", {}),
    "mp4 in fragments": ("mp4", {"movflags": "frag_keyframe+empty_moov"}),
    "mkv": ("mkv", {}),
    "mkv of unknown size": ("mkv", {"live": "1"}),
    "webm": ("webm", {}),
    "avi": ("avi", {}),
    "ts": ("ts", {}),
    "m2ts": ("m2ts", {"mpegts_m2ts_mode": "1"}),
}


@pytest.fixture(scope="module", params=FORMS)
def whole(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    suffix, options = FORMS[request.param]
    path = tmp_path_factory.mktemp("whole") / f"clip.{suffix}"
    codec = "libvpx-vp9" if suffix == "webm" else "libx264"
    encode(path, range(25), Fraction(1, 25), codec=codec, container_options=options, gop=5)
    return path


def test_a_whole_file_passes(whole: Path) -> None:
    check_whole(whole)


@pytest.mark.parametrize("keep", [0.35, 0.6, 0.9])
def test_a_cut_file_is_refused_with_both_sizes(whole: Path, tmp_path: Path, keep: float) -> None:
    data = whole.read_bytes()
    nbytes = int(len(data) * keep) | 1  # odd, so that no transport packet ends there
    cut = tmp_path / whole.name
    cut.write_bytes(data[:nbytes])
    with pytest.raises(TruncatedVideo, match=r"the file is cut short: its .*\d+.*; copy or download it again"):
        check_whole(cut)


@pytest.mark.parametrize("suffix", ["mp4", "mov", "mkv", "webm", "avi"])
def test_a_file_without_its_last_byte_is_refused(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"clip.{suffix}"
    encode(path, range(5), Fraction(1, 25), codec="libvpx-vp9" if suffix == "webm" else "mpeg4")
    data = path.read_bytes()
    path.write_bytes(data[:-1])
    with pytest.raises(TruncatedVideo, match=f"{len(data)}.* the file at byte {len(data) - 1}"):
        check_whole(path)


def _padded(data: bytes) -> bytes:
    return data + bytes(1000)


def _closed_in_a_crash(data: bytes) -> bytes:
    """An AVI whose writer never came to fill in the size."""
    return data[:4] + bytes(4) + data[8:]


@pytest.mark.parametrize(
    ("suffix", "change"), [("mp4", _padded), ("mkv", _padded), ("avi", _padded), ("avi", _closed_in_a_crash)]
)
def test_padding_and_unfinished_headers_are_no_truncation(
    tmp_path: Path, suffix: str, change: Callable[[bytes], bytes]
) -> None:
    path = tmp_path / f"clip.{suffix}"
    encode(path, range(5), Fraction(1, 25), codec="mpeg4")
    path.write_bytes(change(path.read_bytes()))
    check_whole(path)


@pytest.mark.parametrize("data", [b"", b"x", b"some text that is no video", bytes(5000), b"G" * 3 + b"o" * 1000])
def test_what_is_no_container_is_left_to_the_decoder(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "file").write_bytes(data)
    check_whole(tmp_path / "file")
