"""What `framedex sweep` refuses: one sentence, an exit code, and nothing is written."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from cli import framedex, ok
from small_world import SmallWorld
from smolvlm_checkpoints import tiny_smolvlm
from sweep_folder import SweepFolder, write_sweep


@pytest.fixture
def sweep(world: SmallWorld, tmp_path: Path) -> SweepFolder:
    return write_sweep(tmp_path, world)


def refused(sweep: SweepFolder, message: str, *, code: int = 2) -> None:
    ran = framedex("sweep", sweep.config, "-o", sweep.run, "--threads", 1)
    assert (ran.code, ran.out) == (code, "")
    assert ran.err.startswith("error: ")
    assert message in ran.err
    assert ran.err.count("\n") == 1
    assert not sweep.run.exists()


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"budget": [4]}, "unknown key 'budget'; exists: "),
        ({"questions": ["none.jsonl"]}, "no such question manifest"),
        ({"store": "none"}, "no store there"),
        ({"grid": "fps=9"}, "no grid 'fps=9' of encoder micro-siglip; exists: fps=1"),
        (
            {"variants": ["declaratve"]},
            "has no variant 'declaratve'; exists: answer, declarative, question; did you mean",
        ),
        ({"encoders": ["siglip"]}, "no such folder"),
        ({"encoders": ["micro-siglip", "./here"]}, "no such folder"),
        ({"mllms": ["micro-smolvl"]}, "micro-smolvlm"),
    ],
)
def test_what_sweep_yaml_names_has_to_be_there(sweep: SweepFolder, changed: dict[str, Any], message: str) -> None:
    sweep.change(**changed)
    refused(sweep, message)


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"options": ["red"], "answer": 0}, "expected 2 to 26 options, got 1"),
        ({"options": ["red", "red"], "answer": 0}, "options: expected different texts"),
        ({"options": ["red", " "], "answer": 0}, "option 1: expected a text that is not empty"),
        ({"answer": "mauve"}, "answer: expected an option's text or its index"),
        ({"answer": None}, "has no answer"),
        ({"video": "nothing.mp4"}, "no video 'nothing.mp4'"),
        ({"variants": {}}, "has no variant 'declarative'; exists: answer, question"),
    ],
)
def test_a_question_that_cannot_be_swept(sweep: SweepFolder, changed: dict[str, Any], message: str) -> None:
    sweep.change(variants=["question", "declarative"])
    first, *others = sweep.questions()
    sweep.ask([{**first, **changed}, *others])
    refused(sweep, message)


def test_every_question_whose_video_is_missing_is_named(sweep: SweepFolder) -> None:
    sweep.ask([{**question, "video": f"gone-{number}.mp4"} for number, question in enumerate(sweep.questions())])
    ran = framedex("sweep", sweep.config, "-o", sweep.run)
    for number, question in enumerate(sweep.questions()):
        assert f"question {question['id']!r}: " in ran.err
        assert f"no video 'gone-{number}.mp4'" in ran.err
    assert ran.code == 2


def test_an_id_in_two_manifests(sweep: SweepFolder) -> None:
    shutil.copy(sweep.folder / "q.jsonl", sweep.folder / "again.jsonl")
    sweep.change(questions=["q.jsonl", "again.jsonl"])
    refused(sweep, "each question needs its own")


def test_one_model_under_two_names(sweep: SweepFolder) -> None:
    shutil.copytree(tiny_smolvlm(), sweep.folder / "copy")
    sweep.change(mllms=[str(tiny_smolvlm()), "copy"])
    refused(sweep, "are the same model; name it once")


def test_a_checkpoint_of_another_class(sweep: SweepFolder) -> None:
    other = sweep.folder / "other"
    shutil.copytree(tiny_smolvlm(), other)
    config = json.loads((other / "config.json").read_text())
    (other / "config.json").write_text(json.dumps({**config, "model_type": "llava", "architectures": ["Llava"]}))
    sweep.change(mllms=["other"])
    refused(sweep, "'llava'", code=4)


def test_two_grids_ask_which(world: SmallWorld, sweep: SweepFolder) -> None:
    store = sweep.folder / "S"
    for fps in (1, 2):
        ok("index", world.folder / "clips", "--store", store, "--encoder", "micro-siglip", "--fps", fps)
    sweep.change(store="S")
    refused(sweep, "holds several grids, fps=1, fps=2; name one as grid: in sweep.yaml")
    sweep.change(grid="fps=2")
    ok("sweep", sweep.config, "-o", sweep.run, "--threads", 1)


@pytest.mark.parametrize("where", ["a folder with other files", "a file"])
def test_a_place_that_is_no_run(sweep: SweepFolder, where: str) -> None:
    if where == "a file":
        sweep.run.write_text("mine")
    else:
        sweep.run.mkdir()
        (sweep.run / "mine.txt").write_text("mine")
    ran = framedex("sweep", sweep.config, "-o", sweep.run)
    assert ran.code == 2
    assert "not empty and no run; name a new folder" in ran.err
    assert [
        path.name for path in sweep.run.parent.rglob("*") if "records" in path.name or path.name == "run.json"
    ] == []


@pytest.mark.parametrize("content", ["", "{}", '{"format": "framedex-run", "version": 2, "plan": {}}', "[1]"])
def test_a_damaged_run_json(sweep: SweepFolder, content: str) -> None:
    sweep.run.mkdir()
    (sweep.run / "run.json").write_text(content)
    ran = framedex("sweep", sweep.config, "-o", sweep.run)
    assert ran.code == 4
    assert "run.json" in ran.err
    assert not (sweep.run / "records").exists()
