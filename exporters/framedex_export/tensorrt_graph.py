"""An artefact's ONNX graph made ready for TensorRT 11, which takes every type from the graph and chooses none.

Nothing here needs TensorRT: the result is a plain ONNX graph, and is compared with the original on ONNX Runtime.
"""

from __future__ import annotations

from typing import Final

import onnx
from onnx import TensorProto, helper

from framedex.errors import UsageError
from framedex_export.precision import lower_products, set_nodes

PRECISIONS: Final = ("fp32", "fp16-mixed")


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
        lower_products(prepared.graph, precision)
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
    set_nodes(graph, [*casts, *graph.node])


def _replace(names: list[str], old: str, new: str) -> None:
    for at, name in enumerate(names):
        if name == old:
            names[at] = new
