"""The scorer on our own kernel: halves are read where they lie, and a score is the same bit for bit in any company."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from framedex import __version__, _native
from framedex.contracts import Vectors
from framedex.score.base import Checked, View

NAME = "native"


class NativeScorer(Checked):
    """Halves through `framedex._native`, float32 views through NumPy, as `VideoIndex.scores` does.

    Args:
        threads: most threads per view, >= 1.
    """

    def __init__(self, *, threads: int = 1) -> None:
        super().__init__(NAME, threads=threads)

    @property
    def provenance(self) -> dict[str, str]:
        """Back end, version, device, threads and the level of vector instructions."""
        return {
            "scorer": NAME,
            "scorer_version": __version__,
            "device": "cpu",
            "threads": str(self._threads),
            "simd": _native.simd_level(),
        }

    def _scores(self, views: Sequence[View], prompts: Vectors) -> list[Vectors]:
        return [self._one(view, prompts) for view in views]

    def _one(self, view: View, prompts: Vectors) -> Vectors:
        if view.dtype == np.float16:
            return _native.scores_f16(prompts, view.view(np.float16), threads=self._threads)
        scores: Vectors = prompts @ np.require(view, np.float32, ["C", "A"]).T
        return scores
