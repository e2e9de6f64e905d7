import pytest

from framedex.microworld.draw import draw_clip
from framedex.microworld.formats import FORMATS
from framedex.microworld.spec import scenes

SPECS = [draw_clip(1, index) for index in range(24)]


def test_seed_and_index_determine_the_plan():
    assert draw_clip(1, 3) == SPECS[3]
    assert draw_clip(2, 3) != SPECS[3]
    assert len({spec.tracks for spec in SPECS}) == len(SPECS)


def test_formats_rotate():
    assert [spec.format_name for spec in SPECS[: len(FORMATS)]] == list(FORMATS)


@pytest.mark.parametrize("spec", SPECS, ids=lambda spec: spec.name)
def test_a_clip_keeps_its_bounds(spec):
    assert 10.0 <= spec.duration_s <= 24.1
    assert 3 <= len(spec.tracks) <= 6
    for track in spec.tracks:
        assert 1.9 <= (track.end_frame - track.start_frame) / spec.fps <= 5.0
    for frame in range(spec.n_frames):
        assert sum(track.start_frame <= frame < track.end_frame for track in spec.tracks) <= 2


def test_scenes_are_one_per_frame_and_show_the_tracks():
    spec = SPECS[0]
    shown = [{placement.thing for placement in scene.placements} for scene in scenes(spec)]
    assert len(shown) == spec.n_frames
    for track in spec.tracks:
        frames = [frame for frame, things in enumerate(shown) if track.thing in things]
        assert frames == list(range(track.start_frame, track.end_frame))
