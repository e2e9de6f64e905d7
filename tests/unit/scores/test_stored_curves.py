"""Curves from stored scores: found by prompt and question, joined with the index, and refused where they contradict it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from contracts.store_samples import encoder_entry, new_store, put, sample_pts, video_key
from framedex.errors import StoreError, UsageError
from framedex.index import Row, Store
from framedex.scores.curves import Curve, Prompt
from framedex.scores.stored_curves import StoredCurves
from score_samples import import_set, new_scores, pair_set, question, score_file, scores_of


@pytest.fixture
def store(tmp_path: Path) -> Store:
    store = new_store(tmp_path / "S")
    for number in range(2):
        put(store, number)
    return store


def row_of(store: Store, number: int = 0) -> Row:
    (row,) = [row for row in store.videos() if row.video_key == video_key(number)]
    return row


def asked(text: str = "a red dog", question_id: str = "1", variant: str = "question") -> Prompt:
    return Prompt(text=text, question_id=question_id, variant=variant)


def test_a_whole_curve(store: Store) -> None:
    new_scores(store.path).put(score_file())
    source = StoredCurves(store, pair_set())
    (curve,) = source.curves(row_of(store), [asked()])
    assert curve.whole
    assert curve.rows.tolist() == [0, 1, 2, 3, 4]
    assert curve.pts_us.tolist() == sample_pts(5).tolist()
    assert curve.scores.dtype == np.float64
    assert curve.scores.tolist() == scores_of(5).astype(np.float64).tolist()
    assert curve.times_s.tolist() == [0, 1, 2, 3, 4]
    assert (source.key, source.name, source.measure) == (pair_set().key, "colour", "raw")
    source.check(row_of(store), [asked()], whole=True)


def test_a_partial_curve_has_rows_of_the_index(store: Store) -> None:
    new_scores(store.path).put(score_file(pts_us=sample_pts(5)[[1, 4]], scores=scores_of(2)))
    source = StoredCurves(store, pair_set())
    (curve,) = source.curves(row_of(store), [asked()])
    assert not curve.whole
    assert curve.rows.tolist() == [1, 4]
    source.check(row_of(store), [asked()])
    with pytest.raises(
        UsageError, match=r"2 of the 5 frames of /videos/clip0.mp4 are scored for question '1'; windows need"
    ):
        source.check(row_of(store), [asked()], whole=True)


def test_a_questions_own_curve_goes_first_and_only_for_the_question_itself(store: Store) -> None:
    scores = new_scores(store.path, import_set())
    scores.put(score_file(set_key=import_set().key))
    scores.put(score_file(set_key=import_set().key, subject=question("1"), scores=scores_of(5, seed=9)))
    source = StoredCurves(store, import_set())
    own, of_text, answer = source.curves(
        row_of(store), [asked(), asked(question_id="2"), asked(question_id="1", variant="answer")]
    )
    assert own.scores.tolist() == scores_of(5, seed=9).tolist()
    assert of_text.scores.tolist() == answer.scores.tolist() == scores_of(5).tolist()


def test_what_is_missing_is_said_with_the_way_to_get_it(store: Store) -> None:
    scores = new_scores(store.path, pair_set(), import_set())
    scores.put(score_file())
    scores.put(score_file(set_key=import_set().key, subject=question("1")))
    prompts = [asked(), asked("a cat", "2"), *[asked(f"text {n}", str(n)) for n in range(3, 7)]]
    with pytest.raises(
        UsageError,
        match=r"^scores 'colour': none of /videos/clip0.mp4 at fps=1 for question '2': 'a cat'; .*; and 2 more; "
        "it has 1 others of it, such as prompt 'a red dog'; score them: framedex scores make",
    ):
        StoredCurves(store, pair_set()).check(row_of(store), prompts)
    with pytest.raises(UsageError, match="it has none of this video; import them with the others"):
        StoredCurves(store, import_set()).curves(row_of(store, 1), [asked()])


def test_a_video_that_was_indexed_again_with_other_frames(store: Store) -> None:
    new_scores(store.path).put(score_file(pts_us=sample_pts(5) + np.array([0, 0, 1, 0, 0])))
    with pytest.raises(
        StoreError,
        match=r"scores 1 frames that the index does not hold, the first at 2040001 µs: the video was indexed again .*; delete",
    ):
        StoredCurves(store, pair_set()).curves(row_of(store), [asked()])
    new_scores(store.path).put(score_file(pts_us=np.array([2**62]), scores=scores_of(1)))
    with pytest.raises(StoreError, match="the first at 4611686018427387904 µs"):
        StoredCurves(store, pair_set()).curves(row_of(store), [asked()])


def test_rows_are_those_of_any_encoder_once(store: Store) -> None:
    store.add_encoder(encoder_entry("other"))
    put(store, 0, encoder="other")
    put(store, 2, grid="every=5", encoder="other")
    scores = new_scores(store.path)
    source = StoredCurves(store, pair_set())
    assert source.rows() == []
    scores.put(score_file())
    assert source.grids() == ["fps=1"]
    rows = source.rows()
    assert [row.video_key for row in rows] == [video_key(0), video_key(1)]
    assert rows[0].encoder_key == min(encoder_entry("other").key, encoder_entry().key)
    assert source.rows("every=5") == []
    scores.put(score_file(2, grid="every=5"))
    assert [row.video_key for row in source.rows("every=5")] == [video_key(2)]


@pytest.mark.parametrize("text", ["", " \n"])
def test_an_empty_prompt_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="question '1': expected a prompt that is not empty"):
        asked(text)


def test_bytes_that_are_no_text_are_refused() -> None:
    with pytest.raises(UsageError, match="expected Unicode, got bytes that are none"):
        asked("\udcff")


def test_a_curve_is_checked_when_it_is_made(store: Store) -> None:
    frames = np.arange(2)
    with pytest.raises(ValueError, match=r"expected rows, pts_us and scores \(k,\) with k >= 1"):
        Curve(row=row_of(store), rows=frames, pts_us=frames, scores=np.zeros(3))
    with pytest.raises(ValueError, match="with k >= 1"):
        Curve(row=row_of(store), rows=frames[:0], pts_us=frames[:0], scores=np.zeros(0))
