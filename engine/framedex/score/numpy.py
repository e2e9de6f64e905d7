"""The scorer in NumPy: the twin that every other one is compared with."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from framedex.contracts import Vectors
from framedex.score.base import Checked, View

NAME = "numpy"


class NumpyScorer(Checked):
    """One product per view, in float32, through NumPy's own BLAS.

    Args:
        threads: recorded; how many BLAS takes is settled when the process starts.
    """

    def __init__(self, *, threads: int = 1) -> None:
        super().__init__(NAME, threads=threads)

    @property
    def provenance(self) -> dict[str, str]:
        """Back end, version and device."""
        return {"scorer": NAME, "scorer_version": np.__version__, "device": "cpu", "threads": "as BLAS was started"}

    def _scores(self, views: Sequence[View], prompts: Vectors) -> list[Vectors]:
        return [prompts @ np.require(view, np.float32, ["C", "A"]).T for view in views]
