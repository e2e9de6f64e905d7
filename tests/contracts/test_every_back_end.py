"""Every back end that has a name is held to its contract, and can be asked for."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from contracts.backends import REGISTRIES

HERE = Path(__file__).parent


def collected(path: Path, *, required: str = "") -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "pytest", "--collect-only", "-q", "-p", "no:cacheprovider", str(path)]
    environment = {**os.environ, "REQUIRE_BACKENDS": required}
    return subprocess.run(command, cwd=HERE.parents[1], env=environment, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("file", REGISTRIES)
def test_a_suite_runs_over_every_registered_name(file: str) -> None:
    ran = collected(HERE / file)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    tests = [line.split("::")[-1] for line in ran.stdout.splitlines() if "::" in line]
    for name in REGISTRIES[file].names():
        ids = [test.partition("[")[2].rstrip("]") for test in tests]
        assert any(name in parameters.split("+") for parameters in ids), f"no test of {file} runs {name}"


def test_a_required_back_end_that_does_not_exist_is_an_error() -> None:
    ran = collected(HERE / "test_every_back_end.py", required="torch-kuda")
    assert ran.returncode == pytest.ExitCode.USAGE_ERROR
    assert "REQUIRE_BACKENDS: unknown back end 'torch-kuda'; exists: " in ran.stdout + ran.stderr
    assert "did you mean 'torch-cuda'?" in ran.stdout + ran.stderr
