from __future__ import annotations

import pytest

from clips import ReferenceClip
from contracts.decoder_suite import DecoderSuite
from golden_clips import FOLDERS


@pytest.fixture(scope="module", params=FOLDERS)
def clip(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> ReferenceClip:
    return FOLDERS[request.param](tmp_path_factory.mktemp("golden"))


class TestFolder(DecoderSuite):
    """The reader of frame folders, which `open_video` takes whatever decoder is named."""

    decoder = "pyav"
