"""torch gives what ONNX Runtime gives, and answers for its precision."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch

from checkpoints import stamp
from contracts.backends import usable
from contracts.embedder_suite import TEXTS, part, random_tower
from framedex.embed import load_embedder
from framedex.embed.artefact import Artefact
from framedex.embed.base import Embedder
from framedex.embed.onnxruntime import OnnxRuntimeEmbedder
from framedex.embed.torch import TorchEmbedder
from framedex.errors import ArtefactError, MissingDependency, UsageError


@pytest.fixture(params=["torch-cpu", "torch-cuda"])
def embedder(request: pytest.FixtureRequest) -> Iterator[Embedder]:
    with usable(request.param, lambda: load_embedder("micro-siglip", runtime=request.param, threads=1)) as opened:
        yield opened


def test_vectors_are_those_of_onnx_runtime(embedder: Embedder) -> None:
    batch = random_tower(embedder, 5)
    with load_embedder("micro-siglip") as other:
        assert np.abs(embedder.embed_images(batch).vectors - other.embed_images(batch).vectors).max() < 1e-5
        assert np.abs(embedder.embed_texts(TEXTS) - other.embed_texts(TEXTS)).max() < 1e-5


@pytest.mark.parametrize(("precision", "least"), [("fp16-mixed", 0.9999), ("bf16", 0.999)])
def test_half_precision_passes_the_gate_and_says_so(precision: str, least: float) -> None:
    with (
        load_embedder("micro-siglip", runtime="torch-cpu", precision=precision) as half,
        load_embedder("micro-siglip") as whole,
    ):
        batch = random_tower(half, 4)
        got, expected = half.embed_images(batch).vectors, whole.embed_images(batch).vectors
        cosines = (got * expected).sum(axis=1)
        assert cosines.min() > least
        assert np.abs(got - expected).max() > 1e-6, "half precision was not used"
        assert half.provenance["precision"] == precision
        assert half.provenance["gate_image"].startswith("cosine 0.9") or "1.0" in half.provenance["gate_image"]
        assert "gate_text" not in half.provenance, "a tower that was not opened was not measured"


@pytest.mark.parametrize("precision", ["fp32", "fp16-mixed", "bf16"])
def test_a_frame_has_the_same_bits_in_any_company(precision: str) -> None:
    """So a store that was made in parts is the one that was made at once."""
    with load_embedder("micro-siglip", runtime="torch-cpu", precision=precision) as embedder:
        batch = random_tower(embedder, 21)
        whole = embedder.embed_images(batch).vectors
        for rows in ([0], [15], [20], [16, 3], [*range(20, -1, -1)]):
            assert np.array_equal(embedder.embed_images(part(batch, rows)).vectors, whole[rows])


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:`torch.jit:DeprecationWarning")  # of torch's own compiler
def test_compiled_by_torch_it_gives_the_same_vectors_in_batches_of_any_size() -> None:
    with (
        load_embedder("micro-siglip", runtime="torch-cpu-compiled", batch=4) as embedder,
        load_embedder("micro-siglip") as other,
    ):
        for n in (1, 6):
            batch = random_tower(embedder, n)
            assert np.abs(embedder.embed_images(batch).vectors - other.embed_images(batch).vectors).max() < 1e-5
        assert np.abs(embedder.embed_texts(TEXTS) - other.embed_texts(TEXTS)).max() < 1e-5
        assert embedder.provenance["execution"] == "torch.compile"


def test_the_encoder_key_is_the_artefacts_whatever_the_precision() -> None:
    artefact = Artefact.open("micro-siglip")
    for precision in ("fp32", "bf16"):
        with TorchEmbedder(artefact, threads=1, precision=precision) as embedder:
            assert embedder.manifest.encoder_key == artefact.manifest.encoder_key


@pytest.mark.parametrize("precision", ["fp8", "int8"])
def test_a_precision_that_torch_does_not_have_is_refused(precision: str) -> None:
    with pytest.raises(
        UsageError, match=rf"torch-cpu: precision '{precision}' cannot be had of graphs in fp32; exists: fp32"
    ):
        load_embedder("micro-siglip", runtime="torch-cpu", precision=precision)


def test_onnx_runtime_has_only_the_graphs_own_precision() -> None:
    with pytest.raises(UsageError, match="precision 'bf16' is not that of the artefact's graphs, 'fp32'"):
        load_embedder("micro-siglip", precision="bf16")


@pytest.mark.skipif(torch.version.cuda is not None, reason="torch has CUDA")
def test_a_gpu_never_becomes_the_cpu_in_silence() -> None:
    with pytest.raises(MissingDependency, match="embedder 'torch-cuda' needs torch built for CUDA"):
        load_embedder("micro-siglip", runtime="torch-cuda")


@pytest.mark.parametrize(("threads", "batch"), [(0, 16), (1, 0)])
def test_threads_and_batch_are_checked(threads: int, batch: int) -> None:
    with pytest.raises(UsageError, match="1 or more"):
        load_embedder("micro-siglip", runtime="torch-cpu", threads=threads, batch=batch)


def _copy(tmp_path: Path) -> Artefact:
    return Artefact.open(shutil.copytree(Artefact.open("micro-siglip").folder, tmp_path / "artefact"))


def test_a_graph_of_another_encoder_is_refused(tmp_path: Path) -> None:
    artefact = _copy(tmp_path)
    stamp(artefact.image_graph, "00" * 16)
    with (
        TorchEmbedder(artefact, threads=1) as embedder,
        pytest.raises(ArtefactError, match="was exported for encoder 0000"),
    ):
        embedder.embed_images(random_tower(embedder, 1))


def test_a_cut_graph_is_refused(tmp_path: Path) -> None:
    artefact = _copy(tmp_path)
    artefact.text_graph.write_bytes(artefact.text_graph.read_bytes()[:1000])
    with (
        TorchEmbedder(artefact, threads=1) as embedder,
        pytest.raises(ArtefactError, match=r"text\.onnx: cannot be read as ONNX"),
    ):
        embedder.embed_texts(TEXTS)


def test_graphs_in_each_others_place_are_refused(tmp_path: Path) -> None:
    artefact = _copy(tmp_path)
    shutil.copy(artefact.text_graph, artefact.image_graph)
    with (
        TorchEmbedder(artefact, threads=1) as embedder,
        pytest.raises(ArtefactError, match=r"'pixels' -> 'vectors', the graph has \['ids'\]"),
    ):
        embedder.embed_images(random_tower(embedder, 1))


def test_batches_of_another_size_give_the_same_vectors() -> None:
    artefact = Artefact.open("micro-siglip")
    with TorchEmbedder(artefact, threads=1, batch=3) as small, OnnxRuntimeEmbedder(artefact, threads=1) as other:
        batch = random_tower(small, 7)
        assert np.abs(small.embed_images(batch).vectors - other.embed_images(batch).vectors).max() < 1e-5
