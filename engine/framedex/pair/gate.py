"""The parity gate of pair scorers: a runtime's logits and scores against torch's, with the same bars at export and before use."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from framedex.errors import DeviceError
from framedex.pair.frame_score import frame_scores
from framedex.pair.manifest import PairManifest, Rule, RuleParity

#: Of logits, where their deviation is 1 or less; of the deviation where it is more.
MAX_DIFFERENCE: Final = 1e-3
#: Share of pairs of pictures.
MIN_RANK_AGREEMENT: Final = 0.99

#: Scores that are nearer to each other than this, in units of the larger one or of 1, are not ranked.
_APART: Final = 1e-5


@dataclass(frozen=True, slots=True, kw_only=True)
class PairFigures:
    """What was measured.

    Attributes:
        difference: the largest of logits.
        most: that it may be.
        rule: of the scores.
        scores: theirs.
    """

    difference: float
    most: float
    rule: Rule
    scores: RuleParity

    def __str__(self) -> str:
        return f"logits within {self.difference:.3g}, {shown_order(self.rule, self.scores)}"


def most_difference(deviation: float) -> float:
    """How far logits of that standard deviation may be from torch's."""
    return MAX_DIFFERENCE * max(1.0, deviation)


def keeps_order(rule: Rule, scores: RuleParity) -> bool:
    """Whether the scores rank pictures as torch's do, or there is nothing to rank.

    The rule `area` counts cells on one side of a threshold, and a cell at the threshold falls to either side by rounding: its
    figures are recorded, and have no bar.
    """
    return rule == "area" or scores.rank_agreement is None or scores.rank_agreement >= MIN_RANK_AGREEMENT


def shown_order(rule: Rule, scores: RuleParity) -> str:
    """How far the order of pictures was kept, for people."""
    if scores.rank_agreement is None:
        return f"nothing to rank by {rule} (torch's scores of different pictures are equal)"
    return f"order by {rule} kept in {100 * scores.rank_agreement:.2f} % of {scores.ranked} pairs"


def measure(
    got: NDArray[np.float32],
    expected: NDArray[np.float32],
    *,
    rule: Rule,
    manifest: PairManifest,
    sizes: NDArray[np.int32],
) -> PairFigures:
    """Compare logits with torch's, and what a rule makes of both.

    Args:
        got: float32 (m, n, h, w) or (m, n), the runtime's.
        expected: the same of torch.
        rule: one of the manifest's.
        manifest: of the artefact.
        sizes: int32 (n, 2), of the pictures before they were resized.
    """
    ours, theirs = (scores_of(logits, rule=rule, manifest=manifest, sizes=sizes) for logits in (got, expected))
    return PairFigures(
        difference=farthest(got, expected),
        most=most_difference(float(expected.std(dtype=np.float64))),
        rule=rule,
        scores=compare_scores(ours, theirs),
    )


def require(figures: PairFigures, *, subject: str) -> None:
    """Refuse a network beyond its bars.

    Raises:
        DeviceError: with the figures and what was expected.
    """
    # Written so that NaN does not pass.
    if not (figures.difference <= figures.most and keeps_order(figures.rule, figures.scores)):
        raise DeviceError(
            f"{subject}: does not give the network's scores: {figures}; expected logits within {figures.most:.3g} and the order "
            f"kept in {100 * MIN_RANK_AGREEMENT:g} % or more against torch in float32; its graphs are of other weights, or the "
            "runtime is broken: export it again with --force"
        )


def scores_of(
    logits: NDArray[np.float32], *, rule: Rule, manifest: PairManifest, sizes: NDArray[np.int32]
) -> NDArray[np.float32]:
    """What a rule makes of logits, (m, n, h, w) or (m, n): float32 (m, n)."""
    columns = [
        frame_scores(
            logits[:, column],
            rule=rule,
            threshold=manifest.score.threshold,
            image=manifest.image,
            size=(int(height), int(width)),
        )
        for column, (height, width) in enumerate(sizes)
    ]
    return np.stack(columns, axis=1)


def compare_scores(got: NDArray[np.float32], expected: NDArray[np.float32]) -> RuleParity:
    """Scores (m, n) of texts and pictures against the reference's: the largest difference, and how often the order is kept."""
    first, second = np.triu_indices(expected.shape[1], k=1)
    theirs = expected[:, first].astype(np.float64) - expected[:, second]
    ours = got[:, first].astype(np.float64) - got[:, second]
    scale = np.maximum(1.0, np.maximum(np.abs(expected[:, first]), np.abs(expected[:, second])))
    ranked = np.abs(theirs) > _APART * scale
    agree = np.sign(ours[ranked]) == np.sign(theirs[ranked])
    return RuleParity(
        max_difference=farthest(got, expected),
        rank_agreement=float(agree.mean()) if ranked.any() else None,
        ranked=int(ranked.sum()),
    )


def farthest(got: NDArray[np.float32], expected: NDArray[np.float32]) -> float:
    """The largest difference; NaN where there is one."""
    return float(np.abs(got - expected).max())
