"""What frames are chosen by: the text of a question's prompt variant."""

from __future__ import annotations

from framedex.datasets.questions import Question
from framedex.errors import UsageError, did_you_mean

#: Prompt variants by these names are made of the question; any other name is a column of the manifest's `variants`.
QUESTION, ANSWER = "question", "answer"


def prompt_text(subject: str, question: Question, variant: str) -> str:
    """The text of one variant.

    Args:
        subject: the question, for messages.
        question: as the manifest has it.
        variant: "question", "answer" (the right option), or one of its `variants`.

    Raises:
        UsageError: the question has no such variant, or no known answer.
    """
    texts = {**dict(question.variants), QUESTION: question.question}
    if question.answer is not None:
        texts[ANSWER] = question.options[question.answer]
    if variant not in texts:
        raise UsageError(f"{subject}: has no variant {variant!r}; {did_you_mean(variant, texts)}")
    return texts[variant]
