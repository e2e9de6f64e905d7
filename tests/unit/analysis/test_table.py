"""What is read of a run, what is left out and counted, and what is refused."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from framedex.analysis.table import read_records
from framedex.errors import StoreError, UsageError
from framedex.keys import json_key
from record_tables import blind, columns, record, window, write_run


def test_columns_say_what_the_records_say(tmp_path: Path) -> None:
    records = columns(
        tmp_path,
        [
            record(0, "a", scores=(0.1, 0.7, 0.3, 0.1)),
            window(0, "a", False, start=4, scores=None),
            blind(0, "a", True, first=1, option_order=(1, 2, 0)),
        ],
    )
    assert [setting.label for setting in records.settings] == ["no-video", "uniform", "window:length=2,stride=2"]
    assert [records.settings[code].arm for code in records.setting] == ["select", "window", "no-video"]
    assert records.window.tolist() == [-1, 4, -1]
    assert records.options.tolist() == [4, 4, 3]
    assert records.frames.tolist() == [4, 2, 0]
    assert records.correct.tolist() == [True, False, True]
    np.testing.assert_allclose(records.highest, [0.7, np.nan, np.nan], rtol=1e-6)
    np.testing.assert_allclose(records.mean, [0.3, np.nan, np.nan], rtol=1e-6)
    assert len(set(records.question)) == 1
    assert len(set(records.order)) == 2


def test_the_same_question_id_of_another_video_is_another_question(tmp_path: Path) -> None:
    records = columns(tmp_path, [record(0, "a"), record(1, "a"), record(1, "a", dataset="other")])
    assert len(set(records.question)) == 3
    assert len(set(records.video)) == 2


def test_what_could_not_be_read_is_wrong_and_what_is_invalid_is_left_out(tmp_path: Path) -> None:
    records = columns(
        tmp_path,
        [
            record(0, "a"),
            record(0, "b", answer=None, correct=False, status="unparsable"),
            record(0, "c", answer=None, correct=False, status="truncated-prompt"),
            record(1, "d", answer=None, correct=None, status="invalid"),
        ],
    )
    assert records.correct.tolist() == [True, False, False]
    assert records.answer.tolist() == [0, -1, -1]
    (count,) = records.counts
    assert (count.records, count.ok, count.unparsable, count.truncated, count.invalid) == (4, 1, 1, 1, 1)
    assert (count.questions, count.videos) == (4, 2)


def test_an_answer_in_two_runs_counts_once_where_it_is_the_same(tmp_path: Path) -> None:
    first = write_run(tmp_path / "first", [record(0, "a"), record(0, "b")])
    second = write_run(tmp_path / "second", [record(0, "b"), record(0, "c")])
    records = read_records([first, second])
    assert (len(records), records.repeated) == (3, 1)
    assert records.counts[0].records == 3


def test_an_answer_in_two_runs_that_differs_is_refused(tmp_path: Path) -> None:
    runs = [write_run(tmp_path / name, [record(0, "a", right)]) for name, right in (("first", True), ("second", False))]
    with pytest.raises(
        UsageError, match=r"answers that stand there twice and differ: 1; first: .*'a'.*analyse these runs apart"
    ):
        read_records(runs)


def test_models_and_encoders_go_by_short_names_and_by_key_where_those_are_shared(tmp_path: Path) -> None:
    one, other = json_key("one"), json_key("other")
    run = write_run(
        tmp_path / "RUN",
        [
            record(0, "a", mllm="here/smol", mllm_key=one),
            record(0, "a", mllm="there/smol", mllm_key=other),
            record(0, "a", mllm="big", mllm_key=json_key("big")),
        ],
    )
    encoders = [{"name": "shelf/siglip", "key": json_key("encoder")}]
    (run / "run.json").write_text(json.dumps({"encoders": encoders, "videos": 3}))
    records = read_records([run])
    assert {setting.context.mllm for setting in records.settings} == {"big", f"smol@{one[:8]}", f"smol@{other[:8]}"}
    assert {setting.context.encoder for setting in records.settings} == {"siglip"}
    assert [(each.done, each.videos) for each in records.planned] == [(1, 3)]


def test_a_folder_without_records_is_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"NONE: expected a folder written by `framedex sweep`"):
        read_records([tmp_path / "NONE"])
    (tmp_path / "records").mkdir()
    (tmp_path / "records" / ".half.parquet").write_bytes(b"PAR1")
    with pytest.raises(UsageError, match="no video is finished yet"):
        read_records([tmp_path])
    with pytest.raises(UsageError, match="no run given"):
        read_records([])


def test_a_damaged_run_json_is_named(tmp_path: Path) -> None:
    run = write_run(tmp_path / "RUN", [record(0, "a")])
    (run / "run.json").write_text("{")
    with pytest.raises(StoreError, match=r"run\.json: expected JSON"):
        read_records([run])


def test_a_file_that_is_no_parquet_is_named(tmp_path: Path) -> None:
    run = write_run(tmp_path / "RUN", [record(0, "a")])
    (file,) = (run / "records").iterdir()
    file.write_bytes(file.read_bytes()[:100])
    with pytest.raises(StoreError, match=r"\.parquet: cannot be read as Parquet"):
        read_records([run])


@pytest.mark.parametrize(
    ("column", "change", "message"),
    [
        ("budget", lambda column: column.cast(pa.int64()), "column 'budget': expected int32, got int64"),
        ("gold", None, "column 'gold': expected int8, got no such column"),
    ],
)
def test_a_file_of_another_schema_is_named(tmp_path: Path, column: str, change: object, message: str) -> None:
    run = write_run(tmp_path / "RUN", [record(0, "a")])
    (file,) = (run / "records").iterdir()
    table = pq.read_table(file)
    at = table.schema.get_field_index(column)
    changed = table.set_column(at, column, change(table[column])) if callable(change) else table.drop([column])
    pq.write_table(changed, file)
    with pytest.raises(StoreError, match=message):
        read_records([run])


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"correct": False}, "1 rows where correct contradicts status, answer and gold; first: question 'b'"),
        ({"correct": None}, "correct contradicts"),
        ({"status": "unparsable"}, "correct contradicts"),
        ({"answer": 7, "correct": False}, "answer or gold is none of the options"),
        ({"answer": None, "correct": False}, "status is ok without an answer"),
        ({"status": "odd"}, "unknown status 'odd'"),
        ({"arm": "window", "window_id": "4-2"}, "expected a window_id such as '8\\+4', got '4-2'"),
        ({"scores": (0.1, float("nan"))}, "scores hold NaN"),
    ],
)
def test_rows_that_contradict_themselves_are_refused(tmp_path: Path, changes: dict[str, object], message: str) -> None:
    with pytest.raises(StoreError, match=message):
        columns(tmp_path, [record(0, "a"), record(0, "b", **changes)])


def test_parameters_that_a_statistic_needs_are_asked_for_by_name(tmp_path: Path) -> None:
    setting = columns(tmp_path, [record(0, "a", params='{"rate":"half"}')]).settings[0]
    with pytest.raises(StoreError, match="expected rate \\(a number\\) in params"):
        setting.number("rate")
    with pytest.raises(StoreError, match="expected length \\(a whole number\\)"):
        setting.whole_number("length")
