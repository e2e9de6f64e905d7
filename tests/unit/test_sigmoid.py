"""The logistic function at the ends of its types."""

from __future__ import annotations

import math

import numpy as np
import pytest

from framedex.sigmoid import sigmoid


def test_single_precision_keeps_its_digits_far_down_and_overflows_nowhere() -> None:
    values = sigmoid(np.array([-80.0, -16.0, 0.0, 200.0, -200.0], np.float32))
    assert values.dtype == np.float32
    assert values[0] == pytest.approx(math.exp(-80), rel=1e-5)
    assert values[1] == pytest.approx(1 / (1 + math.exp(16)), rel=1e-6)
    assert (values[2], values[3]) == (0.5, 1.0)
    assert values[4] == 0


def test_double_precision_overflows_nowhere() -> None:
    values = sigmoid(np.array([-800.0, 0.0, 800.0]))
    assert values.dtype == np.float64
    assert values.tolist() == [0.0, 0.5, 1.0]
