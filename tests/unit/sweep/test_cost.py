"""What asks cost, counted by hand."""

from __future__ import annotations

from framedex.datasets import Question
from framedex.mllm.work import Work
from framedex.sweep.asks import distinct_asks
from framedex.sweep.choose import Choice, frame_set_id
from framedex.sweep.cost import Cost, cost
from framedex.sweep.questions import SweptQuestion


def choice(question_id: str, rows: tuple[int, ...]) -> Choice:
    asked = Question(id=question_id, video="v", question="?", options=("a", "b", "c"), answer=1)
    pts_us = tuple(row * 1_000_000 for row in rows)
    return Choice(
        question=SweptQuestion(asked=asked, gold=1, prompts=("?",)),
        arm="window" if rows else "no-video",
        rows=rows,
        pts_us=pts_us,
        frame_set_id=frame_set_id("v", pts_us),
    )


def test_windows_share_frames_and_questions_share_windows() -> None:
    windows = [tuple(range(start, start + 8)) for start in range(0, 25, 4)]
    asks = distinct_asks([choice(name, rows) for rows in (*windows, ()) for name in "pqrs"], "given")
    expected = Work(tower_frames=32, prefills=7, forwards=7 + 8)
    naive = Work(tower_frames=28 * 8, prefills=28, forwards=32)
    assert cost(asks, ["letter"], models=1) == Cost(planned=expected, naive=naive)
    # Orders of options and ways of scoring cost ours nothing but tokens; a loop asks each of three options in three orders, too.
    orders = distinct_asks([choice(name, rows) for rows in (*windows, ()) for name in "pqrs"], "cyclic")
    both = cost(orders, ["letter", "option"], models=1)
    assert both.planned == expected
    assert both.naive == Work(tower_frames=6 * 28 * 8, prefills=6 * 28, forwards=3 * 32 + 3 * 3 * 32)
    twice = cost(asks, ["letter"], models=2)
    assert twice.planned == expected + expected
    assert twice.naive == naive + naive
    assert Cost() + twice == twice
