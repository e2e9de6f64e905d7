from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import pytest
from av.video.frame import VideoFrame

from framedex.decode.grids import EveryGrid, FpsGrid, Grid, TimesGrid
from framedex.decode.walk import GridWalk
from framedex.errors import DecodeFailed, TimestampsUnordered


def no_picture(frame: str) -> VideoFrame:
    raise AssertionError(f"{frame} is looked at")


def walk(*grids: Grid, time_base: Fraction = Fraction(1, 10)) -> GridWalk[str]:
    return GridWalk(
        path=Path("clip.mp4"),
        grids=grids or [FpsGrid(fps=Fraction(1))],
        time_base=time_base,
        timing="container",
        last=None,
        look=no_picture,
    )


def timed(*pts: int | None) -> list[tuple[int | None, str]]:
    return [(stamp, f"frame {order}") for order, stamp in enumerate(pts)]


def test_takes_the_last_frame_at_or_before_each_point_and_counts() -> None:
    one_pass = walk()
    assert list(one_pass.taken(timed(3, 12, 13, 14, 40))) == [
        (300_000, "frame 0"),
        (1_300_000, "frame 2"),
        (1_400_000, "frame 3"),
    ]
    summary = one_pass.summary(decoded="everything", damaged_frames=1)
    (sample,) = summary.samples
    assert (summary.frames, summary.decoded_frames, sample.points) == (5, 5, 4)
    assert sample.pts_us.tolist() == [300_000, 1_300_000, 1_400_000]
    assert (summary.first_pts_us, summary.last_pts_us, summary.damaged_frames) == (300_000, 4_000_000, 1)


def test_one_frame_is_one_point() -> None:
    one_pass = walk()
    assert list(one_pass.taken(timed(-7))) == [(-700_000, "frame 0")]
    assert one_pass.summary(decoded="everything", damaged_frames=0).samples[0].points == 1


def test_several_grids_share_a_pass_and_keep_their_own_frames() -> None:
    one_pass = walk(FpsGrid(fps=Fraction(1)), EveryGrid(step=3), FpsGrid(fps=Fraction(2)))
    assert [pts_us for pts_us, _ in one_pass.taken(timed(0, 4, 8, 12, 20))] == [
        0,
        400_000,
        800_000,
        1_200_000,
        2_000_000,
    ]
    samples = one_pass.summary(decoded="everything", damaged_frames=0).samples
    assert [sample.pts_us.tolist() for sample in samples] == [
        [0, 800_000, 2_000_000],
        [0, 1_200_000],
        [0, 400_000, 800_000, 1_200_000, 2_000_000],
    ]
    assert [sample.points for sample in samples] == [3, 2, 5]


def test_times_past_the_end_are_counted_and_cost_no_other_grid() -> None:
    one_pass = walk(TimesGrid(times_s=(Fraction(0), Fraction(3))), FpsGrid(fps=Fraction(1)))
    assert [pts_us for pts_us, _ in one_pass.taken(timed(0, 10))] == [0, 1_000_000]
    times, rate = one_pass.summary(decoded="everything", damaged_frames=0).samples
    assert (times.points, times.beyond, times.pts_us.tolist()) == (1, 1, [0])
    assert (rate.points, rate.beyond) == (2, 0)


def test_holds_one_frame_only() -> None:
    given: list[int] = []

    def frames() -> Iterator[tuple[int, str]]:
        for order in range(100):
            given.append(order)
            yield order * 10, f"frame {order}"

    taken = walk().taken(frames())
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
