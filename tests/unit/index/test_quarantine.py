"""The quarantine."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from contracts.store_samples import new_store, video_key
from framedex.errors import StoreError, UsageError
from framedex.index import Store
from framedex.index.quarantine import Quarantine, QuarantineEntry


@pytest.fixture
def quarantine(tmp_path: Path) -> Quarantine:
    return new_store(tmp_path / "S").quarantine


def add(quarantine: Quarantine, number: int = 0, path: str = "/v/a.mp4", reason: str = "ends early") -> QuarantineEntry:
    return quarantine.add(key=video_key(number), path=path, error="TruncatedVideo", reason=reason)


def test_failures_of_one_input_add_up(quarantine: Quarantine) -> None:
    first = add(quarantine)
    second = add(quarantine, path="/v/b.mp4", reason="still ends early")
    third = add(quarantine)
    assert (first.attempts, second.attempts, third.attempts) == (1, 2, 3)
    assert third.paths == ("/v/a.mp4", "/v/b.mp4")
    assert third.first_at == first.first_at <= third.last_at
    assert second.reason == "still ends early"
    assert quarantine.get(video_key(0)) == third


def test_list_and_remove(quarantine: Quarantine) -> None:
    assert quarantine.list() == []
    entries = [add(quarantine, number, path) for number, path in enumerate(["/z", "/a", "/m"])]
    assert quarantine.list() == sorted(entries, key=lambda entry: entry.paths)
    assert quarantine.remove(video_key(0))
    assert not quarantine.remove(video_key(0))
    assert [entry.paths for entry in quarantine.list()] == [("/a",), ("/m",)]
    assert quarantine.get(video_key(0)) is None


def test_what_is_fine_is_forgotten_under_its_key_and_its_path(quarantine: Quarantine) -> None:
    add(quarantine, 0, "/v/a.mp4")
    add(quarantine, 0, "/v/b.mp4")
    add(quarantine, 1, "/v/c.mp4")
    again = Quarantine(quarantine.folder)  # another run: nothing is remembered
    again.forgive(key=video_key(2), path="/v/a.mp4")
    assert [entry.paths for entry in again.list()] == [("/v/b.mp4",), ("/v/c.mp4",)]
    again.forgive(key=video_key(2), path="/v/b.mp4")
    assert [entry.paths for entry in again.list()] == [("/v/c.mp4",)]
    again.forgive(key=video_key(1), path="/elsewhere/c.mp4")
    assert again.list() == []


def test_a_path_is_in_the_entry_of_what_was_last_found_there(quarantine: Quarantine) -> None:
    add(quarantine, 0)
    add(quarantine, 0, "/v/b.mp4")
    add(quarantine, 1)
    add(quarantine, 2)
    assert {entry.key: entry.paths for entry in quarantine.list()} == {
        video_key(0): ("/v/b.mp4",),
        video_key(2): ("/v/a.mp4",),
    }


def test_a_damaged_entry_is_in_nobodys_way(quarantine: Quarantine) -> None:
    add(quarantine, 0)
    (quarantine.folder / f"{video_key(0)}.json").write_text("{")
    again = Quarantine(quarantine.folder)
    again.forgive(key=video_key(1), path="/v/a.mp4")
    assert add(again, 0).attempts == 1


def test_version_1_has_no_request(quarantine: Quarantine) -> None:
    entry = quarantine.add(key=video_key(0), path="/a", error="E", reason="r", request={"grids": "fps=1"})
    assert quarantine.get(video_key(0)) == entry
    path = quarantine.folder / f"{video_key(0)}.json"
    value = json.loads(path.read_text())
    del value["request"]
    path.write_text(json.dumps(value | {"version": 1}))
    assert quarantine.list()[0].request == {}
    for version in (2, 3, True):
        path.write_text(json.dumps(value | {"version": version}))
        with pytest.raises(StoreError):
            quarantine.list()


def test_another_process_sees_it(quarantine: Quarantine) -> None:
    entry = add(quarantine)
    assert Store.open(quarantine.folder.parent).quarantine.list() == [entry]


@pytest.mark.parametrize("key", ["", "../../x", "A" * 32])
def test_keys_are_keys(quarantine: Quarantine, key: str) -> None:
    with pytest.raises(UsageError, match="expected a key"):
        quarantine.get(key)


@pytest.mark.parametrize(
    ("changed", "sentence"),
    [
        ({"attempts": 0}, "attempts: expected 1 or more"),
        ({"paths": []}, "paths: expected one path or more"),
        ({"paths": ["b", "a"]}, "paths: expected one path or more, sorted"),
        ({"paths": "a"}, "paths: expected a list of strings"),
        ({"last_at": "yesterday"}, "last_at: expected a time such as"),
        ({"key": "0" * 32}, "a file was moved or renamed"),
        ({"request": {"grids": 1}}, "request: expected an object of strings"),
    ],
)
def test_damaged_entries_are_refused(quarantine: Quarantine, changed: dict[str, Any], sentence: str) -> None:
    add(quarantine)
    path = quarantine.folder / f"{video_key(0)}.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | changed))
    with pytest.raises(StoreError, match=sentence):
        quarantine.list()
