"""Packs hold every row once, in order, and no more than they may."""

from __future__ import annotations

import itertools

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from framedex.score.packing import Piece, fill, packs, spread


@given(counts=st.lists(st.integers(0, 20), max_size=12), rows_per_pack=st.integers(1, 15))
def test_every_row_is_in_one_pack_in_order(counts: list[int], rows_per_pack: int) -> None:
    made = list(packs(counts, rows_per_pack))
    rows = [(piece.view, row) for pack in made for piece in pack for row in range(piece.start, piece.stop)]
    assert rows == [(view, row) for view, count in enumerate(counts) for row in range(count)]
    sizes = [pack[-1].end for pack in made]
    assert all(size == rows_per_pack for size in sizes[:-1])
    assert all(0 < size <= rows_per_pack for size in sizes)
    for pack in made:
        assert pack[0].at == 0
        assert all(second.at == first.end for first, second in itertools.pairwise(pack))


def test_a_long_view_goes_on_in_the_next_pack() -> None:
    assert list(packs([2, 0, 5], 4)) == [
        [Piece(view=0, start=0, stop=2, at=0), Piece(view=2, start=0, stop=2, at=2)],
        [Piece(view=2, start=2, stop=5, at=0)],
    ]


@given(counts=st.lists(st.integers(0, 9), min_size=1, max_size=6), rows_per_pack=st.integers(1, 7))
def test_what_is_filled_in_is_spread_back(counts: list[int], rows_per_pack: int) -> None:
    values = np.arange(sum(counts) * 2, dtype=np.float32).reshape(-1, 2)
    views = np.split(values, np.cumsum(counts)[:-1])
    out = [np.zeros((2, count), np.float32) for count in counts]
    buffer = np.zeros((rows_per_pack, 2), np.float32)
    for pack in packs(counts, rows_per_pack):
        filled = fill(pack, views, buffer)
        spread(pack, buffer[:filled].T, out)
    for view, curve in zip(views, out, strict=True):
        assert np.array_equal(curve, view.T)
