"""One session, run by several threads at once on a few rows each: nobody waits for the others after every operator."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
from numpy.typing import NDArray

from framedex.contracts import Vectors

Run = Callable[[NDArray[Any]], Vectors]


class Streams:
    """Cuts a batch into pieces and runs `threads` of them at a time; rows come back in order.

    The same bits as one run, where the runtime gives a row the same bits in whatever company. One piece runs on one thread.

    Args:
        run: of some rows, on one thread of its own; called by several threads at once.
        threads: >= 1.
        rows: of a piece, >= 1.
    """

    def __init__(self, run: Run, *, threads: int, rows: int) -> None:
        self._run = run
        self._rows = rows
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="framedex-embed") if threads > 1 else None

    def __call__(self, values: NDArray[Any]) -> Vectors:
        """Run n >= 1 rows: float32 (n, d). What a piece raises is raised."""
        pieces = [values[start : start + self._rows] for start in range(0, len(values), self._rows)]
        results = (
            map(self._run, pieces) if self._pool is None or len(pieces) == 1 else self._pool.map(self._run, pieces)
        )
        return np.concatenate(list(results))

    def close(self) -> None:
        """End the threads; safe to call twice."""
        if self._pool is not None:
            self._pool.shutdown()
