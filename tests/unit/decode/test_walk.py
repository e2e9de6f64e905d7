from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import pytest

from framedex.decode.grid import Grid
from framedex.decode.walk import GridWalk
from framedex.errors import DecodeFailed, TimestampsUnordered


def walk(time_base: Fraction = Fraction(1, 10), fps: int = 1) -> GridWalk:
    return GridWalk(path=Path("clip.mp4"), grid=Grid(fps=Fraction(fps)), time_base=time_base, timing="container")


def timed(*pts: int | None) -> list[tuple[int | None, str]]:
    return [(stamp, f"frame {order}") for order, stamp in enumerate(pts)]


def test_takes_the_last_frame_at_or_before_each_point_and_counts() -> None:
    one_pass = walk()
    assert list(one_pass.taken(timed(3, 12, 13, 14, 40))) == [
        (300_000, "frame 0"),
        (1_300_000, "frame 2"),
        (1_400_000, "frame 3"),
    ]
    summary = one_pass.summary(damaged_frames=1)
    assert (summary.decoded_frames, summary.grid_points, summary.sampled_frames) == (5, 4, 3)
    assert (summary.first_pts_us, summary.last_pts_us, summary.damaged_frames) == (300_000, 4_000_000, 1)


def test_one_frame_is_one_point() -> None:
    one_pass = walk()
    assert list(one_pass.taken(timed(-7))) == [(-700_000, "frame 0")]
    assert one_pass.summary(damaged_frames=0).grid_points == 1


def test_holds_one_frame_only() -> None:
    given: list[int] = []

    def frames() -> object:
        for order in range(100):
            given.append(order)
            yield order * 10, order

    taken = walk().taken(frames())  # type: ignore[arg-type]
    next(taken)
    assert given == [0, 1]


@pytest.mark.parametrize("pts", [(0, 2, 1), (0, 1, 1), (5, 4)])
def test_times_that_do_not_increase_are_unordered(pts: tuple[int, ...]) -> None:
    with pytest.raises(TimestampsUnordered, match=r"clip.mp4: frame \d is at .* reconstructed times"):
        list(walk().taken(timed(*pts)))


def test_a_missing_time_is_unordered() -> None:
    with pytest.raises(TimestampsUnordered, match="frame 2 has no timestamp"):
        list(walk().taken(timed(0, None)))


def test_two_frames_of_one_microsecond_are_refused() -> None:
    with pytest.raises(DecodeFailed, match="frames 1 and 2 lie within one microsecond"):
        list(walk(time_base=Fraction(1, 10_000_000)).taken(timed(1, 2)))


def test_no_frame_is_refused() -> None:
    with pytest.raises(DecodeFailed, match="no frame"):
        list(walk().taken([]))
