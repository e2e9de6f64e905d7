"""The parity gate: what half precision breaks is refused with figures, what it does not break is let in."""

from __future__ import annotations

import dataclasses
import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
import torch
from onnx import numpy_helper

from checkpoints import change_weights, restore
from contracts.embedder_suite import random_tower
from framedex.contracts import TowerBatch
from framedex.embed import gate
from framedex.embed.artefact import Artefact
from framedex.embed.onnx_graph.ops import OPS
from framedex.embed.onnxruntime import OnnxRuntimeEmbedder
from framedex.embed.reference import REFERENCE_NAME, read_reference
from framedex.embed.torch import TorchEmbedder
from framedex.errors import ArtefactError, DeviceError, UsageError


def half_layer_norm(at: dict[str, Any], data: torch.Tensor, scale: torch.Tensor, bias: torch.Tensor) -> torch.Tensor:
    """LayerNorm as an engine computes it that splits it into steps and runs each in half precision."""
    x = data.half()
    centred = x - x.mean(dim=-1, keepdim=True)
    variance = (centred * centred).mean(dim=-1, keepdim=True)
    return (centred / (variance + at["epsilon"]).sqrt() * scale.half() + bias.half()).float()


@pytest.fixture(scope="module")
def outliers(tmp_path_factory: pytest.TempPathFactory) -> Artefact:
    """micro-siglip with two channels far from the others, as large trained towers have them, and its own reference."""
    folder = shutil.copytree(Artefact.open("micro-siglip").folder, tmp_path_factory.mktemp("outliers") / "artefact")
    model = onnx.load(str(folder / "image.onnx"))
    (position,) = [array for array in model.graph.initializer if list(array.dims) == [1, 64, 128]]
    values = numpy_helper.to_array(position).copy()
    values[..., 5] += 400.0
    values[..., 77] -= 250.0
    position.CopyFrom(numpy_helper.from_array(values, position.name))
    onnx.save(model, str(folder / "image.onnx"))
    artefact = restore(folder)
    before = read_reference(artefact)
    with OnnxRuntimeEmbedder(artefact, threads=1, gated=False, fused=False) as whole:
        order = np.arange(len(before.pixels), dtype=np.int64)
        vectors = whole.embed_images(TowerBatch(pts_us=order, pixels=before.pixels)).vectors
    dataclasses.replace(before, image_vectors=np.array(vectors)).write(folder / REFERENCE_NAME)
    return restore(folder)


@pytest.mark.parametrize("precision", ["fp32", "fp16-mixed"])
def test_a_tower_with_outliers_is_admitted_where_sums_stay_whole(outliers: Artefact, precision: str) -> None:
    with TorchEmbedder(outliers, threads=1, precision=precision) as embedder:
        embedder.embed_images(random_tower(embedder, 1))
        assert "gate_image" in embedder.provenance


def test_ranks_tell_what_cosines_do_not(outliers: Artefact) -> None:
    # The outliers make all vectors alike, so that bfloat16's eight bits are enough for a cosine and not for an order.
    with (
        TorchEmbedder(outliers, threads=1, precision="bf16") as embedder,
        pytest.raises(
            DeviceError,
            match=r"in bf16: cosine 0\.9999\d\d, ranks 0\.9[0-4]\d\d, expected cosine 0\.99 and ranks 0\.95",
        ),
    ):
        embedder.embed_images(random_tower(embedder, 1))


@pytest.mark.parametrize("kind", ["image", "text"])
def test_other_weights_under_the_right_manifest_are_refused_by_onnx_runtime_on_the_cpu(
    tmp_path: Path, kind: str
) -> None:
    folder = shutil.copytree(Artefact.open("micro-siglip").folder, tmp_path / "artefact")
    change_weights(folder, kind)
    with OnnxRuntimeEmbedder(restore(folder), threads=1) as embedder:
        expected = rf"{kind} tower of 'micro-siglip': does not give .* in fp32: cosine .*other weights.*export it again"
        for _ in range(2):
            with pytest.raises(DeviceError, match=expected):
                embedder.embed_images(random_tower(embedder, 1)) if kind == "image" else embedder.embed_texts(["a dog"])
        # Its other tower is sound.
        embedder.embed_texts(["a dog"]) if kind == "image" else embedder.embed_images(random_tower(embedder, 1))


