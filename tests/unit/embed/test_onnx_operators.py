"""Every operator of the torch runtime against ONNX Runtime."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from onnx import NodeProto, TensorProto, helper

from framedex.embed.onnx_graph.ops import OPS
from small_graphs import Constants, by_onnxruntime, by_torch, integers, node, number, values, write

X = values(3, 4, 6)
PICTURE = values(2, 6, 9, 8)
IDS = np.random.default_rng(1).integers(0, 9, (3, 5))

CASES: dict[str, tuple[list[NodeProto], NDArray[Any], Constants]] = {
    "Abs, Floor, Ceil": (
        [
            node("Floor", "x", output="a"),
            node("Abs", "a", output="b"),
            node("Mul", "b", "c", output="d"),
            node("Ceil", "d"),
        ],
        X,
        {"c": np.float32([0.3])},
    ),
    "Add": ([node("Add", "x", "c")], X, {"c": values(6)}),
    "And, Or, Not": (
        [
            node("Greater", "x", "c", output="a"),
            node("Less", "x", "d", output="b"),
            node("And", "a", "b", output="e"),
            node("Or", "e", "a", output="f"),
            node("Not", "f", output="g"),
            node("Cast", "g", to=TensorProto.FLOAT),
        ],
        X,
        {"c": np.float32([-0.5]), "d": np.float32([0.5])},
    ),
    "ArgMax": ([node("ArgMax", "x", axis=1, keepdims=0)], X, {}),
    "ArgMax of equal values": ([node("ArgMax", "x", axis=-1, keepdims=1)], np.ones((2, 5), np.float32), {}),
    "AveragePool": ([node("AveragePool", "x", kernel_shape=[2, 2], strides=[2, 2])], PICTURE, {}),
    "AveragePool, padded": ([node("AveragePool", "x", kernel_shape=[3, 3], pads=[1, 1, 1, 1])], PICTURE, {}),
    "BatchNormalization": (
        [node("BatchNormalization", "x", "s", "b", "m", "v", epsilon=1e-3)],
        PICTURE,
        {"s": values(6), "b": values(6, seed=1), "m": values(6, seed=2), "v": np.abs(values(6, seed=3)) + 0.1},
    ),
    "Cast": ([node("Cast", "x", to=TensorProto.FLOAT)], IDS.astype(np.uint8), {}),
    "Clip": ([node("Clip", "x", "a", "b")], X, {"a": np.float32(-0.5), "b": np.float32(0.25)}),
    "Clip on one side": ([node("Clip", "x", "", "b")], X, {"b": np.float32(0.25)}),
    "Max, Min": (
        [node("Max", "x", "c", "d", output="a"), node("Min", "a", "e")],
        X,
        {"c": values(4, 6, seed=4), "d": np.float32([0.1]), "e": values(1, 6, seed=5)},
    ),
    "Max of shapes": (
        [node("Shape", "x", output="s"), node("Max", "s", "c", output="t"), node("Expand", "x", "t")],
        X[:, :1],
        {"c": integers(1, 5, 1)},
    ),
    "Concat": ([node("Concat", "x", "x", axis=-2)], X, {}),
    "Conv": (
        [node("Conv", "x", "w", "b", strides=[3, 2], pads=[1, 0, 1, 0], dilations=[1, 2], group=2)],
        PICTURE,
        {"w": values(4, 3, 3, 2), "b": values(4)},
    ),
    "Conv over one axis": ([node("Conv", "x", "w", pads=[1, 1])], X, {"w": values(2, 4, 3)}),
    "Div": ([node("Div", "x", "c")], X, {"c": values(1, 1, 6) + 5}),
    "Div of integers": ([node("Div", "x", "c")], IDS, {"c": integers(2)}),
    "Erf": ([node("Erf", "x")], X, {}),
    "Exp, Neg, Sqrt, Reciprocal": (
        [
            node("Neg", "x", output="a"),
            node("Exp", "a", output="b"),
            node("Sqrt", "b", output="c"),
            node("Reciprocal", "c"),
        ],
        X,
        {},
    ),
    "Flatten": ([node("Flatten", "x", axis=2)], PICTURE, {}),
    "Gather of rows": ([node("Gather", "c", "x")], IDS, {"c": values(9, 4)}),
    "Gather along an axis": ([node("Gather", "x", "c", axis=1)], X, {"c": integers(3, 0, -1, 2, 1, 0, 1, 2, 3)}),
    "Gather of one": ([node("Gather", "x", "c", axis=1)], X, {"c": number(-1)}),
    "GatherElements": ([node("GatherElements", "x", "c", axis=1)], X[:, :, :1], {"c": np.array([[[3]], [[0]], [[1]]])}),
    "GatherND": ([node("GatherND", "x", "c")], X, {"c": np.array([[0, 3], [2, 1]])}),
    "Gelu": ([node("Gelu", "x", approximate="tanh")], X, {}),
    "Gelu, exact": ([node("Gelu", "x")], X, {}),
    "Gemm": ([node("Gemm", "x", "c", "b", transB=1)], X[0], {"c": values(5, 6), "b": values(5)}),
    "Gemm with factors": (
        [node("Gemm", "x", "c", "b", transA=1, alpha=0.5, beta=2.0)],
        X[0],
        {"c": values(4, 5), "b": values(6, 5)},
    ),
    "GlobalAveragePool": ([node("GlobalAveragePool", "x")], PICTURE, {}),
    "Identity": ([node("Identity", "x")], X, {}),
    "LayerNormalization": (
        [node("LayerNormalization", "x", "s", "b", epsilon=1e-3)],
        X,
        {"s": values(6), "b": values(6, seed=1)},
    ),
    "LayerNormalization over two axes": ([node("LayerNormalization", "x", "s", axis=1)], X, {"s": values(4, 6)}),
    "MatMul": ([node("MatMul", "x", "c")], X, {"c": values(3, 6, 2)}),
    "MaxPool": ([node("MaxPool", "x", kernel_shape=[3, 2], strides=[2, 2], pads=[1, 0, 1, 0])], PICTURE, {}),
    "Mul, Sub": ([node("Mul", "x", "c", output="a"), node("Sub", "a", "x")], X, {"c": values(4, 1)}),
    "Pow": ([node("Pow", "x", "c")], X, {"c": np.float32(2)}),
    "ReduceL2": ([node("ReduceL2", "x", "c", keepdims=1)], X, {"c": integers(-1)}),
    "ReduceMean": ([node("ReduceMean", "x", "c", keepdims=0)], X, {"c": integers(0, 2)}),
    "ReduceSum of all": ([node("ReduceSum", "x", keepdims=1)], X, {}),
    "Relu, Sigmoid, Tanh": (
        [node("Relu", "x", output="a"), node("Sigmoid", "a", output="b"), node("Tanh", "b")],
        X,
        {},
    ),
    "Reshape": ([node("Reshape", "x", "c")], X, {"c": integers(0, -1, 2, 3)}),
    "Shape arithmetic": (
        [
            node("Shape", "x", output="s"),
            node("Gather", "s", "zero", output="n"),
            node("Unsqueeze", "n", "at", output="u"),
            node("Mul", "u", "two", output="m"),
            node("Concat", "m", "rest", axis=0, output="t"),
            node("Reshape", "x", "t"),
        ],
        X,
        {"zero": number(0), "at": integers(0), "two": integers(2), "rest": integers(12)},
    ),
    "Expand by the batch": (
        [
            node("Shape", "x", start=0, end=1, output="n"),
            node("Concat", "n", "c", axis=0, output="s"),
            node("Expand", "k", "s"),
        ],
        X,
        {"c": integers(2, 1), "k": values(1, 2, 5)},
    ),
    "Expand, Where, Equal of shapes": (
        [
            node("Shape", "x", output="s"),
            node("Equal", "c", "minus", output="e"),
            node("Where", "e", "s", "c", output="t"),
            node("Expand", "x", "t"),
        ],
        X[:, :1],
        {"c": integers(-1, 7, -1), "minus": integers(-1)},
    ),
    "ConstantOfShape, Range": (
        [
            node("Shape", "x", output="s"),
            helper.make_node(
                "ConstantOfShape", ["s"], ["z"], value=helper.make_tensor("v", TensorProto.FLOAT, [1], [2.5])
            ),
            node("Add", "x", "z"),
        ],
        X,
        {},
    ),
    "Slice": (
        [node("Slice", "x", "a", "b", "c", "d")],
        X,
        {"a": integers(1, -3), "b": integers(9, -1), "c": integers(1, 2), "d": integers(2, 1)},
    ),
    "Softmax": ([node("Softmax", "x", axis=1)], X, {}),
    "Split": (
        [
            helper.make_node("Split", ["x", "c"], ["a", "b"], axis=2),
            node("MatMul", "a", "d", output="e"),
            node("Concat", "b", "e", axis=2),
        ],
        X,
        {"c": integers(2, 4), "d": values(2, 3)},
    ),
    "Split into equal parts": (
        [helper.make_node("Split", ["x"], ["a", "b"], axis=1, num_outputs=2), node("Sub", "a", "b")],
        X,
        {},
    ),
    "Squeeze, Unsqueeze": (
        [node("Unsqueeze", "x", "c", output="a"), node("Squeeze", "a", "d")],
        X,
        {"c": integers(0, -1), "d": integers(0)},
    ),
    "Tile": ([node("Tile", "x", "c")], X, {"c": integers(1, 2, 3)}),
    "Transpose": ([node("Transpose", "x", perm=[2, 0, 1])], X, {}),
    "Transpose of all": ([node("Transpose", "x")], X, {}),
    "Where of a mask": (
        [
            node("GreaterOrEqual", "x", "c", output="m"),
            node("LessOrEqual", "x", "d", output="k"),
            node("And", "m", "k", output="l"),
            node("Where", "l", "x", "d"),
        ],
        X,
        {"c": np.float32(-1), "d": np.float32(1)},
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_an_operator_is_onnx_runtimes(tmp_path: Path, case: str) -> None:
    nodes, x, constants = CASES[case]
    path = write(tmp_path / "g.onnx", nodes, x, constants)
    expected = by_onnxruntime(path, x)
    got = by_torch(path, x)
    assert got.shape == expected.shape
    assert np.abs(got - expected.astype(np.float32)).max() < 1e-5


def test_every_operator_has_a_case() -> None:
    tested = {each.op_type for nodes, _, _ in CASES.values() for each in nodes}
    assert OPS.keys() - tested == {"linear", "attention", "Range", "Attention"}, "the first two are ours; tested below"


@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize("scale", [{}, {"scale": 0.3}])
def test_attention_of_opset_23_is_onnx_runtimes(tmp_path: Path, masked: bool, scale: dict[str, float]) -> None:
    x = values(3, 4, 6)
    inputs = ("x", "k", "v", *(("m",) if masked else ()))
    constants = {"k": values(3, 5, 6, seed=1), "v": values(3, 5, 6, seed=2)}
    if masked:
        constants["m"] = values(4, 5, seed=3)
    nodes = [node("Attention", *inputs, q_num_heads=2, kv_num_heads=2, **scale)]
    path = write(tmp_path / "g.onnx", nodes, x, constants, opset=23)
    assert np.abs(by_torch(path, x) - by_onnxruntime(path, x)).max() < 1e-5
