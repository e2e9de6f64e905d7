"""A dry run says how many of a plan's frames have files of visual tokens, and touches none."""

from __future__ import annotations

from pathlib import Path

import pytest

from cli import framedex, ok
from small_world import SmallWorld
from sweep_folder import write_sweep


def test_a_dry_run_counts_the_frames_that_have_files(world: SmallWorld, tmp_path: Path) -> None:
    sweep = write_sweep(tmp_path, world, videos=1, option_orders="given")
    folder = tmp_path / "tokens"
    arguments = ("--threads", 1, "--answer-cache", "off", "--token-folder", folder)
    dry = ok("sweep", sweep.config, "-o", sweep.run, *arguments, "--dry-run", "--json").json()["planned"]
    assert not folder.exists()
    assert dry["read_frames"] == 0
    first = ok("sweep", sweep.config, "-o", sweep.run, *arguments, "--json").json()["work"]
    assert first["tower_frames"] == dry["tower_frames"]
    files = {path: path.read_bytes() for path in folder.rglob("*.safetensors")}
    assert 0 < len(files) <= dry["tower_frames"], "fewer where reading them was seen to take longer than the tower"
    again = ok("sweep", sweep.config, "-o", tmp_path / "again", *arguments, "--dry-run", "--json").json()
    assert again["planned"] == dry | {"tower_frames": dry["tower_frames"] - len(files), "read_frames": len(files)}
    assert again["naive"]["read_frames"] == 0
    said = ok("sweep", sweep.config, "-o", tmp_path / "again", *arguments, "--dry-run").out
    assert f"frames with a file of visual tokens {len(files)}" in " ".join(said.split())
    assert {path: path.read_bytes() for path in folder.rglob("*.safetensors")} == files
    swept = ok("sweep", sweep.config, "-o", tmp_path / "again", *arguments)
    assert "ms to read from a file" in swept.err


def test_a_folder_that_is_none_is_refused_before_any_model_is_loaded(world: SmallWorld, tmp_path: Path) -> None:
    sweep = write_sweep(tmp_path, world, mllms=["never-looked-for"])
    (tmp_path / "file").write_text("mine")
    for named in (tmp_path / "file", tmp_path / "file" / "below"):
        for also in ((), ("--dry-run",)):
            ran = framedex("sweep", sweep.config, "-o", sweep.run, "--token-folder", named, *also)
            assert ran.code == 2
            expected = (
                f"token folder {named}: expected a folder, but {tmp_path / 'file'} is none; name a folder, or none"
            )
            assert expected in ran.err
    assert not sweep.run.exists()
    assert (tmp_path / "file").read_text() == "mine"


@pytest.mark.parametrize("option", ["--token-folder", "-o"])
def test_an_empty_folder_is_not_the_current_one(
    world: SmallWorld, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, option: str
) -> None:
    sweep = write_sweep(tmp_path, world, videos=1, per_video=1)
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    given = {"-o": sweep.run, option: ""}
    ran = framedex("sweep", sweep.config, *(each for pair in given.items() for each in pair))
    assert ran.code == 2
    assert "expected a path, got an empty text" in ran.err
    assert not list((tmp_path / "here").iterdir())
    assert not sweep.run.exists()
