"""The graphs that TensorRT is given: the same vectors on ONNX Runtime, and the types where they are wanted."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from onnx import TensorProto

from family_checkpoints import family_artefact
from framedex.contracts import Vectors
from framedex.embed import gate
from framedex.embed.artefact import Artefact
from framedex.embed.manifest import ENCODER_KEY
from framedex.embed.onnx_graph.module import load_module
from framedex.embed.reference import read_reference
from framedex.embed.text import TextEncoder
from framedex.errors import ArtefactError, UsageError
from framedex_export.tensorrt_graph import PRECISIONS, fix_rows, prepare


@pytest.fixture(scope="module")
def artefact() -> Artefact:
    return Artefact.open("micro-siglip")


def by_onnxruntime(model: onnx.ModelProto, values: np.ndarray) -> Vectors:
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    vectors: Vectors = session.run(None, {session.get_inputs()[0].name: values})[0]
    return vectors


def by_torch(model: onnx.ModelProto, values: np.ndarray, artefact: Artefact, path: Path) -> Vectors:
    """As the casts say: ONNX Runtime takes out casts around what its CPU has only in float32."""
    onnx.save(model, str(path))
    towers = artefact.manifest.towers
    tower = towers.image if values.dtype == np.uint8 else towers.text
    with torch.inference_mode():
        module = load_module(path, tower, encoder_key=artefact.manifest.encoder_key)
        vectors: Vectors = module(torch.from_numpy(values.copy())).numpy()
    return vectors


def fused(graph: Path) -> onnx.ModelProto:
    """As the exporter writes it beside the plain one."""
    model: onnx.ModelProto = onnx.load(str(graph.with_suffix(".ort.onnx")))
    return model


@pytest.mark.parametrize("read", [onnx.load, fused], ids=["plain", "fused"])
@pytest.mark.parametrize("precision", PRECISIONS)
def test_prepared_graphs_give_the_encoders_vectors(
    artefact: Artefact, precision: str, read: Callable[[Path], onnx.ModelProto], tmp_path: Path
) -> None:
    reference = read_reference(artefact)
    ids = TextEncoder(artefact.tokenizer, artefact.manifest.text).encode(reference.texts).ids
    for graph, values, expected, others, prompts in (
        (artefact.image_graph, reference.pixels, reference.image_vectors, reference.text_vectors, False),
        (artefact.text_graph, ids, reference.text_vectors, reference.image_vectors, True),
    ):
        prepared = prepare(read(graph), precision)
        onnx.checker.check_model(prepared)
        kinds = {node.op_type for node in prepared.graph.node}
        assert ("Attention" in kinds) == (read is fused)
        assert {node.domain for node in prepared.graph.node} == {""}, "TensorRT has no operators of other runtimes"
        got = by_torch(prepared, values, artefact, tmp_path / "graph.onnx")
        for vectors in (got, by_onnxruntime(prepared, values)):
            figures = gate.measure(vectors, expected, others=others, got_are_prompts=prompts)
            gate.require(figures, precision=precision, subject="prepared")
        assert (np.abs(got - expected).max() > 1e-5) == (precision == "fp16-mixed"), (
            "half precision where it was asked for"
        )


def test_attention_with_unexpected_inputs_is_refused(artefact: Artefact) -> None:
    model = fused(artefact.image_graph)
    node = next(node for node in model.graph.node if node.op_type == "MultiHeadAttention")
    node.input.append(node.input[0])  # a bias
    with pytest.raises(ArtefactError, match="attention with inputs that are not expected; export it again"):
        prepare(model, "fp32")


@pytest.mark.parametrize("precision", PRECISIONS)
def test_pixels_are_cast_before_anything_reads_them(artefact: Artefact, precision: str) -> None:
    model = prepare(onnx.load(str(artefact.image_graph)), precision)
    onnx.checker.check_model(model, full_check=True)
    readers = [node for node in model.graph.node if "pixels" in node.input]
    assert [node.op_type for node in readers] == ["Cast"]
    assert model.graph.node[0] == readers[0]


def test_the_head_and_all_sums_stay_in_float32(artefact: Artefact) -> None:
    model = onnx.shape_inference.infer_shapes(
        prepare(onnx.load(str(artefact.image_graph)), "fp16-mixed"), strict_mode=True
    )
    types = {value.name: value.type.tensor_type.elem_type for value in model.graph.value_info}
    types |= {tensor.name: tensor.data_type for tensor in model.graph.initializer}
    found = Counter(
        (node.op_type, types[node.input[0]] == TensorProto.FLOAT16)
        for node in model.graph.node
        if node.op_type in ("MatMul", "Gemm", "Conv", "LayerNormalization", "Softmax")
    )
    assert found[("MatMul", False)] == 2, "the two products of the head"
    assert found[("MatMul", True)] == 28
    assert found[("Gemm", True)] == found[("Conv", True)] == 1
    assert ("LayerNormalization", True) not in found
    assert ("Softmax", True) not in found


def test_metadata_and_the_original_stay(artefact: Artefact) -> None:
    original = onnx.load(str(artefact.image_graph))
    before = original.SerializeToString(deterministic=True)
    prepared = prepare(original, "fp16-mixed")
    assert original.SerializeToString(deterministic=True) == before
    metadata = {entry.key: entry.value for entry in prepared.metadata_props}
    assert metadata[ENCODER_KEY] == artefact.manifest.encoder_key
    assert prepared.ByteSize() < 0.65 * original.ByteSize(), "halved weights are held in half precision alone"


def test_a_precision_that_is_not_built_is_refused(artefact: Artefact) -> None:
    with pytest.raises(UsageError, match=r"TensorRT: precision 'int8' is not built; exists: fp32, fp16-mixed"):
        prepare(onnx.load(str(artefact.text_graph)), "int8")


@pytest.mark.parametrize("file", ["file", "fused"])
def test_an_engine_takes_texts_of_their_full_length_only(file: str) -> None:
    clip = Artefact.open(family_artefact("clip"))
    tower, length = clip.manifest.towers.text, clip.manifest.text.max_length
    ids = TextEncoder(clip.tokenizer, clip.manifest.text).encode(read_reference(clip).texts).ids
    prepared = prepare(onnx.load(str(clip.folder / getattr(tower, file))), "fp32")
    expected = by_onnxruntime(prepared, ids)
    fix_rows(prepared.graph, (length,))
    onnx.checker.check_model(onnx.shape_inference.infer_shapes(prepared, strict_mode=True))
    (given,) = prepared.graph.input
    assert [dimension.dim_value for dimension in given.type.tensor_type.shape.dim] == [0, length]
    assert np.array_equal(by_onnxruntime(prepared, ids), expected)
    assert np.abs(expected - read_reference(clip).text_vectors).max() < 1e-5
