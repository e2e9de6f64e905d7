"""Graphs are checked, dynamic in their batch, the same on every export, and tell nothing of the machine."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from torch import Tensor, nn

from checkpoints import tiny_checkpoint
from framedex.errors import ArtefactError
from framedex_export import onnx_export
from framedex_export.families.siglip import Siglip, read
from framedex_export.onnx_export import OPSET, export_graph


@pytest.fixture(scope="module")
def encoder() -> Siglip:
    return read(tiny_checkpoint())


def _export(encoder: Siglip, path: Path) -> bytes:
    tower = encoder.image_tower()
    example = torch.zeros(2, 32, 32, 3, dtype=torch.uint8)
    export_graph(tower, {"pixels": example}, path, outputs=["vectors"], encoder_key="k")
    return path.read_bytes()


def test_twice_the_same_bytes_and_no_paths_in_them(encoder: Siglip, tmp_path: Path) -> None:
    first = _export(encoder, tmp_path / "first.onnx")
    assert _export(encoder, tmp_path / "second.onnx") == first
    for trace in (b"site-packages", b".py", str(Path.cwd()).encode(), str(Path.home()).encode() + b"/"):
        assert trace not in first


def test_the_graph_takes_any_batch_and_raw_pixels(encoder: Siglip, tmp_path: Path) -> None:
    _export(encoder, tmp_path / "image.onnx")
    model = onnx.load(tmp_path / "image.onnx")
    assert [entry.version for entry in model.opset_import if entry.domain == ""] == [OPSET]
    (value,) = model.graph.input
    assert value.type.tensor_type.elem_type == onnx.TensorProto.UINT8
    assert [dim.dim_param or dim.dim_value for dim in value.type.tensor_type.shape.dim] == ["batch", 32, 32, 3]
    session = onnxruntime.InferenceSession(tmp_path / "image.onnx", providers=["CPUExecutionProvider"])
    for n in (1, 2, 7):
        (vectors,) = session.run(None, {"pixels": np.zeros((n, 32, 32, 3), np.uint8)})
        assert vectors.shape == (n, 24)


def test_large_weights_go_into_a_file_beside(encoder: Siglip, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(onnx_export, "EXTERNAL_ABOVE_NBYTES", 1000)
    _export(encoder, tmp_path / "image.onnx")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["image.onnx", "image.onnx.data"]
    session = onnxruntime.InferenceSession(tmp_path / "image.onnx", providers=["CPUExecutionProvider"])
    (vectors,) = session.run(None, {"pixels": np.zeros((1, 32, 32, 3), np.uint8)})
    assert np.linalg.norm(vectors) == pytest.approx(1)


class _Branches(nn.Module):
    def forward(self, values: Tensor) -> Tensor:
        """Branch on the data, which no export can follow."""
        return values * 2 if values.sum() > 0 else values * 3


def test_a_module_that_cannot_be_exported_is_said(tmp_path: Path) -> None:
    with pytest.raises(ArtefactError, match=r"branches.onnx: torch .* cannot export this model"):
        export_graph(_Branches(), {"a": torch.zeros(2, 3)}, tmp_path / "branches.onnx", outputs=["b"], encoder_key="k")


class _OneSize(nn.Module):
    def forward(self, values: Tensor) -> Tensor:
        """Use the batch's size as a plain number, by which the export fixes it."""
        return values * len(values)


def test_a_graph_of_one_batch_size_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ArtefactError, match=r"one.onnx: .* takes batches of one size only, got a of shape \[2,3\]"):
        export_graph(_OneSize(), {"a": torch.zeros(2, 3)}, tmp_path / "one.onnx", outputs=["b"], encoder_key="k")


class _Pairs(nn.Module):
    def forward(self, left: Tensor, right: Tensor) -> tuple[Tensor, Tensor]:
        """Two inputs of other widths, two outputs."""
        return left.float().sum(dim=1) + right.sum(dim=(1, 2)), left * 2


def test_several_inputs_and_outputs_share_one_batch(tmp_path: Path) -> None:
    examples = {"left": torch.zeros(2, 3, dtype=torch.int64), "right": torch.zeros(2, 4, 5)}
    export_graph(_Pairs(), examples, tmp_path / "pairs.onnx", outputs=["sums", "doubles"], encoder_key="k")
    session = onnxruntime.InferenceSession(tmp_path / "pairs.onnx", providers=["CPUExecutionProvider"])
    assert [(value.name, value.shape) for value in session.get_inputs()] == [
        ("left", ["batch", 3]),
        ("right", ["batch", 4, 5]),
    ]
    for k in (1, 5):
        left, right = np.full((k, 3), 2, np.int64), np.ones((k, 4, 5), np.float32)
        sums, doubles = session.run(["sums", "doubles"], {"left": left, "right": right})
        assert sums.tolist() == [26.0] * k
        assert doubles.tolist() == [[4, 4, 4]] * k


def test_what_the_whole_batch_shares_stays_one(tmp_path: Path) -> None:
    examples = {"left": torch.zeros(2, 3, dtype=torch.int64), "right": torch.zeros(1, 4, 5)}
    export_graph(_Pairs(), examples, tmp_path / "shared.onnx", outputs=["sums", "doubles"], encoder_key="k")
    session = onnxruntime.InferenceSession(tmp_path / "shared.onnx", providers=["CPUExecutionProvider"])
    assert [value.shape for value in session.get_inputs()] == [["batch", 3], [1, 4, 5]]
    left, right = np.full((3, 3), 2, np.int64), np.ones((1, 4, 5), np.float32)
    assert session.run(["sums"], {"left": left, "right": right})[0].tolist() == [26.0] * 3
