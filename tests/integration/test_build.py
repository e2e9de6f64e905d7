"""The wheel: what is in it, what is not, and that it runs where no source tree is."""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGES = {"framedex": ROOT / "engine" / "framedex", "framedex_export": ROOT / "exporters" / "framedex_export"}
EXTENSION = f"framedex/_native{sysconfig.get_config_var('EXT_SUFFIX')}"

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A wheel built from the working tree, in a build folder of its own."""
    folder = tmp_path_factory.mktemp("wheel")
    pip = [
        sys.executable,
        "-m",
        "pip",
        "wheel",
        str(ROOT),
        "--no-deps",
        "--no-build-isolation",
        "--wheel-dir",
        str(folder),
    ]
    build = [f"--config-settings=build-dir={tmp_path_factory.mktemp('build')}"]
    done = subprocess.run([*pip, *build], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    (path,) = folder.glob("*.whl")
    return path


@pytest.fixture(scope="module")
def names(wheel: Path) -> set[str]:
    with zipfile.ZipFile(wheel) as archive:
        return set(archive.namelist())


def test_the_wheel_holds_the_packages_the_extension_and_nothing_else(names: set[str]) -> None:
    sources = {
        f"{package}/{path.relative_to(folder).as_posix()}"
        for package, folder in PACKAGES.items()
        for path in folder.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert {name for name in names if ".dist-info/" not in name} == sources | {EXTENSION}


@pytest.mark.parametrize(
    "name",
    [
        EXTENSION,
        "framedex/_native.pyi",
        "framedex/py.typed",
        "framedex_export/py.typed",
        "framedex/microworld/models/micro-siglip/artefact/manifest.json",
        "framedex/microworld/models/micro-siglip/artefact/image.onnx",
    ],
)
def test_what_must_be_in_it(names: set[str], name: str) -> None:
    assert name in names


def test_the_licence_and_the_commands_are_in_it(wheel: Path, names: set[str]) -> None:
    (info,) = {name.split("/")[0] for name in names if ".dist-info/" in name}
    with zipfile.ZipFile(wheel) as archive:
        assert archive.read(f"{info}/licenses/LICENSE") == (ROOT / "LICENSE").read_bytes()
        commands = archive.read(f"{info}/entry_points.txt").decode()
    assert "framedex=framedex.cli:main" in commands.replace(" ", "")
    assert "framedex-export=framedex_export.cli:main" in commands.replace(" ", "")


def test_the_extension_runs_from_the_wheel_alone(wheel: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(tmp_path)
    script = (
        "import framedex, numpy as np\n"
        "from framedex._native import scores_f16\n"
        "scores = scores_f16(np.ones((1, 3), np.float32), np.ones((2, 3), np.float16), threads=1)\n"
        "print(framedex.__file__, scores.tolist())\n"
    )
    # -S keeps an editable install of this tree out of the way.
    paths = os.pathsep.join([str(tmp_path), sysconfig.get_path("purelib"), sysconfig.get_path("platlib")])
    done = subprocess.run(
        [sys.executable, "-S", "-c", script],
        env={"PYTHONPATH": paths},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout.split(maxsplit=1) == [str(tmp_path / "framedex" / "__init__.py"), "[[3.0, 3.0]]\n"], done.stderr
