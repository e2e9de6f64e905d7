"""When a decode has cost too much; time is passed in, so nothing here waits."""

from __future__ import annotations

import pytest

from framedex.ingest.watch import Limits, Watch, memory_nbytes

LIMITS = Limits(time_s=10, stall_s=3, memory_gib=1)
STEP_S = 0.5


class Clock:
    """Looks at a watch every half second."""

    def __init__(self) -> None:
        self.now_s = 100.0
        self.watch = Watch(LIMITS, now_s=self.now_s, progress=0)

    def step(self, *, progress: int, waiting: bool = False, nbytes: int = 0, step_s: float = STEP_S) -> str | None:
        self.now_s += step_s
        return self.watch.verdict(now_s=self.now_s, progress=progress, waiting=waiting, nbytes=nbytes)


def test_progress_is_all_that_is_asked_for_within_the_time() -> None:
    clock = Clock()
    assert not any(clock.step(progress=number) for number in range(20))
    assert "took more than 10 s" in (clock.step(progress=99) or "")


def test_a_stall_is_counted_from_the_last_progress() -> None:
    clock = Clock()
    assert [clock.step(progress=1) is None for _ in range(8)] == [True] * 7 + [False]
    clock = Clock()
    for number in range(3):
        assert not any(clock.step(progress=number) for _ in range(5))
    assert "no progress for 3 s" in [clock.step(progress=2) or "" for _ in range(3)][-1]


def test_waiting_for_the_encoder_counts_for_nothing() -> None:
    clock = Clock()
    assert not any(clock.step(progress=1, waiting=True) for _ in range(1000))
    assert clock.step(progress=1) is None


def test_a_suspended_machine_is_not_held_against_it() -> None:
    clock = Clock()
    assert clock.step(progress=0, step_s=100_000) is None
    assert [clock.step(progress=0) is None for _ in range(5)] == [True] * 4 + [False]


def test_memory() -> None:
    assert Clock().step(progress=1, nbytes=2**30) is None
    assert "took 1.5 GiB of memory, more than 1," in (Clock().step(progress=1, nbytes=3 * 2**29) or "")


@pytest.mark.parametrize("name", ["time_s", "stall_s", "memory_gib"])
@pytest.mark.parametrize("value", [0, -1, float("nan")])
def test_limits_are_positive(name: str, value: float) -> None:
    with pytest.raises(ValueError, match=f"{name}: expected more than 0"):
        Limits(**{name: value})


def test_memory_of_a_process() -> None:
    import os

    assert memory_nbytes(os.getpid()) > 1 << 20
    assert memory_nbytes(2**22 + 1) == 0
