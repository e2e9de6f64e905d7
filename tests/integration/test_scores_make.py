"""Scores made by a pair scorer: what is stored is what the scorer says of the frames, decoded apart and one by one."""

from __future__ import annotations

import dataclasses
import json
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import framedex as library
from cli import framedex, ok
from colour_scorer import ColourScorer
from framedex.cli.scores import _job, _run
from framedex.contracts import FrameBatch, Vectors
from framedex.datasets import read_questions
from framedex.decode import FpsGrid, identify, open_video
from framedex.embed.base import Embedder
from framedex.embed.tower import to_tower
from framedex.errors import UsageError
from framedex.index import Row, Store
from framedex.pair.base import PairFrames
from framedex.scores.index_curves import IndexCurves
from framedex.scores.make import BestOf, Failed, Scored, ScoreJob, Wanted, check_texts, make_scores
from framedex.scores.score_file import ScoreFile
from framedex.scores.score_set import ScoreSet
from framedex.scores.score_store import ScoreStore
from framedex.scores.wanted import wanted_of
from processes import eventually
from scoring import make_all
from small_world import SmallWorld

TEXTS = ("a red striped thing", "a blue thing", "something yellow")


@pytest.fixture(scope="module")
def embedder() -> Iterator[Embedder]:
    with library.load_encoder("micro-siglip") as opened:
        yield opened


@pytest.fixture
def store(world: SmallWorld, tmp_path: Path) -> Store:
    """A copy of the small world's store, whose scores a test may write."""
    shutil.copytree(world.store, tmp_path / "S")
    return Store.open(tmp_path / "S")


@pytest.fixture
def questions(world: SmallWorld, tmp_path: Path) -> Path:
    """Three questions about each of three clips."""
    path = tmp_path / "q.jsonl"
    path.write_text(
        "".join(
            json.dumps({"id": f"{clip.stem}-{number}", "video": str(clip), "question": text}) + "\n"
            for number, text in enumerate(TEXTS)
            for clip in world.clips[:3]
        )
    )
    return path


def files(store: Store, key: str) -> dict[tuple[str, str], ScoreFile]:
    """Stored curves by (video key, text)."""
    scores = ScoreStore(store.path)
    read = [scores.get(place) for place in scores.places(key, "fps=1")]
    return {(file.video_key, file.subject.text): file for file in read if file is not None}


def said_one_by_one(row: Row, text: str) -> dict[int, float]:
    """By timestamp: the score of each frame of a full decode, each in a batch and a scorer of its own."""
    found = {}
    with open_video(identify(Path(row.source.path), folder_fps=row.source.folder_fps), threads=1) as reader:
        for batch in reader.frames(FpsGrid.parse("1"), everything=True):
            for number in range(len(batch)):
                frame = FrameBatch(pts_us=batch.pts_us[[number]], frames=batch.frames[[number]])
                sizes = np.array([frame.frames.shape[1:3]], np.int32)
                with ColourScorer(cache_frames=0) as scorer:
                    alone = PairFrames(video_key=row.video_key, batch=to_tower(frame, scorer.image), sizes=sizes)
                    found[int(frame.pts_us[0])] = float(scorer.scores(alone, [text])[0, 0])
    return found


def test_every_frame_has_the_score_that_the_scorer_gives_it(store: Store, questions: Path) -> None:
    job = ScoreJob(store=store, scorer=ColourScorer())
    outcomes = make_all(job, questions)
    stored = files(store, job.score_set.key)
    assert len(stored) == 9
    rows = {row.video_key: row for row in store.videos()}
    for (video, text), file in stored.items():
        expected = said_one_by_one(rows[video], text)
        assert file.pts_us.tolist() == store.open_row(rows[video]).pts_us.tolist() == list(expected)
        assert file.scores.tolist() == list(expected.values())
        assert file.provenance["runtime"] == "numpy"
    assert [type(outcome) for outcome in outcomes] == [Scored] * 3
    for outcome in outcomes:
        assert isinstance(outcome, Scored)
        assert (outcome.made, outcome.kept, outcome.frames) == (3, 0, outcome.row.count)
        assert outcome.pairs == 3 * outcome.row.count
    assert ok("verify", store.path, "--json").json()["curves"] == 9


