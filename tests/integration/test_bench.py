"""The bench runs on a user's own files and ends in the JSON line that the goals name."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
from pathlib import Path

import pytest

from contracts.backends import usable
from framedex.decode import require_decoder
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
    assert {row["name"] for row in result["rows"]} >= {"select.selections", "select.seconds", "select.sweep"}
    shares = [row["value"] for row in result["rows"] if row["name"].endswith(".share")]
    assert sum(shares) == pytest.approx(1)


@pytest.mark.slow
def test_throughput_of_other_back_ends(tmp_path: Path) -> None:
    usable("dali-cpu", lambda: require_decoder("dali-cpu"))
    vp9 = next(form for form in FORMS if form.codec == "vp9")
    clip = make_photo_clip(tmp_path, vp9, photo="cat")
    ran = bench(clip.path, "--quick", "--decoder", "dali", "--embedder", "torch", "--scorer", "faiss", "--fps", 5)
    assert ran.returncode == 0, ran.stderr
    result = json.loads(ran.stdout.splitlines()[-1])
    assert result["equal"] is True
    assert result["config"]["decoder"] in ("dali-cpu", "dali-gpu")
    assert result["config"]["embedder"] in ("torch-cpu", "torch-cuda")
    assert result["config"]["scorer"] in ("faiss-cpu", "faiss-gpu")
    assert result["config"]["stages"] == [stage for stage in STAGES if stage != "preprocess"]


@pytest.mark.parametrize(
    ("option", "name", "code", "sentence"),
    [
        ("--decoder", "dalli", 2, "unknown decoder 'dalli'; exists: dali-cpu, "),
        ("--embedder", "tensort", 2, "unknown embedder 'tensort'; exists: "),
        ("--scorer", "cupy", 2, "unknown scorer 'cupy'; exists: "),
    ],
)
def test_a_back_end_that_there_is_none_of_is_one_sentence(option: str, name: str, code: int, sentence: str) -> None:
    ran = bench("--quick", option, name)
    assert ran.returncode == code
    assert ran.stderr.startswith(f"error: {sentence}")
    assert ran.stderr.count("\n") == 1


@pytest.mark.skipif(importlib.util.find_spec("tensorrt") is not None, reason="TensorRT is there")
def test_a_back_end_that_is_not_installed_is_its_own_sentence() -> None:
    ran = bench("--quick", "--embedder", "tensorrt")
    assert ran.returncode == 3
    assert ran.stderr == (
        "error: embedder 'tensorrt' needs 'tensorrt', which is not installed; run: pip install 'framedex[gpu]'\n"
    )


def test_bad_input_is_one_sentence(tmp_path: Path) -> None:
    ran = bench(tmp_path / "none.mp4")
    assert ran.returncode == 2
    assert ran.stderr.startswith("error: ")
    assert "Traceback" not in ran.stderr
