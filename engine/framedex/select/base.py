"""The sampler contract: scores, timestamps and a budget in, rows out.

A sampler is a frozen dataclass: its fields are its parameters, `rows` is its rule, a pure function of the request.
*Keyframe* samplers give exactly min(budget, n) rows; *set* samplers give what their rule says.

A sampler says what it cannot do without (`needs`) and what it reads where it is given (`wants`), so that callers fetch
embeddings, prompt vectors and evidence only for those who read them, and refuse before any work what cannot be had.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from framedex.contracts import Pts, Vectors
from framedex.errors import UsageError
from framedex.keys import canonical_json

Rows = NDArray[np.int64]
Scores = NDArray[np.float64]
Intervals = NDArray[np.int64]

#: What a sampler may read beside timestamps and the budget.
Input = Literal["scores", "embeddings", "prompt", "evidence", "seed"]


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
        evidence_us: int64 (m, 2), first and last timestamps of the intervals in which the answer can be seen, or None.
    """

    pts_us: Pts
    budget: int
    draw: DrawKey
    scores: Scores | None = None
    embeddings: Vectors | None = None
    prompt: Vectors | None = None
    evidence_us: Intervals | None = None

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

    def need_embeddings(self, sampler: str) -> Vectors:
        """The embeddings.

        Raises:
            UsageError: there are none.
        """
        if self.embeddings is None:
            raise UsageError(
                f"sampler {sampler!r} needs the frames' embeddings, which only an index has: give embeddings"
            )
        return self.embeddings

    def need_prompt(self, sampler: str) -> Vectors:
        """The prompt's vector.

        Raises:
            UsageError: there is none.
        """
        if self.prompt is None:
            raise UsageError(
                f"sampler {sampler!r} needs the prompt's vector: give prompt, a unit vector of the frames' encoder"
            )
        return self.prompt

    def need_evidence(self, sampler: str) -> Intervals:
        """The evidence.

        Raises:
            UsageError: there is none.
        """
        if self.evidence_us is None or not len(self.evidence_us):
            raise UsageError(f"sampler {sampler!r} needs evidence: give evidence_us, or evidence in the manifest")
        return self.evidence_us


class Sampler(Protocol):
    """A rule with its parameters.

    Attributes:
        name: as it is registered.
        kind: "keyframe" gives exactly min(budget, n) rows, "set" what its rule says.
        needs: what it cannot do without.
        wants: what else it reads, where it is given or where its parameters say so.
        cost: of one call, in words; n frames, budget k, d dimensions.
    """

    name: ClassVar[str]
    kind: ClassVar[Literal["keyframe", "set"]]
    needs: ClassVar[tuple[Input, ...]]
    wants: ClassVar[tuple[Input, ...]]
    cost: ClassVar[str]

    def rows(self, request: Request) -> Rows:
        """Unique sorted rows of the request's frames."""
        ...


class OfVideo(Protocol):
    """What a sampler may have beside `rows`: all that is asked of one video at once, so that what is alike is done once."""

    def rows_of_video(self, requests: Sequence[Request]) -> Iterable[Rows]:
        """What `rows` gives for each of them, in order: the same, whatever else is asked for.

        Args:
            requests: one or more: prompts × budgets × seeds in any order. Timestamps and embeddings are the same arrays in all
                of them, scores, prompt and evidence of one prompt likewise.
        """
        ...
