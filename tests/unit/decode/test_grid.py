from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from framedex.decode.grid import Grid, pts_to_us
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


@given(pts=increasing_pts, time_base=time_bases, fps=rates)
def test_counts_of_points_give_the_rows_of_the_definition(pts: list[int], time_base: Fraction, fps: Fraction) -> None:
    pts = pts if (pts[-1] - pts[0]) * time_base * fps < 2000 else pts[:1]
    grid = Grid(fps=fps)
    before = [grid.points_before(stamp - pts[0], time_base) for stamp in pts]
    total = grid.points_until(pts[-1] - pts[0], time_base)
    rows = [i for i, (start, end) in enumerate(zip(before, [*before[1:], total], strict=True)) if end > start]
    assert (rows, total) == naive_rows([stamp * time_base for stamp in pts], fps)


def test_three_per_second_of_a_hundred_does_not_slip() -> None:
    """1/3 s is no microsecond: in microseconds the frame at 33/100 s and that at 1/3 s change places."""
    grid = Grid(fps=Fraction(3))
    thirds = Fraction(1, 3)
    assert [grid.points_before(i, thirds) for i in range(4)] == [0, 1, 2, 3]
    assert grid.points_until(3, thirds) == 4


@given(fps=rates)
def test_names_read_back(fps: Fraction) -> None:
    assert Grid.from_name(Grid(fps=fps).name) == Grid(fps=fps)


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
    assert Grid.parse_fps(text).name == name


@pytest.mark.parametrize("text", ["0", "-1", "one", "", "1/0", "nan", "inf"])
def test_a_rate_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match=r"expected a positive number .* such as .* got"):
        Grid.parse_fps(text)


@pytest.mark.parametrize("name", ["every=30", "1", "fps", "fps="])
def test_a_name_of_no_grid_is_refused(name: str) -> None:
    with pytest.raises(UsageError):
        Grid.from_name(name)


@pytest.mark.parametrize(("pts", "us"), [(1, 0), (3, 2), (5, 2), (-1, 0), (-3, -2), (2, 1)])
def test_microseconds_round_half_to_even(pts: int, us: int) -> None:
    assert pts_to_us(pts, Fraction(1, 2_000_000)) == us
