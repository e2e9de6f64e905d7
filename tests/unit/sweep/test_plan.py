"""When two plans are the same, and what tells them apart."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from contracts.store_samples import encoder_entry, new_store, put
from framedex.datasets import Question
from framedex.errors import UsageError
from framedex.index import Row, Store
from framedex.select import make_sampler
from framedex.sweep.config import SweepConfig, WindowRule
from framedex.sweep.plan import Model, Plan, first_difference, plan_grid, plan_videos
from framedex.sweep.questions import SweptQuestion

ENCODER = Model(name="sample", key=encoder_entry().key)


@dataclasses.dataclass(frozen=True)
class Indexed:
    """The frames that one encoder of a store has indexed."""

    store: Store
    name: str = "sample"

    @property
    def key(self) -> str:
        return encoder_entry(self.name).key

    def grids(self) -> list[str]:
        return self.store.grids(self.key)

    def rows(self, grid: str | None = None) -> list[Row]:
        return self.store.videos(self.key, grid)


def question(question_id: str, video: str, **changed: Any) -> SweptQuestion:
    values: dict[str, Any] = {"id": question_id, "video": video, "question": "?", "options": ("a", "b"), "answer": 0}
    asked = Question(**{**values, **changed})
    return SweptQuestion(asked=asked, gold=0, prompts=(asked.question,))


@pytest.fixture
def store(tmp_path: Path) -> Store:
    store = new_store(tmp_path / "S")
    for number in range(3):
        put(store, number)
    return store


def names(store: Store) -> list[str]:
    return [row.video_key for row in store.videos()]


def plan_of(store: Store, **changed: Any) -> Plan:
    config = SweepConfig(folder=Path(), store=store.path, questions=(Path("q.jsonl"),), mllms=("m",))
    asked = [question("1", names(store)[0]), question("2", names(store)[1]), question("3", names(store)[0])]
    grid = store.videos()[0].grid
    return Plan(
        config=dataclasses.replace(config, **changed),
        grid=grid,
        encoders=(ENCODER,),
        mllms=(Model(name="m", key="0" * 32),),
        videos=plan_videos(store, asked, sources=[Indexed(store)], grid=grid),
        truncated_prompts=0,
    )


def test_questions_are_gathered_by_video(store: Store) -> None:
    videos = plan_of(store).videos
    assert [video.key for video in videos] == names(store)[:2]
    assert [[each.asked.id for each in video.questions] for video in videos] == [["1", "3"], ["2"]]


def test_names_and_paths_are_no_part_of_the_key(store: Store) -> None:
    plan = plan_of(store)
    moved = dataclasses.replace(plan, mllms=(Model(name="other", key="0" * 32),))
    moved = dataclasses.replace(moved, config=dataclasses.replace(plan.config, store=Path("/elsewhere")))
    assert plan.key == moved.key


@pytest.mark.parametrize(
    ("change", "phrase"),
    [
        (lambda plan: _config(plan, budgets=(4, 8)), "budgets: it has [8], this sweep [4, 8]"),
        (lambda plan: _config(plan, samplers=(make_sampler("top"),)), "samplers: "),
        (lambda plan: _config(plan, windows=(WindowRule(length=4, stride=2),)), "windows: it has [], this sweep [{"),
        (lambda plan: _config(plan, drop=(make_sampler("drop"),)), "drop: "),
        (lambda plan: _config(plan, no_video=True), "no_video: it has False, this sweep True"),
        (lambda plan: _config(plan, scoring=("letter",)), "scoring: "),
        (lambda plan: _config(plan, option_orders="given"), "option_orders: "),
        (lambda plan: _config(plan, seeds=(1,)), "seeds: "),
        (lambda plan: _config(plan, variants=("answer",)), "variants: "),
        (lambda plan: dataclasses.replace(plan, grid="fps=2"), "grid: "),
        (lambda plan: dataclasses.replace(plan, mllms=(Model(name="m", key="1" * 32),)), "mllms: "),
        (lambda plan: dataclasses.replace(plan, encoders=(Model(name="e", key="1" * 32),)), "encoders: "),
        (lambda plan: dataclasses.replace(plan, videos=plan.videos[:1]), "questions: it asks 2 videos, this sweep 1"),
    ],
)
def test_every_choice_changes_the_key_and_is_named(store: Store, change: Callable[[Plan], Plan], phrase: str) -> None:
    plan = plan_of(store)
    written = json.loads(json.dumps(plan.identity()))
    assert first_difference(written, plan.identity()) is None
    changed = change(plan)
    assert changed.key != plan.key
    assert phrase in str(first_difference(written, changed.identity()))


@pytest.mark.parametrize(
    "changed", [{"question": "??"}, {"options": ("b", "a")}, {"category": "c"}, {"dataset": "d"}, {"id": "other"}]
)
def test_every_part_of_a_question_changes_the_key(store: Store, changed: dict[str, Any]) -> None:
    grid = store.videos()[0].grid

    def key(asked: SweptQuestion) -> str:
        videos = plan_videos(store, [asked], sources=[Indexed(store)], grid=grid)
        return dataclasses.replace(plan_of(store), videos=videos).key

    assert key(question("1", names(store)[0])) != key(question("1", names(store)[0], **changed))


def test_missing_videos_are_all_named_up_to_a_few(store: Store) -> None:
    asked = [question(str(number), f"gone-{number}") for number in range(8)]
    with pytest.raises(UsageError, match=r"question '0': .*no video 'gone-0'.*question '4': .*; and 3 more$"):
        plan_videos(store, asked, sources=[Indexed(store)], grid=store.videos()[0].grid)


def test_a_video_that_one_encoder_has_not_seen(store: Store) -> None:
    other = encoder_entry("other")
    store.add_encoder(other)
    put(store, 0, encoder="other")
    sources = [Indexed(store), Indexed(store, "other")]
    grid = plan_grid(store, None, sources)
    with pytest.raises(UsageError, match=r"question '2': .* is not indexed by other at fps=1"):
        plan_videos(
            store, [question("1", names(store)[0]), question("2", names(store)[-1])], sources=sources, grid=grid
        )


def test_a_grid_that_is_not_there(store: Store) -> None:
    with pytest.raises(UsageError, match="no grid 'fps=3' of encoder sample; exists: fps=1"):
        plan_grid(store, "fps=3", [Indexed(store)])


def _config(plan: Plan, **changed: Any) -> Plan:
    return dataclasses.replace(plan, config=dataclasses.replace(plan.config, **changed))
