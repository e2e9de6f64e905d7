"""Arithmetic of an ONNX graph: what its matrix products and convolutions cost per input."""

from __future__ import annotations

import math
from pathlib import Path

import onnx
from onnx import shape_inference


def flop_per_item(graph: Path, *, input_shape: tuple[int, ...]) -> int:
    """Multiplications and additions of every MatMul, Gemm and Conv, for one item of `input_shape` (batch axis first, 1).

    Source: 2·m·k·n per product, 2·(output values)·(kernel values per output) per convolution. Other operators are not counted.
    """
    model = onnx.load(str(graph), load_external_data=False)
    for dimension, size in zip(model.graph.input[0].type.tensor_type.shape.dim, input_shape, strict=True):
        dimension.ClearField("dim_param")
        dimension.dim_value = size
    for value in [*model.graph.value_info, *model.graph.output]:
        for dimension in value.type.tensor_type.shape.dim:
            dimension.ClearField("dim_param")
    del model.graph.value_info[:]
    model = shape_inference.infer_shapes(model, data_prop=True)
    shapes = {
        value.name: [dimension.dim_value for dimension in value.type.tensor_type.shape.dim]
        for value in [*model.graph.input, *model.graph.value_info, *model.graph.output]
    }
    shapes |= {weight.name: list(weight.dims) for weight in model.graph.initializer}
    total = 0
    for node in model.graph.node:
        if node.op_type in {"MatMul", "Gemm"}:
            left = shapes[node.input[0]]
            inner = left[-1] if not _transposed(node) else left[-2]
            total += 2 * math.prod(shapes[node.output[0]]) * inner
        elif node.op_type == "Conv":
            total += 2 * math.prod(shapes[node.output[0]]) * math.prod(shapes[node.input[1]][1:])
    return total


def _transposed(node: onnx.NodeProto) -> bool:
    return any(attribute.name == "transA" and attribute.i for attribute in node.attribute)
