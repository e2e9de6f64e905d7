"""The upper bound: frames in which the answer is known to be seen."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np

from framedex.select.base import Input, Request, Rows
from framedex.select.fill import centres
from framedex.select.together import by_budget, by_group


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
        return self.rows_of_video([request])[0]

    def rows_of_video(self, requests: Sequence[Request]) -> list[Rows]:
        """As `rows`; distances are those of a prompt, whatever its budgets."""
        return by_group(requests, lambda request: id(request.evidence_us), self._of_prompt)

    def _of_prompt(self, requests: Sequence[Request]) -> list[Rows]:
        times = requests[0].pts_us
        away = np.full(len(times), np.iinfo(np.int64).max)
        for first_us, last_us in requests[0].need_evidence(self.name):
            np.minimum(away, np.maximum(np.maximum(first_us - times, times - last_us), 0), out=away)
        inside, order = np.flatnonzero(away == 0), np.argsort(away, kind="stable")

        def taken(request: Request) -> Rows:
            if len(inside) > request.take:
                return inside[centres(request.take, len(inside))]
            return np.sort(order[: request.take])

        return by_budget(requests, taken)
