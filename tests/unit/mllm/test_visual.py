"""Frames pass the tower once, in full batches where frames to come can be kept; files are read while that pays."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from framedex.contracts import Pixels
from framedex.mllm.token_cache import TokenCache
from framedex.mllm.token_files import TokenFiles
from framedex.mllm.visual import VisualTokens


class Clock:
    """Stands still but for what is told."""

    def __init__(self) -> None:
        self.now = 0.0

    def perf_counter(self) -> float:
        return self.now


class Tower:
    """A family's tower: two tokens of the mean grey; takes `seconds` a frame on the clock."""

    def __init__(self, clock: Clock | None = None, seconds: float = 0.0) -> None:
        self.batches: list[int] = []
        self.clock = clock or Clock()
        self.seconds = seconds

    def tower(self, pictures: Pixels) -> torch.Tensor:
        self.batches.append(len(pictures))
        self.clock.now += self.seconds * len(pictures)
        return torch.from_numpy(pictures.mean(axis=(1, 2, 3), dtype=np.float32)).reshape(-1, 1, 1).repeat(1, 2, 1)


class SlowFiles(TokenFiles):
    """Files that take a second each on the clock."""

    clock: Clock

    def get(self, key: str) -> torch.Tensor | None:
        self.clock.now += 1.0
        return super().get(key)


def frames(*numbers: int, side: int = 2) -> dict[str, Pixels]:
    return {f"{number:04}": np.full((side, side, 3), number, np.uint8) for number in numbers}


def visual(tower: Any, limit_nbytes: int, files: TokenFiles | None = None) -> VisualTokens:
    return VisualTokens(tower, TokenCache(limit_nbytes), files)


def test_batches_are_filled_with_what_comes_next() -> None:
    tower = Tower()
    tokens = visual(tower, 1 << 10)
    sets = [frames(*range(start, start + 4)) for start in range(12)]
    for number, each in enumerate(sets):
        ahead = [item for later in sets[number + 1 :] for item in later.items()]
        found = tokens.of(each, to_come=ahead, at_once=4)
        assert {key: float(value[0, 0]) for key, value in found.items()} == {key: float(key) for key in each}
    assert tower.batches == [4, 4, 4, 3]
    assert tokens.frames == 15


def test_nothing_is_made_ahead_that_cannot_be_kept() -> None:
    tower = Tower()
    tokens = visual(tower, 6 * 8)
    sets = [frames(start, start + 1) for start in range(6)]
    for number, each in enumerate(sets):
        ahead = [item for later in sets[number + 1 :] for item in later.items()]
        tokens.of(each, to_come=ahead, at_once=4)
    assert tokens.frames == 7
    assert max(tower.batches) <= 3


def test_frames_of_two_sizes_are_not_put_together() -> None:
    tower = Tower()
    both = frames(1, 2) | {"other": np.full((3, 3, 3), 9, np.uint8)}
    found = visual(tower, 1 << 10).of(both, to_come=[], at_once=8)
    assert list(found) == list(both)
    assert sorted(tower.batches) == [1, 2]


def test_files_are_read_until_they_are_seen_to_be_slower_than_the_tower(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    visual(Tower(), 0, TokenFiles(tmp_path, "m" * 32)).of(frames(*range(60)), to_come=[], at_once=8)
    for seconds, slow in ((0.9, True), (1.1, False)):
        clock = Clock()
        monkeypatch.setattr("framedex.mllm.visual.time", clock)
        files = SlowFiles(tmp_path, "m" * 32)
        files.clock = clock
        tokens = visual(Tower(clock, seconds), 0, files)
        tokens.of(frames(*range(100, 132)), to_come=[], at_once=32)
        tokens.of(frames(*range(60)), to_come=[], at_once=8)
        assert tokens.reading_is_slow is slow
        assert tokens.frames_read == (32 if slow else 60)
        for number in range(100, 132):
            files.path(f"{number:04}").unlink()
