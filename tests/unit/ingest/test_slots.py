"""Shared frames: how much memory they take, and that both sides see them."""

from __future__ import annotations

import os

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from framedex.ingest.slots import RINGS_NBYTES, Ring, SlotLayout, anonymous_file


@given(st.integers(1, 1024), st.integers(1, 1024), st.integers(1, 256), st.integers(1 << 16, 1 << 28))
def test_the_rings_stay_within_their_bytes_where_that_is_possible(
    height: int, width: int, workers: int, nbytes: int
) -> None:
    layout = SlotLayout.fitting(size=(height, width), workers=workers, nbytes=nbytes)
    assert layout.slots >= 2
    assert layout.frames >= 1
    all_nbytes = workers * (layout.nbytes - 64)
    assert all_nbytes <= nbytes or (layout.slots, layout.frames) == (2, 1)


def test_a_usual_tower() -> None:
    layout = SlotLayout.fitting(size=(224, 224), workers=2)
    assert (layout.slots, layout.frames) == (4, 16)
    assert 2 * layout.nbytes < RINGS_NBYTES / 10


def test_two_maps_of_one_file_share_frames_and_counters() -> None:
    layout = SlotLayout(slots=3, frames=2, height=4, width=5)
    file = anonymous_file(layout.nbytes)
    one, other = Ring(file, layout), Ring(file, layout)
    os.close(file)
    picture = np.arange(60, dtype=np.uint8).reshape(4, 5, 3)
    one.frames(2)[1] = picture
    np.testing.assert_array_equal(other.frames(2)[1], picture)
    assert not other.frames(2)[0].any()
    assert not other.frames(1).any()
    assert other.progress == 0
    one.tick()
    one.add_waited(1_500_000_000)
    assert (other.progress, other.waited_s) == (1, 1.5)
