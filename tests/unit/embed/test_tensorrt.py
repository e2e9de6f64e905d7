"""The embedder on TensorRT, over a stand-in for NVIDIA's library: which engine and batch it takes, and what it refuses."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from contracts.embedder_suite import EmbedderSuite
from framedex.contracts import TowerBatch
from framedex.embed.artefact import Artefact
from framedex.embed.reference import read_reference
from framedex.errors import ArtefactError, DeviceError, UsageError
from tensorrt_stand_in import Told, installed

MICRO = Artefact.open("micro-siglip")


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> Iterator[Told]:
    with installed(monkeypatch) as told:
        yield told


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Engines of batches 1 and 5."""
    folder = tmp_path_factory.mktemp("engines")
    with pytest.MonkeyPatch.context() as patch, installed(patch):
        _build(folder, (1, 5))
    return folder


@pytest.fixture
def opened(told: Told, built: Path) -> Callable[..., Any]:
    from framedex.embed.tensorrt import TensorRtEmbedder

    return lambda **options: TensorRtEmbedder(MICRO, **({"threads": 1, "engines": built} | options))


def _build(folder: Path, batches: tuple[int, ...]) -> None:
    from framedex_export.tensorrt_build import build_engines

    build_engines(MICRO, batches=batches, folder=folder, report=lambda _line: None)


def frames(n: int) -> TowerBatch:
    pixels = read_reference(MICRO).pixels[:n]
    return TowerBatch(pts_us=np.arange(n, dtype=np.int64), pixels=pixels)


def test_vectors_are_the_encoders_at_every_number_of_rows(opened: Callable[..., Any]) -> None:
    reference = read_reference(MICRO)
    with opened() as embedder:
        for n in (1, 3, 5, 7, 12):
            got = embedder.embed_images(frames(n)).vectors
            assert np.abs(got - reference.image_vectors[:n]).max() < 1e-5
        assert np.abs(embedder.embed_texts(reference.texts) - reference.text_vectors).max() < 1e-5


def test_the_batch_is_the_largest_of_the_engine_found(told: Told, opened: Callable[..., Any]) -> None:
    with opened() as embedder:
        assert embedder.batch == 5
        assert embedder.provenance["batch"] == "5"
        embedder.prove()
        told.runs.clear()
        embedder.embed_images(frames(12))
        assert told.runs == [5, 5, 5], "two rows are filled up to the smallest batch that holds them"
        assert embedder.provenance["gate_image"].startswith("cosine 1.0")


def test_provenance_has_the_engines_batch_before_anything_is_opened(opened: Callable[..., Any]) -> None:
    with opened() as embedder:
        assert embedder.provenance["batch"] == "5"


def test_frames_before_the_batch_is_asked_run_in_the_engines_batch(told: Told, opened: Callable[..., Any]) -> None:
    with opened() as embedder:
        embedder.embed_images(frames(10))
    assert told.runs[-2:] == [5, 5]


def test_of_several_engines_the_largest_is_taken_or_the_nearest_to_what_is_asked(
    told: Told, opened: Callable[..., Any], built: Path, tmp_path: Path
) -> None:
    folder = shutil.copytree(built, tmp_path / "engines")
    _build(folder, (3, 20))
    with opened(engines=folder) as embedder:
        assert embedder.batch == 20
    for asked, run in ((2, 3), (4, 5), (6, 20)):
        with opened(engines=folder, batch=asked) as embedder:
            assert embedder.batch == asked
            embedder.prove()
            told.runs.clear()
            embedder.embed_images(frames(asked))
            assert told.runs == [run]


def test_a_batch_beyond_the_engines_is_refused(opened: Callable[..., Any]) -> None:
    with opened(batch=16) as embedder, pytest.raises(ArtefactError, match="batches of 5 at most, 16 wanted"):
        embedder.embed_images(frames(1))
    with pytest.raises(UsageError, match="threads and batch of 1 or more"):
        opened(batch=0)


def test_no_engine_is_a_sentence_when_it_is_needed(opened: Callable[..., Any], tmp_path: Path) -> None:
    with opened(engines=tmp_path) as embedder:
        for needs in (lambda: embedder.batch, lambda: embedder.provenance, embedder.prove):
            with pytest.raises(ArtefactError, match="holds no TensorRT engine of the image tower; build one"):
                needs()


@pytest.mark.parametrize(
    ("refused", "expected"),
    [
        ("deserialize_cuda_engine", r"TensorRT 11\.9\.0 cannot load it: serialised by another version; build it again"),
        ("create_execution_context", r"TensorRT gives no execution context: TensorRT gave no reason"),
        ("set_optimization_profile_async", r"could not set the profile"),
        ("set_input_shape", r"could not set the input's shape"),
        ("set_tensor_address", r"could not set the input"),
        ("execute_async_v3", r"could not run"),
        ("capture", r"cannot be set up for a batch of 1: CUDA out of memory"),
        ("replay", r"TensorRT failed: CUDA error: an illegal memory access"),
    ],
)
def test_what_the_library_refuses_is_a_sentence(
    told: Told, opened: Callable[..., Any], refused: str, expected: str
) -> None:
    told.refused = {refused}
    with opened() as embedder, pytest.raises(DeviceError, match=expected):
        embedder.embed_images(frames(2))


@pytest.mark.parametrize("change", ["mode", "type", "shape", "more"])
def test_an_engine_of_other_tensors_is_refused(told: Told, opened: Callable[..., Any], change: str) -> None:
    import tensorrt as trt

    row, dim = (*MICRO.manifest.image.size, 3), MICRO.manifest.dim
    told.tensors = {
        "mode": {"pixels": (trt.TensorIOMode.OUTPUT, trt.DataType.UINT8, (-1, *row))},
        "type": {"vectors": (trt.TensorIOMode.OUTPUT, trt.DataType.HALF, (-1, dim))},
        "shape": {"vectors": (trt.TensorIOMode.OUTPUT, trt.DataType.FLOAT, (-1, dim + 1))},
        "more": {"mask": (trt.TensorIOMode.INPUT, trt.DataType.BOOL, (-1,))},
    }[change]
    with opened() as embedder, pytest.raises(ArtefactError, match=r"\.engine: expected the tensors .*; build it again"):
        embedder.prove()


def test_an_engine_with_fewer_profiles_than_it_says_is_refused(told: Told, opened: Callable[..., Any]) -> None:
    told.profiles = 1
    with opened() as embedder, pytest.raises(ArtefactError, match="has 1 profiles, its description 2; build it again"):
        embedder.prove()


def test_an_engine_that_gives_other_vectors_is_refused(told: Told, opened: Callable[..., Any]) -> None:
    told.spoiled_batches = {5}
    with (
        opened() as embedder,
        pytest.raises(DeviceError, match=r"tensorrt: image tower .* does not give the encoder's"),
    ):
        embedder.embed_images(frames(1))


def test_the_log_keeps_the_last_five_warnings_and_forgets_what_it_told(told: Told) -> None:
    import tensorrt as trt

    from framedex.embed.tensorrt_log import Log

    log = Log()
    for line in ("a\n", "b\n", "c\n", "d\n", "e\n", "f\n", "g"):
        log.log(trt.ILogger.Severity.WARNING, line)
        log.log(trt.ILogger.Severity.VERBOSE, "chatter")
    assert log.told() == "c | d | e | f | g"
    assert log.told() == "TensorRT gave no reason"


class TestOverAStandIn(EmbedderSuite):
    """The suite that every embedder keeps."""

    @pytest.fixture
    def embedder(self, opened: Callable[..., Any]) -> Iterator[Any]:
        with opened() as embedder:
            yield embedder
