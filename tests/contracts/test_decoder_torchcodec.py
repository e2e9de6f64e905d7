from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from clips import draw_number, encode
from contracts.backends import require_backend
from contracts.decoder_suite import EVERY_FRAME, by_time
from framedex.decode import EveryGrid, FpsGrid, SceneGrid, VideoReader, identify, open_video
from framedex.errors import DecodeFailed
from golden_clips import FREE, PAL, VIDEOS
from mp4_boxes import set_display_matrix
from photo_clips import FORMS, HEIGHT, WIDTH, PhotoForm, make_photo_clip

require_backend("torchcodec", "torchcodec.decoders")

#: What TorchCodec cannot do, and the sentence that says so.
REFUSED = {
    "reordered-avi": "its packets do not tell the frames",
    "transport": r"frame 0 has the time 2\.000000 s, TorchCodec gives the one at 2\.233567 s for it",
    "vp9-edited-mp4": r"frame 0 has the time 0\.000000 s, TorchCodec gives the one at 0\.440000 s for it",
}
REFUSED_FORMS = {"ts": "TorchCodec gives", "avi": "its packets do not tell the frames"}


def opened(path: Path, decoder: str = "torchcodec") -> VideoReader:
    return open_video(identify(path, folder_fps=None), decoder=decoder, threads=2)


@pytest.mark.parametrize("name", REFUSED)
def test_what_torchcodec_cannot_do_is_refused(name: str, tmp_path: Path) -> None:
    path = (VIDEOS | FREE)[name](tmp_path).path
    with (
        pytest.raises(DecodeFailed, match=rf"{REFUSED[name]}.*; use the default decoder, pyav"),
        opened(path) as reader,
    ):
        list(reader.frames(FpsGrid(fps=Fraction(1))))


@pytest.mark.parametrize("form", FORMS, ids=lambda form: f"{form.codec}-{form.suffix}")
def test_pictures_of_8_bits_are_those_of_pyav_bit_for_bit(form: PhotoForm, tmp_path: Path) -> None:
    path = make_photo_clip(tmp_path, form, photo="coffee").path
    if form.suffix in REFUSED_FORMS:
        with pytest.raises(DecodeFailed, match=REFUSED_FORMS[form.suffix]), opened(path) as reader:
            list(reader.frames(EVERY_FRAME))
        return
    largest, equal = difference(path)
    assert (largest, equal) == (0, 1.0)


def test_pictures_of_10_bits_differ_a_little_from_those_of_pyav(tmp_path: Path) -> None:
    """Both convert with FFmpeg's swscale, but of another version and with other flags where it has no quick way."""
    form = PhotoForm(suffix="mp4", encoder="libx264", codec="h264", pixel_format="yuv420p10le")
    largest, equal = difference(make_photo_clip(tmp_path, form, photo="coffee").path)
    assert largest <= 25
    assert equal > 0.7


def difference(path: Path) -> tuple[int, float]:
    """Largest difference from PyAV of any grey level in any frame, and the share of equal levels."""
    with opened(path) as ours, opened(path, decoder="pyav") as pyavs:
        got, expected = by_time(ours.frames(EVERY_FRAME)), by_time(pyavs.frames(EVERY_FRAME))
    assert got.keys() == expected.keys()
    differences = [np.abs(got[at].astype(np.int16) - expected[at]) for at in expected]
    assert {each.shape for each in differences} == {(HEIGHT, WIDTH, 3)}
    return max(int(each.max()) for each in differences), float(np.mean([(each == 0).mean() for each in differences]))


def test_frames_decoded_without_need_change_nothing(tmp_path: Path) -> None:
    grid = EveryGrid(step=7)
    with opened(VIDEOS["pal"](tmp_path).path) as reader:
        needed, needed_summary = by_time(reader.frames(grid)), reader.summary
        every, every_summary = by_time(reader.frames(grid, everything=True)), reader.summary
    assert needed.keys() == every.keys()
    assert all(np.array_equal(needed[at], every[at]) for at in needed)
    assert (needed_summary.decoded, needed_summary.decoded_frames) == ("groups", 11)
    assert (every_summary.decoded, every_summary.decoded_frames) == ("everything", 75)
    assert needed_summary.samples == every_summary.samples


@pytest.mark.parametrize("abcd", [(1, 0, 0, -1), (-1, 0, 0, 1), (0, 1, 1, 0), (0, -1, -1, 0)])
def test_a_mirrored_picture_is_refused(tmp_path: Path, abcd: tuple[int, int, int, int]) -> None:
    path = tmp_path / "mirror.mp4"
    encode(path, range(3), PAL, draw=draw_number)
    set_display_matrix(path, abcd)
    with pytest.raises(DecodeFailed, match="asks for a mirrored picture"):
        opened(path)


def test_times_cannot_be_rebuilt(tmp_path: Path) -> None:
    with (
        opened(VIDEOS["pal"](tmp_path).path) as reader,
        pytest.raises(DecodeFailed, match="cannot count frames instead; use the default decoder"),
    ):
        list(reader.frames(EVERY_FRAME, timing="reconstructed"))


def test_a_grid_that_looks_at_pictures_is_refused(tmp_path: Path) -> None:
    with (
        opened(VIDEOS["pal"](tmp_path).path) as reader,
        pytest.raises(DecodeFailed, match=r"scene=0\.5 compares the pictures as they are stored"),
    ):
        list(reader.frames(SceneGrid(threshold=Fraction(1, 2))))


def test_a_colon_in_a_name_is_no_protocol(tmp_path: Path) -> None:
    path = tmp_path / "http:clip.mp4"
    VIDEOS["pal"](tmp_path).path.rename(path)
    with opened(path) as reader:
        assert sum(len(batch) for batch in reader.frames(FpsGrid(fps=Fraction(1)))) == 3


def test_damage_is_a_sentence_without_places_in_sources(tmp_path: Path) -> None:
    path = VIDEOS["pal"](tmp_path).path
    data = bytearray(path.read_bytes())
    start = data.index(b"mdat") + 1500  # behind the first frame, which opening the file decodes
    data[start : start + 1500] = b"\xff" * 1500
    path.write_bytes(data)
    with pytest.raises(DecodeFailed) as caught, opened(path) as reader:
        list(reader.frames(EVERY_FRAME))
    assert ".cpp" not in str(caught.value)
