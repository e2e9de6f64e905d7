"""Products in lower precision: which, with what types, and what they must not hold."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto, helper, numpy_helper

from framedex.errors import ArtefactError
from framedex_export.precision import body_products, lower_products, quantise


def model(*, norm: bool = True, largest: float = 1.0) -> onnx.ModelProto:
    """x W1, LayerNorm, W2: a product of the body and one of the head; without the norm all but the last are the body."""
    rng = np.random.default_rng(0)
    first, second = (rng.uniform(-1, 1, (8, 8)).astype(np.float32) for _ in range(2))
    first[0, 0] = largest
    nodes = [helper.make_node("MatMul", ["x", "w1"], ["p"], name="body")]
    if norm:
        nodes.append(helper.make_node("LayerNormalization", ["p", "g"], ["q"], name="norm"))
    nodes.append(helper.make_node("MatMul", ["q" if norm else "p", "w2"], ["y"], name="head"))
    weights = [numpy_helper.from_array(first, "w1"), numpy_helper.from_array(second, "w2")]
    if norm:
        weights.append(numpy_helper.from_array(np.ones(8, np.float32), "g"))
    graph = helper.make_graph(
        nodes,
        "test",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n", 8])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["n", 8])],
        weights,
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=10)


def run(given: onnx.ModelProto) -> np.ndarray:
    session = onnxruntime.InferenceSession(given.SerializeToString(), providers=["CPUExecutionProvider"])
    values = np.random.default_rng(1).standard_normal((5, 8), dtype=np.float32)
    return np.asarray(session.run(None, {"x": values})[0])


@pytest.mark.parametrize("norm", [True, False])
def test_the_last_product_is_the_head(norm: bool) -> None:
    assert list(body_products(model(norm=norm).graph)) == ["p"]


@pytest.mark.parametrize(
    ("precision", "held", "tolerance"),
    [("fp16-mixed", TensorProto.FLOAT16, 2e-2), ("bf16", TensorProto.BFLOAT16, 2e-1)],
)
def test_products_of_the_body_are_lowered_with_their_weights(precision: str, held: int, tolerance: float) -> None:
    given = model()
    lower_products(given.graph, precision)
    onnx.checker.check_model(given, full_check=True)
    types = {tensor.name: tensor.data_type for tensor in given.graph.initializer}
    assert types == {"w1.low": held, "w2": TensorProto.FLOAT, "g": TensorProto.FLOAT}
    assert [node.op_type for node in given.graph.node] == ["Cast", "MatMul", "Cast", "LayerNormalization", "MatMul"]
    if precision == "fp16-mixed":  # ONNX Runtime's CPU has no bfloat16 products
        assert 0 < np.abs(run(given) - run(model())).max() < tolerance


def test_a_weight_too_large_is_refused_in_half_and_held_in_bfloat16() -> None:
    with pytest.raises(ArtefactError, match=r"weight w1: 70000\.0 is more than float16 holds; use fp32 or bf16"):
        lower_products(model(largest=7e4).graph, "fp16-mixed")
    lower_products(model(largest=7e4).graph, "bf16")


def test_eight_bits_are_for_the_body(tmp_path: Path) -> None:
    onnx.save(model(), str(tmp_path / "a.onnx"))
    quantise(tmp_path / "a.onnx", tmp_path / "b.onnx")
    given = onnx.load(str(tmp_path / "b.onnx"))
    kinds = [node.op_type for node in given.graph.node]
    assert kinds.count("MatMulInteger") == 1
    assert kinds.count("MatMul") == 1
    assert {node.domain for node in given.graph.node} == {""}
    (weight,) = [
        tensor for tensor in given.graph.initializer if tensor.data_type == TensorProto.INT8 and tensor.dims == [8, 8]
    ]
    assert np.abs(numpy_helper.to_array(weight).astype(int)).max() <= 64, "seven bits, else products saturate"
    assert 0 < np.abs(run(given) - run(model())).max() < 0.2
