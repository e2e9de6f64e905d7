"""TensorRT keeps the embedder contract where it is there; REQUIRE_BACKENDS=tensorrt asks for it. Never run so far."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from contracts.backends import require_backend
from contracts.embedder_suite import EmbedderSuite
from framedex.embed.artefact import Artefact
from framedex.embed.base import Embedder

require_backend("tensorrt", "tensorrt")


@pytest.fixture(scope="module")
def engines(tmp_path_factory: pytest.TempPathFactory) -> Path:
    from framedex_export.tensorrt_build import build_engines

    folder = tmp_path_factory.mktemp("engines")
    build_engines(Artefact.open("micro-siglip"), folder=folder, report=lambda _line: None)
    return folder


@pytest.fixture
def embedder(engines: Path) -> Iterator[Embedder]:
    from framedex.embed.tensorrt import TensorRtEmbedder

    with TensorRtEmbedder(Artefact.open("micro-siglip"), threads=1, engines=engines) as embedder:
        yield embedder


class TestTensorRt(EmbedderSuite):
    """The suite."""
