from __future__ import annotations

import numpy as np
import pytest

from framedex.decode.orientation import Orientation

# A picture of 2 × 3 distinct pixels.
STORED = np.arange(18, dtype=np.uint8).reshape(2, 3, 3)


def matrix(a: float, b: float, c: float, d: float) -> np.ndarray:
    return np.array([round(v * 65536) for v in (a, b, 0, c, d, 0, 0, 0, 16384)], dtype=np.int32)


def moved(abcd: tuple[int, int, int, int]) -> np.ndarray:
    """The picture with every pixel taken by the matrix to where it belongs, and the whole shifted to the origin."""
    a, b, c, d = abcd
    places = {(a * x + c * y, b * x + d * y): STORED[y, x] for y in range(2) for x in range(3)}
    left, top = min(x for x, _ in places), min(y for _, y in places)
    width, height = 1 + max(x for x, _ in places) - left, 1 + max(y for _, y in places) - top
    return np.array([[places[left + x, top + y] for x in range(width)] for y in range(height)])


@pytest.mark.parametrize(
    "abcd",
    [
        (1, 0, 0, 1),
        (0, -1, 1, 0),
        (-1, 0, 0, -1),
        (0, 1, -1, 0),
        (-1, 0, 0, 1),
        (1, 0, 0, -1),
        (0, 1, 1, 0),
        (0, -1, -1, 0),
    ],
)
def test_every_pixel_goes_where_the_matrix_says(abcd: tuple[int, int, int, int]) -> None:
    orientation = Orientation.from_display_matrix(matrix(*abcd))
    assert orientation is not None
    np.testing.assert_array_equal(orientation.apply(STORED), moved(abcd))


@pytest.mark.parametrize("mirrored", [False, True])
@pytest.mark.parametrize("rotation_deg", [0, 90, 180, 270])
def test_rotation_is_counter_clockwise_after_mirroring(rotation_deg: int, mirrored: bool) -> None:
    turns = {0: (1, 0, 0, 1), 90: (0, -1, 1, 0), 180: (-1, 0, 0, -1), 270: (0, 1, -1, 0)}
    a, b, c, d = turns[rotation_deg]
    if mirrored:
        a, b = -a, -b
    orientation = Orientation.from_display_matrix(matrix(a, b, c, d))
    assert orientation is not None
    assert orientation.rotation_deg == rotation_deg
    first = STORED[:, ::-1] if mirrored else STORED
    np.testing.assert_array_equal(orientation.apply(STORED), np.rot90(first, rotation_deg // 90))


def test_scale_and_an_empty_matrix_turn_nothing() -> None:
    assert Orientation.from_display_matrix(matrix(2, 0, 0, 1)) == Orientation()
    assert Orientation.from_display_matrix(np.zeros(9, dtype=np.int32)) == Orientation()


def test_other_angles_are_no_orientation() -> None:
    assert Orientation.from_display_matrix(matrix(0.7, -0.7, 0.7, 0.7)) is None
    assert Orientation.from_display_matrix(matrix(0.99, -0.17, 0.17, 0.99)) is None
