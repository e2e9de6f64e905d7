"""What samplers read of one prompt over one video, fetched only where one of them reads it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from framedex.contracts import Vectors
from framedex.datasets import Question
from framedex.errors import UsageError
from framedex.index import Row
from framedex.scores.curves import Curve, CurveSource, Prompt
from framedex.scores.transform import Scores, Transform, needs_encoder
from framedex.select.base import DrawKey, Input, Intervals, Request, Sampler


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Material:
    """All that samplers may read of one prompt over one video, budget and draw aside.

    Attributes:
        curve: whose frames are chosen from.
        scores: float64 (k,), the curve's, transformed.
        embeddings: float32 (k, d), or None where no sampler reads them or there are none.
        prompt: float32 (d,), likewise.
        evidence_us: int64 (m, 2), or None where the question has none.
    """

    curve: Curve
    scores: Scores
    embeddings: Vectors | None = None
    prompt: Vectors | None = None
    evidence_us: Intervals | None = None

    def request(self, budget: int, draw: DrawKey) -> Request:
        """The request of one sampler."""
        return Request(
            pts_us=self.curve.pts_us,
            budget=budget,
            draw=draw,
            scores=self.scores,
            embeddings=self.embeddings,
            prompt=self.prompt,
            evidence_us=self.evidence_us,
        )


def check_reads(
    samplers: Iterable[Sampler], transforms: Iterable[Transform], source: CurveSource, questions: Sequence[Question]
) -> None:
    """Refuse, before any work, samplers and transforms that cannot have what they need.

    Raises:
        UsageError: a sampler of embeddings or a transform of cosines over stored scores, or a sampler of evidence where a
            question has none.
    """
    for sampler in samplers:
        if not source.has_vectors and {"embeddings", "prompt"} & {*sampler.needs}:
            raise UsageError(
                f"sampler {sampler.name!r} needs the frames' embeddings, but scores {source.name!r} are scores alone; "
                "leave the sampler out, or choose by an encoder in their place"
            )
        if "evidence" in sampler.needs:
            without = [question.id for question in questions if not question.evidence]
            if without:
                raise UsageError(
                    f"sampler {sampler.name!r} needs evidence, but question {without[0]!r} has none ({len(without)} of "
                    f"{len(questions)} questions have none); give evidence [[start_s, end_s], …] in the manifest"
                )
    for transform in transforms:
        if transform in ("logit", "prob") and source.logit is None:
            raise UsageError(f"scores {source.name!r}: {needs_encoder(transform)}")


def vectors_read(
    samplers: Iterable[Sampler], source: CurveSource, row: Row, prompts: Sequence[Prompt]
) -> tuple[Vectors, Vectors] | None:
    """The frames' and the prompts' vectors, or None where no sampler reads any, or there are none."""
    reads: set[Input] = {need for sampler in samplers for need in (*sampler.needs, *sampler.wants)}
    if not source.has_vectors or reads.isdisjoint(("embeddings", "prompt")):
        return None
    return source.vectors(row, prompts)


def evidence_us(question: Question, row: Row) -> Intervals | None:
    """A question's evidence on the video's own clock."""
    if not question.evidence:
        return None
    return row.time_origin_us + np.rint(np.array(question.evidence) * 1e6).astype(np.int64)
