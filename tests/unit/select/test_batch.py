"""Selections of a question set, some videos at a time: the same as one by one, as columns and as objects."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from framedex.datasets import Question
from framedex.datasets.combined import CombinedPrompt
from framedex.errors import UsageError
from framedex.index import Store
from framedex.scores.curves import Prompt
from framedex.scores.index_curves import IndexCurves
from framedex.scores.transform import Combination
from framedex.select import DrawKey, Request, batch, make_sampler, run
from framedex.select.batch import asked_of, by_row, in_order, select_parts
from framedex.select.formats import Wanted, open_writer
from framedex.select.material import evidence_us
from framedex.select.records import SCHEMA, SelectionRecord
from indexed_samples import indexed

PARTS = CombinedPrompt(texts=("a ball", "a cube"), combination=Combination(how="mean", weights=(3.0, 1.0)))
SAMPLERS = [make_sampler(name) for name in ("uniform", "top", "threshold", "random", "mmr", "oracle-evidence")]
BUDGETS = [2, 5]


@pytest.fixture
def source(tmp_path: Path) -> Iterator[tuple[Store, IndexCurves]]:
    with indexed(tmp_path / "S") as (store, curves):
        yield store, curves


def questions() -> list[Question]:
    """Questions about three videos that take turns."""
    return [
        Question(
            id=f"{video}-{number}",
            video=f"clip{video}.mp4",
            question=f"a red thing {number}",
            evidence=((0.0, 1.5),),
            variants=(("parts", PARTS),),
        )
        for number in range(3)
        for video in (1, 0, 2)
    ]


def records(store: Store, curves: IndexCurves) -> list[SelectionRecord]:
    asked = asked_of(questions(), ["question", "parts"])
    asks = by_row(store, curves, asked, grid=None)
    parts = select_parts(curves, asks, samplers=SAMPLERS, budgets=BUDGETS, seed=3, transform="minmax")
    return in_order([record for part in parts for record in part.records()], asked)


def test_selections_are_those_of_each_rule_by_itself(source: tuple[Store, IndexCurves]) -> None:
    store, curves = source
    found = iter(records(store, curves))
    for question in questions():
        with store.open_row(store.names(encoder=curves.key).only(question.video)) as index:
            for variant, texts, weights in (
                ("question", [question.question], [1.0]),
                ("parts", PARTS.texts, [0.75, 0.25]),
            ):
                prompts = [Prompt(text=text, question_id=question.id, variant=variant) for text in texts]
                each = np.stack([curve.scores for curve in curves.curves(index.row, prompts)])
                low, high = each.min(axis=1, keepdims=True), each.max(axis=1, keepdims=True)
                scores = np.array(weights) @ ((each - low) / (high - low))
                for sampler in SAMPLERS:
                    for budget in BUDGETS:
                        draw = DrawKey(
                            seed=3,
                            video=index.row.video_key,
                            question=question.id,
                            variant=variant,
                            sampler=sampler.name,
                        )
                        request = Request(
                            pts_us=index.pts_us,
                            budget=budget,
                            draw=draw,
                            scores=scores,
                            embeddings=np.asarray(index.vectors, np.float32),
                            evidence_us=evidence_us(question, index.row),
                        )
                        expected, record = run(sampler, request), next(found)
                        place = (record.question_id, record.variant, record.sampler, record.budget)
                        assert place == (question.id, variant, sampler.name, budget)
                        assert record.rows == tuple(expected.rows.tolist()), place
                        assert record.pts_us == tuple(expected.pts_us.tolist())
                        np.testing.assert_allclose(record.scores, scores[expected.rows], rtol=1e-12)
                        assert record.transform == ("minmax" if variant == "question" else "minmax+mean(3,1)")
    assert next(found, None) is None


@pytest.mark.parametrize("at_a_time", [1, 30, 1 << 16])
def test_a_file_holds_the_same_however_it_was_cut(
    source: tuple[Store, IndexCurves], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, at_a_time: int
) -> None:
    store, curves = source
    monkeypatch.setattr(batch, "_SELECTIONS", at_a_time)
    asked = asked_of(questions(), ["question", "parts"])
    asks = by_row(store, curves, asked, grid=None)
    path = tmp_path / "new" / "selections.parquet"
    with open_writer("parquet", Wanted(path=path, asked=asked, samplers=SAMPLERS, budgets=BUDGETS)) as writer:
        for part in select_parts(curves, asks, samplers=SAMPLERS, budgets=BUDGETS, seed=3, transform="minmax"):
            writer.add(part)
    assert writer.written == [path]
    assert [entry.name for entry in path.parent.iterdir()] == [path.name]
    table = pq.read_table(path)
    types = [(field.name, str(field.type).replace("element", "item")) for field in table.schema]
    assert types == [(field.name, str(field.type)) for field in SCHEMA]
    rows = sorted(table.to_pylist(), key=key)
    expected = sorted((asdict(record) for record in records(store, curves)), key=key)
    assert len(rows) == len(expected) == 9 * 2 * 6 * 2
    for row, one in zip(rows, expected, strict=True):
        np.testing.assert_array_equal(np.array(row.pop("scores"), np.float32), np.array(one["scores"], np.float32))
        assert row == {name: list(one[name]) if name in ("rows", "pts_us") else one[name] for name in row}
        assert json.loads(row["params"]) == {
            **asdict(next(each for each in SAMPLERS if each.name == row["sampler"]))  # type: ignore[call-overload]
        }


def key(row: dict[str, object]) -> list[str]:
    return [str(row[name]) for name in ("question_id", "variant", "sampler", "budget")]


def test_nothing_is_left_of_a_file_that_was_not_finished(source: tuple[Store, IndexCurves], tmp_path: Path) -> None:
    store, curves = source
    asked = asked_of(questions(), ["question"])
    (tmp_path / "out").mkdir()
    path = tmp_path / "out" / "s.parquet"
    path.write_bytes(b"before")
    wanted = Wanted(path=path, asked=asked, samplers=SAMPLERS, budgets=BUDGETS)
    asks = by_row(store, curves, asked, grid=None)

    def stop_halfway() -> None:
        with open_writer("parquet", wanted) as writer:
            for part in select_parts(curves, asks, samplers=SAMPLERS, budgets=[2], seed=0):
                writer.add(part)
            raise RuntimeError("halfway")

    with pytest.raises(RuntimeError, match="halfway"):
        stop_halfway()
    assert [entry.name for entry in path.parent.iterdir()] == ["s.parquet"]
    assert path.read_bytes() == b"before"


def test_what_cannot_be_had_is_refused_by_the_call_itself(source: tuple[Store, IndexCurves]) -> None:
    store, curves = source
    bare = [replace(question, evidence=()) for question in questions()]
    asks = by_row(store, curves, asked_of(bare, ["question"]), grid=None)
    with pytest.raises(UsageError, match=r"'oracle-evidence' needs evidence, but question '1-0' has none \(9 of 9"):
        select_parts(curves, asks, samplers=SAMPLERS, budgets=[2], seed=0)
    parts = by_row(store, curves, asked_of(questions(), ["parts"]), grid=None)
    with pytest.raises(UsageError, match="sampler 'mdp3': reads the vector of one prompt, got 2 to combine"):
        select_parts(curves, parts, samplers=[make_sampler("mdp3")], budgets=[2], seed=0)
    with pytest.raises(UsageError, match="question '1-0': has no variant 'answer'; exists: parts, question"):
        asked_of(questions(), ["answer"])


def test_columns_are_arrays_of_texts_that_stand_once(source: tuple[Store, IndexCurves]) -> None:
    store, curves = source
    asks = by_row(store, curves, asked_of(questions(), ["question"]), grid=None)
    (part,) = select_parts(curves, asks, samplers=SAMPLERS, budgets=BUDGETS, seed=0)
    table = part.table()
    assert len(part) == len(table) == 9 * 6 * 2
    for name, count in {"video_key": 3, "question_id": 9, "sampler": 6, "encoder_key": 1}.items():
        column = table[name].combine_chunks()
        assert pa.types.is_dictionary(column.type)
        assert len(column.dictionary) == count
