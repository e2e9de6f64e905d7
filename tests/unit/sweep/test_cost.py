"""What asks cost, counted by hand."""

from __future__ import annotations

from collections.abc import Iterable

from framedex.datasets import Question
from framedex.mllm.base import Scoring
from framedex.mllm.work import Work
from framedex.sweep.answer_key import Asked
from framedex.sweep.asks import AskKey, distinct_asks
from framedex.sweep.choose import Choice, frame_set_id
from framedex.sweep.config import OptionOrders
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


WINDOWS = [tuple(range(start, start + 8)) for start in range(0, 25, 4)]


def asked_in(orders: OptionOrders) -> dict[AskKey, Choice]:
    """Four questions about seven windows and without video."""
    return distinct_asks([choice(name, rows) for rows in (*WINDOWS, ()) for name in "pqrs"], orders)


def put(asks: Iterable[AskKey], *scorings: Scoring, models: str = "m") -> list[Asked]:
    """All of them, to models of one letter."""
    return [(model, scoring, key) for model in models for key in asks for scoring in scorings]


def test_windows_share_frames_and_questions_share_windows() -> None:
    asks = asked_in("given")
    expected = Work(tower_frames=32, prefills=7, forwards=7 + 8)
    naive = Work(tower_frames=28 * 8, prefills=28, forwards=32)
    assert cost(put(asks, "letter"), asks) == Cost(planned=expected, naive=naive)
    # Orders of options and ways of scoring cost ours nothing but tokens; a loop asks each of three options in three orders, too.
    orders = asked_in("cyclic")
    both = cost(put(orders, "letter", "option"), orders)
    assert both.planned == expected
    assert both.naive == Work(tower_frames=6 * 28 * 8, prefills=6 * 28, forwards=3 * 32 + 3 * 3 * 32)
    twice = cost(put(asks, "letter", models="mn"), asks)
    assert twice.planned == expected + expected
    assert twice.naive == naive + naive
    assert Cost() + twice == twice


def test_a_model_costs_what_it_is_still_asked() -> None:
    asks = asked_in("given")
    asked = put(asks, "letter", models="mn")
    naive = cost(asked, asks).naive
    assert cost(asked, asks, kept=asked) == Cost(naive=naive)
    one_kept = cost(asked, asks, kept=put(asks, "letter"))
    assert one_kept == Cost(planned=Work(tower_frames=32, prefills=7, forwards=7 + 8), naive=naive)
    # Of the other model all but a question about the window of rows 4 to 11 is kept.
    left = next(each for each in asked if each[0] == "m" and asks[each[2]].rows == WINDOWS[1])
    a_little_more = cost(asked, asks, kept=[each for each in asked if each[0] == "m" and each != left])
    assert a_little_more.planned == one_kept.planned + Work(tower_frames=8, prefills=1, forwards=2)


def test_frames_whose_tokens_are_in_files_do_not_pass_the_tower() -> None:
    asks = asked_in("given")
    asked = put(asks, "letter", models="mn")
    without = cost(asked, asks)
    some = cost(asked, asks, in_files={"m": {0, 5, 99}, "n": set()})
    assert some.naive == without.naive
    assert some.planned == without.planned + Work(tower_frames=-2, read_frames=2)


def test_of_a_served_model_every_ask_is_a_request_with_all_its_frames() -> None:
    asks = asked_in("given")
    asked = put(asks, "letter", "generate", models="ms")
    requests = Work(tower_frames=2 * 28 * 8, prefills=2 * 28, forwards=2 * 32)
    loaded = cost([each for each in asked if each[0] == "m"], asks)
    both = cost(asked, asks, served={"s"})
    assert both == loaded + Cost(planned=requests, naive=requests, served=requests)
    kept = [each for each in asked if each[0] == "s" and each[1] == "letter"]
    half = Work(tower_frames=28 * 8, prefills=28, forwards=32)
    assert cost(asked, asks, kept=kept, served={"s"}) == loaded + Cost(planned=half, naive=requests, served=half)


def test_what_is_written_takes_a_forward_per_token() -> None:
    asks = asked_in("given")
    written = cost(put(asks, "generate"), asks)
    assert (written.planned.forwards, written.naive.forwards) == (7 + 16 * 8, 16 * 32)
    assert (written.planned.written_forwards, written.naive.written_forwards) == (16 * 8, 16 * 32)
    short = written.shorter(0.25)
    assert (short.planned, short.naive) == (
        written.planned + Work(forwards=-12 * 8, written_forwards=-12 * 8),
        written.naive + Work(forwards=-12 * 32, written_forwards=-12 * 32),
    )
    assert written.shorter(1.0) == written
    scored = cost(put(asks, "letter"), asks)
    assert scored.shorter(0.25) == scored
    both = cost(put(asks, "generate", "letter"), asks)
    assert (both.planned.forwards, both.naive.forwards) == (7 + 8 + 16 * 8, 17 * 32)
