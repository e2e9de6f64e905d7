from __future__ import annotations

from dataclasses import replace

import pytest

from contracts.backends import require_backend
from contracts.tower_suite import CROP, SQUASH
from framedex.embed.preprocess import fit
from framedex.embed.preprocess.rules import ResizeRules
from framedex.errors import UsageError
from framedex.ingest.towers import require_towers

require_backend("dali-cpu", "nvidia.dali")


@pytest.mark.parametrize("resize", ["letterbox", "naflex"])
def test_a_decoder_that_resizes_is_refused_for_encoders_that_it_cannot_resize_for(resize: str) -> None:
    rules = replace(SQUASH, resize=resize)
    require_towers("pyav", rules)
    with pytest.raises(
        UsageError,
        match=rf"decoder 'dali-cpu': resizes frames by itself, .* squash or shortest-edge-crop; .* by {resize}: decode with pyav",
    ):
        require_towers("dali-cpu", rules)


@pytest.mark.parametrize("rules", [SQUASH, CROP], ids=lambda rules: rules.resize)
def test_others_are_not(rules: ResizeRules) -> None:
    require_towers("dali-cpu", rules)
    assert fit(90, 160, rules).size == rules.size, "there is a resize for it to do"


def test_an_unknown_decoder_is_refused_with_all_names() -> None:
    with pytest.raises(
        UsageError, match=r"unknown decoder 'dali'; exists: dali-cpu, dali-gpu, pyav, torchcodec; did you mean"
    ):
        require_towers("dali", SQUASH)
