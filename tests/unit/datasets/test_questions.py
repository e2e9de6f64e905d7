"""The question manifest: what is read, and the sentence for each way to be wrong."""

from __future__ import annotations

import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from framedex.datasets import read_questions
from framedex.errors import UsageError

GOOD = {"id": "q1", "video": "a.mp4", "question": "What is red?", "options": ["a ball", "a cube"], "answer": "a cube"}


def write(folder: Path, *rows: object) -> Path:
    path = folder / "q.jsonl"
    path.write_text("\n".join(row if isinstance(row, str) else json.dumps(row) for row in rows))
    return path


def test_a_question_is_read_whole(tmp_path: Path) -> None:
    row = {**GOOD, "evidence": [[1, 2.5]], "category": "colour", "variants": {"declarative": "The cube is red."}}
    (question,) = read_questions(write(tmp_path, row, ""))
    assert question.answer == 1
    assert question.options == ("a ball", "a cube")
    assert question.evidence == ((1.0, 2.5),)
    assert question.variants == (("declarative", "The cube is red."),)
    assert question.folder == tmp_path


def test_an_answer_may_be_an_index_and_parquet_is_the_same(tmp_path: Path) -> None:
    row = {**GOOD, "answer": 0}
    path = tmp_path / "q.parquet"
    pq.write_table(pa.Table.from_pylist([row]), path)
    (from_parquet,) = read_questions(path)
    (from_lines,) = read_questions(write(tmp_path, row))
    assert from_parquet == from_lines
    assert from_lines.answer == 0


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ("{not json", "line 1: expected a JSON object"),
        ([1], "expected a JSON object, got list"),
        ({**GOOD, "questoin": "x"}, "unknown field 'questoin'; .*did you mean 'question'"),
        ({"id": "1", "video": "a"}, "question: expected a text"),
        ({**GOOD, "question": "  "}, "question: expected a text that is not empty"),
        ({**GOOD, "options": "a"}, "options: expected a list"),
        ({**GOOD, "options": ["a", "a"]}, "options: expected different texts"),
        ({**GOOD, "options": ["a", ""]}, "option 1: expected a text that is not empty"),
        ({**GOOD, "answer": 2}, "answer: expected an option's text or its index"),
        ({**GOOD, "answer": "a dog"}, "answer: expected an option's text"),
        ({**GOOD, "answer": True}, "answer: expected"),
        ({**GOOD, "evidence": [[2, 1]]}, "expected start_s <= end_s"),
        ({**GOOD, "evidence": [[1]]}, "evidence: expected"),
        ({**GOOD, "evidence": 3}, "evidence: expected"),
        ({**GOOD, "start_s": -1}, "start_s: expected seconds"),
        ({**GOOD, "start_s": float("nan")}, "start_s: expected seconds"),
        ({**GOOD, "variants": ["x"]}, "variants: expected an object"),
        ({**GOOD, "category": 3}, "category: expected a text"),
    ],
)
def test_a_row_that_does_not_hold_names_line_field_and_value(tmp_path: Path, row: object, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        read_questions(write(tmp_path, row))


def test_double_ids_missing_and_empty_files_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="line 2: id 'q1' stands twice"):
        read_questions(write(tmp_path, GOOD, GOOD))
    with pytest.raises(UsageError, match="holds no question"):
        read_questions(write(tmp_path, ""))
    with pytest.raises(UsageError, match="no such question manifest"):
        read_questions(tmp_path / "none.jsonl")
    (tmp_path / "bad.parquet").write_bytes(b"no parquet")
    with pytest.raises(UsageError, match="expected a Parquet file"):
        read_questions(tmp_path / "bad.parquet")
    (tmp_path / "latin.jsonl").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(UsageError, match="expected UTF-8"):
        read_questions(tmp_path / "latin.jsonl")
