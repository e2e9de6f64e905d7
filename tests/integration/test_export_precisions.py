"""Artefacts in lower precision of trained weights: made where they keep the encoder's vectors, and used like any other."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from onnx import NodeProto, TensorProto, helper, numpy_helper
from safetensors.torch import load_file, save_file

from cli import ok
from clips import draw_number, encode
from contracts.embedder_suite import TEXTS, TOLERANCE, part, random_tower
from framedex.embed import load_embedder
from framedex.embed.artefact import Artefact
from framedex.embed.gate import bar
from framedex.embed.manifest import Precision
from framedex.errors import ArtefactError, UsageError
from framedex.index import Store
from framedex.microworld.checkpoint import BUNDLED
from framedex_export import variants
from framedex_export.export import export_encoder
from framedex_export.precision import set_nodes

pytestmark = pytest.mark.slow

LOW: tuple[Precision, ...] = ("fp16-mixed", "bf16", "int8")


def export(checkpoint: Path, folder: Path, precision: Precision) -> Path:
    export_encoder("siglip", checkpoint, folder, name="micro", precision=precision, report=lambda _line: None)
    return folder


@pytest.fixture(scope="module")
def outliers(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """micro-siglip's checkpoint with two channels far from the others, as large trained towers have them."""
    folder = shutil.copytree(BUNDLED, tmp_path_factory.mktemp("outliers") / "checkpoint")
    weights = load_file(folder / "model.safetensors")
    position = weights["vision_model.embeddings.position_embedding.weight"]
    position[:, 5] += 400.0
    position[:, 77] -= 250.0
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
    return folder


@pytest.fixture(scope="module")
def artefacts(tmp_path_factory: pytest.TempPathFactory) -> Callable[[Precision], Path]:
    made: dict[Precision, Path] = {}

    def artefact(precision: Precision) -> Path:
        if precision not in made:
            made[precision] = export(BUNDLED, tmp_path_factory.mktemp("artefacts") / precision, precision)
        return made[precision]

    return artefact


@pytest.mark.parametrize("precision", LOW)
def test_trained_weights_reach_the_bar_and_the_manifest_says_by_how_much(
    artefacts: Callable[[Precision], Path], precision: Precision
) -> None:
    runtime = "torch-cpu" if precision == "bf16" else "onnxruntime-cpu"
    with load_embedder(artefacts(precision), runtime=runtime) as low, load_embedder("micro-siglip") as whole:
        assert low.manifest.encoder_key == whole.manifest.encoder_key, "precision is no part of the key"
        assert low.manifest.precision == low.provenance["precision"] == precision
        parity = low.manifest.parity
        assert parity is not None
        assert parity.image_ranks is not None
        assert 0 < 1 - parity.image_min_cosine <= 1 - bar(precision).cosine
        assert bar(precision).ranks <= parity.image_ranks <= 1
        batch = random_tower(low, 5)
        cosines = (low.embed_images(batch).vectors * whole.embed_images(batch).vectors).sum(axis=1)
        assert cosines.min() >= bar(precision).cosine
        assert "gate_image" in low.provenance
        assert (low.embed_texts(TEXTS) * whole.embed_texts(TEXTS)).sum(axis=1).min() >= bar(precision).cosine


@pytest.mark.parametrize("precision", LOW)
def test_it_is_indexed_and_searched_like_any_other(
    artefacts: Callable[[Precision], Path], precision: Precision, tmp_path: Path
) -> None:
    store = tmp_path / "S"
    clips = [tmp_path / "a.mp4", tmp_path / "b.mp4"]
    for shift, clip in enumerate(clips):
        encode(clip, range(20), Fraction(1, 10), draw=lambda number, shift=shift: draw_number(number + 20 * shift))
    ok("index", clips[0], "--store", store, "--encoder", artefacts(precision), "--fps", 2)
    (row,) = Store.open(store).videos()
    assert row.provenance["precision"] == precision
    # By the artefact, and by what the store knows; a bundled encoder of the same key may answer the second.
    for encoder in (["--encoder", artefacts(precision)], []):
        assert len(ok("search", store, "a red square", "-k", 2, "--json", *encoder).json()["hits"]) == 2
    mixed = ok("index", *clips, "--store", store, "--encoder", "micro-siglip", "--fps", 2)
    assert f"1 row of this encoder in {store} was made in {precision}; this run adds fp32" in " ".join(
        mixed.err.split()
    )


