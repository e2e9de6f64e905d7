"""The bench runs on a user's own files and ends in the JSON line that the goals name."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from photo_clips import FORMS, make_photo_clip
from small_world import SmallWorld

BENCH = Path(__file__).resolve().parents[2] / "bench"
STAGES = ["decode", "preprocess", "embed", "write", "lookup", "select", "answer"]


def bench(*arguments: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(BENCH / "throughput.py"), *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


@pytest.mark.slow
def test_throughput_on_own_files(world: SmallWorld, tmp_path: Path) -> None:
    avi = next(form for form in FORMS if form.timing == "reconstructed")
    clip = make_photo_clip(tmp_path, avi, photo="coffee")
    ran = bench(
        world.clips[0], clip.path, "--encoder", "micro-siglip", "--fps", 2, "--quick", "--out", tmp_path / "result.json"
    )
    assert ran.returncode == 0, ran.stderr
    result = json.loads(ran.stdout.splitlines()[-1])
    assert result == json.loads((tmp_path / "result.json").read_text())
    assert set(result) == {"bench", "commit", "machine", "config", "equal", "rows", "ratios"}
    assert result["equal"] is True
    assert list(result["ratios"]) == [f"fraction_of_ceiling.{stage}" for stage in STAGES]
    assert all(ratio > 0 for ratio in result["ratios"].values())
    shares = [row["value"] for row in result["rows"] if row["name"].endswith(".share")]
    assert sum(shares) == pytest.approx(1)


def test_bad_input_is_one_sentence(tmp_path: Path) -> None:
    ran = bench(tmp_path / "none.mp4")
    assert ran.returncode == 2
    assert ran.stderr.startswith("error: ")
    assert "Traceback" not in ran.stderr
