"""An ONNX file as plain steps and arrays; nothing of it is executed, and nothing in it can be."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from google.protobuf.message import DecodeError  # type: ignore[import-untyped]  # the package brings no types
from numpy.typing import NDArray
from onnx import numpy_helper

from framedex.embed.onnx_opset import STANDARD_DOMAINS
from framedex.errors import ArtefactError, first_line

#: Operators mean in both what `ops` and `layers` compute; only the second has `Attention`.
_OPSETS = (20, 23)


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One operator.

    Attributes:
        op: its name; those that only we know (`rewrite`) are lower-case.
        inputs: names of values, "" where an optional one is left out.
        outputs: names of values.
        attributes: numbers, texts, lists of numbers, or arrays.
        full: its floats are float32 whatever precision is asked for.
    """

    op: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    attributes: dict[str, Any] = field(default_factory=dict)
    full: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Graph:
    """Steps in an order in which they can be run.

    Attributes:
        steps: in order.
        arrays: constants by name.
        inputs: names, in order.
        outputs: names, in order.
        metadata: the file's own, of texts.
    """

    steps: tuple[Step, ...]
    arrays: dict[str, NDArray[Any]]
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    metadata: dict[str, str]


def read_graph(path: Path) -> Graph:
    """Read an ONNX file, and the file of weights beside it where it has one.

    Raises:
        ArtefactError: no ONNX file, or one of an opset that torch does not run, with operators of another domain or with graphs
            inside.
    """
    try:
        model = onnx.load(str(path))
    except (DecodeError, OSError, ValueError, onnx.checker.ValidationError) as error:
        raise ArtefactError(f"{path}: cannot be read as ONNX ({first_line(error)}); export it again") from error
    opsets = [entry.version for entry in model.opset_import if entry.domain in STANDARD_DOMAINS]
    if not opsets or opsets[0] not in _OPSETS:
        raise ArtefactError(
            f"{path}: is in opset {opsets[0] if opsets else None}, our torch runtime has {', '.join(map(str, _OPSETS))}; "
            "use onnxruntime-cpu"
        )
    graph = model.graph
    arrays = {tensor.name: numpy_helper.to_array(tensor) for tensor in graph.initializer}
    steps = []
    for node in graph.node:
        if node.domain not in STANDARD_DOMAINS:
            raise ArtefactError(
                f"{path}: operator {node.domain}.{node.op_type} is a runtime's own, torch does not run it; use onnxruntime-cpu"
            )
        attributes = {attribute.name: _value(path, attribute) for attribute in node.attribute}
        if node.op_type == "Constant":
            (value,) = attributes.values()
            arrays[node.output[0]] = np.asarray(value)
            continue
        steps.append(Step(op=node.op_type, inputs=tuple(node.input), outputs=tuple(node.output), attributes=attributes))
    return Graph(
        steps=tuple(steps),
        arrays=arrays,
        inputs=tuple(value.name for value in graph.input if value.name not in arrays),
        outputs=tuple(value.name for value in graph.output),
        metadata={entry.key: entry.value for entry in model.metadata_props},
    )


def _value(path: Path, attribute: onnx.AttributeProto) -> Any:
    value = onnx.helper.get_attribute_value(attribute)
    if isinstance(value, bytes):
        return value.decode()
    if isinstance(value, onnx.TensorProto):
        return numpy_helper.to_array(value)
    if isinstance(value, onnx.GraphProto):
        raise ArtefactError(f"{path}: holds a graph inside an operator, which torch does not run; use onnxruntime-cpu")
    return (
        list(value)
        if isinstance(value, (list, tuple)) or (hasattr(value, "__iter__") and not isinstance(value, str))
        else value
    )
