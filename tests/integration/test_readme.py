"""The README's Python example runs as it is printed, on a store and an artefact of the names that it uses."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

from cli import ok
from framedex.embed.artefact import Artefact
from small_world import SmallWorld

README = Path(__file__).resolve().parents[2] / "README.md"


def test_python_example_runs(world: SmallWorld, tmp_path: Path) -> None:
    match = re.search(r"<!-- example python -->\n```python\n(.*?)```", README.read_text(), re.DOTALL)
    assert match is not None
    code = match[1].replace('store["park"]', f'store["{world.clips[0].stem}"]')
    shutil.copytree(world.store, tmp_path / "S")
    shutil.copytree(Artefact.open("micro-siglip").folder, tmp_path / "siglip-b16")
    code += "\nassert scores.shape == (2, len(index))\nassert len(selection) == 8\n"
    run = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr


def test_faiss_alone_reads_an_index(world: SmallWorld) -> None:
    code = """
import faiss, glob, numpy, sys
path, = glob.glob(sys.argv[1] + "/index/*/fps=1/*/" + sys.argv[2] + ".faiss")
index = faiss.read_index(path)
vector = numpy.random.default_rng(0).standard_normal((1, index.d), dtype=numpy.float32)
scores, pts_us = index.search(vector / numpy.linalg.norm(vector), 3)
assert "framedex" not in sys.modules
print(*pts_us[0])
"""
    from framedex.index import Store

    index = Store.open(world.store)[world.clips[0]]
    run = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code, str(world.store), index.row.video_key],
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stderr
    assert set(map(int, run.stdout.split())) <= set(index.pts_us.tolist())


def test_sweep_example_runs(world: SmallWorld, tmp_path: Path) -> None:
    match = re.search(r"<!-- example sweep -->\n```yaml\n(.*?)```", README.read_text(), re.DOTALL)
    assert match is not None
    assert "SmolVLM2-256M-Video-Instruct" in match[1]
    (tmp_path / "sweep.yaml").write_text(match[1].replace("SmolVLM2-256M-Video-Instruct", "micro-smolvlm"))
    shutil.copytree(world.store, tmp_path / "S")
    question = {
        "id": "1",
        "video": str(world.clips[0]),
        "question": "Which colour appears in the video?",
        "answer": "red",
    }
    question["options"] = ["red", "green", "blue", "yellow"]
    (tmp_path / "questions.jsonl").write_text(json.dumps(question))
    assert "asks" in ok("sweep", tmp_path / "sweep.yaml", "-o", tmp_path / "RUN", "--dry-run").out
    assert not (tmp_path / "RUN").exists()
    ok("sweep", tmp_path / "sweep.yaml", "-o", tmp_path / "RUN")
    assert "oracle" in ok("analyze", tmp_path / "RUN").out
    ok("report", tmp_path / "RUN", "-o", tmp_path / "report.html")
    assert "<svg" in (tmp_path / "report.html").read_text()


def test_what_is_asked_of_a_store_needs_no_choice_of_a_grid() -> None:
    lines = re.findall(r"^framedex index .*--store S\b.*$", README.read_text(), re.MULTILINE)
    assert len(lines) >= 3
    assert not [line for line in lines if re.search(r"--(every|count|scene|timestamps)|--fps (?!1\b(?!,))", line)]
