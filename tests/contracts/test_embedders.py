"""Every embedder that this machine has keeps the contract; REQUIRE_BACKENDS=torch-cuda,… makes an absent one a failure."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from contracts.backends import required, usable
from contracts.embedder_suite import EmbedderSuite
from framedex.embed import embedders, load_embedder
from framedex.embed.artefact import Artefact
from framedex.embed.base import Embedder


def _marks(name: str) -> list[Any]:
    if not name.endswith("-compiled"):
        return []
    warning = pytest.mark.filterwarnings("ignore:`torch.jit:DeprecationWarning")  # of torch's own compiler
    # Each of the suite's tests compiles both towers, or finds them compiled: minutes, and run at once where it is required.
    return [warning] if name in required() else [warning, pytest.mark.long]


@pytest.fixture(params=[pytest.param(name, marks=_marks(name)) for name in embedders.names()])
def embedder(request: pytest.FixtureRequest) -> Iterator[Embedder]:
    name = request.param
    if name == "tensorrt":
        opened = _with_engines(request.getfixturevalue("engines"))
    else:
        opened = usable(name, lambda: load_embedder("micro-siglip", runtime=name, threads=1))
    with opened:
        yield opened


class TestEmbedders(EmbedderSuite):
    """The suite."""


@pytest.fixture(scope="module")
def engines(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """TensorRT's engines for this machine. Never made so far."""
    usable("tensorrt", lambda: embedders.load("tensorrt"))
    from framedex_export.tensorrt_build import build_engines

    folder = tmp_path_factory.mktemp("engines")
    build_engines(Artefact.open("micro-siglip"), folder=folder, report=lambda _line: None)
    return folder


def _with_engines(folder: Path) -> Embedder:
    from framedex.embed.tensorrt import TensorRtEmbedder

    return TensorRtEmbedder(Artefact.open("micro-siglip"), threads=1, engines=folder)
