"""The embedders' bench compares vectors before it times, and ends in the JSON line that the goals name."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from bench_result import result_of

SHAPES = ("siglip-b16-224", "siglip2-b16-224", "siglip2-b16-naflex", "clip-b16", "cris-r50")


@pytest.mark.slow
def test_embed(tmp_path: Path) -> None:
    result = result_of("embed.py", tmp_path / "result.json")
    assert list(result["ratios"]) == [
        "fp32_vs_torch_eager",
        "fp32_vs_default_onnxruntime",
        "fp32_fraction_of_gemm",
        "int8_vs_fp32",
    ]
    values = {row["name"]: row["value"] for row in result["rows"]}
    assert all(np.isfinite(value) and value >= 0 for value in (*values.values(), *result["ratios"].values()))
    ways = {f"{shape}.{way}.batch8" for shape in SHAPES for way in ("onnxruntime-cpu.fp32", "onnxruntime-cpu.int8")}
    ways |= {f"siglip-b16-224.torch-cpu.fp32.batch{size}" for size in (1, 8, 16)}
    for name in {"peer.torch_eager", "peer.default_onnxruntime", *ways}:
        assert values[name] > 0
        assert values[f"{name}.cosine"] > 0.98
