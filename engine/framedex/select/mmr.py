"""Maximal marginal relevance."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np

from framedex.errors import UsageError
from framedex.select.base import Input, Request, Rows
from framedex.select.likeness import Cosines, marginal_relevance


@dataclass(frozen=True, slots=True, kw_only=True)
class Mmr:
    """One by one the frame that scores high and is unlike those taken.

    It is the argmax of share·score - (1 - share)·(largest cosine to a frame taken). The first is the best-scored frame. Ties
    go to the earlier frame. Scores count as they are: with cosines of a prompt, which are small beside cosines between
    frames, diversity leads; `--transform minmax` weighs both alike.

    Args:
        share: of relevance, 0 to 1 (lambda in the paper); 1 is `top`.

    Source: Carbonell and Goldstein, SIGIR 1998, its one equation; the default of 0.5 is ours.
    """

    name: ClassVar[str] = "mmr"
    kind: ClassVar[Literal["keyframe"]] = "keyframe"
    needs: ClassVar[tuple[Input, ...]] = ("scores", "embeddings")
    wants: ClassVar[tuple[Input, ...]] = ()
    cost: ClassVar[str] = "n·k·d"

    share: float = 0.5

    def __post_init__(self) -> None:
        if not 0 <= self.share <= 1:
            raise UsageError(f"sampler 'mmr', share: expected 0 to 1, got {self.share}")

    def rows(self, request: Request) -> Rows:
        """Exactly min(budget, n) rows."""
        scores, embeddings = request.need_scores(self.name), request.need_embeddings(self.name)
        cosines = Cosines(embeddings, wanted=request.take)
        rows = [int(np.argmax(scores))]
        taken = np.zeros(request.n, dtype=np.bool_)
        likeness = np.full(request.n, -np.inf)
        while True:
            taken[rows[-1]] = True
            if len(rows) == request.take:
                return np.flatnonzero(taken).astype(np.int64)
            np.maximum(likeness, cosines.to(rows[-1]), out=likeness)
            rows.append(int(np.argmax(marginal_relevance(scores, likeness, taken, self.share))))
