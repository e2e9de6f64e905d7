"""The contract of curves: where the scores of frames come from, whatever reads them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from framedex.contracts import Pts, Vectors
from framedex.datasets.prompts import QUESTION
from framedex.errors import UsageError
from framedex.index import Row
from framedex.scores.transform import Logit
from framedex.visible import is_unicode


@dataclass(frozen=True, slots=True, kw_only=True)
class Prompt:
    """What frames are scored for: the text of one question under one variant.

    Attributes:
        text: the prompt's.
        question_id: whose.
        variant: "question" where the question itself is the prompt.

    Raises:
        UsageError: the text is empty or no Unicode.
    """

    text: str
    question_id: str
    variant: str = QUESTION

    def __post_init__(self) -> None:
        if not self.text.strip():
            raise UsageError(f"question {self.question_id!r}: expected a prompt that is not empty, got {self.text!r}")
        if not is_unicode(self.text):
            raise UsageError(
                f"text {self.text!r}: expected Unicode, got bytes that are none; check the terminal's encoding"
            )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Curve:
    """The scores of one prompt over the frames of a video that are scored: all of them, or some.

    Attributes:
        row: of the video's index.
        rows: int64 (k,), k >= 1, index rows of the scored frames, strictly increasing.
        pts_us: int64 (k,), their timestamps, microseconds.
        scores: float64 (k,), finite.
    """

    row: Row
    rows: NDArray[np.int64]
    pts_us: Pts
    scores: NDArray[np.float64]

    def __post_init__(self) -> None:
        shapes = {self.rows.shape, self.pts_us.shape, self.scores.shape}
        if len(shapes) != 1 or len(self.rows) == 0:
            raise ValueError(f"[Curve] expected rows, pts_us and scores (k,) with k >= 1, got {shapes}")

    @property
    def whole(self) -> bool:
        """Whether every frame of the index is scored."""
        return len(self.rows) == self.row.count

    @property
    def times_s(self) -> NDArray[np.float64]:
        """Seconds of the frames from the video's first: float64 (k,)."""
        return (self.pts_us - self.row.time_origin_us) / 1e6


class FrameSource(Protocol):
    """Which frames a source can score."""

    @property
    def key(self) -> str:
        """What selections and records carry as `encoder_key`: the encoder's key, or that of a set of scores."""
        ...

    @property
    def name(self) -> str:
        """For people."""
        ...

    def grids(self) -> list[str]:
        """Names of the grids that it has scores on, sorted."""
        ...

    def rows(self, grid: str | None = None) -> list[Row]:
        """The rows whose frames it can score, on one grid or on all.

        Raises:
            StoreError: a row breaks docs/format.md.
        """
        ...


class CurveSource(FrameSource, Protocol):
    """Where curves come from: an index and an encoder, or stored scores. Nothing to close: what it reads with is its maker's."""

    @property
    def measure(self) -> str:
        """What the scores are, untransformed: "cosine", or "raw" where they are as they were stored."""
        ...

    @property
    def provenance(self) -> dict[str, str]:
        """What gave the scores: recorded, no part of the key."""
        ...

    def check(self, row: Row, prompts: Sequence[Prompt], *, whole: bool = False) -> None:
        """Refuse, before any work, prompts that it has no curve for.

        Args:
            row: one of `rows`.
            prompts: what will be asked.
            whole: refuse curves, too, that leave frames out.

        Raises:
            UsageError: with what is missing and how to come by it.
            StoreError: a file breaks docs/format.md.
        """
        ...

    def curves(self, row: Row, prompts: Sequence[Prompt]) -> list[Curve]:
        """One curve per prompt, in order.

        Raises:
            UsageError: an empty prompt, or one that it has no curve for.
            StoreError: a file breaks docs/format.md.
        """
        ...

    def many(self, asks: Sequence[tuple[Row, Sequence[Prompt]]]) -> Iterator[list[Curve]]:
        """`curves` of many videos, each with prompts of its own, in order; a bounded number of files is open at a time.

        Raises:
            UsageError: as `curves`.
            StoreError: as `curves`.
        """
        ...

    @property
    def logit(self) -> Logit | None:
        """How its cosines become logits; None where its scores are no encoder's."""
        ...

    @property
    def has_vectors(self) -> bool:
        """Whether it can give `vectors`."""
        ...

    def vectors(self, row: Row, prompts: Sequence[Prompt]) -> tuple[Vectors, Vectors]:
        """Unit vectors of every frame of a row, float32 (n, d), and of the prompts, float32 (m, d).

        Raises:
            UsageError: it has scores alone, or the encoder's rules leave nothing of a text.
            StoreError: a file breaks docs/format.md.
        """
        ...

    def truncated_texts(self, texts: Sequence[str]) -> tuple[str, ...]:
        """Those of `texts` whose ends count for nothing, because the encoder reads no further."""
        ...
