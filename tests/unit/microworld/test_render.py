import dataclasses

import numpy as np
import pytest

from framedex.microworld.render import render
from framedex.microworld.scene import draw_scene
from framedex.microworld.seeds import generator
from framedex.microworld.things import TEXTURES, THINGS, Thing


def centred(thing, outline="square"):
    scene = draw_scene(generator(11, "train", 0), n_things=1)
    placement = dataclasses.replace(
        scene.placements[0], thing=thing, outline=outline, x=0.5, y=0.5, radius=0.3, angle_rad=0.0
    )
    return dataclasses.replace(scene, width=128, height=128, placements=(placement,))


def close_to(frame, rgb):
    return np.abs(frame.astype(int) - np.array(rgb)).max(axis=2) <= 2


def test_frames_are_rgb_of_the_scene_size():
    scene = dataclasses.replace(centred(THINGS[0]), width=256, height=144)
    frame = render(scene)
    assert frame.shape == (144, 256, 3)
    assert frame.dtype == np.uint8


def test_same_seed_same_bytes_and_other_seed_other_bytes():
    one, same, other = (render(draw_scene(generator(seed, "train", 0), n_things=2)) for seed in (4, 4, 5))
    assert one.tobytes() == same.tobytes()
    assert one.tobytes() != other.tobytes()


def test_backgrounds_are_desaturated_and_things_are_not():
    scene = centred(Thing(colour="red", texture="plain"))
    frame = render(scene).astype(int)
    spread = frame.max(axis=2) - frame.min(axis=2)
    assert spread[:10].max() < 50
    assert (frame[64, 64] == scene.placements[0].thing.rgb).all()


@pytest.mark.parametrize("thing", THINGS, ids=lambda thing: thing.caption)
def test_a_thing_shows_its_colour_and_its_ink(thing):
    frame = render(centred(thing))[26:102, 26:102]
    colour, ink = close_to(frame, thing.rgb).mean(), close_to(frame, thing.ink).mean()
    assert colour > 0.25
    assert (ink > 0.1) == (thing.texture != "plain")


@pytest.mark.parametrize("outline", ["disc", "square"])
def test_textures_differ_in_many_pixels(outline):
    frames = [
        render(centred(Thing(colour="blue", texture=texture), outline))[26:102, 26:102].astype(int)
        for texture in TEXTURES
    ]
    for number, one in enumerate(frames):
        for other in frames[number + 1 :]:
            assert (np.abs(one - other).max(axis=2) > 60).mean() > 0.15


def test_the_camera_pans_over_the_background():
    scene = dataclasses.replace(centred(THINGS[0]), placements=())
    moved = dataclasses.replace(scene, camera_x=scene.camera_x + 16 / 128)
    assert np.abs(render(scene)[:, 16:].astype(int) - render(moved)[:, :-16]).max() <= 1
    assert (render(scene) != render(moved)).mean() > 0.3
