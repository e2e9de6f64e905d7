"""Maximum- and minimum-confidence sampling."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

from framedex.select.base import Input, Request, Rows
from framedex.select.fill import best_rows


@dataclass(frozen=True, slots=True, kw_only=True)
class Top:
    """The frames with the highest scores; ties go to the earlier frame.

    Source: maximum-confidence sampling of arXiv 2509.01167.
    """

    name: ClassVar[str] = "top"
    kind: ClassVar[Literal["keyframe"]] = "keyframe"
    needs: ClassVar[tuple[Input, ...]] = ("scores",)
    wants: ClassVar[tuple[Input, ...]] = ()
    cost: ClassVar[str] = "n log n"

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
    needs: ClassVar[tuple[Input, ...]] = ("scores",)
    wants: ClassVar[tuple[Input, ...]] = ()
    cost: ClassVar[str] = "n log n"

    def rows(self, request: Request) -> Rows:
        """Exactly min(budget, n) rows."""
        return best_rows(-request.need_scores(self.name), request.take)
