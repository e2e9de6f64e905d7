"""`framedex-export tensorrt` up to TensorRT itself."""

from __future__ import annotations

import importlib.util
import json
import shutil
from pathlib import Path

import pytest

from framedex.embed.artefact import Artefact
from framedex.errors import ArtefactError, MissingDependency, UsageError
from framedex_export.tensorrt_cli import tensorrt


@pytest.mark.skipif(importlib.util.find_spec("tensorrt") is not None, reason="TensorRT is there")
def test_a_missing_tensorrt_names_the_extra() -> None:
    with pytest.raises(MissingDependency, match=r"framedex-export tensorrt needs 'tensorrt', .*framedex\[gpu\]"):
        tensorrt("micro-siglip")


@pytest.mark.parametrize("batches", ["", "a", "1;16", "1,"])
def test_batches_are_numbers(batches: str) -> None:
    with pytest.raises(UsageError, match="--batch: expected numbers such as 1,16"):
        tensorrt("micro-siglip", batches=batches)


def test_an_artefact_without_reference_is_refused_before_anything_is_built(tmp_path: Path) -> None:
    folder = shutil.copytree(Artefact.open("micro-siglip").folder, tmp_path / "artefact")
    value = json.loads((folder / "manifest.json").read_text())
    del value["files"]["reference.npz"]
    (folder / "manifest.json").write_text(json.dumps(value))
    with pytest.raises(ArtefactError, match="has no reference vectors"):
        tensorrt(str(folder))


def test_no_artefact_is_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no such folder"):
        tensorrt(str(tmp_path / "absent"))
