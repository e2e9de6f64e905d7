"""The parity gate: a runtime's vectors against the artefact's reference vectors, when a tower is loaded.

Half precision can turn an encoder's vectors into others of length 1 that nothing behind can tell from right ones (SigLIP's
towers in TensorRT and ONNX Runtime: cosine 0.65 against the model). So a runtime is believed when it reproduces vectors that
torch made in float32, and when it would rank pictures for prompts as they do. Weights of another model under this one's manifest
are refused by the same figures.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from framedex.contracts import Vectors
from framedex.errors import DeviceError, UsageError


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """What a runtime of one precision must reach.

    Attributes:
        cosine: least cosine of any vector with its reference.
        ranks: least mean, over prompts, of Spearman's correlation between the scores of pictures, reference against runtime.
    """

    cosine: float
    ranks: float


#: The one table of bars, by precision. Figures behind them are in docs/LOG.md ("Parity at load").
BARS: Final = {
    "fp32": Bar(cosine=0.9999, ranks=0.999),
    "fp16-mixed": Bar(cosine=0.999, ranks=0.99),
    "bf16": Bar(cosine=0.99, ranks=0.95),
    "int8": Bar(cosine=0.98, ranks=0.9),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """What was measured.

    Attributes:
        cosine: least cosine.
        ranks: mean rank correlation over prompts.
    """

    cosine: float
    ranks: float

    def __str__(self) -> str:
        return f"cosine {self.cosine:.6f}, ranks {self.ranks:.4f}"


def bar(precision: str) -> Bar:
    """The bar of a precision.

    Raises:
        UsageError: a precision without one.
    """
    if precision not in BARS:
        raise UsageError(f"unknown precision {precision!r}; exists: {', '.join(BARS)}")
    return BARS[precision]


def measure(got: Vectors, expected: Vectors, *, others: Vectors, got_are_prompts: bool) -> Figures:
    """Compare the vectors of one tower with the reference's.

    Args:
        got: float32 (n, d), the runtime's.
        expected: float32 (n, d), the reference's.
        others: float32 (k, d), the reference's of the other tower: prompts for pictures, pictures for prompts.
        got_are_prompts: the vectors are of texts, so pictures are ranked for each of them.

    Returns:
        Figures; NaN where a vector is not finite.
    """
    a, b = got.astype(np.float64), expected.astype(np.float64)
    before, after = b @ others.T.astype(np.float64), a @ others.T.astype(np.float64)
    if not got_are_prompts:
        before, after = before.T, after.T
    return Figures(cosine=least_cosine(got, expected), ranks=_spearman(before, after))


def least_cosine(got: Vectors, expected: Vectors) -> float:
    """The least cosine of float32 (n, d) vectors with their reference; NaN where one is not finite."""
    return float(cosines(got, expected).min())


def cosines(first: Vectors, second: Vectors) -> NDArray[np.float64]:
    """Row by row, in float64: (n, d) and (n, d) to (n,)."""
    a, b = first.astype(np.float64), second.astype(np.float64)
    each: NDArray[np.float64] = np.einsum("nd,nd->n", a, b) / (np.linalg.norm(a, axis=1) * np.linalg.norm(b, axis=1))
    return each


def require(figures: Figures, *, precision: str, subject: str) -> None:
    """Refuse a tower below its bar.

    Raises:
        DeviceError: with the figures and what was expected.
    """
    least = bar(precision)
    # Written so that NaN does not pass.
    if not (figures.cosine >= least.cosine and figures.ranks >= least.ranks):
        raise DeviceError(
            f"{subject}: does not give the encoder's vectors in {precision}: {figures}, expected cosine {least.cosine} and ranks "
            f"{least.ranks} or more against torch in float32; {_advice(precision)}"
        )


def require_cosine(cosine: float, *, precision: str, subject: str) -> None:
    """Refuse a tower whose least cosine is below its bar, where too few pictures were run to compare their order.

    Raises:
        DeviceError: with the figure and what was expected.
    """
    least = bar(precision)
    # Written so that NaN does not pass.
    if not cosine >= least.cosine:
        raise DeviceError(
            f"{subject}: does not give the encoder's vectors in {precision}: cosine {cosine:.6f}, expected {least.cosine} or "
            f"more against torch in float32; {_advice(precision)}"
        )


def _advice(precision: str) -> str:
    if precision == "fp32":
        return "its graphs may hold other weights than the manifest says: export it again, or use another runtime"
    return "use a higher precision or another runtime"


def _spearman(first: NDArray[np.float64], second: NDArray[np.float64]) -> float:
    """Mean over rows of Spearman's rank correlation; there are no ties among scores of different pictures."""
    if not (np.isfinite(first).all() and np.isfinite(second).all()):
        return float("nan")
    n = first.shape[1]
    differences = first.argsort(axis=1).argsort(axis=1) - second.argsort(axis=1).argsort(axis=1)
    correlations = 1.0 - 6.0 * (differences.astype(np.float64) ** 2).sum(axis=1) / (n * (n * n - 1))
    return float(correlations.mean())
