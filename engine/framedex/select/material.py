"""What samplers may read beside scores: refused before any work where it is not to be had."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from framedex.datasets import Question
from framedex.datasets.combined import PromptTexts, texts_of
from framedex.errors import UsageError
from framedex.index import Row
from framedex.scores.curves import CurveSource
from framedex.scores.transform import Transform, needs_encoder
from framedex.select.base import Intervals, Sampler


def check_reads(
    samplers: Iterable[Sampler],
    transforms: Iterable[Transform],
    source: CurveSource,
    questions: Sequence[Question],
    prompts: Iterable[PromptTexts],
) -> None:
    """Refuse, before any work, samplers and transforms that cannot have what they need.

    Raises:
        UsageError: a sampler of embeddings or a transform of cosines over stored scores, a sampler of evidence where a question
            has none, or one of a prompt's vector where several are combined.
    """
    combined = next((prompt for prompt in prompts if not isinstance(prompt, str)), None)
    for sampler in samplers:
        if not source.has_vectors and {"embeddings", "prompt"} & {*sampler.needs}:
            raise UsageError(
                f"sampler {sampler.name!r} needs the frames' embeddings, but scores {source.name!r} are scores alone; "
                "leave the sampler out, or choose by an encoder in their place"
            )
        if combined is not None and "prompt" in sampler.needs:
            raise UsageError(
                f"sampler {sampler.name!r}: reads the vector of one prompt, got {len(texts_of(combined))} to combine; give one"
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


def evidence_us(question: Question, row: Row) -> Intervals | None:
    """A question's evidence on the video's own clock."""
    if not question.evidence:
        return None
    return row.time_origin_us + np.rint(np.array(question.evidence) * 1e6).astype(np.int64)
