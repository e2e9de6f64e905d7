"""The artefact of every family keeps the embedder contract."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from contracts.embedder_suite import EmbedderSuite
from family_checkpoints import MAKERS, family_artefact
from framedex.embed.artefact import Artefact
from framedex.embed.base import Embedder
from framedex.embed.onnxruntime import OnnxRuntimeEmbedder


@pytest.fixture(params=sorted(MAKERS))
def embedder(request: pytest.FixtureRequest) -> Iterator[Embedder]:
    with OnnxRuntimeEmbedder(Artefact.open(family_artefact(request.param)), threads=1) as embedder:
        yield embedder


class TestFamilies(EmbedderSuite):
    """The suite."""
