"""`framedex analyze` in all its forms."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import pytest

from cli import framedex, ok
from framedex.analysis import TABLES
from record_tables import record, write_run
from run_sample import observer_run

DRAWS = ("--draws", 100)


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return observer_run(tmp_path_factory.mktemp("run") / "RUN")


def test_people_get_sentences_and_every_table(run: Path) -> None:
    out = ok("analyze", run, *DRAWS).out
    assert out.startswith("top against bottom\n  - Taking the best-scored frames beats")
    assert all(f"\n{name} (model, option scoring" in out for name in TABLES)


def test_one_table_comes_alone(run: Path) -> None:
    out = ok("analyze", run, "--table", "oracle", *DRAWS).out
    assert "cross fitted" in out
    assert "Taking" not in out


def test_csv_is_read_by_programs(run: Path) -> None:
    text = ok("analyze", run, "--table", "accuracy", "--csv", *DRAWS).out
    rows = {row["sampler"]: row for row in csv.DictReader(io.StringIO(text)) if row["arm"] == "select"}
    assert float(rows["top"]["accuracy"]) == 1.0
    assert float(rows["top"]["minus_uniform"]) == 1.0 - float(rows["uniform"]["accuracy"])


def test_json_holds_findings_tables_and_how_it_was_drawn(run: Path) -> None:
    document = ok("analyze", run, "--json", *DRAWS).json()
    assert set(document["tables"]) == set(TABLES)
    assert document["resampling"] == {"draws": 100, "seed": 0}
    assert {finding["topic"] for finding in document["findings"]} >= {"oracle", "confidence"}
    assert "NaN" not in json.dumps(document)


def test_markdown_has_a_heading_per_table(run: Path) -> None:
    out = ok("analyze", run, "--md", *DRAWS).out
    assert [line[3:] for line in out.splitlines() if line.startswith("## ")] == list(TABLES)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--csv",), "--csv writes one table; say which with --table NAME"),
        (("--csv", "--json", "--table", "drop"), "expected one of them"),
        (("--table", "acuracy"), "unknown table 'acuracy'"),
    ],
)
def test_requests_that_cannot_be_met(run: Path, arguments: tuple[str, ...], message: str) -> None:
    ran = framedex("analyze", run, *arguments)
    assert ran.code == 2
    assert message in ran.err
    assert ran.out == ""


def test_what_is_not_there_is_said(tmp_path: Path) -> None:
    out = ok("analyze", write_run(tmp_path / "RUN", [record(0, "a")]), *DRAWS).out
    assert out.startswith("no comparison can be made of these answers")
    assert "\noracle\nnothing: the sweep has no answers for it" in out


def test_a_damaged_file_is_one_sentence_and_code_4(tmp_path: Path) -> None:
    run = write_run(tmp_path / "RUN", [record(0, "a")])
    next((run / "records").iterdir()).write_bytes(b"no parquet")
    ran = framedex("analyze", run)
    assert ran.code == 4
    assert "cannot be read as Parquet" in ran.err
    assert framedex("analyze", tmp_path / "NONE").code == 2
