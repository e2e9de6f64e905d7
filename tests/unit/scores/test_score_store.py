"""The folder of scores: finding, reading, writing, several writers."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from framedex.errors import StorageError, StoreError, UsageError
from framedex.scores.place import ScorePlace
from framedex.scores.score_store import ScoreStore
from score_samples import import_set, new_scores, pair_set, prompt, question, score_file

_TESTS = Path(__file__).parents[2]


def test_a_store_without_scores_is_empty_and_stays_as_it_is(tmp_path: Path) -> None:
    scores = ScoreStore(tmp_path)
    assert scores.sets() == []
    assert scores.grids(pair_set().key) == []
    assert scores.get(score_file().place) is None
    with pytest.raises(UsageError, match="no scores 'x'; none exists; see: framedex scores list"):
        scores.find("x")
    assert list(tmp_path.iterdir()) == []


def test_what_was_put_comes_back(tmp_path: Path) -> None:
    scores = new_scores(tmp_path)
    files = [score_file(0), score_file(1), score_file(0, subject=question()), score_file(0, grid="every=30")]
    for file in files:
        scores.put(file)
    again = ScoreStore(tmp_path)
    for file in files:
        read = again.get(file.place)
        assert read is not None
        assert read.to_bytes() == file.to_bytes()
    assert again.grids(pair_set().key) == ["every=30", "fps=1"]
    assert again.places(pair_set().key, "fps=1") == sorted(file.place for file in files[:3])
    assert again.sets() == [pair_set()]


def test_a_curve_before_its_set_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="add_set comes before put"):
        ScoreStore(tmp_path).put(score_file())


def test_sets_go_by_name_and_key(tmp_path: Path) -> None:
    scores = new_scores(tmp_path, pair_set(), import_set("colour"), import_set())
    assert scores.find("ours") == import_set()
    assert scores.find(pair_set().key) == pair_set()
    with pytest.raises(UsageError, match=rf"2 sets of scores are named 'colour': .*{pair_set().key}.*give the key"):
        scores.find("colour")
    assert [scores.handle(each) for each in (import_set(), pair_set())] == ["ours", pair_set().key]
    scores.put(score_file())
    assert scores.find("colour", grid="fps=1") == pair_set()
    with pytest.raises(UsageError, match="no scores 'our'; exists: colour, ours; did you mean 'ours'"):
        scores.find("our")


def test_the_only_grid(tmp_path: Path) -> None:
    scores = new_scores(tmp_path)
    with pytest.raises(UsageError, match="scores 'colour': hold no curve yet"):
        scores.only_grid(pair_set(), None)
    scores.put(score_file())
    assert scores.only_grid(pair_set(), None) == "fps=1"
    with pytest.raises(UsageError, match="none on grid 'fps=2'; exists: fps=1; did you mean 'fps=1'"):
        scores.only_grid(pair_set(), "fps=2")
    scores.put(score_file(grid="every=30"))
    with pytest.raises(UsageError, match="are on several grids, every=30, fps=1; choose one with --grid"):
        scores.only_grid(pair_set(), None)
    assert scores.only_grid(pair_set(), "fps=1") == "fps=1"


def test_a_damaged_curve_says_what_to_do(tmp_path: Path) -> None:
    scores = new_scores(tmp_path)
    scores.put(score_file())
    path = score_file().place.path(scores.root)
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(StoreError, match=rf"^{path}: .*delete the file, then score or import again"):
        scores.get(score_file().place)
    scores.put(score_file())
    assert scores.get(score_file().place) is not None


def test_a_curve_that_was_renamed_is_refused(tmp_path: Path) -> None:
    scores = new_scores(tmp_path)
    scores.put(score_file())
    other = score_file(subject=prompt("another")).place
    score_file().place.path(scores.root).rename(other.path(scores.root))
    with pytest.raises(StoreError, match="it was moved or renamed"):
        scores.get(other)


def test_a_set_without_its_file_or_with_another(tmp_path: Path) -> None:
    scores = new_scores(tmp_path, pair_set(), import_set())
    path = scores.root / pair_set().key / "set.json"
    path.write_bytes(import_set().to_json())
    with pytest.raises(StoreError, match=f"the set is {import_set().key}; a file was moved or renamed"):
        scores.sets()
    path.unlink()
    with pytest.raises(StoreError, match="missing; make or import these scores again, or delete the folder"):
        scores.sets()


def test_a_disk_that_refuses_is_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    scores = new_scores(tmp_path)

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(StorageError, match=r"cannot .*No space left on device; free space"):
        scores.put(score_file())
    monkeypatch.undo()
    assert scores.get(score_file().place) is None
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == [scores.root / pair_set().key / "set.json"]


def test_several_writers_of_the_same_curves(tmp_path: Path) -> None:
    script = (
        f"import sys; sys.path.insert(0, {str(_TESTS)!r})\n"
        "from pathlib import Path\n"
        "from score_samples import new_scores, score_file\n"
        "scores = new_scores(Path(sys.argv[1]))\n"
        "for turn in range(20):\n"
        "    for number in range(3):\n"
        "        scores.put(score_file(number))\n"
        "        assert scores.get(score_file(number).place).to_bytes() == score_file(number).to_bytes()\n"
    )
    writers = [subprocess.Popen([sys.executable, "-c", script, str(tmp_path)]) for _ in range(3)]
    assert [writer.wait() for writer in writers] == [0, 0, 0]
    assert len(ScoreStore(tmp_path).places(pair_set().key, "fps=1")) == 3
    assert not list(tmp_path.rglob(".*"))


@pytest.mark.parametrize(
    "parts",
    [
        (),
        ("x",),
        (pair_set().key, "fps=1", "ab", "x.safetensors"),
        (pair_set().key, "fps", *score_file().place.parts[2:]),
        (*score_file().place.parts[:2], "zz", score_file().place.parts[3]),
        (*score_file().place.parts[:3], score_file().place.parts[3] + ".safetensors"),
        (*score_file().place.parts, "x"),
    ],
)
def test_other_files_have_no_place(parts: tuple[str, ...]) -> None:
    assert ScorePlace.of(parts) is None
    assert ScorePlace.of(score_file().place.parts) == score_file().place


def test_a_sets_rule_is_what_its_curves_say(tmp_path: Path) -> None:
    scores = new_scores(tmp_path)
    assert scores.rule(pair_set().key, "fps=1") is None
    for number in range(2):
        scores.put(score_file(number, provenance={"framedex": "0.1.0", "rule": "area"}))
    first = scores.places(pair_set().key, "fps=1")[0].path(scores.root)
    first.write_bytes(first.read_bytes()[:-1])
    assert scores.rule(pair_set().key, "fps=1") == "area"
    scores.put(score_file(grid="every=30"))
    assert scores.rule(pair_set().key, "every=30") is None
