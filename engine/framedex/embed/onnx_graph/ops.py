"""ONNX operators in torch, as far as the exporter writes them; each is a function in `shapes` or `layers`, or one line here."""

from __future__ import annotations

from math import prod
from typing import Final

import torch
import torch.nn.functional as F  # noqa: N812  # torch's own name for it

from framedex.embed.onnx_graph import layers, shapes
from framedex.embed.onnx_graph.shapes import Op, ints

#: What a graph may hold. An operator that is not here is refused when the graph is read.
OPS: Final[dict[str, Op]] = {
    "Abs": lambda _, x: abs(x),
    "Add": shapes.pairwise(lambda a, b: a + b),
    "And": shapes.pairwise(lambda a, b: a & b),
    "ArgMax": layers.arg_max,
    "Attention": layers.attention_23,
    "AveragePool": layers.average_pool,
    "BatchNormalization": layers.batch_norm,
    "Cast": shapes.cast,
    "Ceil": lambda _, x: torch.ceil(x),
    "Clip": layers.clip,
    "Concat": shapes.concat,
    "ConstantOfShape": shapes.full,
    "Conv": layers.conv,
    "Div": shapes.pairwise(shapes.divide),
    "Equal": shapes.pairwise(lambda a, b: a == b),
    "Erf": lambda _, x: torch.erf(x),
    "Exp": lambda _, x: torch.exp(x),
    "Expand": shapes.expand,
    "Flatten": lambda at, x: x.reshape(prod(x.shape[: at.get("axis", 1)]), -1),
    "Floor": lambda _, x: torch.floor(x),
    "Gather": shapes.gather,
    "GatherElements": shapes.gather_elements,
    "GatherND": shapes.gather_nd,
    "Gelu": layers.gelu,
    "Gemm": layers.gemm,
    "GlobalAveragePool": lambda _, x: x.mean(dim=tuple(range(2, x.ndim)), keepdim=True),
    "Greater": shapes.pairwise(lambda a, b: a > b),
    "GreaterOrEqual": shapes.pairwise(lambda a, b: a >= b),
    "Identity": lambda _, x: x,
    "LayerNormalization": layers.layer_norm,
    "Less": shapes.pairwise(lambda a, b: a < b),
    "LessOrEqual": shapes.pairwise(lambda a, b: a <= b),
    "MatMul": lambda _, a, b: a @ b,
    "Max": shapes.extreme(torch.maximum, max),
    "MaxPool": layers.max_pool,
    "Min": shapes.extreme(torch.minimum, min),
    "Mul": shapes.pairwise(lambda a, b: a * b),
    "Neg": lambda _, x: -x,
    "Not": lambda _, x: ~x,
    "Or": shapes.pairwise(lambda a, b: a | b),
    "Pow": shapes.pairwise(lambda a, b: a**b),
    "Range": shapes.counted,
    "Reciprocal": lambda _, x: 1.0 / x,
    "ReduceL2": layers.reduce(layers.l2),
    "ReduceMean": layers.reduce(torch.mean),
    "ReduceSum": layers.reduce(torch.sum),
    "Relu": lambda _, x: F.relu(x),
    "Reshape": shapes.reshape,
    "Shape": shapes.shape,
    "Sigmoid": lambda _, x: torch.sigmoid(x),
    "Slice": shapes.cut,
    "Softmax": lambda at, x: torch.softmax(x, dim=at.get("axis", -1)),
    "Split": shapes.split,
    "Sqrt": lambda _, x: torch.sqrt(x),
    "Squeeze": shapes.squeeze,
    "Sub": shapes.pairwise(lambda a, b: a - b),
    "Tanh": lambda _, x: torch.tanh(x),
    "Tile": lambda _, x, repeats: x.tile(ints(repeats)),
    "Transpose": lambda at, x: x.permute(at["perm"]) if "perm" in at else x.permute(*reversed(range(x.ndim))),
    "Unsqueeze": shapes.unsqueeze,
    "Where": shapes.where,
    "attention": layers.attention,
    "linear": layers.linear,
}
