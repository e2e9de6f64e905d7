"""What every decoder owes that an encoder's frames are made with: its own resizing, or ours behind it."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest

from clips import ReferenceClip
from contracts.decoder_suite import EVERY_FRAME, RATES, by_time, seen
from framedex.contracts import TowerBatch
from framedex.decode import TOWER_DECODERS, DecodeSummary, FpsGrid, Grid, TowerReader, identify
from framedex.decode.base import no_progress
from framedex.embed.preprocess.rules import ResizeRules
from framedex.errors import UsageError
from framedex.ingest.towers import open_towers

#: Whole squares of the numbers that clips show.
SQUASH = ResizeRules(
    size=(48, 64),
    resize="squash",
    interpolation="bicubic",
    rescale=1 / 255,
    mean=(0.5, 0.5, 0.5),
    shortest_edge=None,
    patch=None,
    max_patches=None,
)
CROP = replace(SQUASH, size=(40, 40), resize="shortest-edge-crop", interpolation="bilinear", shortest_edge=48)


class TowerSuite:
    """Conformance of one decoder; `clip` is a fixture of the subclass over its reference clips."""

    decoder: str

    def open(self, clip: ReferenceClip, rules: ResizeRules = SQUASH, *, threads: int = 1) -> TowerReader:
        source = identify(clip.path, folder_fps=clip.folder_fps)
        return open_towers(source, decoder=self.decoder, image=rules, threads=threads, progress=no_progress)

    def decode(
        self, clip: ReferenceClip, grid: Grid, rules: ResizeRules = SQUASH, *, threads: int = 1
    ) -> tuple[list[TowerBatch], DecodeSummary]:
        with self.open(clip, rules, threads=threads) as reader:
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
        batches, summary = self.decode(clip, EVERY_FRAME, threads=2)
        assert seen(batches) == [
            (round(time * 1_000_000), number) for time, number in zip(clip.times, clip.numbers, strict=True)
        ]
        assert (summary.timing, summary.frames, summary.damaged_frames) == (clip.timing, len(clip.times), 0)
        assert summary.first_pts_us == round(clip.times[0] * 1_000_000)
        assert summary.last_pts_us == round(clip.times[-1] * 1_000_000)

    @pytest.mark.parametrize("rules", [SQUASH, CROP], ids=lambda rules: rules.resize)
    def test_batches_are_the_towers_pixels_in_strict_order(self, clip: ReferenceClip, rules: ResizeRules) -> None:
        batches, _ = self.decode(clip, FpsGrid(fps=Fraction(3)), rules)
        for batch in batches:
            assert batch.pixels.shape == (len(batch), *rules.size, 3)
        assert (np.diff(np.concatenate([batch.pts_us for batch in batches])) > 0).all()

    def test_a_sampled_frame_is_the_frame_of_a_whole_decode(self, clip: ReferenceClip) -> None:
        every = by_time(self.decode(clip, EVERY_FRAME)[0])
        sampled = by_time(self.decode(clip, FpsGrid(fps=Fraction(3)), threads=2)[0])
        assert sampled
        for pts_us, picture in sampled.items():
            np.testing.assert_array_equal(picture, every[pts_us])

    def test_frames_decoded_without_need_change_nothing(self, clip: ReferenceClip) -> None:
        grid = FpsGrid(fps=Fraction(2))
        with self.open(clip) as reader:
            needed = by_time(reader.frames(grid, timing=clip.timing))
            samples = reader.summary.samples
            every = by_time(reader.frames(grid, timing=clip.timing, everything=True))
            assert reader.summary.samples == samples
            assert reader.summary.decoded == "everything"
        assert needed.keys() == every.keys()
        assert all(np.array_equal(needed[at], every[at]) for at in needed)

    def test_an_end_before_the_end(self, clip: ReferenceClip) -> None:
        reader = self.open(clip)
        batches = reader.frames(EVERY_FRAME, timing=clip.timing)
        next(batches)
        reader.close()
        reader.close()
        assert list(batches) == []
        with pytest.raises(AssertionError, match="before frames"):
            _ = reader.summary

    def test_an_encoder_that_the_decoder_cannot_resize_for_is_refused(self, clip: ReferenceClip) -> None:
        letterbox = replace(SQUASH, resize="letterbox", interpolation="cubic")
        if self.decoder in TOWER_DECODERS:
            with pytest.raises(UsageError, match=r"squash or shortest-edge-crop; .* by letterbox: decode with pyav"):
                self.open(clip, letterbox)
            return
        with self.open(clip, letterbox) as reader:
            assert all(batch.pixels.shape[1:] == (48, 64, 3) for batch in reader.frames(FpsGrid(fps=Fraction(1))))
