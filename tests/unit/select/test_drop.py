"""Which frames a drop keeps."""

from __future__ import annotations

import numpy as np
import pytest

import framedex
from framedex.errors import UsageError

#                    0    1    2    3    4    5    6    7
SCORES = np.array([0.8, 0.1, 0.5, 0.5, 0.9, 0.2, 0.7, 0.3])


def kept(budget: int = 8, **parameters: float | str) -> list[int]:
    return framedex.select("drop", SCORES, budget=budget, video="v", question="q", **parameters).rows.tolist()


def test_the_lowest_go_and_time_order_stays() -> None:
    assert kept(rate=0.25) == [0, 2, 3, 4, 6, 7]  # 1 and 5 have the lowest two of eight


def test_the_highest_go() -> None:
    assert kept(rate=0.25, by="highest") == [1, 2, 3, 5, 6, 7]


def test_of_equal_scores_the_later_goes() -> None:
    assert kept(rate=0.5) == [0, 2, 4, 6]  # 2 and 3 are equal: one of them is the fourth best
    assert kept(rate=0.625, by="highest") == [1, 5, 7]


@pytest.mark.parametrize(
    ("rate", "budget", "left"), [(0.0, 8, 8), (0.1, 8, 8), (0.2, 8, 7), (0.99, 8, 1), (0.5, 1, 1), (0.5, 100, 4)]
)
def test_how_many_stay(rate: float, budget: int, left: int) -> None:
    assert len(kept(budget, rate=rate)) == left  # B - floor(rate·B), B at most the 8 frames that there are


def test_a_rate_is_the_decimal_as_written() -> None:
    n = 100
    left = framedex.select("drop", np.linspace(0, 1, n), budget=n, rate=0.29)  # 0.29 * 100 is 28.999… in binary
    assert len(left) == 71


def test_a_random_drop_grows() -> None:
    before = set(range(8))
    for rate in (0.125, 0.25, 0.5, 0.75):
        after = set(kept(rate=rate, by="random"))
        assert after < before
        before = after
    assert kept(rate=0.5, by="random") != kept(rate=0.5, by="random", seed=1)


def test_the_base_is_the_sampler_of_that_name() -> None:
    for base in ("uniform", "random", "top", "bottom"):
        whole = framedex.select(base, SCORES, budget=3, video="v", question="q").rows.tolist()
        assert kept(3, base=base, rate=0.0) == whole
        assert set(kept(3, base=base, rate=0.5)) < set(whole)


@pytest.mark.parametrize("rate", [-0.1, 1.0, 2])
def test_a_rate_out_of_range(rate: float) -> None:
    with pytest.raises(UsageError, match="rate: expected 0 or more and below 1"):
        kept(rate=rate)


def test_an_unknown_base() -> None:
    with pytest.raises(UsageError, match="base: expected one of uniform, random, top, bottom"):
        kept(base="window-top")
