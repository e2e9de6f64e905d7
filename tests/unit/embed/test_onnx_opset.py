"""The opset of an ONNX file, and what runs a graph of another one than its manifest says."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import onnx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from onnx import TensorProto, helper

from checkpoints import restore
from contracts.embedder_suite import random_tower
from framedex.embed.artefact import Artefact
from framedex.embed.onnx_opset import read_opset
from framedex.embed.onnxruntime import OnnxRuntimeEmbedder
from framedex.embed.torch import TorchEmbedder
from framedex.errors import ArtefactError

EMBEDDERS = (OnnxRuntimeEmbedder, TorchEmbedder)


def opsets(path: Path, *found: tuple[str, int]) -> Path:
    """A graph that imports some opsets."""
    nodes = [helper.make_node("Relu", ["x"], ["y"])]
    values = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [2]) for name in "xy"]
    graph = helper.make_graph(nodes, "g", values[:1], values[1:])
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid(*each) for each in found]), str(path))
    return path


@pytest.mark.parametrize("kind", ["image", "text"])
def test_it_is_what_onnx_reads(kind: str) -> None:
    folder = Artefact.open("micro-siglip").folder
    for name in (f"{kind}.onnx", f"{kind}.ort.onnx"):
        imports = onnx.load(str(folder / name), load_external_data=False).opset_import
        assert read_opset(folder / name) == next(entry.version for entry in imports if not entry.domain) == 20


def test_only_the_standards_domain_counts_by_either_name(tmp_path: Path) -> None:
    assert read_opset(opsets(tmp_path / "a.onnx", ("com.microsoft", 1), ("", 300))) == 300
    assert read_opset(opsets(tmp_path / "b.onnx", ("com.microsoft", 1), ("ai.onnx", 18))) == 18
    assert read_opset(opsets(tmp_path / "c.onnx", ("com.microsoft", 1))) is None


def test_what_is_no_file_has_none(tmp_path: Path) -> None:
    assert read_opset(tmp_path / "none.onnx") is None
    assert read_opset(tmp_path) is None


@given(cut=st.integers(0, 200), junk=st.binary(max_size=40))
def test_cut_and_broken_files_give_a_number_or_none(
    tmp_path_factory: pytest.TempPathFactory, cut: int, junk: bytes
) -> None:
    path = opsets(tmp_path_factory.mktemp("opset") / "g.onnx", ("", 20))
    path.write_bytes(path.read_bytes()[:cut] + junk)
    found = read_opset(path)
    assert found is None or found >= 0


def _graphs_say(folder: Path, opset: int) -> None:
    for name in ("image.onnx", "image.ort.onnx"):
        model = onnx.load(str(folder / name), load_external_data=False)
        for entry in model.opset_import:
            if not entry.domain:
                entry.version = opset
        onnx.save(model, str(folder / name))


def _manifest_says(folder: Path, opset: int) -> None:
    path = folder / "manifest.json"
    path.write_text(path.read_text().replace('"opset": 20', f'"opset": {opset}'))


@pytest.mark.parametrize("embedder", EMBEDDERS)
@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ([(_graphs_say, 13)], "is in opset 13, the manifest says 20; .*export it again"),
        ([(_graphs_say, 21)], "is in opset 21, the manifest says 20; .*export it again"),
        ([(_manifest_says, 18)], "is in opset 20, the manifest says 18; .*export it again"),
    ],
)
def test_a_graph_of_another_opset_than_the_manifests_is_refused(
    tmp_path: Path, embedder: Any, changes: list[tuple[Callable[[Path, int], None], int]], message: str
) -> None:
    folder = shutil.copytree(Artefact.open("micro-siglip").folder, tmp_path / "artefact")
    for change, opset in changes:
        change(folder, opset)
    with (
        embedder(restore(folder), threads=1) as opened,
        pytest.raises(ArtefactError, match=rf"image(\.ort)?\.onnx: {message}") as caught,
    ):
        opened.embed_images(random_tower(opened, 1))
    assert "\n" not in str(caught.value)


def test_torch_refuses_an_opset_that_it_has_not_the_operators_of(tmp_path: Path) -> None:
    folder = shutil.copytree(Artefact.open("micro-siglip").folder, tmp_path / "artefact")
    _graphs_say(folder, 17)
    _manifest_says(folder, 17)
    with (
        TorchEmbedder(restore(folder), threads=1) as opened,
        pytest.raises(ArtefactError, match="is in opset 17, our torch runtime has 20, 23; use onnxruntime-cpu"),
    ):
        opened.embed_images(random_tower(opened, 1))
