"""An artefact's ONNX graph made ready for TensorRT 11, which takes every type from the graph and chooses none.

Nothing here needs TensorRT: the result is a plain ONNX graph, and is compared with the original on ONNX Runtime.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import numpy as np
import onnx
from onnx import NodeProto, TensorProto, helper, numpy_helper

from framedex.errors import ArtefactError, UsageError

PRECISIONS: Final = ("fp32", "fp16-mixed")

_PRODUCTS = frozenset({"MatMul", "Gemm", "Conv"})
_NORMS = frozenset({"LayerNormalization", "BatchNormalization"})


def prepare(model: onnx.ModelProto, precision: str) -> onnx.ModelProto:
    """The graph for TensorRT in one of `PRECISIONS`; `model` stays as it is, and the metadata are kept.

    fp16-mixed puts products in half precision, each between casts: LayerNorm, softmax, sums and the head (products behind the
    last normalisation) stay float32.

    Raises:
        UsageError: another precision.
        ArtefactError: a weight that half precision cannot hold.
    """
    if precision not in PRECISIONS:
        raise UsageError(f"TensorRT: precision {precision!r} is not built; exists: {', '.join(PRECISIONS)}")
    prepared = onnx.ModelProto()
    prepared.CopyFrom(model)
    del prepared.graph.value_info[:]  # types of before; whoever reads the graph infers them
    cast_bytes_first(prepared.graph)
    if precision == "fp16-mixed":
        halve_products(prepared.graph)
    return prepared


def cast_bytes_first(graph: onnx.GraphProto) -> None:
    """Turn uint8 inputs into float32 before anything else reads them.

    Source: TensorRT, `DataType.UINT8`: an input of this type must be cast before any other layer takes it.
    """
    casts = []
    for value in graph.input:
        if value.type.tensor_type.elem_type != TensorProto.UINT8:
            continue
        name = f"{value.name}.float"
        for node in graph.node:
            _replace(node.input, value.name, name)
        casts.append(helper.make_node("Cast", [value.name], [name], to=TensorProto.FLOAT))
    _set_nodes(graph, [*casts, *graph.node])


def halve_products(graph: onnx.GraphProto) -> None:
    """Put products that a normalisation follows between casts to and from half precision.

    Raises:
        ArtefactError: a weight that half precision cannot hold.
    """
    weights = {tensor.name: tensor for tensor in graph.initializer}
    nodes: list[NodeProto] = []
    halved: dict[str, str] = {}
    followed = set(_followed_by_a_norm(graph))
    for node in graph.node:
        if node.op_type not in _PRODUCTS or followed.isdisjoint(node.output):
            nodes.append(node)
            continue
        for at, name in enumerate(node.input):
            if name and name not in halved:
                halved[name] = f"{name}.half"
                if name in weights:
                    graph.initializer.append(_half(weights[name]))
                else:
                    nodes.append(helper.make_node("Cast", [name], [halved[name]], to=TensorProto.FLOAT16))
            node.input[at] = halved.get(name, "")
        (output,) = node.output
        node.output[0] = f"{output}.product"
        nodes += [node, helper.make_node("Cast", [node.output[0]], [output], to=TensorProto.FLOAT)]
    _set_nodes(graph, nodes)
    used = {name for node in graph.node for name in node.input}
    kept = [tensor for tensor in graph.initializer if tensor.name in used]
    del graph.initializer[:]
    graph.initializer.extend(kept)


def _followed_by_a_norm(graph: onnx.GraphProto) -> Iterator[str]:
    """Values that lead to a normalisation; all but the last product's where there is none."""
    if not any(node.op_type in _NORMS for node in graph.node):
        products = [node for node in graph.node if node.op_type in _PRODUCTS]
        yield from (name for node in products[:-1] for name in node.output)
        return
    behind: set[str] = set()
    for node in reversed(graph.node):
        if node.op_type in _NORMS or not behind.isdisjoint(node.output):
            behind.update(node.input)
    yield from behind


def _half(tensor: TensorProto) -> TensorProto:
    values = numpy_helper.to_array(tensor)
    largest = float(np.abs(values).max(initial=0.0))
    if not largest <= float(np.finfo(np.float16).max):
        raise ArtefactError(f"weight {tensor.name}: {largest} is more than half precision holds; build it in fp32")
    return numpy_helper.from_array(values.astype(np.float16), f"{tensor.name}.half")


def _replace(names: list[str], old: str, new: str) -> None:
    for at, name in enumerate(names):
        if name == old:
            names[at] = new


def _set_nodes(graph: onnx.GraphProto, nodes: list[NodeProto]) -> None:
    copies = []
    for node in nodes:
        copy = NodeProto()
        copy.CopyFrom(node)
        copies.append(copy)
    del graph.node[:]
    graph.node.extend(copies)
