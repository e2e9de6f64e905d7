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


def slow_files(folder: Path, clock: Clock) -> SlowFiles:
    files = SlowFiles(folder, "m" * 32)
    files.clock = clock
    return files


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr("framedex.mllm.visual.time", clock)
    return clock


def write(folder: Path, numbers: range) -> None:
    files = TokenFiles(folder, "m" * 32)
    for key, picture in frames(*numbers).items():
        files.put(key, Tower().tower(picture[None])[0])


def values(found: dict[str, torch.Tensor]) -> dict[str, float]:
    return {key: float(tokens[0, 0]) for key, tokens in found.items()}


@pytest.mark.parametrize(("seconds", "slow"), [(1.1, False), (0.9, True)])
def test_files_are_priced_on_the_first_frames_that_have_some(
    tmp_path: Path, clock: Clock, seconds: float, slow: bool
) -> None:
    write(tmp_path, range(60))
    tower = Tower(clock, seconds)
    tokens = visual(tower, 0, slow_files(tmp_path, clock))
    assert tokens.prices.told == ""
    assert values(tokens.of(frames(*range(20)), to_come=[], at_once=4)) == {f"{n:04}": n for n in range(20)}
    assert tokens.prices.reading_is_slow is slow
    # Once to warm up, once alone; a batch of it tells no more where a frame alone takes less than a file.
    assert tower.batches == ([1, 1, 4, 4, 4] if slow else [1, 1, 4])
    assert tokens.frames_read == (8 if slow else 20)
    assert f"take 1e+03 ms to read from a file and {seconds * 1e3:.3g} ms" in tokens.prices.told
    assert ("neither read nor written" in tokens.prices.told) is slow
    assert values(tokens.of(frames(*range(20, 70)), to_come=[], at_once=4)) == {f"{n:04}": n for n in range(20, 70)}
    assert tokens.frames_read == (8 if slow else 60)
    assert TokenFiles(tmp_path, "m" * 32).path("0065").exists() is not slow


@pytest.mark.parametrize(("a_call", "batches"), [(0.5, [1, 1]), (1.5, [1, 1, 4]), (5.0, [1, 1])])
def test_a_tower_that_takes_as_long_for_a_batch_is_priced_by_the_batch_where_it_matters(
    tmp_path: Path, clock: Clock, a_call: float, batches: list[int]
) -> None:
    class Gpu(Tower):
        def tower(self, pictures: Pixels) -> torch.Tensor:
            self.clock.now += a_call
            return super().tower(pictures)

    write(tmp_path, range(4))
    tower = Gpu(clock)
    tokens = visual(tower, 0, slow_files(tmp_path, clock))
    tokens.of(frames(*range(4)), to_come=[], at_once=4)
    assert tower.batches == batches
    assert tokens.prices.reading_is_slow is (a_call < 4)
    assert tokens.frames == sum(batches)


def test_a_decision_is_corrected_by_what_is_timed_later(tmp_path: Path, clock: Clock) -> None:
    write(tmp_path, range(40))
    files = slow_files(tmp_path, clock)
    tower = Tower(clock, 2.0)
    tokens = visual(tower, 0, files)
    tokens.of(frames(*range(10)), to_come=[], at_once=4)
    assert not tokens.prices.reading_is_slow
    tower.seconds = 0.1
    tokens.of(frames(*range(100, 120)), to_come=[], at_once=4)
    assert tokens.prices.reading_is_slow
    before = tokens.frames_read
    tokens.of(frames(*range(10, 20)), to_come=[], at_once=4)
    assert tokens.frames_read == before


@pytest.mark.parametrize("seconds", [0.5, 1.5])
def test_files_are_written_only_while_reading_them_would_not_take_longer(
    tmp_path: Path, clock: Clock, seconds: float
) -> None:
    tokens = visual(Tower(clock, seconds), 0, slow_files(tmp_path, clock))
    tokens.of(frames(*range(20)), to_come=[], at_once=4)
    # The first batch is cold and the second times the tower: what they wrote is there to time reading.
    written = sum(1 for _ in tmp_path.rglob("*.safetensors"))
    assert written == (8 if seconds < 1 else 20)
    assert (tokens.frames, tokens.frames_read) == (20, 0)


def test_without_files_nothing_is_priced(clock: Clock) -> None:
    tower = Tower(clock, 1.0)
    tokens = visual(tower, 0)
    tokens.of(frames(*range(12)), to_come=[], at_once=4)
    assert (tower.batches, tokens.prices.told) == ([4, 4, 4], "")


def test_damaged_files_price_nothing(tmp_path: Path, clock: Clock) -> None:
    write(tmp_path, range(12))
    files = slow_files(tmp_path, clock)
    for number in range(12):
        files.path(f"{number:04}").write_bytes(b"short")
    tower = Tower(clock, 1.0)
    tokens = visual(tower, 0, files)
    assert values(tokens.of(frames(*range(6)), to_come=[], at_once=8)) == {f"{n:04}": n for n in range(6)}
    assert (tower.batches, tokens.frames_read) == ([6], 0)
