"""The C++ tests, built without Python and run by CTest."""

from __future__ import annotations

import subprocess
import sysconfig
from pathlib import Path

ROOT = Path(__file__).parents[3]
SCRIPTS = Path(sysconfig.get_path("scripts"))  # the CMake of the extra `dev`


def test_the_cpp_tests_pass(tmp_path: Path) -> None:
    configure = [
        str(SCRIPTS / "cmake"),
        "-S",
        str(ROOT),
        "-B",
        str(tmp_path),
        "-DFRAMEDEX_BUILD_TESTS=ON",
        "-DFRAMEDEX_BUILD_MODULE=OFF",
    ]
    for command in (
        configure,
        [str(SCRIPTS / "cmake"), "--build", str(tmp_path)],
        [str(SCRIPTS / "ctest"), "--test-dir", str(tmp_path), "--output-on-failure"],
    ):
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.count("   Passed ") == 2
