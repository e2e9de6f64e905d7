"""The short form of mutated_videos.py."""

from __future__ import annotations

from pathlib import Path

from stress.mutated_videos import run


def test_every_damaged_video_is_indexed_or_quarantined(tmp_path: Path) -> None:
    found = run(tmp_path, trials=70, seed=1)
    assert found.problems == []
    assert found.counts["indexed"] + found.counts["skipped"] + found.counts["quarantined"] == 70
    assert found.counts["compared.equal"] > 5
