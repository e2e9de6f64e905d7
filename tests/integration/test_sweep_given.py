"""A sweep answers about frames that were chosen elsewhere as about its own."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from cli import framedex, ok
from small_world import SmallWorld
from sweep_folder import SweepFolder, read_records, write_sweep


@pytest.fixture(scope="module")
def prepared(world: SmallWorld, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two variants; the question's best frames in BOLT's form, both variants' worst in Parquet."""
    folder = tmp_path_factory.mktemp("given")
    variants = ("--variant", "question", "--variant", "answer")
    write_sweep(
        folder,
        world,
        samplers=["uniform", "top"],
        variants=["question", "answer"],
        selections=[{"file": "bolt.json", "name": "bolt-paper"}, "worst.parquet"],
        option_orders="given",
    )
    common = ("select", world.store, folder / "q.jsonl", "--budget", 2)
    ok(*common, "--sampler", "top", "--to", "bolt", "-o", folder / "bolt.json")
    ok(*common, "--sampler", "bottom", *variants, "-o", folder / "worst.parquet")
    return folder


@pytest.fixture
def sweep(prepared: Path, tmp_path: Path) -> SweepFolder:
    """A copy to be changed."""
    shutil.copytree(prepared, tmp_path, dirs_exist_ok=True)
    return SweepFolder(tmp_path)


def by_place(records: list[dict[str, Any]], sampler: str) -> dict[tuple[str, str], dict[str, Any]]:
    return {(each["question_id"], each["variant"]): each for each in records if each["sampler"] == sampler}


def test_given_frames_are_recorded_beside_the_sweep_s_own(sweep: SweepFolder, world: SmallWorld) -> None:
    printed = ok("sweep", sweep.config, "-o", sweep.run, "--json").json()
    records = read_records(sweep.run)
    top, given, worst = (by_place(records, sampler) for sampler in ("top", "bolt-paper", "bottom"))
    assert printed["selections"] == len(records) == 4 * 2 * 4
    assert len(top) == len(given) == len(worst) == 8
    for (question_id, variant), record in given.items():
        best = top[question_id, "question"]
        assert record["arm"] == "select"
        assert (record["budget"], record["seed"], record["params"]) == (2, 0, "{}")
        for name in ("rows", "pts_us", "frame_set_id", "answer", "option_logprobs"):
            assert record[name] == best[name]
        if variant == "question":
            assert record["scores"] == best["scores"]
        assert record["encoder_key"] == best["encoder_key"]
    chosen = ok(
        *("select", world.store, sweep.folder / "q.jsonl", "--sampler", "bottom", "--budget", 2, "--json"),
        *("--variant", "question", "--variant", "answer"),
    ).json()["selections"]
    for selection in chosen:
        assert worst[selection["question_id"], selection["variant"]]["rows"] == selection["rows"]
    accuracy = ok("analyze", sweep.run, "--table", "accuracy", "--json").json()["tables"]["accuracy"]
    assert any(row["sampler"] == "bolt-paper" and row["minus_uniform"] is not None for row in accuracy)


def test_a_run_with_other_frames_is_another_run(sweep: SweepFolder) -> None:
    ok("sweep", sweep.config, "-o", sweep.run)
    path = sweep.folder / "bolt.json"
    chosen = json.loads(path.read_text())
    next(iter(chosen.values()))[0]["frames"] = [0.0]
    path.write_text(json.dumps(chosen))
    ran = framedex("sweep", sweep.config, "-o", sweep.run)
    assert ran.code == 2
    assert "selections: it has" in ran.err
    sweep.change(selections=[{"file": "bolt.json", "name": "bolt-paper"}])
    ran = framedex("sweep", sweep.config, "-o", sweep.run)
    assert ran.code == 2


@pytest.mark.parametrize(
    ("selections", "sentence"),
    [
        (["bolt.json"], "selections: a .json file does not say what chose its frames; write {file: …, name: …}"),
        ([{"file": "worst.parquet", "name": "w"}], "selections: name is for a .json file"),
        (["none.parquet"], "none.parquet: no such file of selections"),
        ([{"file": "few.json", "name": "few"}], "few.json: has no selection at fps=1 for question"),
        (
            [{"file": "bolt.json", "name": "a"}, {"file": "again.json", "name": "a"}],
            "has 2 frames by 'a' twice in this sweep",
        ),
        (["moved.parquet"], "moved.parquet: question"),
        ([{"file": "bolt.json", "name": "a", "budget": 3}], "unknown key 'budget'"),
    ],
)
def test_what_does_not_fit_is_refused(sweep: SweepFolder, selections: list[Any], sentence: str) -> None:
    chosen = json.loads((sweep.folder / "bolt.json").read_text())
    (sweep.folder / "again.json").write_text(json.dumps(chosen))
    video, entries = next(iter(chosen.items()))
    (sweep.folder / "few.json").write_text(json.dumps({video: entries}))
    table = pq.read_table(sweep.folder / "worst.parquet")
    moved = [[pts_us + 1 for pts_us in each] for each in table["pts_us"].to_pylist()]
    place = table.column_names.index("pts_us")
    pq.write_table(table.set_column(place, "pts_us", [moved]), sweep.folder / "moved.parquet")
    sweep.change(selections=selections)
    ran = framedex("sweep", sweep.config, "-o", sweep.run)
    assert ran.code == 2
    assert sentence in ran.err
    assert "Traceback" not in ran.err
    assert not sweep.run.exists()
