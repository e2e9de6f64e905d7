"""Answers out of the records of runs: what an answer cache can be made again from."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

import pyarrow as pa

from framedex.errors import StoreError
from framedex.keys import canonical_json, is_key
from framedex.mllm.base import Answer, AnswerStatus
from framedex.sweep.answer_cache import AnswerCache, Kept
from framedex.sweep.record_file import read_file, record_files

_COLUMNS = (
    "question_id",
    "answer_key",
    "scoring",
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
        StoreError: a file is no Parquet, has other columns, or a record in it does not hold; of that file nothing is kept.
    """
    taken: set[str] = set()
    for path in record_files(run):
        answers = dict(_answers(path))
        cache.write(answers)
        taken |= answers.keys()
    return len(taken)


def _answers(path: Path) -> Iterator[tuple[str, Kept]]:
    table = read_file(path)
    made_by: dict[str, str] = {}
    # Records that share an answer are many: one of each is looked at.
    first = table.append_column("row", pa.array(range(len(table)))).group_by("answer_key").aggregate([("row", "min")])
    for batch in table.take(first["row_min"]).select(_COLUMNS).to_batches(_ROWS):
        for row in batch.to_pylist():
            if row["answer_key"] == "":  # of a framedex that wrote none
                continue
            try:
                _check(row)
                provenance = row["provenance"]
                if provenance not in made_by:
                    made_by[provenance] = _maker(provenance)
            except ValueError as error:
                raise StoreError(
                    f"{path}: the record of question {row['question_id']!r}: {error}; "
                    "delete the file and run its sweep again, or do not reuse this run"
                ) from error
            yield row["answer_key"], Kept(answer=_answer(row), made_by=made_by[provenance])


def _check(row: dict[str, Any]) -> None:
    """Raise ValueError where a record is none that a sweep writes, as far as its answer goes."""
    order, status, logprobs, counts = (
        row[name] for name in ("option_order", "status", "option_logprobs", "option_tokens")
    )
    if row["answer_key"] is None or not is_key(row["answer_key"]):
        raise ValueError(f"expected answer_key to be 32 hex digits, got {row['answer_key']!r}")
    if status not in get_args(AnswerStatus):
        raise ValueError(f"expected a status of {', '.join(get_args(AnswerStatus))}, got {status!r}")
    if not order or None in order or sorted(order) != list(range(len(order))):
        raise ValueError(f"expected option_order to hold every option once, got {order}")
    if (row["answer"] not in order) if status == "ok" else row["answer"] is not None:
        raise ValueError(f"expected an option as answer where status is ok, and none elsewhere, got {row['answer']}")
    # Letters that are no token, and questions that were not put, have none of either.
    may_lack = status != "ok" or row["scoring"] == "generate"
    if not (logprobs == counts == [] and may_lack) and not (_numbers(logprobs, order) and _numbers(counts, order)):
        raise ValueError(f"expected log-probabilities and tokens of {len(order)} options, got {logprobs} and {counts}")
    if row["prompt_tokens"] is None or row["prompt_tokens"] < 0 or None in (row["status_detail"], row["written"]):
        raise ValueError(
            f"expected prompt_tokens of 0 or more, and status_detail and written to be texts, "
            f"got {row['prompt_tokens']}, {row['status_detail']!r} and {row['written']!r}"
        )


def _numbers(values: list[float | None] | None, order: list[int]) -> bool:
    """Whether there is a finite number for every option."""
    return values is not None and len(values) == len(order) and all(v is not None and math.isfinite(v) for v in values)


def _maker(provenance: str | None) -> str:
    """What a record's provenance says of the model, as canonical JSON; raises ValueError where it is none."""
    try:
        parsed = json.loads(provenance or "")
    except (ValueError, RecursionError) as error:
        raise ValueError(f"expected provenance in JSON, got {error}") from error
    mllm = parsed.get("mllm") if isinstance(parsed, dict) else parsed
    if not isinstance(parsed, dict) or not isinstance(mllm, dict | None):
        raise ValueError(f"expected provenance to be an object, with one of the model in it, got {mllm!r}")  # noqa: TRY004
    made_by = canonical_json(mllm)
    made_by.encode()  # a lone surrogate is JSON, and no text that can be kept
    return made_by


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
