"""What one video may cost, and the verdict on a decoder that costs more; nothing here needs the decoder to answer."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

#: A pause of this process itself (a suspended machine, Ctrl-Z) is not held against a decoder: no step counts for more.
_STEP_MAX_S = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What decoding one video may cost.

    Attributes:
        time_s: seconds in all, without those in which it waits for the encoder.
        stall_s: seconds without a packet or frame.
        memory_gib: GiB of memory of its process.
    """

    time_s: float = 21_600.0
    stall_s: float = 60.0
    memory_gib: float = 4.0

    def __post_init__(self) -> None:
        for name in self.__slots__:
            if not getattr(self, name) > 0:
                raise ValueError(f"{name}: expected more than 0, got {getattr(self, name)}")


DEFAULT_LIMITS = Limits()


class Watch:
    """Watches one decode.

    Args:
        limits: what it may cost.
        now_s: when it begins, on any steady clock.
        progress: its counter then.
    """

    def __init__(self, limits: Limits, *, now_s: float, progress: int) -> None:
        self._limits = limits
        self._seen_s = now_s
        self._progress = progress
        self._busy_s = 0.0
        self._stalled_s = 0.0

    def verdict(self, *, now_s: float, progress: int, waiting: bool, nbytes: int) -> str | None:
        """Why the decode has to be ended now, as the end of a sentence about its video; None while it may go on.

        Args:
            now_s: the time.
            progress: its counter.
            waiting: it cannot go on, for the encoder is behind.
            nbytes: memory of its process.
        """
        step_s, self._seen_s = min(now_s - self._seen_s, _STEP_MAX_S), now_s
        if progress != self._progress or waiting:
            self._progress, self._stalled_s = progress, 0.0
        else:
            self._stalled_s += step_s
        if not waiting:
            self._busy_s += step_s
        if self._stalled_s > self._limits.stall_s:
            return (
                f"decoding made no progress for {self._limits.stall_s:g} s and was ended; convert the file, or raise "
                "--stall-limit if the disk is slow"
            )
        if self._busy_s > self._limits.time_s:
            return f"decoding took more than {self._limits.time_s:g} s and was ended; raise --time-limit or convert the file"
        if nbytes > self._limits.memory_gib * 2**30:
            return (
                f"decoding took {nbytes / 2**30:.1f} GiB of memory, more than {self._limits.memory_gib:g}, and was ended; raise "
                "--memory-limit or convert the file"
            )
        return None


def memory_nbytes(process: int) -> int:
    """Memory of a process that is its own, in bytes; 0 where the system does not say."""
    try:
        resident, shared = map(int, Path(f"/proc/{process}/statm").read_bytes().split()[1:3])
    except (OSError, ValueError):
        return 0
    return (resident - shared) * os.sysconf("SC_PAGE_SIZE")
