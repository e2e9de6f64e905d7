"""Verify finds every way in which stored scores do not hold, and changes nothing."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from contracts.store_samples import new_store, put, sample_pts
from framedex.index import Store
from framedex.index.verify import verify
from framedex.scores.score_store import ScoreStore
from framedex.scores.verify import verify_scores
from score_samples import import_set, new_scores, pair_set, question, score_file, scores_of


@pytest.fixture
def store(tmp_path: Path) -> Store:
    store = new_store(tmp_path / "S")
    for number in range(2):
        put(store, number)
    return store


@pytest.fixture
def scores(store: Store) -> ScoreStore:
    scores = new_scores(store.path, pair_set(), import_set())
    for file in (score_file(), score_file(1), score_file(subject=question())):
        scores.put(file)
    return scores


def problem(store: Store) -> str:
    (found,) = verify_scores(store).problems
    return found


def test_a_store_without_scores(store: Store) -> None:
    report = verify_scores(store)
    assert (report.sets, report.curves, report.problems) == (0, 0, ())


def test_whole_scores(store: Store, scores: ScoreStore) -> None:
    seen: list[tuple[int, int]] = []
    report = verify_scores(store, lambda done, total: seen.append((done, total)))
    assert report.problems == report.unindexed == report.leftovers == report.foreign == ()
    assert (report.sets, report.curves, report.whole, report.scored) == (2, 3, 3, 15)
    assert seen == [(0, 3), (1, 3), (2, 3), (3, 3)]
    index = verify(store)
    assert index.ok
    assert not index.foreign


def test_a_damaged_curve(store: Store, scores: ScoreStore) -> None:
    path = score_file().place.path(scores.root)
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(data)
    assert problem(store).startswith(f"{path}: ")
    assert verify_scores(store).whole == 2


def test_a_curve_of_frames_that_the_index_does_not_hold(store: Store, scores: ScoreStore) -> None:
    scores.put(score_file(pts_us=sample_pts(5) + np.array([0, 0, 0, 0, 7])))
    assert "scores 1 frames that the index does not hold, the first at 4040007" in problem(store)


def test_a_curve_of_a_video_that_is_not_indexed(store: Store, scores: ScoreStore) -> None:
    other = [score_file(7), score_file(grid="every=30", pts_us=np.array([5]), scores=scores_of(1))]
    for file in other:
        scores.put(file)
    report = verify_scores(store)
    assert report.problems == ()
    assert set(report.unindexed) == {file.place.path(scores.root) for file in other}


def test_a_set_that_is_missing(store: Store, scores: ScoreStore) -> None:
    path = scores.root / pair_set().key / "set.json"
    path.unlink()
    assert problem(store).startswith(f"{path}: missing")


def test_what_does_no_harm_is_counted(store: Store, scores: ScoreStore) -> None:
    folder = score_file().place.path(scores.root).parent
    leftover, foreign = folder / ".x.safetensors.1.ab.tmp", [folder / "x.safetensors", scores.root / "notes.txt"]
    for path in (leftover, *foreign):
        path.write_text("?")
    report = verify_scores(store)
    assert report.problems == ()
    assert report.leftovers == (leftover,)
    assert set(report.foreign) == set(foreign)
    assert verify(store).foreign == verify(store).leftovers == ()


def test_nothing_is_changed(store: Store, scores: ScoreStore) -> None:
    before = {path: path.stat().st_mtime_ns for path in store.path.rglob("*")}
    verify_scores(store)
    assert {path: path.stat().st_mtime_ns for path in store.path.rglob("*")} == before
