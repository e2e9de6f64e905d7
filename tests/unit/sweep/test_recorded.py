"""Records are taken for answers only where each holds; what does not is told with its file."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from framedex.errors import StoreError
from framedex.keys import json_key
from framedex.sweep.answer_cache import AnswerCache
from framedex.sweep.record import Record, schema
from framedex.sweep.recorded import take_recorded
from record_tables import record, write_run

KEY = json_key("one")
MADE_BY = {"runtime": "transformers"}


def recorded(**changes: Any) -> Record:
    made = {"answer_key": KEY, "provenance": json.dumps({"framedex": "0", "mllm": MADE_BY})}
    return record(0, "q7", **{"first": 1, **made, **changes})


def change(run: Path, **values: Any) -> Path:
    """Give columns of the run's one file another value, empty ones among them."""
    (path,) = (run / "records").iterdir()
    table = pq.read_table(path)
    rows = [{**row, **values} for row in table.to_pylist()]
    pq.write_table(table.from_pylist(rows, schema=schema()), path)
    return path


def test_a_record_is_taken_with_its_options_as_they_were_listed(tmp_path: Path) -> None:
    others = [
        recorded(answer_key=json_key("blind"), provenance='{"framedex":"0"}'),
        recorded(
            answer_key=json_key("words"), scoring="generate", option_logprobs=(), option_tokens=(), written="B. red"
        ),
        recorded(
            answer_key=json_key("none"),
            status="unparsable",
            status_detail="names no option",
            answer=None,
            correct=False,
            scoring="generate",
        ),
        recorded(
            answer_key=json_key("long"),
            status="truncated-prompt",
            answer=None,
            correct=False,
            option_logprobs=(),
            option_tokens=(),
        ),
        recorded(answer_key=""),
    ]
    run = write_run(tmp_path / "RUN", [recorded(), *others])
    cache = AnswerCache(None)
    assert take_recorded(run, cache) == 5
    kept = cache.read([KEY])[KEY]
    assert (kept.answer.choice, kept.answer.option_logprobs, json.loads(kept.made_by)) == (
        3,
        (-2.0, -3.0, -4.0, -1.0),
        MADE_BY,
    )
    assert len(cache.read([each.answer_key for each in others if each.answer_key])) == 4


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"answer_key": None}, "expected answer_key to be 32 hex digits, got None"),
        ({"answer_key": "no key"}, "expected answer_key to be 32 hex digits, got 'no key'"),
        ({"status": "weird"}, "expected a status of ok, unparsable, truncated-prompt, invalid, got 'weird'"),
        ({"status": None}, "got None"),
        ({"option_order": None}, "expected option_order to hold every option once, got None"),
        ({"option_order": []}, "hold every option once"),
        ({"option_order": [0, 1, 1, 3]}, "expected option_order to hold every option once, got [0, 1, 1, 3]"),
        ({"option_order": [0, None, 1, 2]}, "hold every option once"),
        ({"option_order": [0, 1]}, "expected log-probabilities and tokens of 2 options"),
        ({"answer": 4}, "expected an option as answer where status is ok, and none elsewhere, got 4"),
        ({"answer": None}, "and none elsewhere, got None"),
        ({"status": "unparsable"}, "and none elsewhere, got 0"),
        ({"option_logprobs": None}, "expected log-probabilities and tokens of 4 options, got None and"),
        ({"option_logprobs": []}, "tokens of 4 options, got []"),
        ({"option_logprobs": [], "option_tokens": []}, "tokens of 4 options, got [] and []"),
        ({"option_logprobs": [-1.0, float("nan"), -3.0, -4.0]}, "got [-1.0, nan, -3.0, -4.0]"),
        ({"option_logprobs": [-1.0, None, -3.0, -4.0]}, "got [-1.0, None, -3.0, -4.0]"),
        ({"option_tokens": [1, 1, 1]}, "and [1, 1, 1]"),
        ({"prompt_tokens": None}, "expected prompt_tokens of 0 or more"),
        ({"prompt_tokens": -5}, "got -5, '' and ''"),
        ({"written": None}, "to be texts, got 100, '' and None"),
        ({"status_detail": None}, "to be texts, got 100, None and ''"),
        ({"provenance": None}, "expected provenance in JSON"),
        ({"provenance": "{"}, "expected provenance in JSON"),
        ({"provenance": "[" * 100_000}, "expected provenance in JSON"),
        ({"provenance": "[1]"}, "expected provenance to be an object, with one of the model in it, got [1]"),
        ({"provenance": '{"mllm": [1]}'}, "with one of the model in it, got [1]"),
        ({"provenance": '{"mllm": {"x": NaN}}'}, "Out of range float values"),
        ({"provenance": r'{"mllm": {"x": "\ud800"}}'}, "surrogates not allowed"),
    ],
)
def test_a_record_that_does_not_hold_is_told_with_its_file(
    tmp_path: Path, values: dict[str, Any], message: str
) -> None:
    run = write_run(tmp_path / "RUN", [recorded()])
    path = change(run, **values)
    cache = AnswerCache(None)
    with pytest.raises(StoreError, match=re.escape(message)) as refused:
        take_recorded(run, cache)
    assert str(refused.value).startswith(f"{path}: the record of question 'q7': ")
    assert cache.read([KEY]) == {}
