"""Small ONNX graphs of one input and one output, run by ONNX Runtime and by our torch runtime."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import torch
from numpy.typing import NDArray
from onnx import NodeProto, helper, numpy_helper, save

from framedex.embed.manifest import ENCODER_KEY, Tower
from framedex.embed.onnx_graph.module import load_module

KEY = "ab" * 16
TOWER = Tower(file="g.onnx", input="x", output="y")
Constants = dict[str, NDArray[Any]]


def values(*shape: int, seed: int = 0) -> NDArray[np.float32]:
    return np.random.default_rng(seed).standard_normal(shape).astype(np.float32)


def integers(*numbers: int) -> NDArray[np.int64]:
    return np.array(numbers, np.int64)


def number(value: int) -> NDArray[np.int64]:
    return np.array(value, np.int64)


def write(path: Path, nodes: Sequence[NodeProto], x: NDArray[Any], constants: Constants, *, opset: int = 20) -> Path:
    graph = helper.make_graph(
        list(nodes),
        "test",
        [helper.make_tensor_value_info("x", helper.np_dtype_to_tensor_dtype(x.dtype), ["n", *x.shape[1:]])],
        [helper.make_empty_tensor_value_info("y")],
        [numpy_helper.from_array(array, name) for name, array in constants.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=9)
    helper.set_model_props(model, {ENCODER_KEY: KEY})
    save(model, str(path))
    return path


def by_onnxruntime(path: Path, x: NDArray[Any]) -> NDArray[Any]:
    (result,) = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"]).run(["y"], {"x": x})
    found: NDArray[Any] = result
    return found


def by_torch(path: Path, x: NDArray[Any], **options: Any) -> NDArray[Any]:
    with torch.inference_mode():
        found: NDArray[Any] = load_module(path, TOWER, encoder_key=KEY, **options)(torch.from_numpy(x.copy())).numpy()
    return found


def node(op: str, *inputs: str, output: str = "y", **attributes: Any) -> NodeProto:
    return helper.make_node(op, list(inputs), [output], **attributes)
