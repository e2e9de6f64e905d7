"""Which frames repeat an earlier one, against the definition tried on every pair."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from framedex.contracts import Pixels
from framedex.ingest.dedupe import Repeats


def plain(level: int) -> Pixels:
    return np.full((4, 5, 3), level, np.uint8)


def slow(levels: list[int], tolerance: int) -> list[int | None]:
    """The rule as it is written."""
    rows: list[int | None] = []
    new: list[int] = []
    for level in levels:
        equal = [row for row in new if levels[row] == level]
        near = [row for row in new[-1:] if tolerance and abs(levels[row] - level) <= tolerance]
        found = (equal or near or [None])[0]
        if found is None:
            new.append(len(rows))
        rows.append(found)
    return rows


@given(st.lists(st.integers(0, 255) | st.integers(100, 110), max_size=40), st.integers(0, 32))
def test_the_rule(levels: list[int], tolerance: int) -> None:
    repeats = Repeats(tolerance=tolerance)
    assert [repeats.row_of(plain(level)) for level in levels] == slow(levels, tolerance)


@pytest.mark.parametrize("tolerance", [0, 3])
def test_one_number_of_one_pixel_counts(tolerance: int) -> None:
    other = plain(100)
    other[2, 3, 1] += tolerance + 1
    repeats = Repeats(tolerance=tolerance)
    assert [repeats.row_of(frame) for frame in (plain(100), other, plain(100))] == [None, None, 0]


def test_the_callers_array_may_change_afterwards() -> None:
    repeats, frame = Repeats(tolerance=1), plain(10)
    assert repeats.row_of(frame) is None
    frame[:] = 50
    assert repeats.row_of(frame) is None
    assert repeats.row_of(plain(10)) == 0