def test_the_best_of_an_index_are_ranked_again(store: Store, questions: Path, embedder: Embedder) -> None:
    scorer = ColourScorer()
    job = ScoreJob(store=store, scorer=scorer, best_of=BestOf(curves=IndexCurves(store, embedder), top=3))
    outcomes = make_all(job, questions)
    whole = ScoreJob(store=store, scorer=ColourScorer())
    make_all(whole, questions)
    everything = files(store, whole.score_set.key)
    assert job.score_set.name == "colour-top3-micro-siglip"
    assert job.score_set.key != whole.score_set.key
    for (video, text), file in files(store, job.score_set.key).items():
        index = store[video]
        (cosines,) = index.scores(embedder.embed_texts([text]))
        best = sorted(sorted(range(len(index)), key=lambda row: -cosines[row])[:3])
        assert file.pts_us.tolist() == index.pts_us[best].tolist()
        assert file.scores.tolist() == everything[video, text].scores[best].tolist()
    # No pair was scored beyond the candidates.
    assert scorer.pairs == sum(outcome.pairs for outcome in outcomes if isinstance(outcome, Scored)) == 27


def test_more_candidates_than_frames_are_all_frames(store: Store, questions: Path, embedder: Embedder) -> None:
    job = ScoreJob(store=store, scorer=ColourScorer(), best_of=BestOf(curves=IndexCurves(store, embedder), top=10_000))
    make_all(job, questions)
    for (video, _), file in files(store, job.score_set.key).items():
        assert file.pts_us.tolist() == store[video].pts_us.tolist()


def test_what_is_there_is_left_and_what_is_damaged_is_made_again(store: Store, questions: Path) -> None:
    make_all(ScoreJob(store=store, scorer=ColourScorer()), questions)
    scores = ScoreStore(store.path)
    key = scores.sets()[0].key
    places = scores.places(key, "fps=1")
    times = {place: place.path(scores.root).stat().st_mtime_ns for place in places}
    scorer = ColourScorer()
    outcomes = make_all(ScoreJob(store=store, scorer=scorer), questions)
    assert scorer.pairs == 0
    assert [(outcome.made, outcome.kept) for outcome in outcomes if isinstance(outcome, Scored)] == [(0, 3)] * 3
    before = {place: place.path(scores.root).read_bytes() for place in places}
    places[0].path(scores.root).write_bytes(before[places[0]][:-4])
    places[1].path(scores.root).unlink()
    outcomes = make_all(ScoreJob(store=store, scorer=scorer), questions)
    assert sum(outcome.made for outcome in outcomes if isinstance(outcome, Scored)) == 2
    assert {place: place.path(scores.root).read_bytes() for place in places} == before
    untouched = [place for place in places[2:] if place.path(scores.root).stat().st_mtime_ns == times[place]]
    assert untouched == places[2:]


def test_a_video_that_fails_does_not_keep_the_others(store: Store, world: SmallWorld, tmp_path: Path) -> None:
    clips = tmp_path / "clips"
    clips.mkdir()
    for clip in world.clips[:3]:
        shutil.copy(clip, clips / clip.name)
    ok("index", clips, "--store", tmp_path / "T", "--encoder", "micro-siglip")
    paths = sorted(clips.iterdir())
    manifest = tmp_path / "t.jsonl"
    manifest.write_text(
        "".join(json.dumps({"id": path.stem, "video": str(path), "question": "red"}) + "\n" for path in paths)
    )
    paths[1].write_bytes(paths[1].read_bytes()[:-1])
    held = Store.open(tmp_path / "T")
    outcomes = make_all(ScoreJob(store=held, scorer=ColourScorer()), manifest)
    assert [type(outcome) for outcome in outcomes] == [Scored, Failed, Scored]
    assert isinstance(outcomes[1], Failed)
    assert "expected the bytes that were indexed" in outcomes[1].reason
    shutil.copy(world.clips[1], paths[1])
    outcomes = make_all(ScoreJob(store=held, scorer=ColourScorer()), manifest)
    assert [outcome.made for outcome in outcomes if isinstance(outcome, Scored)] == [0, 1, 0]


