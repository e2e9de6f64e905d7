"""BOLT's feature files: row i is the frame at i / k seconds, whatever the frames' rate."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.store_samples import new_store, put, sample_pts, unit_vectors
from framedex.decode import FpsGrid
from framedex.decode.grids import pts_to_us
from framedex.errors import StoreError, UsageError
from framedex.index import DecodeCounts, Row, Source
from framedex.index.export import _frames_of_points, export_bolt


def indexed_by_grid(
    row: Row, stamps: list[int], time_base: Fraction, rate: Fraction
) -> tuple[Row, list[int], list[int]]:
    """The row and timestamps of an index at `rate`, and which of its frames each point takes, by the grid's definition."""
    times = [stamp * time_base for stamp in stamps]
    points, point = [], times[0]
    while point <= times[-1]:
        points.append(max(number for number, time in enumerate(times) if time <= point))
        point += 1 / rate
    taken = sorted(set(points))
    pts_us = [pts_to_us(stamps[number], time_base) for number in taken]
    changed = replace(
        row,
        grid=FpsGrid(fps=rate).name,
        first_pts_us=pts_us[0],
        last_pts_us=pts_us[-1],
    )
    counts = DecodeCounts(
        decoded_frames=len(stamps),
        damaged_frames=0,
        grid_points=len(points),
        collapsed_points=len(points) - len(taken),
    )
    layout = replace(changed.layout, count=len(taken))
    changed = replace(changed, count=len(taken), nbytes=layout.nbytes, decode=counts)
    return changed, pts_us, [taken.index(number) for number in points]


@pytest.fixture(scope="module")
def row(tmp_path_factory: pytest.TempPathFactory) -> Row:
    return put(new_store(tmp_path_factory.mktemp("S")))


@given(
    first=st.integers(-1000, 1000),
    steps=st.lists(st.integers(1, 40), min_size=1, max_size=40),
    time_base=st.sampled_from([Fraction(1, 30), Fraction(1001, 30000), Fraction(1, 90000), Fraction(1, 1000)]),
    rate=st.sampled_from([Fraction(1), Fraction(3), Fraction(7, 2), Fraction(30000, 1001), Fraction(100)]),
)
def test_points_take_the_frames_of_the_grid_s_definition(
    row: Row, first: int, steps: list[int], time_base: Fraction, rate: Fraction
) -> None:
    scale = max(1, int(1 / (40 * time_base)))  # frames some hundredths of a second apart or more
    stamps = np.cumsum([first, *(step * scale for step in steps)]).tolist()
    changed, pts_us, expected = indexed_by_grid(_without_counts(row), stamps, time_base, rate)
    assert _frames_of_points(changed, np.array(pts_us)).tolist() == expected


def _without_counts(row: Row) -> Row:
    plain = DecodeCounts(decoded_frames=row.count, damaged_frames=0, grid_points=row.count, collapsed_points=0)
    return replace(row, decode=plain)


def test_one_file_a_video_in_the_type_that_is_stored(tmp_path: Path) -> None:
    store = new_store(tmp_path / "S")
    whole = DecodeCounts(decoded_frames=90, damaged_frames=0, grid_points=5, collapsed_points=0)
    put(store, 0, decode=whole)
    put(store, 1, decode=whole, dtype="f32")
    report = export_bolt(store, tmp_path / "out")
    assert (report.kind, report.n_videos, report.n_frames, report.n_shards) == ("bolt", 2, 10, 2)
    half, single = (np.load(tmp_path / "out" / f"clip{number}.npy") for number in range(2))
    assert (half.dtype, single.dtype) == (np.float16, np.float32)
    np.testing.assert_array_equal(half, unit_vectors(5, seed=0).astype(np.float16))
    np.testing.assert_array_equal(single, unit_vectors(5, seed=1))
    assert export_bolt(store, tmp_path / "out") == report  # an earlier export is replaced


def test_what_bolt_cannot_hold_is_refused(tmp_path: Path) -> None:
    whole = DecodeCounts(decoded_frames=90, damaged_frames=0, grid_points=5, collapsed_points=0)
    store = new_store(tmp_path / "S")
    put(store, 0, decode=whole)
    put(store, 1, decode=whole, source=Source(path="/elsewhere/clip0.mp4", nbytes=7))
    with pytest.raises(UsageError, match="BOLT knows videos by their stem, and 2 are called 'clip0'"):
        export_bolt(store, tmp_path / "out")
    other = new_store(tmp_path / "T")
    put(other, 0, decode=whole, grid="every=30")
    with pytest.raises(UsageError, match="BOLT's features are so many a second, and every=30 is not"):
        export_bolt(other, tmp_path / "out")


def test_frames_that_are_none_of_the_grid_are_not_guessed(row: Row) -> None:
    assert row.decode.collapsed_points == 2
    with pytest.raises(StoreError, match="its frames are not those of fps=1; index it again"):
        _frames_of_points(row, sample_pts(5) * 10)
