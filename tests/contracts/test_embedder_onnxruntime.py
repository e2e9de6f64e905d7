"""ONNX Runtime on the CPU: what it adds to the embedder contract."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from onnx import NodeProto, TensorProto, helper

from checkpoints import DIM, stamp, tiny_artefact
from contracts.embedder_suite import TEXTS, part, random_tower
from framedex.embed.artefact import Artefact
from framedex.embed.base import Embedder
from framedex.embed.onnxruntime import OnnxRuntimeEmbedder
from framedex.errors import ArtefactError, DeviceError, UsageError


@pytest.fixture
def embedder() -> Iterator[Embedder]:
    with OnnxRuntimeEmbedder(Artefact.open(tiny_artefact()), threads=1) as embedder:
        yield embedder


def test_the_batch_size_does_not_change_vectors() -> None:
    artefact = Artefact.open(tiny_artefact())
    with OnnxRuntimeEmbedder(artefact, threads=1, batch=4) as small, OnnxRuntimeEmbedder(artefact, threads=2) as large:
        batch = random_tower(small, 10)
        difference = small.embed_images(batch).vectors - large.embed_images(part(batch, range(10))).vectors
        assert np.abs(difference).max() < 2e-6


def test_a_texts_vector_is_the_same_to_the_last_bit_in_any_company(embedder: Embedder) -> None:
    together = embedder.embed_texts(TEXTS)
    assert np.array_equal(np.concatenate([embedder.embed_texts([text]) for text in TEXTS]), together)


def test_a_text_of_punctuation_is_refused_with_the_rule(embedder: Embedder) -> None:
    with pytest.raises(UsageError, match=r"text 1: '\?!' is empty to encoder 'tiny-siglip' \(.*punctuation removed"):
        embedder.embed_texts(["a dog", "?!"])


def test_a_search_needs_no_image_tower(tmp_path: Path) -> None:
    folder = shutil.copytree(tiny_artefact(), tmp_path / "artefact")
    artefact = Artefact.open(folder)
    (folder / "image.ort.onnx").unlink()
    with OnnxRuntimeEmbedder(artefact, threads=1) as embedder:
        assert embedder.embed_texts(TEXTS).shape == (3, artefact.manifest.dim)
        with pytest.raises(DeviceError, match=r"image.ort.onnx: ONNX Runtime .* cannot load it"):
            embedder.embed_images(random_tower(embedder, 1))


def test_a_graph_with_other_inputs_than_the_manifest_says_is_refused(tmp_path: Path) -> None:
    folder = shutil.copytree(tiny_artefact(), tmp_path / "artefact")
    artefact = Artefact.open(folder)
    shutil.copy(folder / "text.onnx", folder / "image.ort.onnx")
    with (
        OnnxRuntimeEmbedder(artefact, threads=1) as embedder,
        pytest.raises(ArtefactError, match=r"\['pixels'\] -> \['vectors'\], the graph has \['ids'\]"),
    ):
        embedder.embed_images(random_tower(embedder, 1))


def _graph(*nodes: NodeProto) -> bytes:
    """A graph with the tiny image tower's input and output, and two constants to make it fail with."""
    graph = helper.make_graph(
        [helper.make_node("Cast", ["pixels"], ["values"], to=TensorProto.FLOAT), *nodes],
        "faulty",
        [helper.make_tensor_value_info("pixels", TensorProto.UINT8, ["n", 32, 32, 3])],
        [helper.make_tensor_value_info("vectors", TensorProto.FLOAT, ["n", DIM])],
        [
            helper.make_tensor("wrong_shape", TensorProto.INT64, [2], [7, 7]),
            helper.make_tensor("nothing", TensorProto.FLOAT, [3 * 32 * 32, DIM], [0.0] * (3 * 32 * 32 * DIM)),
        ],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=9)
    return bytes(model.SerializeToString())


FAILS = _graph(helper.make_node("Reshape", ["values", "wrong_shape"], ["vectors"]))
NO_UNIT = _graph(
    helper.make_node("Flatten", ["values"], ["flat"]), helper.make_node("MatMul", ["flat", "nothing"], ["vectors"])
)


@pytest.mark.parametrize(
    ("graph", "message"), [(FAILS, "failed"), (NO_UNIT, "gave vectors of length 0.0 to 0.0, expected 1")]
)
def test_a_graph_that_fails_or_gives_no_unit_vectors_is_a_device_error(
    tmp_path: Path, graph: bytes, message: str
) -> None:
    folder = shutil.copytree(tiny_artefact(), tmp_path / "artefact")
    artefact = Artefact.open(folder)
    (folder / "image.ort.onnx").write_bytes(graph)
    stamp(folder / "image.ort.onnx", artefact.manifest.encoder_key)
    with (
        OnnxRuntimeEmbedder(artefact, threads=1) as embedder,
        pytest.raises(DeviceError, match=rf"image.onnx: .*{message}"),
    ):
        embedder.embed_images(random_tower(embedder, 1))


@pytest.mark.parametrize("change", ["junk", "weights cut", "no weights", "run fails"])
def test_what_the_runtime_dumps_is_one_sentence(tmp_path: Path, change: str, capfd: pytest.CaptureFixture[str]) -> None:
    folder = shutil.copytree(tiny_artefact(), tmp_path / "artefact")
    artefact = Artefact.open(folder)
    graph, weights = folder / "image.ort.onnx", folder / "image.onnx.data"
    if change == "junk":
        graph.write_bytes(b"junk" * 100)
    elif change == "weights cut":
        weights.write_bytes(weights.read_bytes()[:100])
    elif change == "no weights":
        weights.unlink()
    else:
        graph.write_bytes(FAILS)
        stamp(graph, artefact.manifest.encoder_key)
    with (
        OnnxRuntimeEmbedder(artefact, threads=1) as embedder,
        pytest.raises(
            DeviceError, match=r"image.*: ONNX Runtime .* (cannot load it|failed): .*export the artefact again$"
        ) as caught,
    ):
        embedder.embed_images(random_tower(embedder, 1))
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 320 + len(str(folder))
    assert capfd.readouterr().err == "", "it logs the same on stderr"


@pytest.mark.parametrize(("threads", "batch"), [(0, 16), (1, 0)])
def test_threads_and_batch_are_checked(threads: int, batch: int) -> None:
    with pytest.raises(UsageError, match="1 or more"):
        OnnxRuntimeEmbedder(Artefact.open(tiny_artefact()), threads=threads, batch=batch)
