"""Vectors kept as they will be stored give the file that the vectors themselves would have given."""

from __future__ import annotations

import numpy as np
import pytest

from framedex.index.faiss_file import Dtype, index_bytes
from framedex.ingest.stack import Stack


@pytest.mark.parametrize("dtype", ["f16", "f32"])
def test_the_file_is_the_same_to_the_last_bit(dtype: Dtype) -> None:
    rng = np.random.default_rng(0)
    vectors = rng.standard_normal((3000, 24), dtype=np.float32)
    vectors[0, :8] *= 1e-6  # below the smallest normal half; ties between two halves come by themselves
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    stack = Stack(dim=24)
    for number in rng.permutation(3000).tolist():
        stack.put(number, vectors[number])
    pts_us = np.arange(3000, dtype=np.int64)
    assert bytes(index_bytes(pts_us, stack.take(pts_us), dtype)) == bytes(index_bytes(pts_us, vectors, dtype))


def test_some_of_them_in_any_order() -> None:
    stack = Stack(dim=2)
    for number in range(2500):
        stack.put(number, np.array([number, -number], np.float32))
    assert stack.take([2400, 0, 1024, 0]).tolist() == [[2400, -2400], [0, 0], [1024, -1024], [0, 0]]
    assert stack.take([]).shape == (0, 2)


def test_the_last_take_gives_away_what_is_kept() -> None:
    stack = Stack(dim=1)
    for number in range(3000):
        stack.put(number, np.array([number], np.float32))
    numbers = np.arange(3000)
    backwards = stack.take(numbers[::-1])
    whole = stack.take(numbers, last=True)
    np.testing.assert_array_equal(backwards[:, 0], numbers[::-1])
    np.testing.assert_array_equal(whole[:, 0], numbers)
    assert whole.base is not None, "not a copy"
    with pytest.raises(IndexError):
        stack.take([0])


def test_a_last_take_of_some_is_those_only() -> None:
    stack = Stack(dim=1)
    for number in range(5):
        stack.put(number, np.array([number], np.float32))
    assert stack.take([1, 3, 3], last=True)[:, 0].tolist() == [1, 3, 3]
