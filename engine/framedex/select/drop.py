"""The drop sampler: what stays of a selection when part of its frames are taken away."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import ClassVar, Literal

from framedex.errors import UsageError
from framedex.select.base import Input, Request, Rows
from framedex.select.confidence import Bottom, Top
from framedex.select.fill import best_rows
from framedex.select.uniform import Random, Uniform

Base = Literal["uniform", "random", "top", "bottom"]
By = Literal["lowest", "highest", "random"]

_BASES: dict[Base, type[Uniform | Random | Top | Bottom]] = {
    "uniform": Uniform,
    "random": Random,
    "top": Top,
    "bottom": Bottom,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Drop:
    """Take B frames with a base sampler, drop ⌊rate·B⌋ of them, and keep the others in temporal order.

    The rate is read as the decimal that it is written as: 0.29 of 100 frames is 29. Of equal scores the later frame is dropped.
    A random drop at a higher rate drops what it drops at a lower one, and more.

    Args:
        base: the keyframe sampler whose selection is thinned; B = min(budget, n) frames.
        rate: share to drop, 0 <= rate < 1.
        by: "lowest" drops the frames with the lowest scores, "highest" the highest, "random" any.

    Source: the redundancy experiment of arXiv 2509.01167 (up to half of the frames can go); the rule and its defaults are ours.
    """

    name: ClassVar[str] = "drop"
    kind: ClassVar[Literal["set"]] = "set"
    needs: ClassVar[tuple[Input, ...]] = ()
    wants: ClassVar[tuple[Input, ...]] = ("scores", "seed")
    cost: ClassVar[str] = "n log n"

    base: Base = "uniform"
    rate: float = 0.5
    by: By = "lowest"

    def __post_init__(self) -> None:
        if not 0 <= self.rate < 1:
            raise UsageError(f"sampler 'drop', rate: expected 0 or more and below 1, got {self.rate}")

    def rows(self, request: Request) -> Rows:
        """B - ⌊rate·B⌋ rows, B = min(budget, n)."""
        draw = replace(request.draw, sampler=self.base)  # so that a random base is the selection of `random` itself
        rows = _BASES[self.base]().rows(replace(request, draw=draw))
        kept = len(rows) - math.floor(Fraction(str(self.rate)) * len(rows))
        if self.by == "random":
            return rows[best_rows(request.draw.uniforms(len(rows)), kept)]
        scores = request.need_scores(self.name)[rows]
        return rows[best_rows(scores if self.by == "lowest" else -scores, kept)]
