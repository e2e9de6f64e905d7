"""Files put out of the system's cache, and the time that plain reading of them takes."""

from __future__ import annotations

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

_PAGE = 4096


def evict(paths: Sequence[Path]) -> None:
    """Write files out and have the system forget their pages (`posix_fadvise`, `DONTNEED`); nobody may map them."""
    for path in paths:
        file = os.open(path, os.O_RDONLY)
        try:
            os.fdatasync(file)
            os.posix_fadvise(file, 0, 0, os.POSIX_FADV_DONTNEED)
        finally:
            os.close(file)


def share_cached(paths: Sequence[Path]) -> float:
    """Share of the files whose first page is in the cache, by reads that are refused where they would have to wait."""
    cached = 0
    for path in paths:
        file = os.open(path, os.O_RDONLY)
        try:
            os.preadv(file, [bytearray(_PAGE)], path.stat().st_size // 2, os.RWF_NOWAIT)
            cached += 1
        except BlockingIOError:
            pass
        finally:
            os.close(file)
    return cached / max(1, len(paths))


def read_all(paths: Sequence[Path], threads: int) -> int:
    """Read files whole, `threads` at a time, each thread into one buffer; the bytes read."""
    most = max(path.stat().st_size for path in paths)

    def read(part: Sequence[Path]) -> int:
        buffer, nbytes = bytearray(most), 0
        for path in part:
            with path.open("rb", buffering=0) as file:
                while count := file.readinto(buffer):
                    nbytes += count
        return nbytes

    with ThreadPoolExecutor(threads) as pool:
        return sum(pool.map(read, [paths[number::threads] for number in range(threads)]))
