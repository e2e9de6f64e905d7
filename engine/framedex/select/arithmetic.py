"""Sums, logarithms and powers of which every step is fixed: the same bits on every machine and version of NumPy, and in C++.

The order in which NumPy sums, and the series by which it takes logarithms, depend on its version and on the processor. Here
each step is an operation on doubles that IEEE 754 rounds in one way; engine/native/src/loops takes the same steps.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[np.float64]

# ln 2 = high + low; high has 32 bits, so that products with exponents are exact.
_LN2_HIGH = float.fromhex("0x1.62e42feep-1")
_LN2_LOW = float.fromhex("0x1.a39ef35793c76p-33")
# 2·atanh(s) = 2·s + s·z·(2/3 + 2/5·z + …), z = s², to nine terms; exp(r) = 1 + r + r²/2! + …, to fourteen. The last first.
_ATANH = tuple(2 / (2 * term + 3) for term in reversed(range(9)))
_EXP = tuple(1 / math.factorial(term) for term in reversed(range(14)))
_ROOT_HALF = math.sqrt(0.5)
_SMALLEST = float(np.finfo(np.float64).tiny)
_LEAST = -700.0  # exponents below give 0


def total(values: Numbers) -> float:
    """The sum of n >= 1 numbers: eight sums side by side, of every eighth number each, then of these from the first on.

    It is infinite, or no number, where one of the sums is beyond the largest double.
    """
    lanes = np.zeros((-(-len(values) // 8), 8))
    lanes.ravel()[: len(values)] = values
    with np.errstate(over="ignore", invalid="ignore"):
        return float(np.cumsum(np.cumsum(lanes, axis=0)[-1])[-1])


def log(values: Numbers) -> Numbers:
    """Natural logarithms of normal numbers above 0, within 2 units in the last place."""
    halves, exponents = np.frexp(values)
    below = halves < _ROOT_HALF
    m = np.where(below, halves + halves, halves)  # from sqrt(1/2) to sqrt(2)
    e = exponents - np.where(below, 1.0, 0.0)
    s = (m - 1) / (m + 1)
    z = s * s
    return np.asarray(e * _LN2_HIGH + (2 * s + (s * z * _series(_ATANH, z) + e * _LN2_LOW)))


def exp(values: Numbers) -> Numbers:
    """exp of numbers up to 0; 0 below -700."""
    at = np.maximum(values, _LEAST)
    k = np.rint(at * (1 / math.log(2)))
    r = (at - k * _LN2_HIGH) - k * _LN2_LOW
    return np.where(values < _LEAST, 0.0, np.ldexp(_series(_EXP, r), k.astype(np.int64)))


def power(values: Numbers, exponent: float) -> Numbers:
    """Numbers from 0 to 1, raised: exp(exponent·log x); 0 of what is no normal number, and themselves where exponent is 1."""
    if exponent == 1:
        return values
    nothing = values < _SMALLEST
    return np.where(nothing, 0.0, exp(exponent * log(np.where(nothing, 1.0, values))))


def _series(terms: tuple[float, ...], x: Numbers) -> Numbers:
    found = np.full_like(x, terms[0])
    for term in terms[1:]:
        found = found * x + term
    return found
