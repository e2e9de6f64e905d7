"""The upper bound: frames in which the answer is known to be seen."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np

from framedex.select.base import Input, Request, Rows
from framedex.select.fill import centres


@dataclass(frozen=True, slots=True, kw_only=True)
class OracleEvidence:
    """Frames inside the evidence; where the budget has room for more, the frames nearest to it in time.

    Both ends of an interval belong to it. Of more frames than the budget the centres of as many equal segments are taken,
    intervals put end to end. Outside, distance is that to the nearest end of an interval; ties go to the earlier frame.

    Source: an upper bound for any sampler that is asked for moments; the rule is ours.
    """

    name: ClassVar[str] = "oracle-evidence"
    kind: ClassVar[Literal["keyframe"]] = "keyframe"
    needs: ClassVar[tuple[Input, ...]] = ("evidence",)
    wants: ClassVar[tuple[Input, ...]] = ()
    cost: ClassVar[str] = "n times intervals"

    def rows(self, request: Request) -> Rows:
        """Exactly min(budget, n) rows."""
        away = np.full(request.n, np.iinfo(np.int64).max)
        for first_us, last_us in request.need_evidence(self.name):
            np.minimum(away, np.maximum(np.maximum(first_us - request.pts_us, request.pts_us - last_us), 0), out=away)
        inside = np.flatnonzero(away == 0)
        if len(inside) > request.take:
            return inside[centres(request.take, len(inside))]
        return np.sort(np.argsort(away, kind="stable")[: request.take])
