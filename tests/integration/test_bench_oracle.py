"""The oracle's bench compares logits before it times, and ends in the JSON line that the goals name."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench_result import result_of


@pytest.mark.slow
@pytest.mark.parametrize(
    ("options", "tolerance"),
    [
        pytest.param((), 1e-4, id="256m"),
        pytest.param(("--shape", "7b"), 1e-4, id="7b"),
        pytest.param(("--shape", "2b", "--dtype", "bfloat16"), 0.05, id="2b-bfloat16"),
    ],
)
def test_oracle(tmp_path: Path, options: tuple[str, ...], tolerance: float) -> None:
    result = result_of("oracle.py", tmp_path / "result.json", *options)
    assert list(result["ratios"]) == [
        "speedup_vs_naive",
        "fraction_of_ideal_speedup",
        "tower_runs_per_distinct_frame",
        "prefills_per_frame_set",
        "max_relative_logit_difference",
    ]
    assert result["ratios"]["tower_runs_per_distinct_frame"] == result["ratios"]["prefills_per_frame_set"] == 1.0
    assert result["ratios"]["max_relative_logit_difference"] <= tolerance
    assert result["ratios"]["speedup_vs_naive"] > 0
    names = {row["name"] for row in result["rows"]}
    for prefix in ("", "micro-smolvlm."):
        for stride in ("stride4", "stride1", "stride4_orders"):
            assert {f"{prefix}{way}.{stride}" for way in ("ours", "ideal", "peer.naive", "peer.naive_decoded")} <= names
