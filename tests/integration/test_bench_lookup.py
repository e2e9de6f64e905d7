"""The benches of look-ups compare answers before they time, and end in the JSON line that the goals name."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

BENCH = Path(__file__).resolve().parents[2] / "bench"

pytestmark = pytest.mark.slow


def result_of(script: str, out: Path) -> dict[str, Any]:
    command = [sys.executable, str(BENCH / script), "--quick", "--out", str(out)]
    ran = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr
    result: dict[str, Any] = json.loads(ran.stdout.splitlines()[-1])
    assert result == json.loads(out.read_text())
    assert set(result) == {"bench", "commit", "machine", "config", "equal", "rows", "ratios"}
    assert result["equal"] is True
    assert all(np.isfinite(row["value"]) for row in result["rows"])
    return result


def test_lookup(tmp_path: Path) -> None:
    result = result_of("lookup.py", tmp_path / "result.json")
    assert list(result["ratios"]) == [
        "speedup_vs_faiss",
        "speedup_vs_torch_bmm",
        "time_over_floor",
        "cold_time_over_read",
    ]
    assert all(ratio > 0 for ratio in result["ratios"].values())


def test_scale(tmp_path: Path) -> None:
    result = result_of("scale.py", tmp_path / "result.json")
    assert list(result["ratios"]) == ["cost_per_video_drift", "peak_rss_gib"]
    assert 0 < result["ratios"]["peak_rss_gib"] < 2
