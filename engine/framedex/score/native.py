"""The scorer on our own kernel: halves are read where they lie, and a score is the same bit for bit in any company."""

from __future__ import annotations

from collections.abc import Sequence

from framedex import __version__, _native
from framedex.contracts import Vectors
from framedex.score.base import Checked, View
from framedex.score.lookup import look_up

NAME = "native"


class NativeScorer(Checked):
    """Every view in one call of `framedex._native`, as `VideoIndex.scores` does with one.

    Args:
        threads: most threads, >= 1; they share the views.
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
        return self._pair_scores(views, [prompts] * len(views))

    def _pair_scores(self, views: Sequence[View], prompts: Sequence[Vectors]) -> list[Vectors]:
        found = look_up(views, prompts, threads=self._threads)
        return [found.scores(video) for video in range(len(views))]
