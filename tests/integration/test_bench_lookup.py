"""The benches of look-ups and selections compare answers before they time, and end in the JSON line that the goals name."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

import pytest

from bench_result import BENCH, result_of

pytestmark = pytest.mark.slow


def measured_table(bench: str, result: dict[str, Any]) -> str:
    """README's table of the one result."""
    spec = importlib.util.spec_from_file_location("tables", BENCH.parent / "docs" / "tables.py")
    assert spec is not None
    assert spec.loader is not None
    tables = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(tables)
    table: str = tables.lookups_table({bench: result})
    assert f"`python bench/{bench}.py` at commit `{result['commit']}`" in table
    return table


def test_lookup(tmp_path: Path) -> None:
    result = result_of("lookup.py", tmp_path / "result.json")
    assert list(result["ratios"]) == [
        "speedup_vs_faiss",
        "speedup_vs_torch_bmm",
        "time_over_floor",
        "cold_time_over_read",
    ]
    assert all(ratio > 0 for ratio in result["ratios"].values())
    table = measured_table("lookup", result)
    assert "| all scores and the best 8, 200 videos × 180 frames × 768, 16 prompts each |" in table
    assert "| the same of 400 videos, cold from disk |" in table


def test_select(tmp_path: Path) -> None:
    result = result_of("select.py", tmp_path / "result.json")
    ratios = result["ratios"]
    timed = [name.removeprefix("speedup_vs_numpy.") for name in ratios if name.startswith("speedup_vs_numpy.")]
    assert {"uniform", "top", "bottom", "window-top", "drop", "aks", "bolt", "qframe", "mmr"} <= set(timed)
    assert ratios["min_native_speedup_vs_numpy"] == min(ratios[f"speedup_vs_numpy.{name}"] for name in timed)
    assert all(ratios[f"selections_per_second.{name}"] > 0 for name in timed)
    assert "| selections by one sampler, `mmr` to `" in measured_table("select", result)


def test_scale(tmp_path: Path) -> None:
    result = result_of("scale.py", tmp_path / "result.json")
    assert list(result["ratios"]) == ["cost_per_video_drift", "peak_rss_gib"]
    assert 0 < result["ratios"]["peak_rss_gib"] < 2
    assert "| a video found, looked up and chosen from 128 times, among 200 to 5,000 |" in measured_table(
        "scale", result
    )
