"""Frames that cover the video's contents."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np

from framedex.select.base import Input, Request, Rows
from framedex.select.likeness import Cosines, farthest_first


@dataclass(frozen=True, slots=True, kw_only=True)
class KCentre:
    """The best-scored frame, then one by one the frame that is least like any taken; ties go to the earlier frame.

    The largest distance of a frame to the nearest one taken is at most twice the smallest that k frames can have.

    Source: farthest-first traversal, Gonzalez 1985 (Theoretical Computer Science 38), over cosines of the frames' embeddings;
    to begin with the best-scored frame is our choice.
    """

    name: ClassVar[str] = "kcentre"
    kind: ClassVar[Literal["keyframe"]] = "keyframe"
    needs: ClassVar[tuple[Input, ...]] = ("scores", "embeddings")
    wants: ClassVar[tuple[Input, ...]] = ()
    cost: ClassVar[str] = "n·k·d"

    def rows(self, request: Request) -> Rows:
        """Exactly min(budget, n) rows."""
        scores, embeddings = request.need_scores(self.name), request.need_embeddings(self.name)
        first = np.array([np.argmax(scores)], dtype=np.int64)
        return farthest_first(Cosines(embeddings, wanted=request.take), request.n, first, request.take)
