"""The example of docs/samplers.md that makes a curve by itself runs as it is printed, and chooses what the command line does."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

from cli import ok
from small_world import SmallWorld

PAGE = Path(__file__).resolve().parents[2] / "docs" / "samplers.md"


def test_transform_and_combination_from_python(world: SmallWorld, tmp_path: Path) -> None:
    match = re.search(r"<!-- example transform -->\n```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    assert match is not None
    code = match[1].replace('["park"]', f'["{world.clips[0].stem}"]').replace("budget=8", "budget=3")
    code += "\nimport json\nprint(json.dumps([selection.rows.tolist(), selection.scores.tolist()]))\n"
    shutil.copytree(world.store, tmp_path / "S")
    run = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr
    texts = re.findall(r'embed_texts\(\["(.*?)", "(.*?)"\]\)', code)[0]
    asked = [
        word for text, weight in zip(texts, (2, 1), strict=True) for word in ("--prompt", text, "--weight", weight)
    ]
    rule = ("--combine", "product", "--transform", "prob", "--sampler", "aks", "--budget", 3)
    ran = ok("select", world.store, "--video", world.clips[0], *asked, *rule, "--json")
    (record,) = ran.json()["selections"]
    rows, scores = json.loads(run.stdout)
    assert rows == record["rows"]
    assert len(rows) == 3
    assert all(abs(one - other) <= 1e-6 * abs(other) for one, other in zip(scores, record["scores"], strict=True))
