"""Graphs rewritten for torch: what is joined, what is left alone, what stays in float32, and what is refused."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from onnx import NodeProto, helper

from framedex.embed.onnx_graph.fold import fold
from framedex.embed.onnx_graph.module import OnnxModule, load_module
from framedex.embed.onnx_graph.read import Graph, read_graph
from framedex.embed.onnx_graph.rewrite import rewrite
from framedex.errors import ArtefactError
from small_graphs import KEY, TOWER, by_onnxruntime, by_torch, integers, node, values, write

X = values(3, 4, 6)


def _attention(*, scale: str, mask: bool) -> list[NodeProto]:
    scaled = {"Mul": [node("Mul", "p", "s", output="q")], "Div": [node("Div", "p", "s", output="q")], "": []}[scale]
    scores = "q" if scaled else "p"
    masked = [node("Add", "m", scores, output="r")] if mask else []
    return [
        node("Transpose", "x", perm=[0, 2, 1], output="k"),
        node("MatMul", "x", "k", output="p"),
        *scaled,
        *masked,
        node("Softmax", "r" if mask else scores, axis=-1, output="w"),
        node("MatMul", "w", "x"),
    ]


@pytest.mark.parametrize("mask", [False, True])
@pytest.mark.parametrize("scale", ["Mul", "Div", ""])
def test_attention_is_found_and_is_the_same(tmp_path: Path, scale: str, mask: bool) -> None:
    bias = np.where(values(4, 4) > 0.8, np.finfo(np.float32).min, 0).astype(np.float32)
    path = write(tmp_path / "g.onnx", _attention(scale=scale, mask=mask), X, {"s": np.float32(0.4), "m": bias})
    assert [step.op for step in rewritten(path).steps] == ["Transpose", "attention"]
    assert np.abs(by_torch(path, X) - by_onnxruntime(path, X)).max() < 1e-5


@pytest.mark.parametrize("low", [torch.float16, torch.bfloat16])
def test_a_mask_of_the_smallest_float32_masks_in_half_precision_too(tmp_path: Path, low: torch.dtype) -> None:
    bias = np.triu(np.full((4, 4), np.finfo(np.float32).min, np.float32), 1)
    # Something behind it, since the last product stays in float32.
    nodes = [
        *_attention(scale="Mul", mask=True)[:-1],
        node("MatMul", "w", "x", output="z"),
        node("LayerNormalization", "z", "g"),
    ]
    constants = {"s": np.float32(0.4), "m": bias, "g": np.ones(6, np.float32)}
    path = write(tmp_path / "g.onnx", nodes, X, constants)
    got = by_torch(path, X, low=low)
    assert np.isfinite(got).all()
    assert 0 < np.abs(got - by_onnxruntime(path, X)).max() < 0.1


def test_scores_that_somebody_else_reads_are_left_alone(tmp_path: Path) -> None:
    nodes = [
        *_attention(scale="Mul", mask=False)[:-1],
        node("MatMul", "w", "x", output="z"),
        node("Concat", "z", "w", axis=-1),
    ]
    path = write(tmp_path / "g.onnx", nodes, X, {"s": np.float32(0.4)})
    assert "attention" not in [step.op for step in rewritten(path).steps]
    assert np.abs(by_torch(path, X) - by_onnxruntime(path, X)).max() < 1e-5


def rewritten(path: Path) -> Graph:
    return rewrite(fold(read_graph(path)))


def _two_layers(path: Path) -> Path:
    nodes = [
        node("MatMul", "x", "a", output="p"),
        node("Add", "b", "p", output="q"),
        node("LayerNormalization", "q", "g", output="r"),
        node("Gemm", "r", "c", "d"),
    ]
    constants = {"a": values(6, 5), "b": values(5), "g": np.ones(5, np.float32), "c": values(5, 3), "d": values(3)}
    return write(path, nodes, X[0], constants)


def test_products_with_constants_become_linear_layers_and_the_last_stays_whole(tmp_path: Path) -> None:
    path = _two_layers(tmp_path / "g.onnx")
    steps = rewritten(path).steps
    assert [(step.op, step.full) for step in steps] == [
        ("linear", False),
        ("LayerNormalization", True),
        ("linear", True),
    ]
    assert np.abs(by_torch(path, X[0]) - by_onnxruntime(path, X[0])).max() < 1e-5


def test_weights_are_held_once_in_the_type_they_are_used_in(tmp_path: Path) -> None:
    module = load_module(_two_layers(tmp_path / "g.onnx"), TOWER, encoder_key=KEY, low=torch.float16)
    held = {tuple(buffer.shape): buffer.dtype for buffer in module.buffers()}
    assert held == {(5, 6): torch.float16, (5,): torch.float32, (3, 5): torch.float32, (3,): torch.float32}


def test_constants_are_computed_once(tmp_path: Path) -> None:
    nodes = [
        helper.make_node("Split", ["c", "s"], ["a", "b"], axis=0),
        node("Transpose", "a", perm=[1, 0], output="t"),
        node("MatMul", "x", "t"),
    ]
    path = write(tmp_path / "g.onnx", nodes, X, {"c": values(5, 6), "s": integers(2, 3)})
    assert [step.op for step in rewritten(path).steps] == ["MatMul"]
    assert np.abs(by_torch(path, X) - by_onnxruntime(path, X)).max() < 1e-5


def test_an_operator_that_is_not_known_is_named(tmp_path: Path) -> None:
    path = write(tmp_path / "g.onnx", [node("Softsign", "x")], X, {})
    with pytest.raises(ArtefactError, match=r"g\.onnx: operators that our torch runtime does not have: Softsign"):
        load_module(path, TOWER, encoder_key=KEY)


def test_an_operator_of_another_domain_is_refused(tmp_path: Path) -> None:
    path = write(tmp_path / "g.onnx", [node("MultiHeadAttention", "x", domain="com.microsoft")], X, {})
    with pytest.raises(ArtefactError, match=r"com\.microsoft\.MultiHeadAttention is a runtime's own"):
        load_module(path, TOWER, encoder_key=KEY)


def test_another_encoders_graph_is_refused(tmp_path: Path) -> None:
    path = write(tmp_path / "g.onnx", [node("Relu", "x")], X, {})
    with pytest.raises(ArtefactError, match="was exported for encoder"):
        load_module(path, TOWER, encoder_key="cd" * 16)


def test_a_module_compiles(tmp_path: Path) -> None:
    # Without a compiler of C++: the graph is what is asked about, not the code that is made of it.
    module: OnnxModule = load_module(_two_layers(tmp_path / "g.onnx"), TOWER, encoder_key=KEY)
    compiled = torch.compile(module, backend="eager", fullgraph=True, dynamic=False)
    x = torch.from_numpy(X[0].copy())
    with torch.inference_mode():
        assert torch.equal(compiled(x), module(x))
