"""Sums, logarithms and powers whose every step is fixed."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from framedex.select import arithmetic


@given(st.lists(st.floats(2.0**-1000, 2.0**1000), min_size=1))
def test_logarithms_are_within_two_units_in_the_last_place(values: list[float]) -> None:
    for value, found in zip(values, arithmetic.log(np.array(values)), strict=True):
        assert abs(found - math.log(value)) <= 2 * math.ulp(math.log(value))


@given(st.lists(st.floats(-699, 0), min_size=1))
def test_exponentials_are_near(values: list[float]) -> None:
    for value, found in zip(values, arithmetic.exp(np.array(values)), strict=True):
        assert found == pytest.approx(math.exp(value), rel=1e-15 * (2 + abs(value)))


def test_exponentials_end_at_zero() -> None:
    assert arithmetic.exp(np.array([-700.1, -1e300, 0.0])).tolist() == [0, 0, 1]


@given(st.floats(0, 1), st.floats(0.01, 50))
def test_powers(value: float, exponent: float) -> None:
    (found,) = arithmetic.power(np.array([value]), exponent)
    if value < 2.0**-1022:
        assert found == 0
    elif value**exponent < 1e-300:
        assert 0 <= found < 1e-290
    else:
        assert found == pytest.approx(value**exponent, rel=1e-12)


def test_the_power_of_one_is_the_number_itself() -> None:
    values = np.array([0.0, 5e-324, 0.3, 1.0])
    assert arithmetic.power(values, 1.0) is values
    assert arithmetic.power(values, 2.0)[[0, 1, 3]].tolist() == [0, 0, 1]


def test_a_sum_is_eight_sums_side_by_side() -> None:
    values = np.array([1e16, 1, 0, 0, 0, 0, 0, 0, -1e16, 1])
    assert arithmetic.total(values) == 2  # from the first to the last it would be 1: 1e16 + 1 rounds to 1e16
    assert arithmetic.total(np.array([0.5])) == 0.5