def test_a_run_that_was_killed_goes_on(store: Store, questions: Path) -> None:
    script = Path(__file__).parents[1] / "scoring.py"
    argv = [sys.executable, str(script), str(store.path), str(questions), "0.05"]
    scores = ScoreStore(store.path)
    key = ScoreJob(store=store, scorer=ColourScorer()).score_set.key
    process = subprocess.Popen(argv)
    try:
        assert eventually(lambda: bool(scores.places(key, "fps=1")), within_s=60)
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait()
    there = len(scores.places(key, "fps=1"))
    assert 0 < there < 9
    assert ok("verify", store.path).code == 0
    outcomes = make_all(ScoreJob(store=store, scorer=ColourScorer()), questions)
    assert sum(outcome.kept for outcome in outcomes if isinstance(outcome, Scored)) == there
    assert len(files(store, key)) == 9


def test_two_runs_at_once_give_whole_curves(store: Store, questions: Path) -> None:
    script = Path(__file__).parents[1] / "scoring.py"
    argv = [sys.executable, str(script), str(store.path), str(questions), "0"]
    processes = [subprocess.Popen(argv) for _ in range(2)]
    assert [process.wait() for process in processes] == [0, 0]
    assert len(files(store, ScoreStore(store.path).sets()[0].key)) == 9
    report = ok("verify", store.path, "--json").json()
    assert (report["curves"], report["whole_curves"], report["problems"]) == (9, 9, [])


def test_variants_are_scored_too(store: Store, world: SmallWorld) -> None:
    job = ScoreJob(store=store, scorer=ColourScorer())
    manifest = world.folder / "questions.jsonl"
    make_all(job, manifest, variants=["question", "answer"])
    texts = {(row.video_key, text) for row in store.videos() for text in asked_texts(manifest, row)}
    assert set(files(store, job.score_set.key)) == texts


def asked_texts(manifest: Path, row: Row) -> Iterator[str]:
    for line in manifest.read_text().splitlines():
        values: dict[str, Any] = json.loads(line)
        if Path(values["video"]).name == Path(row.source.path).name:
            yield values["question"]
            yield values["options"][values["answer"]] if isinstance(values["answer"], int) else values["answer"]


def test_questions_that_do_not_fit_are_refused_before_any_work(store: Store, tmp_path: Path) -> None:
    manifest = tmp_path / "bad.jsonl"
    manifest.write_text(
        "".join(json.dumps({"id": str(n), "video": f"gone-{n}.mp4", "question": "red"}) + "\n" for n in range(8))
    )
    job = ScoreJob(store=store, scorer=ColourScorer())
    with pytest.raises(UsageError, match=r"question '0': .*no video 'gone-0.mp4'.*question '4': .*; and 3 more$"):
        make_all(job, manifest)
    manifest.write_text(json.dumps({"id": "1", "video": store.videos()[0].video_key, "question": "red"}))
    with pytest.raises(UsageError, match="question '1': has no variant 'answer'; exists: question"):
        make_all(job, manifest, variants=["answer"])
    with pytest.raises(UsageError, match="no grid 'fps=9'; exists: fps=1"):
        job.rows("fps=9")
    assert not (store.path / "scores").exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--scorer", "gone"), "pair scorer 'gone': no such folder"),
        (("--scorer", "gone", "--encoder", "micro-siglip"), "--encoder goes with --top"),
        (("--scorer", "gone", "--top", "0"), "--top"),
    ],
)
def test_a_command_that_cannot_be_carried_out(
    world: SmallWorld, questions: Path, arguments: tuple[str, ...], message: str
) -> None:
    ran = framedex("scores", "make", world.store, questions, *arguments)
    assert ran.code == 2
    assert message in ran.err


