import dataclasses
from fractions import Fraction

import numpy as np

from framedex.microworld.checkpoint import BUNDLED
from framedex.microworld.clips import write_clip
from framedex.microworld.draw import draw_clip
from framedex.microworld.evaluate import frames_each_second, score_checkpoint
from framedex.microworld.make import make_world
from framedex.microworld.render import render
from framedex.microworld.spec import scenes


def test_the_bundled_checkpoint_finds_the_evidence(tmp_path):
    world = make_world(tmp_path, clips=2, seed=31)
    recall = score_checkpoint(BUNDLED, world.captions)
    assert recall.n_pairs == world.n_pairs
    assert recall.chance < 0.4
    assert recall.at_1 > recall.chance + 0.35


def test_frames_are_those_on_display_at_whole_seconds(tmp_path):
    spec = draw_clip(6, 0)
    # 76 frames at 29.97 per second end at 2.5025 s; at 1 s and 2 s frames 29 and 59 are on display.
    track = dataclasses.replace(spec.tracks[0], start_frame=10, end_frame=76)
    spec = dataclasses.replace(spec, fps=Fraction(30000, 1001), n_frames=76, format_name="mov-mjpeg", tracks=(track,))
    taken = list(frames_each_second(write_clip(spec, tmp_path)))
    assert np.allclose([time_s for time_s, _ in taken], [0.0, 29 * 1.001 / 30, 59 * 1.001 / 30], atol=1e-4)
    drawn = [render(scene) for scene in scenes(spec)]
    for (_, frame), number in zip(taken, (0, 29, 59), strict=True):
        assert np.abs(frame.astype(int) - drawn[number]).mean() < 8
