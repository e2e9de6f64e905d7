"""Every frame above a score."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np

from framedex.select import arithmetic
from framedex.select.base import Input, Request, Rows
from framedex.select.fill import best_rows


@dataclass(frozen=True, slots=True, kw_only=True)
class Threshold:
    """Frames that score above tau, the best `budget` of them where there are more.

    Where none does, the best frame alone, so that a selection always shows something. Ties go to the earlier frame.

    Args:
        tau: a frame is taken where its score is strictly greater; the curve's mean where not given.

    Source: the rule is folklore; its default is ours.
    """

    name: ClassVar[str] = "threshold"
    kind: ClassVar[Literal["set"]] = "set"
    needs: ClassVar[tuple[Input, ...]] = ("scores",)
    wants: ClassVar[tuple[Input, ...]] = ()
    cost: ClassVar[str] = "n log n"

    tau: float | None = None

    def rows(self, request: Request) -> Rows:
        """1 to min(budget, n) rows."""
        scores = request.need_scores(self.name)
        # A flat curve's mean, summed, may lie beside its only value.
        tau = (
            np.clip(arithmetic.total(scores) / len(scores), scores.min(), scores.max())
            if self.tau is None
            else self.tau
        )
        above = int((scores > tau).sum())
        return best_rows(scores, max(min(above, request.take), 1))
