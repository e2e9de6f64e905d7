"""Option orders, and which asks are one."""

from __future__ import annotations

from framedex.datasets import Question
from framedex.sweep.asks import distinct_asks, option_orders
from framedex.sweep.choose import Choice, frame_set_id
from framedex.sweep.questions import SweptQuestion


def choice(question_id: str, pts_us: tuple[int, ...], *, sampler: str = "top") -> Choice:
    asked = Question(id=question_id, video="v", question="?", options=("a", "b", "c"), answer=1)
    return Choice(
        question=SweptQuestion(asked=asked, gold=1, prompts=("?",)),
        arm="select",
        sampler=sampler,
        rows=tuple(each // 1_000_000 for each in pts_us),
        pts_us=pts_us,
        frame_set_id=frame_set_id("v", pts_us),
    )


def test_rotations_put_every_option_in_every_place_once() -> None:
    orders = option_orders(4, "cyclic")
    assert orders == ((0, 1, 2, 3), (1, 2, 3, 0), (2, 3, 0, 1), (3, 0, 1, 2))
    for place in range(4):
        assert {order[place] for order in orders} == set(range(4))


def test_the_order_given() -> None:
    assert option_orders(3, "given") == ((0, 1, 2),)


def test_equal_frames_and_question_are_one_ask_whoever_chose_them() -> None:
    choices = [
        choice("q", (1_000_000, 2_000_000)),
        choice("q", (1_000_000, 2_000_000), sampler="uniform"),
        choice("q", (0,)),
        choice("r", (1_000_000, 2_000_000)),
    ]
    asks = distinct_asks(choices, "given")
    assert [(key.question_id, asked.rows) for key, asked in asks.items()] == [("q", (0,)), ("q", (1, 2)), ("r", (1, 2))]
    assert len(distinct_asks(choices, "cyclic")) == 9


def test_sets_that_overlap_come_together() -> None:
    windows = [tuple(range(start, start + n)) for n in (2, 1, 3) for start in (2, 0, 1)]
    choices = [choice(name, tuple(1_000_000 * row for row in rows)) for name in "qr" for rows in (*windows, ())]
    in_order = [asked.rows for asked in distinct_asks(choices, "given").values()]
    firsts = [(0,), (0, 1), (0, 1, 2), (1,), (1, 2), (1, 2, 3), (2,), (2, 3), (2, 3, 4)]
    assert in_order == [rows for rows in ((), *firsts) for _ in "qr"]


def test_frame_sets_of_two_videos_are_two() -> None:
    assert frame_set_id("v", [1, 2]) == frame_set_id("v", (1, 2))
    assert (
        len({frame_set_id("v", [1, 2]), frame_set_id("w", [1, 2]), frame_set_id("v", [1]), frame_set_id("v", [12])})
        == 4
    )
