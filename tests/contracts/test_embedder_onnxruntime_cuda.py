"""ONNX Runtime on CUDA, up to the call; where it is there, test_embedders.py runs the contract over it."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnxruntime
import pytest

from contracts.embedder_suite import random_tower
from framedex.embed import load_embedder
from framedex.embed.artefact import Artefact
from framedex.embed.onnxruntime import CPU, CUDA, OnnxRuntimeEmbedder, require_provider, require_used, run_bound
from framedex.errors import DeviceError, MissingDependency

NAME = "onnxruntime-cuda"


@pytest.mark.skipif("CUDAExecutionProvider" in onnxruntime.get_available_providers(), reason="CUDA is there")
def test_a_build_without_cuda_is_refused_with_the_packages_name() -> None:
    with pytest.raises(
        MissingDependency, match=r"needs ONNX Runtime's CUDAExecutionProvider, .* pip install onnxruntime-gpu"
    ):
        load_embedder("micro-siglip", runtime=NAME)


def test_a_session_that_took_the_cpu_instead_is_refused() -> None:
    require_used(CUDA, used=["CUDAExecutionProvider", "CPUExecutionProvider"])
    for used in (["CPUExecutionProvider"], []):
        with pytest.raises(DeviceError, match=r"asked for CUDAExecutionProvider, ONNX Runtime .* took"):
            require_used(CUDA, used=used)


def test_a_real_session_of_the_cpu_is_not_taken_for_one_of_cuda() -> None:
    graph = Artefact.open("micro-siglip").text_graph
    session = onnxruntime.InferenceSession(str(graph), providers=["CPUExecutionProvider"])
    require_used(CPU, used=session.get_providers())
    with pytest.raises(DeviceError, match="took CPUExecutionProvider; check the driver"):
        require_used(CUDA, used=session.get_providers())


def test_what_a_build_offers_is_named() -> None:
    require_provider(CUDA, available=["CUDAExecutionProvider", "CPUExecutionProvider"])
    with pytest.raises(MissingDependency, match="has AzureExecutionProvider, CPUExecutionProvider"):
        require_provider(CUDA, available=["AzureExecutionProvider", "CPUExecutionProvider"])


def test_float32_is_not_shortened_on_the_gpu() -> None:
    assert CUDA.options["use_tf32"] == "0"


def test_binding_to_a_device_gives_what_a_plain_run_gives() -> None:
    artefact = Artefact.open("micro-siglip")
    tower = artefact.manifest.towers.image
    with OnnxRuntimeEmbedder(artefact, threads=1) as embedder:
        pixels = random_tower(embedder, 3).pixels
    session: Any = onnxruntime.InferenceSession(str(artefact.image_graph), providers=["CPUExecutionProvider"])
    (expected,) = session.run([tower.output], {tower.input: pixels})
    bound = run_bound(session, tower, pixels, device="cpu")
    assert np.array_equal(bound, expected)
    assert np.array_equal(run_bound(session, tower, pixels[:1], device="cpu"), expected[:1])


def test_a_device_that_the_build_does_not_have_is_an_error() -> None:
    if "CUDAExecutionProvider" in onnxruntime.get_available_providers():
        pytest.skip("CUDA is there")
    artefact = Artefact.open("micro-siglip")
    session = onnxruntime.InferenceSession(str(artefact.image_graph), providers=["CPUExecutionProvider"])
    pixels = np.zeros((1, *artefact.manifest.image.size, 3), np.uint8)
    with pytest.raises(DeviceError, match=r"image\.onnx: ONNX Runtime .* failed"):
        run_bound(session, artefact.manifest.towers.image, pixels, device="cuda")
