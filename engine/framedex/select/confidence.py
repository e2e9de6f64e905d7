"""Maximum- and minimum-confidence sampling."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np

from framedex.select.base import Request, Rows, Scores


def best_rows(scores: Scores, k: int) -> Rows:
    """Rows of the k highest scores, sorted by row; ties go to the earlier frame."""
    return np.sort(np.argsort(-scores, kind="stable")[:k])


@dataclass(frozen=True, slots=True, kw_only=True)
class Top:
    """The frames with the highest scores; ties go to the earlier frame.

    Source: maximum-confidence sampling of arXiv 2509.01167.
    """

    name: ClassVar[str] = "top"
    kind: ClassVar[Literal["keyframe"]] = "keyframe"

    def rows(self, request: Request) -> Rows:
        """Exactly min(budget, n) rows."""
        return best_rows(request.need_scores(self.name), request.take)


@dataclass(frozen=True, slots=True, kw_only=True)
class Bottom:
    """The frames with the lowest scores; ties go to the earlier frame.

    Source: minimum-confidence sampling of arXiv 2509.01167.
    """

    name: ClassVar[str] = "bottom"
    kind: ClassVar[Literal["keyframe"]] = "keyframe"

    def rows(self, request: Request) -> Rows:
        """Exactly min(budget, n) rows."""
        return best_rows(-request.need_scores(self.name), request.take)
