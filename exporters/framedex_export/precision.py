"""Graphs in lower precision: products in half, bfloat16 or eight bits; sums and the head stay float32.

Plain ONNX to plain ONNX: which runtime has kernels for the result is that runtime's business.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import ml_dtypes
import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import NodeProto, TensorProto, helper, numpy_helper
from onnxruntime.quantization import QuantType, quantize_dynamic

from framedex.errors import ArtefactError
from framedex_export.quiet import quiet

#: Products, plain and fused; attention holds its own softmax, which its kernels keep in float32.
PRODUCTS: Final = frozenset({"MatMul", "Gemm", "Conv", "MultiHeadAttention", "Attention"})
_NORMS = frozenset({"LayerNormalization", "BatchNormalization"})
#: Types of products by precision: ONNX's, and NumPy's.
LOW_TYPES: Final[Mapping[str, tuple[int, Any]]] = {
    "fp16-mixed": (TensorProto.FLOAT16, np.dtype(np.float16)),
    "bf16": (TensorProto.BFLOAT16, np.dtype(ml_dtypes.bfloat16)),
}
_LARGEST = {"float16": 65_504.0, "bfloat16": 3.3895e38}
# Of fused attention: query, key, value and bias are what is multiplied.
_MULTIPLIED = {"MultiHeadAttention": 4, "Attention": 3}
_MASKS = {"MultiHeadAttention": 5, "Attention": 3}


def lower_products(graph: onnx.GraphProto, precision: str) -> None:
    """Put products that a normalisation follows between casts to and from the type of `precision`, a key of `LOW_TYPES`.

    LayerNorm, softmax, sums and the head (products behind the last normalisation) stay float32, and so does the residual stream.

    Raises:
        ArtefactError: a weight that the type cannot hold.
    """
    onnx_type, numpy_type = LOW_TYPES[precision]
    weights = {tensor.name: tensor for tensor in graph.initializer}
    nodes: list[NodeProto] = []
    lowered: dict[str, str] = {}
    body = set(body_products(graph))
    for node in graph.node:
        if node.output[0] not in body or _is_masked(node):
            nodes.append(node)
            continue
        for at, name in enumerate(node.input[: _MULTIPLIED.get(node.op_type)]):
            if name and name not in lowered:
                lowered[name] = f"{name}.low"
                if name in weights:
                    graph.initializer.append(_lowered(weights[name], numpy_type))
                else:
                    nodes.append(helper.make_node("Cast", [name], [lowered[name]], to=onnx_type))
            node.input[at] = lowered.get(name, "")
        output = node.output[0]
        node.output[0] = f"{output}.product"
        nodes += [node, helper.make_node("Cast", [node.output[0]], [output], to=TensorProto.FLOAT)]
    set_nodes(graph, nodes)
    used = {name for node in graph.node for name in node.input}
    kept = [tensor for tensor in graph.initializer if tensor.name in used]
    del graph.initializer[:]
    graph.initializer.extend(kept)


def body_products(graph: onnx.GraphProto) -> Iterator[str]:
    """First outputs of the products that a normalisation follows; of all but the last where there is none."""
    products = [node for node in graph.node if node.op_type in PRODUCTS]
    if not any(node.op_type in _NORMS for node in graph.node):
        yield from (node.output[0] for node in products[:-1])
        return
    behind: set[str] = set()  # values that lead to a normalisation
    for node in reversed(graph.node):
        if node.op_type in _NORMS or not behind.isdisjoint(node.output):
            behind.update(node.input)
    yield from (node.output[0] for node in products if not behind.isdisjoint(node.output))


def quantise(source: Path, target: Path) -> None:
    """Eight-bit weights and, per run, eight-bit inputs for the products of the body; the head stays float32.

    Weights have seven bits: without VNNI, products of eight by eight bits saturate.

    Args:
        source: a float32 graph.
        target: another file.

    Source: onnxruntime.quantization, `quantize_dynamic`, per channel, `reduce_range`.
    """
    model = onnx.load(str(source), load_external_data=False)
    body = set(body_products(model.graph))
    with quiet():
        quantize_dynamic(
            str(source),
            str(target),
            op_types_to_quantize=["MatMul", "Gemm"],
            per_channel=True,
            reduce_range=True,
            weight_type=QuantType.QInt8,
            nodes_to_exclude=[node.name for node in model.graph.node if node.output[0] not in body],
            # Behind ONNX Runtime's own operators shape inference knows no types.
            extra_options={"MatMulConstBOnly": True, "DefaultTensorType": TensorProto.FLOAT},
        )


def set_nodes(graph: onnx.GraphProto, nodes: list[NodeProto]) -> None:
    """Replace the graph's nodes, some of which may be its own."""
    copies = []
    for node in nodes:
        copy = NodeProto()
        copy.CopyFrom(node)
        copies.append(copy)
    del graph.node[:]
    graph.node.extend(copies)


def _is_masked(node: NodeProto) -> bool:
    """Fused attention with a mask: half precision has no number for its float32 minimum, so that it stays float32."""
    mask = _MASKS.get(node.op_type)
    return mask is not None and len(node.input) > mask and bool(node.input[mask])


def _lowered(tensor: TensorProto, dtype: Any) -> TensorProto:
    values: NDArray[Any] = numpy_helper.to_array(tensor)
    largest = float(np.abs(values).max(initial=0.0))
    if not largest <= _LARGEST[dtype.name]:
        raise ArtefactError(f"weight {tensor.name}: {largest} is more than {dtype.name} holds; use fp32 or bf16")
    return numpy_helper.from_array(values.astype(dtype), f"{tensor.name}.low")
