"""Answers out of the records of runs: what an answer cache can be made again from."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa

from framedex.keys import canonical_json, is_key
from framedex.mllm.base import Answer
from framedex.sweep.answer_cache import AnswerCache, Kept
from framedex.sweep.record_file import read_file, record_files

_COLUMNS = (
    "answer_key",
    "option_order",
    "answer",
    "status",
    "status_detail",
    "written",
    "option_logprobs",
    "option_tokens",
    "prompt_tokens",
    "provenance",
)
#: Rows turned into Python values at a time.
_ROWS = 1 << 16


def take_recorded(run: Path, cache: AnswerCache) -> int:
    """Keep the answers of a run's records; log-probabilities are as exact as records are, float32.

    Returns:
        How many different answers the records hold.

    Raises:
        UsageError: no run, or none of its videos is finished.
        StoreError: a file is no Parquet, or has other columns.
    """
    taken: set[str] = set()
    for path in record_files(run):
        answers = dict(_answers(read_file(path)))
        cache.write(answers)
        taken |= answers.keys()
    return len(taken)


def _answers(table: pa.Table) -> Iterator[tuple[str, Kept]]:
    made_by: dict[str, str] = {}
    # Records that share an answer are many: one of each is looked at.
    first = table.append_column("row", pa.array(range(len(table)))).group_by("answer_key").aggregate([("row", "min")])
    for batch in table.take(first["row_min"]).select(_COLUMNS).to_batches(_ROWS):
        for row in batch.to_pylist():
            if not is_key(row["answer_key"]):  # of a framedex that wrote none
                continue
            provenance = row["provenance"]
            if provenance not in made_by:
                made_by[provenance] = canonical_json(json.loads(provenance).get("mllm"))
            yield row["answer_key"], Kept(answer=_answer(row), made_by=made_by[provenance])


def _answer(row: dict[str, Any]) -> Answer:
    order = row["option_order"]
    return Answer(
        choice=None if row["answer"] is None else order.index(row["answer"]),
        option_logprobs=_as_listed(row["option_logprobs"], order),
        option_tokens=_as_listed(row["option_tokens"], order),
        prompt_tokens=row["prompt_tokens"],
        status=row["status"],
        status_detail=row["status_detail"],
        written=row["written"],
    )


def _as_listed(values: list[Any], order: list[int]) -> tuple[Any, ...]:
    """Values of the options in the order in which they were listed."""
    return tuple(values[index] for index in order) if values else ()
