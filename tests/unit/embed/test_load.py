"""Importing the stage is cheap; a runtime is resolved by name."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from framedex.embed import embedders, load_embedder
from framedex.errors import UsageError
from manifests import write_example


def test_importing_the_stage_pulls_nothing_heavy() -> None:
    heavy = "{'onnxruntime', 'PIL', 'tokenizers', 'torch', 'transformers', 'pydantic'}"
    code = f"import sys, framedex.embed; print(sorted({heavy} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_an_unknown_runtime_is_usage(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"unknown embedder 'onnxruntime'; exists: onnxruntime-cpu"):
        load_embedder(write_example(tmp_path), runtime="onnxruntime")


def test_threads_below_one_are_usage(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="threads=0"):
        load_embedder(write_example(tmp_path), threads=0)


def test_auto_is_one_of_the_registered(tmp_path: Path) -> None:
    with load_embedder(write_example(tmp_path)) as embedder:
        assert embedder.provenance["runtime"] in embedders.names()
        assert embedder.origin == str(tmp_path)
