"""The pair scorer contract: tower-sized frames and texts in, one score for every pair of them out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Protocol, Self

import numpy as np
from numpy.typing import NDArray

from framedex.contracts import TowerBatch, Vectors
from framedex.embed.manifest import ImageRules


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PairFrames:
    """Frames of one video, as a pair scorer takes them.

    Attributes:
        video_key: whose; with `pts_us` it names a frame, so that what was computed of it can be found again.
        batch: n frames of the scorer's size.
        sizes: int32 (n, 2), height and width of each frame before it was resized: says where a letterbox's borders are.
    """

    video_key: str
    batch: TowerBatch
    sizes: NDArray[np.int32]

    def __post_init__(self) -> None:
        if self.sizes.dtype != np.int32 or self.sizes.shape != (len(self.batch), 2) or (self.sizes < 1).any():
            raise ValueError(
                f"[PairFrames] expected sizes int32 ({len(self.batch)}, 2) of 1 or more, got {self.sizes.dtype} "
                f"{self.sizes.shape}"
            )
        self.sizes.setflags(write=False)

    def __len__(self) -> int:
        return len(self.batch)


class PairScorer(Protocol):
    """A network over a frame and a text, loaded; there is no vector of either to keep. Holds its sessions until closed."""

    @property
    def key(self) -> str:
        """32 hex digits of weights, preprocessing, text rules and the rule that makes one number of the network's output."""
        ...

    @property
    def name(self) -> str:
        """For people: "cris-mask"; with the rule where it is not the artefact's own: "cris-mask-area"."""
        ...

    @property
    def image(self) -> ImageRules:
        """How a picture becomes what the network takes."""
        ...

    @property
    def provenance(self) -> dict[str, str]:
        """Runtime, its version, device and precision: recorded with the scores, no part of the key."""
        ...

    def scores(self, frames: PairFrames, texts: Sequence[str]) -> Vectors:
        """Score every text against every frame.

        What of a frame does not depend on the text is computed once for all texts, and kept for later calls as far as the
        scorer's cache reaches; the result does not depend on it, nor on which frames and texts come together.

        Args:
            frames: n >= 0.
            texts: m >= 1.

        Returns:
            float32 (m, n), finite; more is a better match. Its range is the network's own.

        Raises:
            UsageError: an empty text.
            ValueError: pixels are not of the scorer's size.
            DeviceError: the runtime failed.
        """
        ...

    def truncated_texts(self, texts: Sequence[str]) -> tuple[str, ...]:
        """Those of `texts` that are longer than the network reads: `scores` reads their beginning only."""
        ...

    def close(self) -> None:
        """Free sessions and cache; safe to call twice."""
        ...

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None: ...
