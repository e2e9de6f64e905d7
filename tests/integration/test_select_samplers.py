"""What samplers read reaches them from the command line: vectors, prompts, evidence, transforms and several prompts."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import framedex as library
from cli import framedex, ok
from small_world import SmallWorld
from sweep_folder import read_records, write_sweep

MINMAX_KEEPS = ("top", "bottom", "aks", "bolt", "wfs")


def manifest(world: SmallWorld, path: Path, n: int = 3, **changed: Any) -> list[dict[str, Any]]:
    lines = (world.folder / "questions.jsonl").read_text().splitlines()[:n]
    rows = [json.loads(line) for line in lines]
    rows = [{**row, "video": str(world.folder / row["video"]), **changed} for row in rows]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return rows


def selections(*arguments: object) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = ok("select", *arguments, "--json").json()["selections"]
    return found


def test_every_sampler_is_what_it_is_from_python(world: SmallWorld, tmp_path: Path) -> None:
    asked = manifest(world, tmp_path / "q.jsonl")
    names = [name for name in library.samplers() if name != "drop"]
    flags = [word for name in names for word in ("--sampler", name)]
    records = selections(world.store, tmp_path / "q.jsonl", *flags, "--budget", 4, "--seed", 3)
    store = library.Store.open(world.store)
    with library.load_encoder("micro-siglip") as encoder:
        for question in asked:
            index, text = store[question["video"]], encoder.embed_texts([question["question"]])
            for name in names:
                (record,) = [r for r in records if (r["question_id"], r["sampler"]) == (question["id"], name)]
                expected = library.select(
                    name,
                    index.scores(text)[0],
                    budget=4,
                    pts_us=index.pts_us,
                    embeddings=index.vectors,
                    prompt=text[0],
                    evidence_us=index.row.first_pts_us + np.rint(np.array(question["evidence"]) * 1e6).astype(np.int64),
                    seed=3,
                    video=index.row.video_key,
                    question=question["id"],
                    variant="question",
                )
                assert record["rows"] == expected.rows.tolist(), name


def test_transforms(world: SmallWorld, tmp_path: Path) -> None:
    manifest(world, tmp_path / "q.jsonl", 2)
    flags = [word for name in (*MINMAX_KEEPS, "mmr", "qframe") for word in ("--sampler", name)]
    by = {
        transform: selections(world.store, tmp_path / "q.jsonl", *flags, "--budget", 3, "--transform", transform)
        for transform in ("cosine", "logit", "prob", "minmax")
    }
    with library.load_encoder("micro-siglip") as encoder:
        scale, bias = encoder.manifest.logit_scale, encoder.manifest.logit_bias or 0.0
    for transform, records in by.items():
        assert {record["transform"] for record in records} == {transform}
        for plain, record in zip(by["cosine"], records, strict=True):
            if plain["sampler"] in MINMAX_KEEPS and transform in ("logit", "minmax"):
                assert record["rows"] == plain["rows"]
            if record["rows"] == plain["rows"] and transform in ("logit", "prob"):
                logits = scale * np.array(plain["scores"]) + bias
                expected = logits if transform == "logit" else 1 / (1 + np.exp(-logits))
                np.testing.assert_allclose(record["scores"], expected, rtol=1e-12)


def test_several_prompts(world: SmallWorld) -> None:
    video, texts = world.clips[0], ("a red striped thing", "a blue thing")
    prompts = [word for text in texts for word in ("--prompt", text)]
    common = (world.store, "--video", video, "--sampler", "top", "--budget", 3)
    index = library.Store.open(world.store)[str(video)]
    with library.load_encoder("micro-siglip") as encoder:
        curves = index.scores(encoder.embed_texts(list(texts))).astype(np.float64)
    for how, one in (("min", curves.min(axis=0)), ("max", curves.max(axis=0)), ("mean", curves.mean(axis=0))):
        (record,) = selections(*common, *prompts, "--combine", how)
        assert record["transform"] == f"cosine+{how}"
        assert record["rows"] == library.select("top", one, budget=3).rows.tolist()
    (record,) = selections(*common, *prompts, "--weight", 3, "--weight", 1)
    assert record["transform"] == "cosine+mean(3,1)"
    np.testing.assert_allclose(record["scores"], (3 * curves[0] + curves[1])[record["rows"]] / 4)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("--transform", "zscore"), "--transform: got 'zscore'; exists: cosine, logit, minmax, prob"),
        (("--combine", "median"), "--combine: got 'median'; exists: max, mean, min, product"),
        (("--combine", "max", "--weight", "1"), "weights: expected with mean or product, got max"),
        (("--weight", "1", "--weight", "2"), "weights: expected one per prompt, 1, got 2"),
        (
            ("--prompt", "a cat", "--sampler", "mdp3"),
            "sampler 'mdp3': reads the vector of one prompt, got 2 to combine",
        ),
        (("--sampler", "oracle-evidence"), "sampler 'oracle-evidence' needs evidence, but question 'prompt' has none"),
    ],
)
def test_what_cannot_be_had_is_refused(world: SmallWorld, arguments: tuple[str, ...], sentence: str) -> None:
    ran = framedex(
        "select", world.store, "--prompt", "a dog", "--video", world.clips[0], "--sampler", "top", *arguments
    )
    assert ran.code == 2
    assert sentence in ran.err
    assert "Traceback" not in ran.err


def test_stored_scores_have_neither_embeddings_nor_logits(world: SmallWorld, tmp_path: Path) -> None:
    import shutil

    store = shutil.copytree(world.store, tmp_path / "S")
    (asked,) = manifest(world, tmp_path / "q.jsonl", 1)
    index = library.Store.open(store)[asked["video"]]
    scores = np.linspace(0, 1, len(index)).tolist()
    line = {"video": asked["video"], "prompt": asked["question"], "pts_us": index.pts_us.tolist(), "scores": scores}
    (tmp_path / "s.jsonl").write_text(json.dumps(line) + "\n")
    ok("scores", "import", store, tmp_path / "s.jsonl", "--name", "ours")
    common = ("select", store, tmp_path / "q.jsonl", "--scores", "ours", "--budget", 3)
    for name in ("mmr", "kcentre", "mdp3", "kmeans"):
        ran = framedex(*common, "--sampler", name)
        assert ran.code == 2
        assert f"sampler '{name}' needs the frames' embeddings, but scores 'ours' are scores alone" in ran.err
    ran = framedex(*common, "--sampler", "top", "--transform", "prob")
    assert ran.code == 2
    assert "transform prob: expected an encoder's cosines, got stored scores" in ran.err
    (record,) = selections(*common[1:], "--sampler", "wfs", "--transform", "minmax")
    assert (record["transform"], len(record["rows"])) == ("minmax", 3)


def test_a_sweep_gives_samplers_what_they_read(world: SmallWorld, tmp_path: Path) -> None:
    samplers = ["uniform", "top", "mmr", "mdp3", "oracle-evidence"]
    sweep = write_sweep(tmp_path, world, samplers=samplers, transforms=["cosine", "prob"], option_orders="given")
    ok("sweep", sweep.config, "-o", sweep.run)
    records = read_records(sweep.run)
    assert {(record["sampler"], record["transform"]) for record in records} == {
        (name, transform) for name in samplers for transform in ("cosine", "prob")
    }
    asked = {question["id"]: question for question in sweep.questions()}
    store = library.Store.open(world.store)
    with library.load_encoder("micro-siglip") as encoder:
        for record in records:
            question = asked[record["question_id"]]
            index, text = store[question["video"]], encoder.embed_texts([question["question"]])
            cosines = index.scores(text)[0].astype(np.float64)
            logits = encoder.manifest.logit_scale * cosines + (encoder.manifest.logit_bias or 0.0)
            scores = cosines if record["transform"] == "cosine" else 1 / (1 + np.exp(-logits))
            np.testing.assert_allclose(record["scores"], scores[record["rows"]], rtol=1e-6)
            expected = library.select(
                record["sampler"],
                scores,
                budget=2,
                pts_us=index.pts_us,
                embeddings=index.vectors,
                prompt=text[0],
                evidence_us=index.row.first_pts_us + np.rint(np.array(question["evidence"]) * 1e6).astype(np.int64),
            )
            assert record["rows"] == expected.rows.tolist()


def test_a_sweep_refuses_before_any_work_what_samplers_cannot_have(world: SmallWorld, tmp_path: Path) -> None:
    sweep = write_sweep(tmp_path, world, samplers=["uniform", "oracle-evidence"])
    sweep.ask([{name: value for name, value in row.items() if name != "evidence"} for row in sweep.questions()])
    ran = framedex("sweep", sweep.config, "-o", sweep.run)
    assert (ran.code, sweep.run.exists()) == (2, False)
    assert "sampler 'oracle-evidence' needs evidence, but question" in ran.err


def test_a_selection_without_frames_is_asked_as_the_arm_without_video_is(world: SmallWorld, tmp_path: Path) -> None:
    samplers = [
        {"name": "aks", "strict": "paper"},
        "uniform",
    ]  # 2 frames >> 5 is none where a video is split all the way
    sweep = write_sweep(tmp_path, world, samplers=samplers, option_orders="given", no_video=True, videos=1)
    ok("sweep", sweep.config, "-o", sweep.run)
    by = {(record["question_id"], record["sampler"]): record for record in read_records(sweep.run)}
    for question in sweep.questions():
        strict, blind = by[question["id"], "aks"], by[question["id"], ""]
        assert (strict["arm"], strict["rows"], strict["frame_set_id"]) == ("select", [], "")
        assert strict["option_logprobs"] == blind["option_logprobs"]
    ok("analyze", sweep.run)
