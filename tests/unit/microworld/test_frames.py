import numpy as np

from framedex.microworld.frames import N_LABELS, LabelledFrames, draw_frames
from framedex.microworld.things import THINGS


def test_a_batch_is_determined_by_seed_and_number():
    one, same = (draw_frames(0, 5, n_frames=8, max_things=2) for _ in range(2))
    other = draw_frames(0, 6, n_frames=8, max_things=2)
    assert one.pixels.tobytes() == same.pixels.tobytes()
    assert (one.shown == same.shown).all()
    assert one.pixels.tobytes() != other.pixels.tobytes()


def test_labels_name_the_things_their_colours_and_their_textures():
    batch = draw_frames(0, 0, n_frames=40, max_things=1)
    assert batch.shown.shape == (40, N_LABELS)
    for row in batch.shown:
        things = np.flatnonzero(row[:48])
        assert len(things) <= 1
        for index in things:
            assert row[48 + index // 6] == row[56 + index % 6] == row[index]
    assert THINGS[7].colour == "orange"
    assert THINGS[7].texture == "striped"


def test_some_frames_are_empty_and_some_show_two_things():
    batch = draw_frames(0, 1, n_frames=200, max_things=2)
    counts = (batch.shown[:, :48] > 0).sum(axis=1)
    assert set(counts) == {0, 1, 2}


def test_a_thing_hardly_visible_is_left_out_of_the_loss():
    shown = np.zeros((1, N_LABELS), dtype=np.float32)
    shown[0, :3] = 0.8, 0.3, 0.05
    batch = LabelledFrames(pixels=np.zeros((1, 48, 48, 3), dtype=np.uint8), shown=shown)
    assert batch.targets[0, :4].tolist() == [1, -1, -1, -1]
    assert batch.weights[0, :4].tolist() == [1, 0, 1, 1]
