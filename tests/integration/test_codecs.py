"""Photographs in every codec and container, decoded: all frames, at the right times, like what was encoded."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from framedex.decode import FpsGrid, find_videos, identify, open_video
from photo_clips import FORMS, FRAME_DURATION, FRAMES, PHOTOS, PhotoClip, PhotoForm, make_photo_clip, make_photo_clips

#: Decibels: the clips give 30.9 to 36.4, and a frame against its neighbour in the pan at most 24.7.
PSNR_FLOOR = 28.0

photos = list(PHOTOS)


@pytest.fixture(scope="module", params=FORMS, ids=lambda form: f"{form.codec}-{form.suffix}")
def clip(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> PhotoClip:
    form: PhotoForm = request.param
    return make_photo_clip(tmp_path_factory.mktemp("photos"), form, photo=photos[FORMS.index(form) % len(photos)])


def psnr(one: np.ndarray, two: np.ndarray) -> float:
    return float(10 * np.log10(255**2 / np.mean((one.astype(float) - two.astype(float)) ** 2)))


def test_every_frame_at_its_time_like_its_source(clip: PhotoClip) -> None:
    with open_video(identify(clip.path, folder_fps=None), threads=1) as reader:
        assert reader.info.codec == clip.form.codec
        batches = list(reader.frames(FpsGrid(fps=1 / FRAME_DURATION), timing=clip.form.timing))
        summary = reader.summary
    assert (summary.decoded_frames, len(summary.samples[0].pts_us), summary.damaged_frames) == (FRAMES, FRAMES, 0)
    times_us = np.concatenate([batch.pts_us for batch in batches])
    np.testing.assert_array_equal(
        times_us - times_us[0], [round(i * FRAME_DURATION * 1_000_000) for i in range(FRAMES)]
    )
    pictures = np.concatenate([batch.frames for batch in batches])
    likeness = [psnr(picture, source) for picture, source in zip(pictures, clip.pictures(), strict=True)]
    assert min(likeness) > PSNR_FLOOR


def test_one_frame_a_second_is_the_right_one(clip: PhotoClip) -> None:
    with open_video(identify(clip.path, folder_fps=None), threads=1) as reader:
        pictures = np.concatenate(
            [batch.frames for batch in reader.frames(FpsGrid(fps=Fraction(1)), timing=clip.form.timing)]
        )
    sources = clip.pictures()
    assert [int(np.argmax([psnr(picture, source) for source in sources])) for picture in pictures] == [0, 25]


def test_all_of_them_are_found(tmp_path: Path) -> None:
    clips = make_photo_clips(tmp_path)
    found = find_videos([tmp_path])
    assert set(found.paths) == {clip.path for clip in clips}
    assert found.ignored == 0
    assert len({identify(path, folder_fps=None).key for path in found.paths}) == len(FORMS)
