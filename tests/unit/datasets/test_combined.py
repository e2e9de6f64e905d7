"""Variants of several prompts: how they are written, and the sentence for each way to be wrong."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from framedex.datasets import read_questions
from framedex.datasets.combined import CombinedPrompt, combination_of, texts_of
from framedex.datasets.prompts import prompt_of
from framedex.errors import UsageError
from framedex.scores.transform import Combination


def row(variant: object) -> dict[str, Any]:
    return {"id": "q1", "video": "a.mp4", "question": "What is red?", "variants": {"parts": variant}}


def written(folder: Path, variant: object) -> Path:
    path = folder / "q.jsonl"
    path.write_text(json.dumps(row(variant)))
    return path


@pytest.mark.parametrize(
    ("variant", "expected"),
    [
        ("a dog", "a dog"),
        (["a dog", "a ball"], CombinedPrompt(texts=("a dog", "a ball"))),
        ({"prompts": ["a dog", "a ball"]}, CombinedPrompt(texts=("a dog", "a ball"))),
        (
            {"prompts": ["a dog", "a ball"], "combine": "max"},
            CombinedPrompt(texts=("a dog", "a ball"), combination=Combination(how="max")),
        ),
        (
            {"prompts": ["a dog", "a ball"], "combine": "product", "weights": [2, 0.5]},
            CombinedPrompt(texts=("a dog", "a ball"), combination=Combination(how="product", weights=(2.0, 0.5))),
        ),
    ],
)
def test_a_variant_is_a_text_or_several(tmp_path: Path, variant: object, expected: object) -> None:
    (question,) = read_questions(written(tmp_path, variant))
    assert question.variants == (("parts", expected),)
    assert prompt_of("question", question, "parts") == expected
    parquet = tmp_path / "q.parquet"
    pq.write_table(pa.Table.from_pylist([row(variant)]), parquet)
    assert read_questions(parquet) == [question]


def test_a_row_of_parquet_may_lack_a_variant(tmp_path: Path) -> None:
    path = tmp_path / "q.parquet"
    rows = [row(["a", "b"]), {**row(None), "id": "q2", "variants": {"parts": None, "other": "c"}}]
    pq.write_table(pa.Table.from_pylist(rows), path)
    assert [[name for name, _ in question.variants] for question in read_questions(path)] == [["parts"], ["other"]]


def test_texts_and_combination() -> None:
    several = CombinedPrompt(texts=("a", "b"), combination=Combination(how="min"))
    assert (texts_of("a"), texts_of(several)) == (("a",), ("a", "b"))
    assert (combination_of("a"), combination_of(several)) == (Combination(), Combination(how="min"))
    assert several.content() == {"prompts": ["a", "b"], "combine": "min", "weights": None}


@pytest.mark.parametrize(
    ("variant", "message"),
    [
        (["a"], "variant 'parts': prompts: expected two texts or more to combine, got 1"),
        ([], "variant 'parts': prompts: expected two texts or more to combine, got 0"),
        (["a", " "], "variant 'parts': prompt 1: expected a text that is not empty"),
        ({"prompts": "a"}, "variant 'parts': prompts: expected a list of texts, got 'a'"),
        ({"combine": "max"}, "variant 'parts': prompts: expected a list of texts, got None"),
        ({"prompts": ["a", "b"], "combine": "median"}, "variant 'parts': combine: got 'median'; exists: .*mean"),
        (
            {"prompts": ["a", "b"], "weight": [1, 2]},
            "variant 'parts': unknown field 'weight'; .*did you mean 'weights'",
        ),
        ({"prompts": ["a", "b"], "weights": [1]}, "variant 'parts': weights: expected one per prompt, 2, got 1"),
        ({"prompts": ["a", "b"], "weights": [1, "2"]}, "variant 'parts': weights: expected a list of numbers"),
        ({"prompts": ["a", "b"], "weights": [1, -2]}, "variant 'parts': weights: expected numbers above 0"),
        (
            {"prompts": ["a", "b"], "weights": [1, 2], "combine": "max"},
            "variant 'parts': weights: expected with mean or product, got max",
        ),
        (7.5, "variant 'parts': prompt: expected a text"),
    ],
)
def test_what_does_not_hold_is_refused(tmp_path: Path, variant: object, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        read_questions(written(tmp_path, variant))
