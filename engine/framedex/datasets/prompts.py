"""What frames are chosen by: the text, or texts, of a question's prompt variant."""

from __future__ import annotations

from framedex.datasets.combined import PromptTexts
from framedex.datasets.questions import Question
from framedex.errors import UsageError, did_you_mean

#: Prompt variants by these names are made of the question; any other name is a column of the manifest's `variants`.
QUESTION, ANSWER = "question", "answer"


def prompt_of(subject: str, question: Question, variant: str) -> PromptTexts:
    """The prompt of one variant.

    Args:
        subject: the question, for messages.
        question: as the manifest has it.
        variant: "question", "answer" (the right option), or one of its `variants`.

    Raises:
        UsageError: the question has no such variant, or no known answer.
    """
    prompts: dict[str, PromptTexts] = {**dict(question.variants), QUESTION: question.question}
    if question.answer is not None:
        prompts[ANSWER] = question.options[question.answer]
    if variant not in prompts:
        raise UsageError(f"{subject}: has no variant {variant!r}; {did_you_mean(variant, prompts)}")
    return prompts[variant]