class Wordless(ColourScorer):
    """Cannot read a text without letters."""

    def scores(self, frames: PairFrames, texts: Sequence[str]) -> Vectors:
        for text in texts:
            if not any(character.isalpha() for character in text):
                raise UsageError(f"text {text!r} is empty to this scorer")
        return super().scores(frames, texts)


def test_texts_that_nobody_can_read_are_refused_before_any_work(store: Store, embedder: Embedder) -> None:
    row = store.videos()[0]
    wanted = [Wanted(row=row, texts=("a red thing", "1 2")), Wanted(row=row, texts=("?!",))]
    with pytest.raises(UsageError, match="text '1 2' is empty to this scorer"):
        check_texts(wanted, ScoreJob(store=store, scorer=Wordless()))
    check_texts(wanted, ScoreJob(store=store, scorer=ColourScorer()))
    best_of = BestOf(curves=IndexCurves(store, embedder), top=2)
    with pytest.raises(UsageError, match=r"'\?!' is empty"):
        check_texts(wanted, ScoreJob(store=store, scorer=ColourScorer(), best_of=best_of))
    # Texts that have their curve are not asked about again.
    (outcome,) = make_scores(wanted[1:], ScoreJob(store=store, scorer=ColourScorer()))
    assert isinstance(outcome, Scored)
    check_texts(wanted[1:], ScoreJob(store=store, scorer=Wordless()))


def test_a_person_and_a_program_see_what_was_made(
    store: Store, questions: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = read_questions(questions)
    with _job(store, ColourScorer(), top=2, encoder=None, threads=1) as job:
        wanted = wanted_of(store, job.rows(None), asked, variants=["question"])
        assert not _run(job, wanted, json=True)
        printed = capsys.readouterr()
        result = json.loads(printed.out)
        assert (result["name"], result["videos"], result["curves"], result["kept"]) == (
            "colour-top2-micro-siglip",
            3,
            9,
            0,
        )
        assert (result["pairs"], result["failed"], result["truncated_texts"]) == (18, [], 0)
        assert printed.err.count(": 3 curves, ") == 3
        # One video is no longer there: it is named, and the others are done.
        gone = dataclasses.replace(
            wanted[1].row, source=dataclasses.replace(wanted[1].row.source, path=str(tmp_path / "gone.mp4"))
        )
        wanted[1] = dataclasses.replace(wanted[1], row=gone, texts=("green", " ".join(["long"] * 20)))
        assert _run(job, wanted, json=False)
    printed = capsys.readouterr()
    shown = " ".join(printed.out.split())
    assert "videos scored 2 videos failed 1 curves made 0 curves there already 6" in shown
    assert f"failed: {tmp_path / 'gone.mp4'}" in printed.out
    assert f"Next: framedex select {store.path} QUESTIONS --scores colour-top2-micro-siglip" in printed.out
    assert "1 texts are longer than the scorer reads" in printed.err
    ran = ok(
        "select",
        store.path,
        questions,
        "--scores",
        "colour-top2-micro-siglip",
        "--sampler",
        "top",
        "--budget",
        1,
        "--json",
    )
    assert len(ran.json()["selections"]) == 9
    assert "for 9 of 9 questions only some frames are scored" in ran.err


def test_where_a_name_is_taken_the_next_command_goes_by_key(
    store: Store, questions: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    scores = ScoreStore(store.path)
    scores.add_set(ScoreSet.of_pair_scorer(key="0" * 32, name="colour"))
    with _job(store, ColourScorer(), top=None, encoder=None, threads=1) as job:
        assert not _run(
            job, wanted_of(store, job.rows(None), read_questions(questions), variants=["question"]), json=False
        )
        key = job.score_set.key
    last = capsys.readouterr().out.splitlines()[-1]
    assert last == f"Next: framedex select {store.path} QUESTIONS --scores {key} --sampler top"
    assert (
        len(ok("select", store.path, questions, "--scores", key, "--sampler", "top", "--json").json()["selections"])
        == 9
    )
