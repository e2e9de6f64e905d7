"""KFC, on matrices that can be done by hand."""

from __future__ import annotations

import numpy as np
import pytest

import framedex
from framedex.errors import UsageError
from framedex.select.kfc import _moved, _search, pair_weights, smoothed, unlikeness


def test_only_the_earlier_frames_score_counts() -> None:
    apart = np.eye(3, dtype=np.float32)  # cosines 0: exp(0) = 1
    expected = [[1.0, 1.5, 1.5], [1.5, 0.4, 1.2], [1.5, 1.2, 0.2]]
    np.testing.assert_allclose(pair_weights(np.array([0.5, 0.2, 0.1]), unlikeness(apart)), expected)
    turned = [[0.2, 1.1, 1.1], [1.1, 0.4, 1.2], [1.1, 1.2, 1.0]]
    np.testing.assert_allclose(pair_weights(np.array([0.1, 0.2, 0.5]), unlikeness(apart)), turned)


def test_like_frames_weigh_less() -> None:
    rows = np.array([[1, 0], [0.6, 0.8], [-1, 0]], dtype=np.float32)
    weights = pair_weights(np.zeros(3), unlikeness(rows))
    np.testing.assert_allclose(weights[0], [0, np.exp(-0.6), np.exp(1)], rtol=1e-6)


def test_a_quarter_of_the_rank_is_kept() -> None:
    np.testing.assert_allclose(smoothed(np.diag([1.0, -4.0, 2.0, 3.0])), np.diag([0, -1.0, 0, 0]), atol=1e-9)
    outer = np.outer([1, 2, 3, 4.0], [1, 2, 3, 4.0])  # of rank one
    np.testing.assert_allclose(smoothed(outer), outer / 16, atol=1e-8)
    full = np.random.default_rng(0).normal(size=(12, 12))
    full += full.T
    u, s, vt = np.linalg.svd(full)  # 12 // 4 = 3
    np.testing.assert_allclose(smoothed(full), u[:, :3] * s[:3] @ vt[:3] / np.abs(full).max(), atol=1e-8)


def test_the_search_begins_at_the_diagonal_and_adds_the_heaviest() -> None:
    weights = np.array(
        [
            [0.1, 0.5, 0.9, 0.3],
            [0.5, 0.8, 0.2, 0.4],
            [0.9, 0.2, 0.1, 0.6],
            [0.3, 0.4, 0.6, 0.2],
        ]
    )
    every = np.arange(4)
    assert _search(weights, every, 1).tolist() == [1]
    assert _search(weights, every, 2).tolist() == [1, 0]  # 0.5 before 0.2 and 0.4
    assert _search(weights, every, 3).tolist() == [1, 0, 2]  # 0.2 + 0.9 before 0.4 + 0.3
    assert _search(weights, np.array([0, 2, 3]), 2).tolist() == [3, 2]  # without row 1; 3 begins, 0.6 before 0.3


def test_frames_move_to_heavier_neighbours() -> None:
    weights = np.zeros((6, 6))
    weights[1, 4] = weights[4, 1] = 0.5
    weights[2, 4] = weights[4, 2] = 0.7
    weights[2, 5] = weights[5, 2] = 0.9
    # 1 moves to 2 (0.7 to row 4), then 4 moves to 5 (0.9 to row 2)
    assert _moved(weights, np.array([1, 4])).tolist() == [2, 5]
    assert _moved(np.zeros((6, 6)), np.array([1, 4])).tolist() == [1, 4]
    assert _moved(np.zeros((3, 3)), np.array([0, 1, 2])).tolist() == [0, 1, 2]


def test_of_long_videos_even_frames_are_read() -> None:
    random = np.random.default_rng(0)
    embeddings = random.normal(size=(200, 4)).astype(np.float32)
    embeddings /= np.linalg.norm(embeddings, axis=1, keepdims=True)
    rows = framedex.select("kfc", random.random(200), budget=5, embeddings=embeddings, most=50).rows
    assert (rows % 4 == 2).all()  # centres of fifty segments of four


def test_parameters_out_of_range() -> None:
    with pytest.raises(UsageError, match="'kfc', most: expected 1 or more"):
        framedex.select("kfc", np.ones(3), budget=1, embeddings=np.eye(3), most=0)