def test_eight_bits_give_a_frame_one_vector_in_any_company(artefacts: Callable[[Precision], Path]) -> None:
    with load_embedder(artefacts("int8"), threads=2) as embedder:
        batch = random_tower(embedder, 9)
        together = embedder.embed_images(batch).vectors
        for row in (0, 4, 8):
            alone = embedder.embed_images(part(batch, [row])).vectors
            assert np.abs(alone - together[row]).max() < TOLERANCE


def test_what_lies_there_in_another_precision_is_not_taken_for_this_one(tmp_path: Path) -> None:
    export(BUNDLED, tmp_path / "a", "fp32")
    with pytest.raises(
        UsageError, match="holds this encoder in fp32, asked for is int8; name another output folder, or --force"
    ):
        export(BUNDLED, tmp_path / "a", "int8")


def test_outlier_channels_pass_in_mixed_half_precision(outliers: Path, tmp_path: Path) -> None:
    manifest = Artefact.open(export(outliers, tmp_path / "a", "fp16-mixed")).manifest
    assert manifest.weights_sha256 != Artefact.open("micro-siglip").manifest.weights_sha256, "the outliers are in them"
    assert manifest.parity is not None
    assert manifest.parity.image_ranks is not None
    assert bar("fp16-mixed").cosine <= manifest.parity.image_min_cosine < 1, "half precision is seen, and is enough"
    assert bar("fp16-mixed").ranks <= manifest.parity.image_ranks <= 1


def test_an_engine_that_computes_norms_in_half_precision_is_not_written(
    outliers: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(variants, "lower_products", lambda graph, _precision: halve_norms(graph))
    with pytest.raises(
        ArtefactError, match=r"parity: image_min_cosine is -?0\.\d+, expected 0\.999 or more in fp16-mixed"
    ):
        export(outliers, tmp_path / "a", "fp16-mixed")
    assert not (tmp_path / "a").exists()
    assert not list(tmp_path.iterdir()), "and nothing is left behind"


def halve_norms(graph: onnx.GraphProto) -> None:
    """Every LayerNorm as an engine computes it that splits it into steps and runs each in half precision."""
    weights = {tensor.name: numpy_helper.to_array(tensor) for tensor in graph.initializer}
    nodes: list[NodeProto] = []
    for node in graph.node:
        if node.op_type != "LayerNormalization":
            nodes.append(node)
            continue
        data, scale, bias = node.input
        out = node.output[0]
        constants = {
            "scale": weights[scale].astype(np.float16),
            "bias": weights[bias].astype(np.float16),
            "epsilon": np.float16(1e-6),
            "axes": np.array([-1], np.int64),
        }
        for name, value in constants.items():
            graph.initializer.append(numpy_helper.from_array(np.asarray(value), f"{out}.{name}"))
        steps = [
            ("Cast", [data], "half"),
            ("ReduceMean", ["half", "axes"], "mean"),
            ("Sub", ["half", "mean"], "centred"),
            ("Mul", ["centred", "centred"], "square"),
            ("ReduceMean", ["square", "axes"], "variance"),
            ("Add", ["variance", "epsilon"], "above"),
            ("Sqrt", ["above"], "deviation"),
            ("Div", ["centred", "deviation"], "unit"),
            ("Mul", ["unit", "scale"], "scaled"),
            ("Add", ["scaled", "bias"], "shifted"),
            ("Cast", ["shifted"], ""),
        ]
        for op, inputs, result in steps:
            names = [name if name == data else f"{out}.{name}" for name in inputs]
            to = {"to": TensorProto.FLOAT16 if result else TensorProto.FLOAT} if op == "Cast" else {}
            nodes.append(helper.make_node(op, names, [f"{out}.{result}" if result else out], **to))
    set_nodes(graph, nodes)
    assert torch.finfo(torch.float16).max < 2 * 400**2, "a square of an outlier overflows"
