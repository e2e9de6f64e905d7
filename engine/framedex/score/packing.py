"""Views of many lengths cut and joined into packs of few rows: one product per pack serves a thousand short videos."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from framedex.contracts import Vectors
from framedex.score.base import View


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """Rows of one view and where they lie in their pack.

    Attributes:
        view: number of the view.
        start: the first row of the view.
        stop: one past the last.
        at: the pack's row that the first one takes.
    """

    view: int
    start: int
    stop: int
    at: int

    @property
    def end(self) -> int:
        """One past the last row in the pack."""
        return self.at + self.stop - self.start


def packs(counts: Sequence[int], rows_per_pack: int) -> Iterator[list[Piece]]:
    """Cut views of `counts` rows into packs of `rows_per_pack` rows; only the last one may be smaller.

    A view that does not fit what is left of a pack goes on in the next; one without rows has no piece.
    """
    pack: list[Piece] = []
    filled = 0
    for view, count in enumerate(counts):
        start = 0
        while start < count:
            stop = min(count, start + rows_per_pack - filled)
            pack.append(Piece(view=view, start=start, stop=stop, at=filled))
            filled += stop - start
            start = stop
            if filled == rows_per_pack:
                yield pack
                pack, filled = [], 0
    if pack:
        yield pack


def fill(pack: Sequence[Piece], views: Sequence[View], rows: View) -> int:
    """Copy a pack's pieces into `rows` (at least as long, any of the two types); returns how many rows that is."""
    for piece in pack:
        np.copyto(rows[piece.at : piece.end], views[piece.view][piece.start : piece.stop])
    return pack[-1].end


def spread(pack: Sequence[Piece], scores: Vectors, out: Sequence[Vectors]) -> None:
    """Write a pack's scores, float32 (m, rows), to each view's matrix (m, n)."""
    for piece in pack:
        out[piece.view][:, piece.start : piece.stop] = scores[:, piece.at : piece.end]
