"""Given curves find their frames, or a sentence says which does not."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.store_samples import new_store, put, sample_pts, video_key
from framedex.errors import StoreError, UsageError
from framedex.index import Store
from framedex.scores.frame_times import nearest
from framedex.scores.given import GivenCurve
from framedex.scores.import_curves import import_curves, join_curves
from framedex.scores.score_store import ScoreStore
from score_samples import prompt, question, scores_of

ORIGIN_US = 40_000


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """Three videos of 5 frames, one a second, the first at 40 ms."""
    store = new_store(tmp_path / "S")
    for number in range(3):
        put(store, number)
    return store


def curve(number: int = 0, **changed: Any) -> GivenCurve:
    fields: dict[str, Any] = {
        "where": f"s.jsonl, line {number + 1}",
        "folder": Path("/videos"),
        "video": f"clip{number}.mp4",
        "subject": prompt(),
        "pts_us": sample_pts(5),
        "times_s": None,
        "scores": scores_of(5, seed=number),
    }
    return GivenCurve(**(fields | changed))


def seconds(*times_s: float, **changed: Any) -> GivenCurve:
    return curve(pts_us=None, times_s=np.array(times_s), scores=scores_of(len(times_s)), **changed)


@pytest.mark.parametrize("video", ["clip1.mp4", "clip1", "/videos/clip1.mp4", video_key(1)])
def test_a_video_goes_by_path_stem_and_key(store: Store, video: str) -> None:
    (joined,) = join_curves(store, [curve(video=video)], grid="fps=1")
    assert joined.row.video_key == video_key(1)
    assert joined.pts_us.tolist() == sample_pts(5).tolist()
    assert joined.moved_us == 0


def test_frames_in_any_order_and_not_all_of_them(store: Store) -> None:
    given = curve(pts_us=sample_pts(5)[[3, 0, 2]], scores=np.array([3, 0, 2], np.float32))
    (joined,) = join_curves(store, [given], grid="fps=1")
    assert joined.pts_us.tolist() == sample_pts(5)[[0, 2, 3]].tolist()
    assert joined.scores.tolist() == [0, 2, 3]


def test_seconds_go_to_the_nearest_frame(store: Store) -> None:
    (joined,) = join_curves(store, [seconds(0.0, 1.001, 1.9, 3.5, 4.499)], grid="fps=1")
    # A time in the middle goes to the earlier frame.
    assert joined.pts_us.tolist() == sample_pts(5).tolist()
    assert joined.moved_us == 500_000


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        (curve(video="gone.mp4"), r"no video 'gone.mp4'; it holds 3: clip0.mp4, .*"),
        (
            curve(pts_us=sample_pts(5) + np.array([0, 0, 1, 0, 0])),
            r"pts_us 2040001 is no frame of /videos/clip0.mp4 at fps=1; the nearest is 2040000; give the timestamps",
        ),
        (curve(pts_us=sample_pts(5) - ORIGIN_US), r"pts_us 0 is no frame of .*; the nearest is 40000"),
        (curve(pts_us=np.array([2**63 - 1]), scores=scores_of(1)), "is no frame of .*; the nearest is 4040000"),
        (
            seconds(0.0, 4.6),
            r"times_s 4.6 is no frame of .*; the nearest is at 4.000000 s \(pts_us 4040000\), more than half",
        ),
        (seconds(-0.6), r"times_s -0.6 is no frame of .*; the nearest is at 0.000000 s"),
        (seconds(0.0, 0.9, 1.1), r"two scores for the frame at 1.000000 s \(pts_us 1040000\) of /videos/clip0.mp4"),
        (curve(pts_us=np.array([ORIGIN_US] * 2), scores=scores_of(2)), r"two scores for the frame at 0.000000 s"),
    ],
)
def test_frames_that_are_not_there(store: Store, given: GivenCurve, sentence: str) -> None:
    with pytest.raises(UsageError, match=rf"^s.jsonl, line 1: .*{sentence}"):
        join_curves(store, [given], grid="fps=1")


def test_a_lone_frame_has_to_be_met(tmp_path: Path) -> None:
    store = new_store(tmp_path / "S")
    put(store, n=1)
    (joined,) = join_curves(store, [seconds(0.0004)], grid="fps=1")
    assert joined.pts_us.tolist() == [ORIGIN_US]
    with pytest.raises(UsageError, match="more than half a frame's distance"):
        join_curves(store, [seconds(0.002)], grid="fps=1")


def test_a_second_curve_under_another_name_of_the_video(store: Store) -> None:
    twice = [curve(), curve(video=video_key(0), where="t.jsonl, line 9")]
    with pytest.raises(
        UsageError, match=r"^t.jsonl, line 9: a second curve of /videos/clip0.mp4 for prompt 'a red dog'; "
    ):
        join_curves(store, twice, grid="fps=1")
    assert len(join_curves(store, [curve(), curve(subject=question()), curve(1)], grid="fps=1")) == 3


def test_a_store_of_several_encoders_has_each_video_once(store: Store) -> None:
    from contracts.store_samples import encoder_entry

    store.add_encoder(encoder_entry("other"))
    put(store, 0, encoder="other")
    (joined,) = join_curves(store, [curve()], grid="fps=1")
    assert joined.row.encoder_key == min(encoder_entry("other").key, encoder_entry().key)


def test_import_writes_once(store: Store) -> None:
    given = [curve(), curve(1, subject=question()), seconds(0.0, 1.1, video="clip2")]
    curves = join_curves(store, given, grid="fps=1")
    done = import_curves(store, curves, name="ours")
    assert (done.curves, done.written, done.videos, done.partial) == (3, 3, 3, 1)
    assert (done.scored, done.frames, done.moved_us) == (12, 15, 100_000)
    scores = ScoreStore(store.path)
    files = [scores.get(place) for place in scores.places(done.score_set.key, "fps=1")]
    by_video = {file.video_key: file for file in files if file is not None}
    for joined in curves:
        file = by_video[joined.row.video_key]
        assert file.subject == joined.subject
        assert file.pts_us.tolist() == joined.pts_us.tolist()
        assert file.scores.tolist() == joined.scores.tolist()
    paths = {path: path.stat().st_mtime_ns for path in scores.root.rglob("*")}
    again = import_curves(store, curves[::-1], name="ours")
    assert (again.score_set, again.written) == (done.score_set, 0)
    assert {path: path.stat().st_mtime_ns for path in scores.root.rglob("*")} == paths


def test_a_damaged_curve_is_written_again(store: Store) -> None:
    curves = join_curves(store, [curve(), curve(1)], grid="fps=1")
    done = import_curves(store, curves, name="ours")
    scores = ScoreStore(store.path)
    place = scores.places(done.score_set.key, "fps=1")[0]
    place.path(scores.root).write_bytes(b"?")
    assert import_curves(store, curves, name="ours").written == 1
    assert scores.get(place) is not None


def test_other_scores_need_another_name(store: Store) -> None:
    first = join_curves(store, [curve()], grid="fps=1")
    done = import_curves(store, first, name="ours")
    other = [dataclasses.replace(first[0], scores=first[0].scores + np.float32(1))]
    before = sorted(store.path.rglob("*"))
    with pytest.raises(
        UsageError, match=f"--name ours: other scores on fps=1 have this name .key {done.score_set.key}"
    ):
        import_curves(store, other, name="ours")
    assert sorted(store.path.rglob("*")) == before
    assert import_curves(store, other, name="theirs").score_set.key != done.score_set.key


def test_an_index_that_does_not_hold(store: Store) -> None:
    store.videos()[0].place.index_path(store.path).unlink()
    with pytest.raises(StoreError, match="the index file is not"):
        join_curves(store, [curve(number) for number in range(3)], grid="fps=1")


@given(
    indexed=st.sets(st.integers(-1000, 1000), min_size=1).map(sorted),
    wanted=st.lists(st.floats(-2000, 2000), min_size=1),
)
def test_the_nearest_frame_is_that_of_the_definition(indexed: list[int], wanted: list[float]) -> None:
    rows = nearest(np.array(wanted), np.array(indexed, np.int64))
    expected = [min(range(len(indexed)), key=lambda row: (abs(indexed[row] - time), row)) for time in wanted]
    assert rows.tolist() == expected
