"""The sampler contract: scores, timestamps and a budget in, rows out.

A sampler is a frozen dataclass: its fields are its parameters, `rows` is its rule, a pure function of the request.
*Keyframe* samplers give exactly min(budget, n) rows; *set* samplers give what their rule says.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import ClassVar, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from framedex.contracts import Pts, Vectors
from framedex.errors import UsageError
from framedex.keys import canonical_json

Rows = NDArray[np.int64]
Scores = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class DrawKey:
    """What a random draw depends on, and nothing else, so that shards and reruns agree; absent parts are empty."""

    seed: int = 0
    video: str = ""
    question: str = ""
    variant: str = ""
    sampler: str = ""

    def uniforms(self, n: int) -> Scores:
        """Draw n numbers in [0, 1): `Philox(key).random(n)`, key = first 128 bits of SHA-256 over the parts' JSON list."""
        text = canonical_json([self.seed, self.video, self.question, self.variant, self.sampler])
        key = int.from_bytes(hashlib.sha256(text.encode()).digest()[:16], "big")
        return np.random.Generator(np.random.Philox(key=key)).random(n)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Request:
    """What a sampler sees of one (video, prompt).

    Attributes:
        pts_us: int64 (n,), n >= 1, strictly increasing.
        budget: frames wanted, >= 1.
        draw: key of the request's randomness.
        scores: float64 (n,), finite, or None.
        embeddings: float32 (n, d) unit rows, or None.
        prompt: float32 (d,) unit vector, or None.
    """

    pts_us: Pts
    budget: int
    draw: DrawKey
    scores: Scores | None = None
    embeddings: Vectors | None = None
    prompt: Vectors | None = None

    @property
    def n(self) -> int:
        """Number of frames."""
        return len(self.pts_us)

    @property
    def take(self) -> int:
        """Rows that a keyframe sampler gives: min(budget, n)."""
        return min(self.budget, self.n)

    def need_scores(self, sampler: str) -> Scores:
        """The scores.

        Raises:
            UsageError: there are none.
        """
        if self.scores is None:
            raise UsageError(f"sampler {sampler!r} needs scores: give a prompt, or a score per frame")
        return self.scores


class Sampler(Protocol):
    """A rule with its parameters."""

    name: ClassVar[str]
    kind: ClassVar[Literal["keyframe", "set"]]

    def rows(self, request: Request) -> Rows:
        """Unique sorted rows of the request's frames."""
        ...
