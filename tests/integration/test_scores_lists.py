"""`framedex scores import` of AKS's lists and BOLT's features: what does not hold ends in a sentence, and nothing is written."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import framedex as library
from cli import framedex, ok
from small_world import SmallWorld


@pytest.fixture(scope="module")
def lists(world: SmallWorld, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two questions about the first clip: the manifest is q.jsonl, the store S, AKS's lists are in aks, features in features."""
    folder = tmp_path_factory.mktemp("lists")
    rows = [json.loads(line) for line in (world.folder / "questions.jsonl").read_text().splitlines()]
    rows = [{**row, "video": str(world.folder / row["video"])} for row in rows if row["video"] == rows[0]["video"]][:2]
    (folder / "q.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    shutil.copytree(world.store, folder / "S")
    ok("select", folder / "S", folder / "q.jsonl", "--sampler", "top", "--to", "aks", "-o", folder / "aks")
    ok("export", folder / "S", "--to", "bolt", "-o", folder / "features")
    return folder


def change(name: str, edit: Callable[[Any], Any]) -> Callable[[Path], None]:
    def changed(folder: Path) -> None:
        path = folder / "aks" / name
        path.write_text(json.dumps(edit(json.loads(path.read_text()))))

    return changed


def features(edit: Callable[[np.ndarray], np.ndarray]) -> Callable[[Path], None]:
    def changed(folder: Path) -> None:
        for path in sorted((folder / "features").glob("*.npy")):
            np.save(path, edit(np.load(path)))

    return changed


def nothing(folder: Path) -> None:
    """Leave the files as they are."""


AKS = ("aks", "--questions", "q.jsonl")
BOLT = ("features/*.npy", "--questions", "q.jsonl", "--encoder", "micro-siglip")


@pytest.mark.parametrize(
    ("arguments", "edit", "sentence"),
    [
        (("aks",), nothing, "--questions: needed with AKS's lists and BOLT's features"),
        ((*AKS, "--encoder", "micro-siglip"), nothing, "--encoder: only BOLT's features, .npy, are scored"),
        (BOLT[:3], nothing, "--encoder: needed with BOLT's features"),
        (("q.jsonl", "--questions", "q.jsonl"), nothing, "--questions: other files say whose they are"),
        (
            AKS,
            lambda folder: (folder / "aks" / "scores.json").unlink(),
            "scores.json: no such file; AKS's scores are a",
        ),
        (AKS, lambda folder: (folder / "aks" / "frames.json").write_text("{"), "frames.json: expected JSON"),
        (AKS, change("frames.json", lambda lists: {"a": lists}), "frames.json: expected a list with one list for each"),
        (
            AKS,
            change("scores.json", lambda lists: lists[:1]),
            "scores.json: expected one list for each of 2 questions, got 1",
        ),
        (AKS, change("scores.json", lambda lists: [each[1:] for each in lists]), "expected as many scores as frames"),
        (AKS, change("scores.json", lambda lists: [["x", *each[1:]] for each in lists]), "expected a list of numbers"),
        (
            AKS,
            change("scores.json", lambda lists: [[1e300, *each[1:]] for each in lists]),
            "expected a list of numbers",
        ),
        (
            AKS,
            change("frames.json", lambda lists: [[0.5, *each[1:]] for each in lists]),
            "expected a list of whole numbers",
        ),
        (
            AKS,
            change("frames.json", lambda lists: [[*each[:-1], 99999] for each in lists]),
            "expected frames from 0 to",
        ),
        (
            AKS,
            change("frames.json", lambda lists: [[each[0] + 1, *each[1:]] for each in lists]),
            "is not in its index at fps=1; AKS takes every int(rate)-th frame: index with --every",
        ),
        (
            AKS,
            change("frames.json", lambda lists: [[each[1], *each[1:]] for each in lists]),
            "two scores for the frame",
        ),
        (BOLT, features(lambda each: each[:, :-1]), "expected features of the encoder's 128 dimensions, got 127"),
        (BOLT, features(lambda each: each[0]), "expected features [T, C] of floating point, got float16 (128,)"),
        (BOLT, features(lambda each: each * 0), "expected features that are finite and not 0"),
        (BOLT, features(lambda each: np.concatenate([each, each])), "is no frame of"),
        (
            BOLT,
            features(lambda each: (each * 100).astype(np.int16)),
            "expected features [T, C] of floating point, got int16",
        ),
    ],
)
def test_what_does_not_hold_is_refused(
    lists: Path, tmp_path: Path, arguments: tuple[str, ...], edit: Callable[[Path], None], sentence: str
) -> None:
    shutil.copytree(lists, tmp_path, dirs_exist_ok=True)
    edit(tmp_path)
    named: list[object] = []
    for word in arguments:
        files = sorted(tmp_path.glob(word)) if word.endswith(("aks", ".npy", ".jsonl")) else []
        named += files or [word]
    ran = framedex("scores", "import", tmp_path / "S", *named, "--name", "theirs")
    assert ran.code == 2, ran.err
    assert sentence in ran.err
    assert "Traceback" not in ran.err
    assert not (tmp_path / "S" / "scores").exists()


def test_aks_s_own_frames_are_those_of_a_grid_of_every_so_many(world: SmallWorld, tmp_path: Path) -> None:
    clip = world.clips[0]
    ok("index", clip, "--store", tmp_path / "S", "--encoder", "micro-siglip", "--every", 5)
    store = library.Store.open(tmp_path / "S")
    frames = list(range(0, 5 * len(store[str(clip)]), 5))
    (tmp_path / "aks").mkdir()
    (tmp_path / "aks" / "frames.json").write_text(json.dumps([frames]))
    (tmp_path / "aks" / "scores.json").write_text(json.dumps([[number / 7 for number in frames]]))
    (tmp_path / "q.jsonl").write_text(json.dumps({"id": 3, "video": str(clip), "question": "what?"}))
    arguments = ("--questions", tmp_path / "q.jsonl", "--name", "aks-blip", "--json")
    imported = ok("scores", "import", tmp_path / "S", tmp_path / "aks", *arguments).json()
    assert (imported["grid"], imported["scored_frames"], imported["frames"]) == ("every=5", len(frames), len(frames))
    common = ("--scores", "aks-blip", "--sampler", "top", "--budget", 2, "--json")
    (record,) = ok("select", tmp_path / "S", tmp_path / "q.jsonl", *common).json()["selections"]
    assert record["rows"] == [len(frames) - 2, len(frames) - 1]
