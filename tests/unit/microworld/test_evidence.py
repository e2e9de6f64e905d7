import dataclasses

import numpy as np
import pytest

from framedex.microworld.draw import draw_clip
from framedex.microworld.evidence import evidence
from framedex.microworld.recall import inside
from framedex.microworld.render import render
from framedex.microworld.spec import scenes


def painted(scene, number):
    """Count the pixels that change when one thing is taken out of the scene."""
    others = tuple(placement for at, placement in enumerate(scene.placements) if at != number)
    without = render(dataclasses.replace(scene, placements=others)).astype(int)
    return int((np.abs(render(scene).astype(int) - without).max(axis=2) > 8).sum())


def painted_whole(scene, number):
    """Count the same for the thing alone in the middle of the picture."""
    middle = dataclasses.replace(scene.placements[number], x=scene.width / scene.height / 2, y=0.5)
    return painted(dataclasses.replace(scene, placements=(middle,)), 0)


@pytest.mark.parametrize("index", [0, 5, 25])
def test_intervals_agree_with_the_pixels(index):
    spec = draw_clip(8, index)
    frames = list(scenes(spec))
    judged = 0
    for track, intervals in zip(spec.tracks, evidence(spec), strict=True):
        for frame in range(max(track.start_frame - 4, 0), min(track.end_frame + 4, spec.n_frames), 4):
            scene = frames[frame]
            numbers = [at for at, placement in enumerate(scene.placements) if placement.thing == track.thing]
            share = painted(scene, numbers[0]) / painted_whole(scene, numbers[0]) if numbers else 0.0
            if abs(share - 0.5) > 0.06:
                assert inside(np.array([frame / float(spec.fps)]), intervals)[0] == (share > 0.5)
                judged += 1
    assert judged > 60


@pytest.mark.parametrize("index", [5, 25])
def test_a_thing_that_another_one_covers_for_a_while_has_two_intervals(index):
    assert sorted(len(intervals) for intervals in evidence(draw_clip(8, index)))[-2:] == [1, 2]


@pytest.mark.parametrize("index", range(16))
def test_every_thing_can_be_found_and_is_not_always_there(index):
    spec = draw_clip(8, index)
    for intervals in evidence(spec):
        covered_s = sum(stop - start for start, stop in intervals)
        assert 1.0 <= covered_s <= spec.duration_s / 2
        bounds = [bound for interval in intervals for bound in interval]
        assert bounds == sorted(bounds)
        assert bounds[0] >= 0.0
        assert bounds[-1] <= spec.duration_s
