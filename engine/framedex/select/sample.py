"""A made-up video to show samplers on: two events of different height, a change of scene, and a little unrest."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from framedex.contracts import Pts, Vectors
from framedex.select.base import DrawKey, Intervals, Request, Scores

FRAMES = 72


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SampleVideo:
    """One prompt over one video, one frame a second; the attributes are those of `Request`."""

    pts_us: Pts
    scores: Scores
    embeddings: Vectors
    prompt: Vectors
    evidence_us: Intervals

    def request(self, budget: int, sampler: str, *, seed: int = 0) -> Request:
        """All of it, whatever the sampler reads."""
        return Request(
            pts_us=self.pts_us,
            budget=budget,
            draw=DrawKey(seed=seed, sampler=sampler),
            scores=self.scores,
            embeddings=self.embeddings,
            prompt=self.prompt,
            evidence_us=self.evidence_us,
        )


def sample_video() -> SampleVideo:
    """The sample: the same on every machine."""
    at = np.arange(FRAMES)
    unrest = 0.02 * np.sin(2.4 * at) + 0.015 * np.sin(0.7 * at * at)
    event = 0.20 * np.exp(-(((at - 20) / 4) ** 2)) + 0.12 * np.exp(-(((at - 52) / 6) ** 2))
    scene = np.searchsorted([14, 30, 44, 60], at, side="right")
    angle = 1.1 * scene + 0.02 * at  # a slow pan within every scene
    embeddings = np.stack([np.cos(angle), np.sin(angle), 0.5 * np.cos(3 * angle), 0.5 * np.sin(5 * angle)], axis=1)
    embeddings /= np.linalg.norm(embeddings, axis=1, keepdims=True)
    return SampleVideo(
        pts_us=(at * 1_000_000).astype(np.int64),
        scores=np.round(0.05 + event + unrest, 6),
        embeddings=embeddings.astype(np.float32),
        prompt=embeddings[20].astype(np.float32),
        evidence_us=np.array([[17_000_000, 24_000_000]], dtype=np.int64),
    )
