"""The C++ tests, built without Python and run by CTest."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]


@pytest.mark.skipif(shutil.which("cmake") is None, reason="CMake is not installed")
def test_the_cpp_tests_pass(tmp_path: Path) -> None:
    configure = [
        "cmake",
        "-S",
        str(ROOT),
        "-B",
        str(tmp_path),
        "-DFRAMEDEX_BUILD_TESTS=ON",
        "-DFRAMEDEX_BUILD_MODULE=OFF",
    ]
    for command in (
        configure,
        ["cmake", "--build", str(tmp_path)],
        ["ctest", "--test-dir", str(tmp_path), "--output-on-failure"],
    ):
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
    assert "100% tests passed, 0 tests failed out of 2" in done.stdout
