"""What every decoder has to do; a back end inherits the suite and names its clips."""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction

import numpy as np
import pytest

from clips import HEIGHT, WIDTH, ReferenceClip, read_number
from framedex.contracts import FrameBatch, Pixels, TowerBatch
from framedex.decode import DecodeSummary, FpsGrid, Grid, VideoReader, identify, open_video
from framedex.errors import TimestampsUnordered

# A multiple of the frame rates of all clips, so that a point falls on the last frame too.
EVERY_FRAME = FpsGrid(fps=Fraction(30_000))
RATES = [Fraction(1), Fraction(2), Fraction(3), Fraction(1, 2)]


class DecoderSuite:
    """Conformance of one decoder; `clip` is a fixture of the subclass over its reference clips."""

    decoder: str

    def open(self, clip: ReferenceClip, *, threads: int = 1) -> VideoReader:
        return open_video(identify(clip.path, folder_fps=clip.folder_fps), decoder=self.decoder, threads=threads)

    def decode(self, clip: ReferenceClip, grid: Grid, *, threads: int = 1) -> tuple[list[FrameBatch], DecodeSummary]:
        with self.open(clip, threads=threads) as reader:
            batches = list(reader.frames(grid, timing=clip.timing))
            return batches, reader.summary

    @pytest.mark.parametrize("fps", RATES, ids=str)
    def test_grid_takes_the_frames_of_the_reference(self, clip: ReferenceClip, fps: Fraction) -> None:
        batches, summary = self.decode(clip, FpsGrid(fps=fps))
        expected = clip.sampled(fps)
        assert seen(batches) == [(round(time * 1_000_000), number) for time, number in expected]
        (sample,) = summary.samples
        assert sample.pts_us.tolist() == [round(time * 1_000_000) for time, _ in expected]

    def test_a_fine_grid_takes_every_frame(self, clip: ReferenceClip) -> None:
        batches, summary = self.decode(clip, EVERY_FRAME)
        assert seen(batches) == [
            (round(time * 1_000_000), number) for time, number in zip(clip.times, clip.numbers, strict=True)
        ]
        (sample,) = summary.samples
        assert sample.points == int((clip.times[-1] - clip.times[0]) * EVERY_FRAME.fps) + 1
        assert sample.pts_us.tolist() == [round(time * 1_000_000) for time in clip.times]
        assert (summary.timing, summary.frames, summary.damaged_frames) == (clip.timing, len(clip.times), 0)
        assert summary.decoded_frames == len(clip.times)
        assert summary.first_pts_us == round(clip.times[0] * 1_000_000)
        assert summary.last_pts_us == round(clip.times[-1] * 1_000_000)

    def test_batches_are_pictures_in_strict_order(self, clip: ReferenceClip) -> None:
        batches, _ = self.decode(clip, EVERY_FRAME)
        for batch in batches:
            assert batch.frames.dtype == np.uint8
            assert batch.frames.shape == (len(batch), HEIGHT, WIDTH, 3)
            assert batch.pts_us.dtype == np.int64
        assert (np.diff(np.concatenate([batch.pts_us for batch in batches])) > 0).all()

    def test_a_sampled_frame_is_the_frame_of_a_whole_decode(self, clip: ReferenceClip) -> None:
        every = by_time(self.decode(clip, EVERY_FRAME)[0])
        sampled = by_time(self.decode(clip, FpsGrid(fps=Fraction(3)))[0])
        assert sampled
        for pts_us, picture in sampled.items():
            np.testing.assert_array_equal(picture, every[pts_us])

    def test_a_second_pass_is_identical(self, clip: ReferenceClip) -> None:
        with self.open(clip) as reader:
            first, first_summary = list(reader.frames(FpsGrid(fps=Fraction(3)), timing=clip.timing)), reader.summary
            second, second_summary = list(reader.frames(FpsGrid(fps=Fraction(3)), timing=clip.timing)), reader.summary
        assert first_summary == second_summary
        assert_same(first, second)

    def test_threads_change_nothing(self, clip: ReferenceClip) -> None:
        one, one_summary = self.decode(clip, EVERY_FRAME)
        four, four_summary = self.decode(clip, EVERY_FRAME, threads=4)
        assert one_summary == four_summary
        assert_same(one, four)

    def test_info_is_of_the_picture_as_shown(self, clip: ReferenceClip) -> None:
        with self.open(clip) as reader:
            assert (reader.info.width, reader.info.height) == (WIDTH, HEIGHT)
            assert reader.info.rotation_deg == clip.rotation_deg

    def test_closing_twice_is_safe(self, clip: ReferenceClip) -> None:
        reader = self.open(clip)
        assert list(reader.frames(FpsGrid(fps=Fraction(1)), timing=clip.timing))
        reader.close()
        reader.close()

    def test_closing_within_a_pass_ends_it_without_a_summary(self, clip: ReferenceClip) -> None:
        reader = self.open(clip)
        batches = reader.frames(EVERY_FRAME, timing=clip.timing)
        next(batches)
        reader.close()
        assert list(batches) == []
        with pytest.raises(AssertionError, match="before frames"):
            _ = reader.summary

    def test_a_new_pass_ends_the_old_one(self, clip: ReferenceClip) -> None:
        with self.open(clip) as reader:
            old = reader.frames(EVERY_FRAME, timing=clip.timing)
            next(old)
            new = list(reader.frames(FpsGrid(fps=Fraction(1)), timing=clip.timing))
            assert list(old) == []
            assert len(reader.summary.samples[0].pts_us) == sum(len(batch) for batch in new)

    def test_unordered_times_are_refused_until_asked_for(self, clip: ReferenceClip) -> None:
        with self.open(clip) as reader:
            if clip.timing == "container":
                assert list(reader.frames(FpsGrid(fps=Fraction(1))))
            else:
                with pytest.raises(
                    TimestampsUnordered, match=r"expected later than .* decode with reconstructed times"
                ):
                    list(reader.frames(FpsGrid(fps=Fraction(1))))
                assert list(reader.frames(FpsGrid(fps=Fraction(1)), timing="reconstructed"))


def seen(batches: Iterable[FrameBatch | TowerBatch]) -> list[tuple[int, int]]:
    """(pts_us, number drawn) of every frame."""
    return [(pts_us, read_number(picture)) for pts_us, picture in by_time(batches).items()]


def by_time(batches: Iterable[FrameBatch | TowerBatch]) -> dict[int, Pixels]:
    """Picture by pts_us."""
    return {
        int(pts_us): picture
        for batch in batches
        for pts_us, picture in zip(
            batch.pts_us, batch.frames if isinstance(batch, FrameBatch) else batch.pixels, strict=True
        )
    }


def assert_same(one: list[FrameBatch], two: list[FrameBatch]) -> None:
    """The same frames at the same times, bit for bit."""
    assert len(one) == len(two)
    for a, b in zip(one, two, strict=True):
        np.testing.assert_array_equal(a.pts_us, b.pts_us)
        np.testing.assert_array_equal(a.frames, b.frames)
