from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from av.video.frame import VideoFrame
from hypothesis import given
from hypothesis import strategies as st

from framedex.decode.grids import (
    CountGrid,
    EveryGrid,
    FpsGrid,
    FramesGrid,
    Grid,
    SceneGrid,
    TimesGrid,
    asked_grids,
    pts_to_us,
)
from framedex.errors import UsageError

rates = st.fractions(min_value=Fraction(1, 20), max_value=120, max_denominator=2000)
time_bases = st.sampled_from(
    [
        Fraction(1, 25),
        Fraction(1001, 30000),
        Fraction(1, 90_000),
        Fraction(1, 12_800),
        Fraction(1, 1000),
        Fraction(7, 3),
    ]
)
increasing_pts = st.lists(st.integers(-1000, 1000), min_size=1, max_size=25, unique=True).map(sorted)


def naive_rows(times: list[Fraction], fps: Fraction) -> tuple[list[int], int]:
    """Rows of a grid and the number of its points, point by point."""
    rows: list[int] = []
    point = 0
    while times[0] + point / fps <= times[-1]:
        row = max(i for i, time in enumerate(times) if time <= times[0] + point / fps)
        if row not in rows:
            rows.append(row)
        point += 1
    return rows, point


def no_picture() -> VideoFrame:
    raise AssertionError("a picture is looked at")


def rows_of(grid: Grid, pts: list[int], time_base: Fraction) -> tuple[list[int], int, int]:
    """Rows that a grid takes, its points, and its points past the end."""
    cursor = grid.cursor(first=pts[0], last=pts[-1], time_base=time_base)
    taken = [row - 1 for row, stamp in enumerate(pts) if cursor.next(stamp, no_picture)]
    if cursor.end():
        taken.append(len(pts) - 1)
    return taken, cursor.points, cursor.beyond


def rows_of_points(times: list[Fraction], points: list[Fraction]) -> list[int]:
    """Rows shown at points in time, by the definition."""
    return sorted({max(i for i, time in enumerate(times) if time - times[0] <= point) for point in points})


@given(pts=increasing_pts, time_base=time_bases, fps=rates)
def test_a_rate_takes_the_rows_of_the_definition(pts: list[int], time_base: Fraction, fps: Fraction) -> None:
    pts = pts if (pts[-1] - pts[0]) * time_base * fps < 2000 else pts[:1]
    rows, points, _ = rows_of(FpsGrid(fps=fps), pts, time_base)
    assert (rows, points) == naive_rows([stamp * time_base for stamp in pts], fps)


def test_three_per_second_of_a_hundred_does_not_slip() -> None:
    """1/3 s is no microsecond: in microseconds the frame at 33/100 s and that at 1/3 s change places."""
    assert rows_of(FpsGrid(fps=Fraction(3)), [0, 33, 34, 66, 67], Fraction(1, 100))[:2] == ([0, 1, 3], 3)
    assert rows_of(FpsGrid(fps=Fraction(3)), [0, 1, 2, 3], Fraction(1, 3))[:2] == ([0, 1, 2, 3], 4)


@given(pts=increasing_pts, time_base=time_bases, count=st.integers(1, 40))
def test_a_count_takes_the_centres_of_equal_stretches(pts: list[int], time_base: Fraction, count: int) -> None:
    times = [stamp * time_base for stamp in pts]
    centres = [Fraction(2 * i + 1, 2 * count) * (times[-1] - times[0]) for i in range(count)]
    assert rows_of(CountGrid(count=count), pts, time_base) == (rows_of_points(times, centres), count, 0)


@given(pts=increasing_pts, time_base=time_bases, step=st.integers(1, 30))
def test_every_so_many_frames_whatever_their_times(pts: list[int], time_base: Fraction, step: int) -> None:
    expected = list(range(0, len(pts), step))
    assert rows_of(EveryGrid(step=step), pts, time_base) == (expected, len(expected), 0)


@given(pts=increasing_pts, time_base=time_bases, points=st.sets(st.fractions(0, 300, max_denominator=1000), min_size=1))
def test_listed_times_take_what_is_shown_then(pts: list[int], time_base: Fraction, points: set[Fraction]) -> None:
    times = [stamp * time_base for stamp in pts]
    end = times[-1] - times[0]
    shown_until = end + (times[-1] - times[-2] if len(times) > 1 else 0)
    within = [point for point in points if point <= end or point < shown_until]
    expected = rows_of_points(times, within) if within else []
    grid = TimesGrid(times_s=tuple(sorted(points)))
    assert rows_of(grid, pts, time_base) == (expected, len(within), len(points) - len(within))


@given(pts=increasing_pts, time_base=time_bases, data=st.data())
def test_known_frames_are_found_by_their_microseconds(pts: list[int], time_base: Fraction, data: st.DataObject) -> None:
    wanted = data.draw(st.sets(st.sampled_from(pts)))
    grid = FramesGrid.of([pts_to_us(stamp, time_base) for stamp in wanted] + [10**15])
    assert rows_of(grid, pts, time_base)[0] == [row for row, stamp in enumerate(pts) if stamp in wanted]


