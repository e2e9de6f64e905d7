"""Plain and fused graphs of one tower: the same vectors, the weights once, and nothing of the machine in either."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from torch import Tensor, nn

from checkpoints import tiny_checkpoint
from framedex.embed.manifest import ENCODER_KEY, Precision
from framedex_export.families.siglip import Siglip, read
from framedex_export.fuse import DOMAIN
from framedex_export.onnx_export import export_graph
from framedex_export.variants import write_variants

PIXELS = np.random.default_rng(0).integers(0, 256, (3, 32, 32, 3), np.uint8)


@pytest.fixture(scope="module")
def encoder() -> Siglip:
    return read(tiny_checkpoint())


def written(encoder: Siglip, folder: Path, precision: Precision) -> str | None:
    folder.mkdir()
    example = torch.zeros(2, 32, 32, 3, dtype=torch.uint8)
    path = folder / "image.onnx"
    export_graph(encoder.image_tower(), {"pixels": example}, path, outputs=["vectors"], encoder_key="k")
    return write_variants(path, precision)


def vectors(path: Path) -> np.ndarray:
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    return np.asarray(session.run(None, {"pixels": PIXELS})[0])


@pytest.mark.parametrize(("precision", "tolerance"), [("fp32", 1e-6), ("fp16-mixed", 2e-3), ("int8", 0.3)])
def test_both_graphs_give_the_towers_vectors(
    encoder: Siglip, tmp_path: Path, precision: Precision, tolerance: float
) -> None:
    fused = written(encoder, tmp_path / "a", precision)
    assert fused == "image.ort.onnx"
    with torch.inference_mode():
        expected = encoder.image_tower()(torch.from_numpy(PIXELS)).numpy()
    for name in ("image.onnx", fused):
        assert np.abs(vectors(tmp_path / "a" / name) - expected).max() < tolerance, name


def test_the_plain_graph_is_anybodys_and_the_fused_one_is_onnx_runtimes(encoder: Siglip, tmp_path: Path) -> None:
    written(encoder, tmp_path / "a", "fp32")
    plain, fused = (onnx.load(str(tmp_path / "a" / name)) for name in ("image.onnx", "image.ort.onnx"))
    assert {node.domain for node in plain.graph.node} == {""}
    assert "MultiHeadAttention" in {node.op_type for node in fused.graph.node if node.domain == DOMAIN}
    assert "Softmax" not in {
        node.op_type for node in fused.graph.node if node.domain == "" and node.name.startswith("vision.enc")
    }
    for model in (plain, fused):
        assert {entry.key: entry.value for entry in model.metadata_props} == {ENCODER_KEY: "k"}


@pytest.mark.parametrize("precision", ["fp32", "fp16-mixed"])
def test_weights_lie_in_one_file(encoder: Siglip, tmp_path: Path, precision: Precision) -> None:
    written(encoder, tmp_path / "a", precision)
    files = {path.name: path.stat().st_size for path in (tmp_path / "a").iterdir()}
    assert set(files) == {"image.onnx", "image.onnx.data", "image.ort.onnx"}
    fused = onnx.load(str(tmp_path / "a" / "image.ort.onnx"), load_external_data=False)
    own = [tensor.name for tensor in fused.graph.initializer if len(tensor.raw_data) >= 1024]
    assert not own


def test_twice_the_same_bytes_and_no_paths_in_them(encoder: Siglip, tmp_path: Path) -> None:
    for folder in ("a", "b"):
        written(encoder, tmp_path / folder, "int8")
    for path in (tmp_path / "a").iterdir():
        data = path.read_bytes()
        assert data == (tmp_path / "b" / path.name).read_bytes(), path.name
        for trace in (b"site-packages", b".py", str(Path.cwd()).encode(), b"/tmp"):
            assert trace not in data, (path.name, trace)


def test_bfloat16_has_no_fused_form(encoder: Siglip, tmp_path: Path) -> None:
    assert written(encoder, tmp_path / "a", "bf16") is None
    model = onnx.load(str(tmp_path / "a" / "image.onnx"))
    assert onnx.TensorProto.BFLOAT16 in {tensor.data_type for tensor in model.graph.initializer}


class _Plain(nn.Module):
    def forward(self, values: Tensor) -> Tensor:
        """Nothing that could be joined."""
        return values.float().sum(dim=1)


def test_a_graph_with_nothing_to_join_stays_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "plain.onnx"
    export_graph(_Plain(), {"values": torch.zeros(2, 3)}, path, outputs=["sums"], encoder_key="k")
    before = path.read_bytes()
    assert write_variants(path, "fp32") is None
    assert path.read_bytes() == before
    assert [each.name for each in tmp_path.iterdir()] == ["plain.onnx"]
