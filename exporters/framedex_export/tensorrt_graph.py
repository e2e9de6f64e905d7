"""An artefact's ONNX graph made ready for TensorRT 11, which takes every type from the graph and chooses none.

Nothing here needs TensorRT: the result is a plain ONNX graph, and is compared with the original on ONNX Runtime.
"""

from __future__ import annotations

from typing import Final

import onnx
from onnx import TensorProto, helper

from framedex.errors import ArtefactError, UsageError
from framedex_export.precision import lower_products, set_nodes

PRECISIONS: Final = ("fp32", "fp16-mixed")

_ATTENTION_OPSET = 23
# Behind query, key and value: bias, padding mask, then the mask that is added to the scores.
_MASK = 2


def require_precision(precision: str) -> None:
    """Refuse a precision that engines are not built in.

    Raises:
        UsageError: not one of `PRECISIONS`.
    """
    if precision not in PRECISIONS:
        raise UsageError(f"TensorRT: precision {precision!r} is not built; exists: {', '.join(PRECISIONS)}")


def prepare(model: onnx.ModelProto, precision: str) -> onnx.ModelProto:
    """The graph for TensorRT in one of `PRECISIONS`; `model` stays as it is, and the metadata are kept.

    Attention that was fused for ONNX Runtime becomes ONNX's own `Attention` of opset 23, which TensorRT has kernels for.
    fp16-mixed puts products in half precision, each between casts: LayerNorm, softmax, sums and the head (products behind the
    last normalisation) stay float32.

    Raises:
        UsageError: another precision.
        ArtefactError: a weight that half precision cannot hold.
    """
    require_precision(precision)
    prepared = onnx.ModelProto()
    prepared.CopyFrom(model)
    del prepared.graph.value_info[:]  # types of before; whoever reads the graph infers them
    cast_bytes_first(prepared.graph)
    spread_attention(prepared)
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


def fix_rows(graph: onnx.GraphProto, row: tuple[int, ...]) -> None:
    """Give the input the one shape behind its batch that an engine is built for; texts then have their full length."""
    for value in graph.input:
        for dimension, size in zip(value.type.tensor_type.shape.dim[1:], row, strict=True):
            dimension.dim_value = size


def spread_attention(model: onnx.ModelProto) -> None:
    """Replace ONNX Runtime's `MultiHeadAttention` by the standard's `Attention`, on the same (n, tokens, width) values.

    Source: ONNX, operator `Attention` of opset 23: three-dimensional inputs with `q_num_heads` and `kv_num_heads`.

    Raises:
        ArtefactError: inputs that the exporter's graphs do not have.
    """
    found = False
    for node in model.graph.node:
        if node.op_type != "MultiHeadAttention":
            continue
        found = True
        given = {attribute.name: helper.get_attribute_value(attribute) for attribute in node.attribute}
        query, key, value, *more = node.input
        mask = more[2] if len(more) > _MASK else ""
        if any(more[:_MASK]) or any(more[_MASK + 1 :]) or not given.keys() <= {"num_heads", "scale"}:
            raise ArtefactError(f"operator {node.name}: attention with inputs that are not expected; export it again")
        heads = {"q_num_heads": given["num_heads"], "kv_num_heads": given["num_heads"]}
        scale = {"scale": given["scale"]} if "scale" in given else {}
        inputs = [query, key, value, *([mask] if mask else [])]
        node.CopyFrom(helper.make_node("Attention", inputs, list(node.output)[:1], name=node.name, **heads, **scale))
    if found:
        del model.opset_import[:]
        model.opset_import.append(helper.make_opsetid("", _ATTENTION_OPSET))


def _replace(names: list[str], old: str, new: str) -> None:
    for at, name in enumerate(names):
        if name == old:
            names[at] = new
