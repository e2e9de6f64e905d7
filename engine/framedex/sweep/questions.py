"""The questions of a sweep: each with options, a known answer, and the prompt of every variant."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from framedex.datasets import Question, read_questions
from framedex.datasets.combined import PromptTexts
from framedex.datasets.prompts import prompt_of
from framedex.errors import UsageError

#: A prompt lists its options by letter.
OPTIONS_MAX = 26


@dataclass(frozen=True, slots=True, kw_only=True)
class SweptQuestion:
    """A question that can be answered right or wrong.

    Attributes:
        asked: as the manifest has it.
        gold: index of the right option.
        prompts: what frames are chosen by, one per variant of the sweep, in its order.
    """

    asked: Question
    gold: int
    prompts: tuple[PromptTexts, ...]


def swept_questions(manifests: Sequence[Path], variants: Sequence[str]) -> list[SweptQuestion]:
    """Read all manifests, in order.

    Raises:
        UsageError: a manifest that does not hold, an id in two of them, a question without two options or a known answer, or one
            that lacks a variant.
    """
    found: dict[str, tuple[Path, SweptQuestion]] = {}
    for manifest in manifests:
        for question in read_questions(manifest):
            if question.id in found:
                raise UsageError(
                    f"question id {question.id!r} is in {found[question.id][0]} and {manifest}; each question needs its own"
                )
            found[question.id] = (manifest, _swept(f"{manifest}: question {question.id!r}", question, variants))
    return [question for _, question in found.values()]


def _swept(subject: str, question: Question, variants: Sequence[str]) -> SweptQuestion:
    if not 2 <= len(question.options) <= OPTIONS_MAX:
        raise UsageError(f"{subject}: expected 2 to {OPTIONS_MAX} options, got {len(question.options)}")
    if question.answer is None:
        raise UsageError(f"{subject}: has no answer; a sweep needs to know the right option")
    prompts = tuple(prompt_of(subject, question, variant) for variant in variants)
    return SweptQuestion(asked=question, gold=question.answer, prompts=prompts)
