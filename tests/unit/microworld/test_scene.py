import dataclasses

import pytest

from framedex.microworld.scene import draw_scene, visible_shares
from framedex.microworld.seeds import generator


@pytest.fixture
def scene():
    """One disc, wholly inside a picture of 160 x 120."""
    scene = draw_scene(generator(3, "train", 0), n_things=1)
    disc = dataclasses.replace(scene.placements[0], outline="disc", x=0.6, y=0.5, radius=0.25)
    return dataclasses.replace(scene, width=160, height=120, placements=(disc,))


def moved(scene, **changes):
    return dataclasses.replace(scene, placements=(dataclasses.replace(scene.placements[0], **changes),))


def test_a_thing_inside_is_wholly_visible(scene):
    assert visible_shares(scene) == (1.0,)


@pytest.mark.parametrize("centre", [{"x": 0.0}, {"x": 160 / 120}, {"y": 0.0}, {"y": 1.0}])
def test_a_thing_centred_on_the_border_is_half_visible(scene, centre):
    assert visible_shares(moved(scene, **centre)) == pytest.approx((0.5,), abs=0.02)


def test_a_thing_outside_is_not_visible(scene):
    assert visible_shares(moved(scene, x=-0.3)) == (0.0,)


def test_a_later_thing_covers_an_earlier_one(scene):
    first = scene.placements[0]
    on_top = dataclasses.replace(first, x=first.x + 0.01)
    below, above = visible_shares(dataclasses.replace(scene, placements=(first, on_top)))
    assert below < 0.1
    assert above == 1.0


def test_drawn_scenes_depend_on_the_seed_alone():
    one, same, other = (draw_scene(generator(seed, "train", 5), n_things=2) for seed in (1, 1, 2))
    assert one.placements == same.placements
    assert one.placements != other.placements


def test_spaces_do_not_share_streams():
    draws = {generator(7, space, 0).random() for space in ("train", "texts", "clips", "backgrounds")}
    assert len(draws) == 4
