"""What every pair scorer owes; a scorer inherits `PairScorerSuite` and gives the fixtures `scorer` and `uncached`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import numpy as np
import pytest

from framedex.contracts import FrameBatch, Pixels, Pts, TowerBatch
from framedex.embed.tower import to_tower
from framedex.errors import UsageError
from framedex.keys import KEY_LENGTH, is_key
from framedex.pair.base import PairFrames, PairScorer

TEXTS = ["a red dog", "two blue cats run on the beach", "the kitchen knife cuts a green tomato"]

#: Height and width of the frames before they are resized: two shapes, so that a letterbox has borders at either edge.
SHAPES = ((48, 96), (96, 54))


def pictures(n: int, height: int, width: int, *, seed: int = 0) -> Pixels:
    """n seeded pictures, uint8 (n, height, width, 3): a few large areas of colour each, so that no two look alike."""
    areas = np.random.default_rng([seed, height, width]).integers(0, 256, (n, 3, 3, 3), np.uint8)
    rows, columns = np.arange(height) * 3 // height, np.arange(width) * 3 // width
    return np.ascontiguousarray(areas[:, rows][:, :, columns])


def pair_frames(
    scorer: PairScorer, n: int, *, seed: int = 0, video_key: str | None = None, pts_us: Pts | None = None
) -> PairFrames:
    """n frames of one video as the scorer takes them, every other one upright; the key follows from the seed."""
    times = np.arange(n, dtype=np.int64) * 40_000 if pts_us is None else pts_us
    pixels = np.empty((n, *scorer.image.size, 3), np.uint8)
    sizes = np.empty((n, 2), np.int32)
    for which, (height, width) in enumerate(SHAPES):
        frames = pictures(len(range(which, n, 2)), height, width, seed=seed)
        batch = FrameBatch(pts_us=np.arange(len(frames), dtype=np.int64), frames=frames)
        pixels[which::2] = to_tower(batch, scorer.image).pixels
        sizes[which::2] = height, width
    key = f"{seed:0{KEY_LENGTH}x}" if video_key is None else video_key
    return PairFrames(video_key=key, batch=TowerBatch(pts_us=times, pixels=pixels), sizes=sizes)


def part(frames: PairFrames, rows: Sequence[int]) -> PairFrames:
    """Some of the frames, in order."""
    chosen = list(rows)
    batch = TowerBatch(pts_us=frames.batch.pts_us[chosen], pixels=frames.batch.pixels[chosen])
    return PairFrames(video_key=frames.video_key, batch=batch, sizes=frames.sizes[chosen])


class PairScorerSuite:
    """Inherit, and define the fixtures `scorer`, an open one whose cache holds 8 frames or more, and `uncached`, without a cache.

    Attributes:
        tolerance: runtimes may block a product by the batch's size; more than rounding in the scorer's range it must not change.
    """

    tolerance: ClassVar[float] = 1e-5

    def test_it_says_what_it_is(self, scorer: PairScorer) -> None:
        assert is_key(scorer.key)
        assert scorer.name
        assert {"runtime", "runtime_version", "device", "precision"} <= set(scorer.provenance)
        assert all(isinstance(value, str) and value for value in scorer.provenance.values())

    def test_every_pair_has_a_score(self, scorer: PairScorer) -> None:
        scores = scorer.scores(pair_frames(scorer, 4), TEXTS)
        assert scores.shape == (3, 4)
        assert scores.dtype == np.float32
        assert np.isfinite(scores).all()

    def test_frames_and_texts_make_a_difference(self, scorer: PairScorer) -> None:
        """Else what follows would hold of any numbers."""
        scores = scorer.scores(pair_frames(scorer, 5), TEXTS)
        for lines in (scores, scores.T):
            apart = [np.abs(a - b).max() for i, a in enumerate(lines) for b in lines[:i]]
            assert min(apart) > 3 * self.tolerance

    def test_no_frames_have_no_scores(self, scorer: PairScorer) -> None:
        scores = scorer.scores(pair_frames(scorer, 0), TEXTS)
        assert scores.shape == (3, 0)
        assert scores.dtype == np.float32

    @pytest.mark.parametrize("n", [1, 3, 8, 17])
    def test_a_frame_has_one_score_in_any_batch(self, uncached: PairScorer, n: int) -> None:
        frames = pair_frames(uncached, 17)
        whole = uncached.scores(frames, TEXTS[:2])
        some = uncached.scores(part(frames, range(17 - n, 17)), TEXTS[:2])
        assert np.abs(some - whole[:, 17 - n :]).max() < self.tolerance

    def test_a_text_has_one_score_in_any_company(self, uncached: PairScorer) -> None:
        frames = pair_frames(uncached, 3)
        alone = uncached.scores(frames, [TEXTS[1]])[0]
        together = uncached.scores(frames, [*TEXTS, *TEXTS[::-1], TEXTS[1]])
        assert np.abs(together[[1, 4, 6]] - alone).max() < self.tolerance

    def test_rows_are_texts_in_order(self, scorer: PairScorer) -> None:
        frames = pair_frames(scorer, 3)
        forth, back = scorer.scores(frames, TEXTS), scorer.scores(frames, TEXTS[::-1])
        assert np.abs(forth - back[::-1]).max() < self.tolerance

    def test_the_same_call_gives_the_same_bits(self, uncached: PairScorer) -> None:
        frames = pair_frames(uncached, 4)
        assert np.array_equal(uncached.scores(frames, TEXTS), uncached.scores(frames, TEXTS))

    def test_the_cache_has_no_influence(self, scorer: PairScorer, uncached: PairScorer) -> None:
        frames = pair_frames(scorer, 8, seed=3)
        expected = uncached.scores(frames, TEXTS)
        first = scorer.scores(part(frames, [1, 4, 6]), TEXTS[:1])
        again = scorer.scores(frames, TEXTS)  # some are remembered, between others that are not
        warm = scorer.scores(part(frames, [0, 6, 7]), TEXTS[::-1])
        assert np.abs(first - expected[:1, [1, 4, 6]]).max() < self.tolerance
        assert np.abs(again - expected).max() < self.tolerance
        assert np.abs(warm[::-1] - expected[:, [0, 6, 7]]).max() < self.tolerance

    def test_more_frames_than_the_cache_holds(self, scorer: PairScorer, uncached: PairScorer) -> None:
        frames = pair_frames(scorer, 40, seed=4)
        expected = uncached.scores(frames, TEXTS[:1])
        for _ in range(2):
            assert np.abs(scorer.scores(frames, TEXTS[:1]) - expected).max() < self.tolerance

    def test_frames_of_two_videos_are_not_confused(self, scorer: PairScorer, uncached: PairScorer) -> None:
        one, other = pair_frames(scorer, 4, seed=5), pair_frames(scorer, 4, seed=6)
        assert np.array_equal(one.batch.pts_us, other.batch.pts_us)
        for frames in (one, other, one):
            assert np.abs(scorer.scores(frames, TEXTS) - uncached.scores(frames, TEXTS)).max() < self.tolerance

    def test_what_is_given_belongs_to_the_caller(self, scorer: PairScorer) -> None:
        frames = pair_frames(scorer, 3)
        first = scorer.scores(frames, TEXTS)
        kept = first.copy()
        first.setflags(write=True)
        first[:] = 0
        assert np.abs(scorer.scores(frames, TEXTS) - kept).max() < self.tolerance

    @pytest.mark.parametrize("more", [(1, 0), (0, 1)])
    def test_another_size_is_refused(self, scorer: PairScorer, more: tuple[int, int]) -> None:
        height, width = scorer.image.size
        pixels = np.zeros((1, height + more[0], width + more[1], 3), np.uint8)
        frames = PairFrames(
            video_key="0" * KEY_LENGTH,
            batch=TowerBatch(pts_us=np.zeros(1, np.int64), pixels=pixels),
            sizes=np.full((1, 2), 64, np.int32),
        )
        with pytest.raises(ValueError, match=rf"expected pixels \(n, {height}, {width}, 3\)"):
            scorer.scores(frames, TEXTS)

    @pytest.mark.parametrize("n", [0, 2])
    @pytest.mark.parametrize("texts", [["a dog", ""], ["   "], ["\n\t"], []])
    def test_nothing_to_score_is_refused(self, scorer: PairScorer, texts: list[str], n: int) -> None:
        with pytest.raises(UsageError):
            scorer.scores(pair_frames(scorer, n), texts)

    def test_one_string_in_place_of_a_list_is_refused(self, scorer: PairScorer) -> None:
        with pytest.raises(UsageError, match="list"):
            scorer.scores(pair_frames(scorer, 1), "a dog")

    def test_long_texts_are_cut_and_said(self, scorer: PairScorer) -> None:
        long = " ".join(["dog"] * 2000)
        assert scorer.truncated_texts(["a dog", long, "a"]) == (long,)
        cut = scorer.scores(pair_frames(scorer, 2), [long, long + " and more"])
        assert np.abs(cut[0] - cut[1]).max() < self.tolerance

    def test_closing_twice_is_safe_and_a_closed_one_refuses(self, scorer: PairScorer) -> None:
        frames = pair_frames(scorer, 1)
        scorer.scores(frames, TEXTS)
        scorer.close()
        scorer.close()
        with pytest.raises(ValueError, match="closed"):
            scorer.scores(frames, TEXTS)
