from __future__ import annotations

import numpy as np

from framedex.decode.batches import in_batches


def pictures(*shapes: tuple[int, int]) -> list[tuple[int, np.ndarray]]:
    return [(order, np.full((*shape, 3), order, dtype=np.uint8)) for order, shape in enumerate(shapes)]


def test_a_batch_closes_at_its_bytes() -> None:
    batches = list(in_batches(pictures(*[(4, 5)] * 7), nbytes=3 * 4 * 5 * 3 - 1))
    assert [batch.pts_us.tolist() for batch in batches] == [[0, 1, 2], [3, 4, 5], [6]]
    assert [int(picture[0, 0, 0]) for batch in batches for picture in batch.frames] == list(range(7))


def test_a_picture_of_another_size_begins_a_batch() -> None:
    batches = list(in_batches(pictures((4, 5), (4, 5), (2, 2), (4, 5))))
    assert [batch.frames.shape for batch in batches] == [(2, 4, 5, 3), (1, 2, 2, 3), (1, 4, 5, 3)]


def test_nothing_gives_nothing() -> None:
    assert list(in_batches([])) == []
