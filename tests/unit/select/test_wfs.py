"""WFS-SB: boundaries, importance and shares, worked out by hand."""

from __future__ import annotations

import sys

import numpy as np
import pytest
import pywt

import framedex
from framedex.errors import MissingDependency, UsageError
from framedex.select import wfs


def plateaus(*parts: tuple[int, float]) -> np.ndarray:
    return np.concatenate([np.full(n, value) for n, value in parts])


def test_the_detail_is_what_goes_away_with_its_coefficients() -> None:
    scores = np.random.default_rng(0).random(100)
    level = 3  # ⌊log2 100 - 3⌋ = ⌊3.64⌋
    whole = pywt.wavedec(scores, "db4", mode="symmetric", level=level)
    without = [whole[0], np.zeros_like(whole[1]), *whole[2:]]
    magnitude = np.abs(scores - pywt.waverec(without, "db4", mode="symmetric")[:100])
    found = wfs.boundaries(scores).tolist()
    assert found
    for row in found:
        assert magnitude[row] == magnitude[max(row - 1, 0) : row + 2].max()
        assert magnitude[row] >= magnitude.mean() + 0.5 * magnitude.std()
    assert np.diff(found).min() >= 5  # max(5, 0.02·100)
    # every higher peak nearby would have taken the place: none of the five frames on either side is higher
    for row in found:
        near = magnitude[max(row - 4, 0) : row + 5]
        assert magnitude[row] == near.max()


@pytest.mark.parametrize("n", [1, 5, 13])
def test_short_curves_have_no_boundary(n: int) -> None:
    assert wfs.boundaries(np.linspace(0, 1, n)).tolist() == []


def test_flat_curves_have_no_boundary_and_are_half_uniform_half_first() -> None:
    assert wfs.boundaries(np.full(300, 0.7)).tolist() == []
    # centres of two halves of 20, then the earliest others
    assert framedex.select("wfs", np.full(20, 0.3), budget=4).rows.tolist() == [0, 1, 5, 15]
    assert framedex.select("wfs", np.full(20, 0.3), budget=1).rows.tolist() == [0]


def test_a_step_is_a_boundary_and_a_level_stretch_is_none() -> None:
    found = wfs.boundaries(plateaus((80, 0.1), (80, 0.9)))
    assert len(found)
    reach = 7 * 2**4  # of the wavelet at level ⌊log2 160 - 3⌋ = 4
    assert np.abs(found - 80).min() <= 2**4
    assert np.abs(found - 80).max() <= reach


def test_importance() -> None:
    scores = np.array([0.0, 0.0, 0.0, 1.0, 1.0, 0.5, 1.0, 0.5])
    starts, sizes = np.array([0, 4, 7]), np.array([4, 3, 1])
    # variances: all 0.5: (3 · .25 + 3 · .25 + 0) / 8 = 0.1875; parts 0.1875, 1/18 = .0556, 0
    expected = [
        0.4 * 4 / 8 + 0.2 * 0.25 + 0.3 * 1 + 0.1 * 1,
        0.4 * 3 / 8 + 0.2 * 5 / 6 + 0.3 * 1 + 0.1 * (1 / 18) / 0.1875,
        0.4 * 1 / 8 + 0.2 * 0.5 + 0.3 * 0.5,
    ]
    np.testing.assert_allclose(wfs.importance(scores, starts, sizes), expected)


def test_of_more_than_three_parts_the_unimportant_go() -> None:
    assert wfs.important(np.array([0.9, 0.9, 0.01])).tolist() == [0, 1, 2]
    # mean 0.7, standard deviation 0.346: below 0.284 goes
    assert wfs.important(np.array([0.9, 0.9, 0.1, 0.9])).tolist() == [0, 1, 3]
    # mean 0.04, deviation 0.02: the floor of 0.05 is above mean - 1.2 deviations
    assert wfs.important(np.array([0.06, 0.06, 0.02, 0.02])).tolist() == [0, 1]
    assert wfs.important(np.array([0.02, 0.03, 0.03, 0.02])).tolist() == [1]


def test_within_a_part_time_spreads_frames_where_there_are_no_embeddings() -> None:
    from framedex.select import DrawKey, Request

    times = np.arange(10) * 10_000_000
    scores = np.array([0.5, 1.0, 0.9, 0.2, 0.2, 0.2, 0.2, 0.2, 0.2, 0.8])
    alike = wfs.Alike(Request(pts_us=times, budget=2, draw=DrawKey(), scores=scores), wanted=2)
    # 1 first; then 0.5·(2s - 1) - 0.5·exp(-Δ/10): row 2 0.4 - 0.184 = 0.216, row 9 0.3 - 0.0002
    assert wfs.Spread(scores, alike, 0, 10).first(2) == [1, 9]
    # beside row 9: row 1 at 0.5 - 0.0002 goes first
    assert wfs.Spread(scores, alike, 0, 10, beside=[9]).first(1) == [1]


def test_scores_as_given_must_be_of_the_papers_kind() -> None:
    scores = np.random.default_rng(0).normal(size=60)
    with pytest.raises(UsageError, match=r"scale=given: expected scores in \[0, 1\], got -.* --transform prob"):
        framedex.select("wfs", scores, budget=4, scale="given")
    assert len(framedex.select("wfs", np.abs(scores) / 5, budget=4, scale="given")) == 4


def test_the_scale_of_the_curve_is_nothing_by_default() -> None:
    scores = np.random.default_rng(5).random(200)
    assert (
        framedex.select("wfs", scores, budget=9).rows.tolist()
        == framedex.select("wfs", scores * 8 - 3, budget=9).rows.tolist()
    )


def test_without_the_library_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pywt", None)
    monkeypatch.delitem(sys.modules, "framedex.select.wfs")
    with pytest.raises(MissingDependency, match=r"sampler 'wfs' needs 'pywt'.*framedex\[analysis\]"):
        framedex.select("wfs", np.ones(3), budget=1)
