"""Every decoder that this machine has keeps the contract; REQUIRE_BACKENDS=dali-cpu,… makes an absent one a failure."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from clips import ReferenceClip
from contracts.backends import usable
from contracts.decoder_suite import DecoderSuite
from contracts.tower_suite import TowerSuite
from framedex.decode import TOWER_DECODERS, decoders, identify, open_video, require_decoder
from framedex.errors import UsageError
from golden_clips import FREE, VIDEOS

#: What TorchCodec refuses (test_decoder_torchcodec.py).
_REFUSED = {"torchcodec": ("reordered-avi", "transport", "vp9-edited-mp4")}


@dataclass(frozen=True, slots=True)
class Case:
    """A decoder and how to make one of the clips that it has to read."""

    decoder: str
    clip: str
    make: Callable[[Path], ReferenceClip]

    def __str__(self) -> str:
        return f"{self.decoder}+{self.clip}"


FULL = [
    Case(decoder, clip, make)
    for decoder in decoders.names()
    if decoder not in TOWER_DECODERS
    for clip, make in VIDEOS.items()
    if clip not in _REFUSED.get(decoder, ())
]
TOWERS = [
    Case(decoder, clip, make)
    for decoder in decoders.names()
    for clip, make in FREE.items()
    if clip not in _REFUSED.get(decoder, ())
]


@pytest.fixture(scope="module")
def case(request: pytest.FixtureRequest) -> Case:
    case: Case = request.param
    return case


@pytest.fixture(scope="module")
def clip(case: Case, tmp_path_factory: pytest.TempPathFactory) -> ReferenceClip:
    usable(case.decoder, lambda: require_decoder(case.decoder))
    return case.make(tmp_path_factory.mktemp("golden"))


@pytest.mark.parametrize("case", FULL, ids=str, indirect=True, scope="module")
class TestDecoders(DecoderSuite):
    @pytest.fixture(autouse=True)
    def _named(self, case: Case) -> None:
        self.decoder = case.decoder


@pytest.mark.parametrize("case", TOWERS, ids=str, indirect=True, scope="module")
class TestTowers(TowerSuite):
    @pytest.fixture(autouse=True)
    def _named(self, case: Case) -> None:
        self.decoder = case.decoder


@pytest.mark.parametrize("decoder", sorted(TOWER_DECODERS))
def test_a_decoder_of_towers_gives_no_full_frames(decoder: str, tmp_path: Path) -> None:
    clip = FREE["mjpeg-mov"](tmp_path)
    with pytest.raises(UsageError, match=f"decoder '{decoder}' gives frames at an encoder's size only"):
        open_video(identify(clip.path, folder_fps=None), decoder=decoder, threads=1)
