"""A bench's quick run, for the tests of each bench."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np

BENCH = Path(__file__).resolve().parents[1] / "bench"


def result_of(script: str, out: Path, *options: str) -> dict[str, Any]:
    """Its JSON line, which is what it writes to `out`, too; answers agreed and every row is finite."""
    command = [sys.executable, str(BENCH / script), "--quick", *options, "--out", str(out)]
    ran = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr
    result: dict[str, Any] = json.loads(ran.stdout.splitlines()[-1])
    assert result == json.loads(out.read_text())
    assert set(result) == {"bench", "commit", "machine", "config", "equal", "rows", "ratios"}
    assert result["equal"] is True
    assert all(np.isfinite(row["value"]) for row in result["rows"])
    return result
