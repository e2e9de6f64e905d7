"""`framedex search` and `framedex select` over the small world."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq

import framedex as library
from cli import framedex, ok
from framedex.datasets import read_questions
from small_world import SmallWorld


def test_hits_are_the_best_frames_of_the_whole_store(world: SmallWorld) -> None:
    text = read_questions(world.captions)[0].question
    hits = ok("search", world.store, text, "-k", 5, "--json").json()["hits"]
    assert [set(hit) for hit in hits] == [{"video", "path", "pts_us", "time_s", "score"}] * 5
    store = library.Store.open(world.store)
    with library.load_encoder("micro-siglip") as encoder:
        prompt = encoder.embed_texts([text])
    expected = []
    for row in store.videos():
        index = store[row.video_key]
        scores = prompt @ index.vectors.astype(np.float32).T
        expected += [
            (float(score), row.video_key, int(pts)) for score, pts in zip(scores[0], index.pts_us, strict=True)
        ]
    best = sorted(expected, reverse=True)[:5]
    np.testing.assert_allclose([hit["score"] for hit in hits], [score for score, _, _ in best], atol=1e-5)
    assert {(hit["video"], hit["pts_us"]) for hit in hits} == {(key, pts) for _, key, pts in best}


def test_one_video_and_times_from_its_first_frame(world: SmallWorld) -> None:
    clip = next(clip for clip in world.clips if clip.suffix == ".ts")
    index = library.Store.open(world.store)[clip]
    assert index.pts_us[0] > 0  # a transport stream starts off zero
    ran = ok("search", world.store, "a red striped thing", "--video", clip.name, "-k", 500, "--json")
    hits = ran.json()["hits"]
    assert len(hits) == len(index)
    assert {hit["video"] for hit in hits} == {index.row.video_key}
    assert min(hit["time_s"] for hit in hits) == 0.0
    table = ok("search", world.store, "a red striped thing", "--video", clip.stem, "-k", 2).out.splitlines()
    assert len(table) == 4
    assert clip.name in table[2]


def test_a_long_text_is_said_to_be_cut(world: SmallWorld) -> None:
    ran = ok("search", world.store, "a red striped thing and " * 20, "-k", 1)
    assert "its end was not read" in ran.err
    assert "its end was not read" not in ok("search", world.store, "a red thing", "-k", 1).err


def test_selections_as_parquet_hold_what_the_samplers_gave(world: SmallWorld, tmp_path: Path) -> None:
    out = tmp_path / "selections.parquet"
    ok(
        "select",
        world.store,
        world.captions,
        "--sampler",
        "top",
        "--sampler",
        "window-top:length=3",
        "--budget",
        2,
        "--budget",
        4,
        "-o",
        out,
    )
    records = pq.read_table(out).to_pylist()
    questions = read_questions(world.captions)
    assert len(records) == len(questions) * 2 * 2
    store = library.Store.open(world.store)
    with library.load_encoder("micro-siglip") as encoder:
        for question, group in zip(questions, np.array(records).reshape(len(questions), 4), strict=True):
            index = store[world.folder / question.video]
            (scores,) = index.scores(encoder.embed_texts([question.question]))
            assert [(record["sampler"], record["budget"]) for record in group] == [
                ("top", 2), ("top", 4), ("window-top", 2), ("window-top", 4),
            ]  # fmt: skip
            for record in group:
                parameters = {"length": 3} if record["sampler"] == "window-top" else {}
                expected = library.select(
                    record["sampler"], scores, budget=record["budget"], pts_us=index.pts_us, **parameters
                )
                assert record["rows"] == expected.rows.tolist()
                assert record["pts_us"] == expected.pts_us.tolist()
                assert record["video_key"] == index.row.video_key
                assert json.loads(record["params"]).get("length") == parameters.get("length")


def test_random_selections_depend_on_seed_and_question_only(world: SmallWorld) -> None:
    def rows(*extra: object) -> list[list[int]]:
        ran = ok("select", world.store, world.captions, "--sampler", "random", "--budget", 3, "--json", *extra)
        return [record["rows"] for record in ran.json()["selections"]]

    assert rows() == rows()
    assert rows() != rows("--seed", 1)


def test_one_prompt_on_one_video(world: SmallWorld) -> None:
    clip = world.clips[0]
    ran = ok(
        "select", world.store, "--prompt", "a red thing", "--video", clip.name, "--sampler", "uniform", "--budget", 3
    )
    assert "uniform" in ran.out
    assert ran.out.splitlines()[-1].count(":") == 3


def test_two_grids_ask_which(world: SmallWorld, tmp_path: Path) -> None:
    store = tmp_path / "S"
    for fps in (1, 2):
        ok("index", world.clips[0], "--store", store, "--encoder", "micro-siglip", "--fps", fps)
    ran = framedex("search", store, "a red thing")
    assert ran.code == 2
    assert "fps=1, fps=2" in ran.err
    assert len(ok("search", store, "a red thing", "--grid", "fps=2", "-k", 3, "--json").json()["hits"]) == 3
