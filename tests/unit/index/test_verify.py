"""Verify finds each kind of damage and names its file."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from contracts.store_samples import encoder_entry, new_store, put, video_key
from framedex.index import Row, Store
from framedex.index.verify import verify


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return new_store(tmp_path / "S")


@pytest.fixture
def rows(store: Store) -> list[Row]:
    return [put(store, number) for number in range(3)]


def only_problem(store: Store) -> str:
    report = verify(store)
    assert not report.ok
    assert (report.rows, report.whole, len(report.problems)) == (3, 2, 1)
    return report.problems[0]


def test_progress_counts_rows(store: Store, rows: list[Row]) -> None:
    seen: list[tuple[int, int]] = []
    assert verify(store, lambda done, total: seen.append((done, total))).ok
    assert seen == [(done, len(rows)) for done in range(4)]


def test_an_empty_store_holds(store: Store) -> None:
    assert verify(store).ok


@pytest.mark.parametrize("place", ["codes", "ids", "header"])
def test_one_changed_bit_anywhere(store: Store, rows: list[Row], place: str) -> None:
    path = rows[1].place.index_path(store.path)
    data = bytearray(path.read_bytes())
    data[{"codes": 130, "ids": len(data) - 1, "header": 20}[place]] ^= 1
    path.write_bytes(data)
    assert str(path) in only_problem(store)


def test_a_missing_index_file(store: Store, rows: list[Row]) -> None:
    rows[0].place.index_path(store.path).unlink()
    assert "the row is there, the index file is not" in only_problem(store)


def test_a_damaged_row(store: Store, rows: list[Row]) -> None:
    path = rows[0].place.row_path(store.path)
    path.write_text("{")
    assert only_problem(store).startswith(f"{path}: expected JSON")


def test_an_index_file_of_another_video(store: Store, rows: list[Row]) -> None:
    rows[0].place.index_path(store.path).write_bytes(rows[1].place.index_path(store.path).read_bytes())
    assert "checksum" in only_problem(store)


def test_a_missing_or_damaged_encoder_file(store: Store, rows: list[Row]) -> None:
    path = store.path / "encoders" / f"{encoder_entry().key}.json"
    values = json.loads(path.read_text())
    path.write_text(json.dumps(values | {"dim": 13}))
    report = verify(store)
    assert ["dim is 12, its encoder's is 13" in problem for problem in report.problems] == [True] * len(rows)
    path.unlink()
    (problem,) = verify(store).problems
    assert problem.startswith(f"{path}: missing")


def test_a_damaged_quarantine_entry(store: Store) -> None:
    store.quarantine.add(key=video_key(0), path="/a", error="E", reason="r")
    assert verify(store).ok
    path = store.quarantine.folder / f"{video_key(0)}.json"
    path.write_text("[]")
    (problem,) = verify(store).problems
    assert str(path) in problem


def test_what_does_no_harm_is_counted(store: Store, rows: list[Row]) -> None:
    place = rows[0].place
    place.row_path(store.path).unlink()
    leftover = place.folder(store.path) / f".{place.video_key}.faiss.123.ab.tmp"
    foreign = [store.path / "README.txt", place.folder(store.path) / "x.faiss", store.path / "encoders" / "notes.json"]
    for path in (leftover, *foreign):
        path.write_text("?")
    report = verify(store)
    assert report.ok
    assert (report.rows, report.whole) == (2, 2)
    assert report.unfinished == (place.index_path(store.path),)
    assert report.leftovers == (leftover,)
    assert set(report.foreign) == set(foreign)


def test_nothing_is_changed(store: Store, rows: list[Row]) -> None:
    before = {path: path.stat().st_mtime_ns for path in store.path.rglob("*")}
    verify(store)
    assert {path: path.stat().st_mtime_ns for path in store.path.rglob("*")} == before
    assert rows
