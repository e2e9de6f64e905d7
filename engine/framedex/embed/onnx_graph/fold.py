"""Steps whose inputs are all constants are run once, when the graph is read."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

import ml_dtypes
import numpy as np
import torch
from numpy.typing import NDArray

from framedex.embed.onnx_graph.ops import OPS
from framedex.embed.onnx_graph.read import Graph, Step

# Integers up to this many are shapes and positions, and live in Python.
_FEW = 8


def fold(graph: Graph) -> Graph:
    """The graph without what does not depend on its input."""
    arrays = dict(graph.arrays)
    steps = []
    for step in graph.steps:
        if all(not name or name in arrays for name in step.inputs):
            results = call(step, [constant(arrays[name]) if name else None for name in step.inputs])
            arrays.update({name: _array(value) for name, value in results.items()})
        else:
            steps.append(step)
    return dataclasses.replace(graph, steps=tuple(steps), arrays=arrays)


def constant(array: NDArray[Any]) -> Any:
    """A constant as the operators take it: few integers as Python's, anything else as a tensor of its own memory."""
    if array.dtype == np.int64 and array.ndim <= 1 and array.size <= _FEW:
        return array.tolist()
    if array.dtype == ml_dtypes.bfloat16:  # which NumPy itself does not have
        return torch.from_numpy(np.array(array).view(np.int16)).view(torch.bfloat16)
    return torch.from_numpy(np.array(array))


def call(step: Step, inputs: Sequence[Any]) -> dict[str, Any]:
    """Run one step; its results by name."""
    result = OPS[step.op](step.attributes, *inputs)
    results = result if isinstance(result, tuple) else (result,)
    return dict(zip(step.outputs, results, strict=False))


def _array(value: Any) -> NDArray[Any]:
    if isinstance(value, torch.Tensor) and value.dtype == torch.bfloat16:
        return value.view(torch.int16).numpy().view(ml_dtypes.bfloat16)
    return value.numpy() if isinstance(value, torch.Tensor) else np.array(value, np.int64)
