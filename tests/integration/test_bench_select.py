"""The bench of selections compares answers before it times, and ends in the JSON line that the goals name."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from bench_result import BENCH, result_of

SAMPLERS = ["uniform", "top", "bottom", "window-top", "window-bottom", "drop", "aks", "bolt", "qframe", "mmr"]


@pytest.mark.slow
def test_select(tmp_path: Path) -> None:
    result = result_of("select.py", tmp_path / "result.json")
    assert list(result["ratios"]) == [
        *(f"speedup_vs_numpy.{name}" for name in SAMPLERS),
        "min_native_speedup_vs_numpy",
        *(f"selections_per_second.{name}" for name in (*SAMPLERS, "all")),
    ]
    assert all(row["value"] > 0 for row in result["rows"])
    assert all(ratio > 0 for ratio in result["ratios"].values())


def test_its_name_does_not_stand_in_the_way_of_the_standard_librarys() -> None:
    """Benches run from their folder, where `import select`, which subprocess does, finds bench/select.py first."""
    program = "import sys; sys.path.insert(0, sys.argv[1]); import select; print(hasattr(select, 'poll'))"
    ran = subprocess.run([sys.executable, "-S", "-c", program, str(BENCH)], capture_output=True, text=True, check=False)
    assert ran.stdout == "True\n", ran.stderr
