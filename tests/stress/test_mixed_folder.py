"""The short form of mixed_folder.py."""

from __future__ import annotations

from pathlib import Path

from stress.mixed_folder import run


def test_a_mixed_folder_comes_to_the_right_counts(tmp_path: Path) -> None:
    found = run(tmp_path, scale=0.2, terminal=False)
    assert found.problems == []
    assert found.counts["indexed"] == 40 + 7
