"""`framedex scores make` with real networks of random weights, exported by the real exporter: from checkpoint to selection."""

from __future__ import annotations

import dataclasses
import json
import shutil
from pathlib import Path

import numpy as np
import pytest

import framedex as library
from cli import framedex, ok
from framedex.contracts import FrameBatch
from framedex.decode import FpsGrid, identify, open_video
from framedex.embed.tower import to_tower
from framedex.index import Store
from framedex.pair import load_pair_scorer
from framedex.pair.base import PairFrames
from framedex.scores.score_store import ScoreStore
from pair_checkpoints import PAIR_MAKERS, pair_artefact
from small_world import SmallWorld

TEXTS = ("a red striped thing", "a blue thing")

#: Runtimes block products by the batch's size.
ROUNDING = 1e-5


@pytest.fixture
def store(world: SmallWorld, tmp_path: Path) -> Store:
    shutil.copytree(world.store, tmp_path / "S")
    return Store.open(tmp_path / "S")


@pytest.fixture
def questions(world: SmallWorld, tmp_path: Path) -> Path:
    path = tmp_path / "q.jsonl"
    path.write_text(
        "".join(
            json.dumps({"id": f"{clip.stem}-{number}", "video": str(clip), "question": text}) + "\n"
            for clip in world.clips[:2]
            for number, text in enumerate(TEXTS)
        )
    )
    return path


@pytest.mark.parametrize(
    "family", ["clipseg", *(pytest.param(name, marks=pytest.mark.slow) for name in PAIR_MAKERS if name != "clipseg")]
)
def test_from_the_artefact_to_a_selection(store: Store, questions: Path, family: str) -> None:
    artefact = pair_artefact(family)
    made = ok("scores", "make", store.path, questions, "--scorer", artefact, "--threads", 1, "--json").json()
    assert (made["videos"], made["curves"], made["failed"]) == (2, 4, [])
    best = ("--scorer", artefact, "--top", 3, "--threads", 1)
    ranked = ok("scores", "make", store.path, questions, *best, "--json").json()
    assert (ranked["curves"], ranked["pairs"]) == (4, 12)
    assert ok("scores", "make", store.path, questions, *best, "--json").json()["kept"] == 4
    scores = ScoreStore(store.path)
    rows = {row.video_key: row for row in store.videos()}
    with load_pair_scorer(artefact) as scorer:
        for place in scores.places(made["key"], "fps=1"):
            file = scores.get(place)
            assert file is not None
            row = rows[file.video_key]
            with open_video(identify(Path(row.source.path), folder_fps=None), threads=1) as reader:
                batches = list(reader.frames(FpsGrid.parse("1"), everything=True))
            expected = []
            for batch in batches:
                for number in range(len(batch)):
                    frame = FrameBatch(pts_us=batch.pts_us[[number]], frames=batch.frames[[number]])
                    sizes = np.array([frame.frames.shape[1:3]], np.int32)
                    alone = PairFrames(video_key=row.video_key, batch=to_tower(frame, scorer.image), sizes=sizes)
                    expected.append(scorer.scores(alone, [file.subject.text])[0, 0])
            assert file.pts_us.tolist() == [time for batch in batches for time in batch.pts_us.tolist()]
            np.testing.assert_allclose(file.scores, expected, atol=ROUNDING)
            candidates = scores.get(dataclasses.replace(place, set_key=ranked["key"]))
            assert candidates is not None
            kept = np.isin(file.pts_us, candidates.pts_us)
            assert kept.sum() == 3
            np.testing.assert_allclose(candidates.scores, file.scores[kept], atol=ROUNDING)
    taken = ok("select", store.path, questions, "--scores", made["key"], "--sampler", "top", "--budget", 2, "--json")
    for record in taken.json()["selections"]:
        assert record["encoder_key"] == made["key"]
        assert len(record["rows"]) == 2
    assert ok("verify", store.path, "--json").json()["whole_curves"] == 8


def test_another_rule_is_another_set(store: Store, questions: Path) -> None:
    artefact = pair_artefact("clipseg")
    making = ("scores", "make", store.path, questions, "--scorer", artefact, "--threads", 1, "--json")
    made = [ok(*making, "--rule", rule).json() for rule in ("max", "mean")]
    assert [(each["name"], each["rule"]) for each in made] == [("tiny-clipseg", "max"), ("tiny-clipseg-mean", "mean")]
    listed = ok("scores", "list", store.path, "--json").json()["scores"]
    assert [(each["name"], each["key"], each["rule"]) for each in listed] == [
        (each["name"], each["key"], each["rule"]) for each in made
    ]
    shown = " ".join(ok("scores", "list", store.path).out.split())
    assert f"tiny-clipseg-mean {made[1]['key']} pair mean fps=1" in shown
    # What is printed next can be carried out, as it is.
    said = ok(*making[:-1], "--rule", "mean").out.splitlines()[-1]
    assert " --scores tiny-clipseg-mean " in said
    words = said.removeprefix("Next: framedex ").replace("QUESTIONS", str(questions)).split()
    taken = ok(*words, "--budget", 1, "--json").json()["selections"]
    assert {record["encoder_key"] for record in taken} == {made[1]["key"]}
    best = ok(*making, "--rule", "mean", "--top", 2).json()
    assert best["name"] == "tiny-clipseg-mean-top2-micro-siglip"
    ran = framedex(*making, "--rule", "median")
    assert ran.code == 2
    assert "expected rule max, mean" in ran.err


@pytest.mark.slow
def test_a_text_of_which_nothing_is_left_is_refused_before_any_work(
    store: Store, world: SmallWorld, tmp_path: Path
) -> None:
    manifest = tmp_path / "q.jsonl"
    manifest.write_text(json.dumps({"id": "1", "video": str(world.clips[0]), "question": "\u200b"}))
    ran = framedex("scores", "make", store.path, manifest, "--scorer", pair_artefact("blip-itm"), "--threads", 1)
    assert ran.code == 2
    assert "is empty to pair scorer" in ran.err
    assert not (store.path / "scores").exists()


def test_an_encoders_artefact_is_no_pair_scorer(store: Store, questions: Path) -> None:
    folder = Path(library.__file__).parent / "microworld/models/micro-siglip/artefact"
    ran = framedex("scores", "make", store.path, questions, "--scorer", folder)
    assert ran.code == 4
    assert str(folder) in ran.err
    assert "this is an encoder: use it with framedex index --encoder" in ran.err
