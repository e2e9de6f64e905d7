"""The pair scorer that other tests stand on keeps the contract itself."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

import numpy as np
import pytest

from colour_scorer import ColourScorer
from contracts.pair_scorer_suite import PairScorerSuite, pair_frames, part
from framedex.pair.base import PairFrames


@pytest.fixture
def scorer() -> Iterator[ColourScorer]:
    with ColourScorer(cache_frames=16) as scorer:
        yield scorer


@pytest.fixture
def uncached() -> Iterator[ColourScorer]:
    with ColourScorer(cache_frames=0) as scorer:
        yield scorer


class TestColourScorer(PairScorerSuite):
    tolerance: ClassVar[float] = 1e-7


def test_it_remembers(scorer: ColourScorer, uncached: ColourScorer) -> None:
    for _ in range(2):
        scorer.scores(pair_frames(scorer, 8), ["red", "blue"])
        uncached.scores(pair_frames(uncached, 8), ["red", "blue"])
    assert (scorer.means, uncached.means) == (8, 16)


def test_the_sizes_of_the_frames_count(uncached: ColourScorer) -> None:
    frames = pair_frames(uncached, 4)
    swapped = PairFrames(
        video_key=frames.video_key, batch=frames.batch, sizes=np.ascontiguousarray(frames.sizes[:, ::-1])
    )
    assert np.abs(uncached.scores(swapped, ["red"]) - uncached.scores(frames, ["red"])).max() > 0.01
    assert len(part(frames, [1, 3])) == 2
