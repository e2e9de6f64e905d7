"""The short form of hanging_decoders.py."""

from __future__ import annotations

from pathlib import Path

from stress.hanging_decoders import CASES, run


def test_a_decoder_that_hangs_or_crashes_costs_its_video_alone(tmp_path: Path) -> None:
    found = run(tmp_path, CASES[:2], good=3, bad=1)
    assert found.problems == []
    assert found.counts["decoders"] == 2
