"""The short form of kill_ingest.py."""

from __future__ import annotations

from pathlib import Path

from stress.kill_ingest import run


def test_killed_at_any_moment_it_goes_on_to_the_same_store(tmp_path: Path) -> None:
    found = run(tmp_path, trials=2, seed=1, long_frames=200, copies=1, workers=0, together=1)
    assert found.problems == []
    assert found.counts["two at once"] == 1