def test_layer_norm_in_half_precision_is_refused_with_figures(
    outliers: Artefact, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(OPS, "LayerNormalization", half_layer_norm)
    with TorchEmbedder(outliers, threads=1, precision="fp16-mixed") as embedder:
        expected = (
            r"image tower of 'micro-siglip': does not give the encoder's vectors in fp16-mixed: cosine -?0\.\d+, ranks"
        )
        for _ in range(2):  # and it stays refused
            with pytest.raises(DeviceError, match=expected):
                embedder.embed_images(random_tower(embedder, 1))


def test_an_artefact_without_reference_is_for_onnx_runtime_on_the_cpu_alone(tmp_path: Path) -> None:
    folder = shutil.copytree(Artefact.open("micro-siglip").folder, tmp_path / "artefact")
    value = json.loads((folder / "manifest.json").read_text())
    del value["files"][REFERENCE_NAME]
    (folder / "manifest.json").write_text(json.dumps(value))
    artefact = Artefact.open(folder)
    assert artefact.manifest.encoder_key == Artefact.open("micro-siglip").manifest.encoder_key
    with OnnxRuntimeEmbedder(artefact, threads=1) as embedder:
        embedder.embed_images(random_tower(embedder, 1))
        assert "gate_image" not in embedder.provenance
    with TorchEmbedder(artefact, threads=1) as embedder, pytest.raises(ArtefactError, match="has no reference vectors"):
        embedder.embed_images(random_tower(embedder, 1))


@pytest.mark.parametrize("change", ["few", "width", "dtype", "lengths", "texts", "cut"])
def test_a_reference_that_does_not_fit_is_refused(tmp_path: Path, change: str) -> None:
    folder = shutil.copytree(Artefact.open("micro-siglip").folder, tmp_path / "artefact")
    sound = read_reference(Artefact.open(folder))
    broken: dict[str, dict[str, Any]] = {
        "few": {"pixels": sound.pixels[:3], "image_vectors": sound.image_vectors[:3]},
        "width": {"text_vectors": sound.text_vectors[:, :-1]},
        "dtype": {"image_vectors": sound.image_vectors.astype(np.float64)},
        "lengths": {"image_vectors": sound.image_vectors[:-1]},
        "texts": {"texts": (1, 2, 3)},
        "cut": {},
    }
    dataclasses.replace(sound, **broken[change]).write(folder / REFERENCE_NAME)
    if change == "cut":
        (folder / REFERENCE_NAME).write_bytes((folder / REFERENCE_NAME).read_bytes()[:-100])
    if change == "texts":
        np.savez(
            folder / REFERENCE_NAME,
            pixels=sound.pixels,
            image_vectors=sound.image_vectors,
            texts=np.arange(12),
            text_vectors=sound.text_vectors,
        )
    with pytest.raises(ArtefactError, match=r"reference\.npz"):
        read_reference(restore(folder))


def test_ranks_are_spearmans() -> None:
    # By hand: pictures ranked 0 1 2 3 by the reference and 1 0 2 3 by the runtime, d² = 1 + 1, rho = 1 - 6·2/(4·15) = 0.8.
    prompts = np.array([[1.0, 0.0]], np.float32)
    expected = np.array([[0.1, 1], [0.2, 1], [0.3, 1], [0.4, 1]], np.float32)
    got = np.array([[0.2, 1], [0.1, 1], [0.3, 1], [0.4, 1]], np.float32)
    assert gate.measure(got, expected, others=prompts, got_are_prompts=False).ranks == pytest.approx(0.8)


def test_figures_of_a_text_tower_rank_pictures_for_each_text() -> None:
    pictures = np.array([[1, 0], [0, 1], [-1, 0.5]], np.float32)
    expected = np.array([[1, 0.1], [0.1, 1]], np.float32)
    figures = gate.measure(expected, expected, others=pictures, got_are_prompts=True)
    assert figures == gate.Figures(cosine=pytest.approx(1.0), ranks=1.0)
    # The first text's scores are turned round: -1 for it, 1 for the other.
    turned = expected * np.array([[-1], [1]], np.float32)
    assert gate.measure(turned, expected, others=pictures, got_are_prompts=True).ranks == pytest.approx(0.0)


@pytest.mark.parametrize(
    "figures",
    [
        gate.Figures(cosine=0.9989, ranks=1.0),
        gate.Figures(cosine=1.0, ranks=0.98),
        gate.Figures(cosine=float("nan"), ranks=float("nan")),
    ],
)
def test_either_figure_below_its_bar_refuses(figures: gate.Figures) -> None:
    with pytest.raises(DeviceError, match="x: does not give the encoder's vectors in fp16-mixed"):
        gate.require(figures, precision="fp16-mixed", subject="x")


def test_a_cosine_alone_admits_and_refuses() -> None:
    expected = np.eye(4, dtype=np.float32)
    gate.require_cosine(gate.least_cosine(expected, expected), precision="fp32", subject="x")
    for turned in (-expected, np.full_like(expected, np.nan)):
        with pytest.raises(DeviceError, match=r"x: .* in fp32: cosine (-1\.0+|nan), expected 0\.9999 or more"):
            gate.require_cosine(gate.least_cosine(turned, expected), precision="fp32", subject="x")


def test_bars_fall_with_the_precision() -> None:
    bars = list(gate.BARS.values())
    assert bars == sorted(bars, key=lambda each: (each.cosine, each.ranks), reverse=True)
    with pytest.raises(UsageError, match="unknown precision 'fp8'"):
        gate.bar("fp8")
