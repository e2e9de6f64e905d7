"""recall@1: how often the best frame for a caption lies in the caption's known evidence."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from framedex.microworld.evidence import Interval


@dataclass(frozen=True, slots=True, kw_only=True)
class Recall:
    """Retrieval over (clip, caption) pairs.

    Attributes:
        at_1: share of pairs whose top-scoring frame lies in the evidence; of equal scores the earliest frame counts.
        chance: mean share of frames that lie in the evidence: what a random frame reaches.
        n_pairs: number of pairs.
        n_out_of_reach: pairs of which no sampled frame lies in the evidence; they count as missed.
    """

    at_1: float
    chance: float
    n_pairs: int
    n_out_of_reach: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PairScore:
    """One pair: whether its top frame is right, and the share of frames that would be."""

    hit: bool
    evidence_share: float


def inside(times_s: NDArray[np.floating], evidence: Sequence[Interval]) -> NDArray[np.bool_]:
    """Say which of the times (n,), seconds from the first frame, lie in an interval, both ends included; returns bool (n,)."""
    within = np.zeros(len(times_s), dtype=np.bool_)
    for start_s, stop_s in evidence:
        within |= (times_s >= start_s) & (times_s <= stop_s)
    return within


def score_pair(scores: NDArray[np.floating], times_s: NDArray[np.floating], evidence: Sequence[Interval]) -> PairScore:
    """Judge one caption's scores (n,) over frames at times (n,), seconds from the first frame."""
    within = inside(times_s, evidence)
    return PairScore(hit=bool(within[int(np.argmax(scores))]), evidence_share=float(within.mean()))


def summarise(pairs: Sequence[PairScore]) -> Recall:
    """Average pairs, of which there must be at least one."""
    if not pairs:
        raise ValueError("recall: got no pairs, expected at least one")
    return Recall(
        at_1=float(np.mean([pair.hit for pair in pairs])),
        chance=float(np.mean([pair.evidence_share for pair in pairs])),
        n_pairs=len(pairs),
        n_out_of_reach=sum(pair.evidence_share == 0.0 for pair in pairs),
    )
