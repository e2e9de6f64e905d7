from __future__ import annotations

import pytest

from clips import ReferenceClip
from contracts.decoder_suite import DecoderSuite
from golden_clips import VIDEOS


@pytest.fixture(scope="module", params=VIDEOS)
def clip(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> ReferenceClip:
    return VIDEOS[request.param](tmp_path_factory.mktemp("golden"))


class TestPyAV(DecoderSuite):
    decoder = "pyav"
