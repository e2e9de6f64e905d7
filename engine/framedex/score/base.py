"""The scorer contract: stored vectors of several videos and prompts in, every score out."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from types import TracebackType
from typing import Any, Protocol, Self

import numpy as np
from numpy.typing import NDArray

from framedex.contracts import Vectors
from framedex.errors import InvalidData, UsageError

#: Stored vectors (n, d), float16 or float32, C-contiguous, at any byte address: `VideoIndex.vectors` is one.
View = NDArray[np.float16] | NDArray[np.float32]


class Scorer(Protocol):
    """Inner products on one device; holds the device's buffers until closed."""

    @property
    def provenance(self) -> dict[str, str]:
        """Which back end, its version, device and threads: no part of any key."""
        ...

    def scores(self, views: Sequence[View], prompts: Vectors) -> list[Vectors]:
        """Inner products of every prompt with every row of every view; cosines where both are unit vectors.

        Args:
            views: one per video, n >= 0 rows each, of one dimension d; n may differ. Not kept.
            prompts: float32 (m, d), m >= 0, finite.

        Returns:
            float32 (m, n) for each view, in order, rows in order; within 1e-5 of `framedex.score.numpy` on unit vectors.

        Raises:
            UsageError: another shape or dtype, or a prompt that is not finite.
            InvalidData: a view that holds NaN or infinity.
            DeviceError: the device failed.
        """
        ...

    def pair_scores(self, views: Sequence[View], prompts: Sequence[Vectors]) -> list[Vectors]:
        """Inner products of each view with prompts of its own.

        Args:
            views: as in `scores`; their dimensions may differ.
            prompts: of each view, as in `scores`.

        Returns:
            float32 (m, n) for each view, in order.

        Raises:
            UsageError: not as many prompts as views, or as in `scores`.
            InvalidData: as in `scores`.
            DeviceError: the device failed.
        """
        ...

    def close(self) -> None:
        """Free the device's buffers; safe to call twice."""
        ...

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None: ...


class Checked(ABC):
    """What every scorer does alike: checks what goes in and what comes out. A back end gives `_scores`.

    Args:
        name: registered.
        threads: >= 1.

    Raises:
        UsageError: threads below 1.
    """

    def __init__(self, name: str, *, threads: int) -> None:
        if threads < 1:
            raise UsageError(f"{name}: expected threads of 1 or more, got {threads}")
        self._name = name
        self._threads = threads
        self._closed = False

    def scores(self, views: Sequence[View], prompts: Vectors) -> list[Vectors]:
        """As `Scorer.scores`."""
        self._check_open()
        _check_prompts("prompts", prompts)
        for number, view in enumerate(views):
            _check_view(number, view, prompts.shape[1])
        if not len(prompts):
            return [np.empty((0, len(view)), np.float32) for view in views]
        return _finite(self._scores(views, np.require(prompts, requirements=["C", "A"])))

    def pair_scores(self, views: Sequence[View], prompts: Sequence[Vectors]) -> list[Vectors]:
        """As `Scorer.pair_scores`."""
        self._check_open()
        if len(views) != len(prompts):
            raise UsageError(f"prompts: expected those of {len(views)} views, got those of {len(prompts)}")
        for number, (view, asked) in enumerate(zip(views, prompts, strict=True)):
            _check_prompts(f"prompts {number}", asked)
            _check_view(number, view, asked.shape[1])
        return _finite(self._pair_scores(views, [np.require(asked, requirements=["C", "A"]) for asked in prompts]))

    def close(self) -> None:
        """Nothing is scored after this; safe to call twice."""
        self._closed = True

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @abstractmethod
    def _scores(self, views: Sequence[View], prompts: Vectors) -> list[Vectors]:
        """As `scores`; m >= 1, and all is checked."""

    def _pair_scores(self, views: Sequence[View], prompts: Sequence[Vectors]) -> list[Vectors]:
        """As `pair_scores`, and all is checked: one call per view, where a back end knows no better."""
        return [
            self._scores([view], asked)[0] if len(asked) else np.empty((0, len(view)), np.float32)
            for view, asked in zip(views, prompts, strict=True)
        ]

    def _check_open(self) -> None:
        if self._closed:
            raise ValueError(f"[scorer] {self._name} is closed")


def _finite(scores: list[Vectors]) -> list[Vectors]:
    for number, curve in enumerate(scores):
        if not np.isfinite(curve).all():
            raise no_numbers(number)
    return scores


def no_numbers(view: int) -> InvalidData:
    """The error of a view whose scores are not all numbers."""
    return InvalidData(f"view {view}: holds vectors that are no numbers; delete its row and index the video again")


def _check_prompts(name: str, prompts: Vectors) -> None:
    got: Any = prompts
    if not isinstance(got, np.ndarray) or got.dtype != np.float32 or got.ndim != 2:
        raise UsageError(f"{name}: expected float32 (m, d), got {_described(got)}")
    if not np.isfinite(prompts).all():
        raise UsageError(f"{name}: expected finite vectors, got NaN or infinity")


def _check_view(number: int, view: View, dim: int) -> None:
    got: Any = view
    fits = isinstance(got, np.ndarray) and got.dtype in (np.float16, np.float32) and got.ndim == 2
    if not fits or got.shape[1] != dim or not got.flags.c_contiguous:
        raise UsageError(
            f"view {number}: expected float16 or float32 (n, {dim}), C-contiguous, as the prompts are, got {_described(got)}"
        )


def _described(got: Any) -> str:
    if not isinstance(got, np.ndarray):
        return f"a {type(got).__name__}"
    return f"{got.dtype} {got.shape}{'' if got.flags.c_contiguous else ', not C-contiguous'}"