def flat(level: int) -> VideoFrame:
    return VideoFrame.from_ndarray(np.full((48, 64, 3), level, np.uint8), format="rgb24")


def test_a_scene_begins_where_the_picture_changes() -> None:
    cursor = SceneGrid.parse("0.3").cursor(first=0, last=None, time_base=Fraction(1, 25))
    levels = [10, 11, 12, 240, 240, 20, 20]
    taken = [row - 1 for row, level in enumerate(levels) if cursor.next(row, lambda level=level: flat(level))]
    assert not cursor.end()
    assert (taken, cursor.points) == ([0, 3, 5], 3)


def test_a_picture_of_another_size_begins_a_scene() -> None:
    small = VideoFrame.from_ndarray(np.full((24, 32, 3), 10, np.uint8), format="rgb24")
    cursor = SceneGrid.parse("0.3").cursor(first=0, last=None, time_base=Fraction(1, 25))
    pictures = [flat(10), flat(10), small, small]
    assert [cursor.next(row, lambda picture=picture: picture) for row, picture in enumerate(pictures)] == [
        False,
        True,
        False,
        True,
    ]


def test_times_are_read_from_a_file(tmp_path: Path) -> None:
    path = tmp_path / "times.txt"
    path.write_text("# seconds\n12.5\n\n0\n 1/3 # a third\n12.50\n")
    grid = TimesGrid.read(path)
    assert grid.times_s == (Fraction(0), Fraction(1, 3), Fraction(25, 2))
    assert grid.name == TimesGrid(times_s=grid.times_s).name != TimesGrid(times_s=grid.times_s[:2]).name


@pytest.mark.parametrize("text", ["", "# nothing\n", "1\ntwo\n", "-1\n", "nan\n", "1e3\n", "inf\n", "9" * 50])
def test_a_file_of_no_times_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "times.txt"
    path.write_text(text)
    with pytest.raises(UsageError, match=r"times.txt.*expected"):
        TimesGrid.read(path)


def test_a_missing_file_of_times_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot be read"):
        TimesGrid.read(tmp_path / "none.txt")


@pytest.mark.parametrize("text", ["0", "-3", "1.5", "", "two", "1000001", "9" * 99, "٣"])
@pytest.mark.parametrize("kind", [EveryGrid, CountGrid])
def test_a_number_that_is_none_is_refused(kind: type[EveryGrid | CountGrid], text: str) -> None:
    with pytest.raises(UsageError, match="expected a whole number from 1"):
        kind.parse(text)


@pytest.mark.parametrize("text", ["0", "1", "-0.1", "x", "", "1/3", "1e-1"])
def test_a_threshold_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="expected a decimal between 0 and 1"):
        SceneGrid.parse(text)


def test_names() -> None:
    assert (EveryGrid.parse("30").name, CountGrid.parse("64").name) == ("every=30", "count=64")
    assert SceneGrid.parse("0.30").name == "scene=0.3"


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("1", "fps=1"),
        ("1.0", "fps=1"),
        ("0.5", "fps=0.5"),
        ("1/2", "fps=0.5"),
        ("30000/1001", "fps=30000_1001"),
        ("12.5", "fps=12.5"),
    ],
)
def test_equal_rates_have_one_name(text: str, name: str) -> None:
    assert FpsGrid.parse(text).name == name


@pytest.mark.parametrize("text", ["0", "-1", "one", "", "1/0", "nan", "inf"])
def test_a_rate_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match=r"expected a positive number .* such as .* got"):
        FpsGrid.parse(text)


@pytest.mark.parametrize(("pts", "us"), [(1, 0), (3, 2), (5, 2), (-1, 0), (-3, -2), (2, 1)])
def test_microseconds_round_half_to_even(pts: int, us: int) -> None:
    assert pts_to_us(pts, Fraction(1, 2_000_000)) == us


def test_options_name_grids_each_once(tmp_path: Path) -> None:
    (tmp_path / "times.txt").write_text("1\n2\n")
    grids = asked_grids(fps="1, 2,1.0", every="30", count="8,16", scene="0.3", timestamps=tmp_path / "times.txt")
    names = [grid.name for grid in grids]
    assert names[:-1] == ["fps=1", "fps=2", "every=30", "count=8", "count=16", "scene=0.3"]
    assert names[-1].startswith("times=")
    assert [grid.name for grid in asked_grids()] == ["fps=1"]
    assert [grid.name for grid in asked_grids(count="8")] == ["count=8"]


@pytest.mark.parametrize("fps", ["", "1,", ",", "1;2", "1,,2"])
def test_a_list_with_a_hole_is_refused(fps: str) -> None:
    with pytest.raises(UsageError, match="--fps"):
        asked_grids(fps=fps)
