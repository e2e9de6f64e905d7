"""A dry run says how many of a plan's frames have files of visual tokens, and touches none."""

from __future__ import annotations

from pathlib import Path

from cli import ok
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
