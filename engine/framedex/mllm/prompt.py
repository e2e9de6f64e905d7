"""What every family says of a question: the text, its options by letter, and how to answer."""

from __future__ import annotations

import string
from collections.abc import Sequence

from framedex.mllm.base import Scoring

#: Part of every MLLM key: a new number whenever a question is put in other words, a letter has other spellings, or options are
#: added up otherwise.
SCORING_VERSION = 1

LETTERS = string.ascii_uppercase

_INSTRUCTIONS: dict[Scoring, str] = {
    "option": "Answer with the option's text.",
    "letter": "Answer with the option's letter.",
    "generate": "Answer with the option's letter.",
}


def question_text(question: str, options: Sequence[str], scoring: Scoring) -> str:
    """The question, a line per option ("A. red"), and how to answer.

    Raises:
        ValueError: more options than letters.
    """
    if len(options) > len(LETTERS):
        raise ValueError(f"{len(options)} options: a prompt can list {len(LETTERS)} by letter")
    lines = [f"{letter}. {option}" for letter, option in zip(LETTERS, options, strict=False)]
    return "\n".join([question, *lines, _INSTRUCTIONS[scoring]])


def letter_spellings(letter: str) -> tuple[str, ...]:
    """How a model may begin an answer by letter; those that are one token each are added."""
    return (letter, f" {letter}", f"({letter}")
