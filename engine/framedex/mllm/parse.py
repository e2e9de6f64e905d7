"""Which option a model's own words name. What names none is unparsable: wrong and counted, never guessed."""

from __future__ import annotations

import re
from collections.abc import Sequence

from framedex.mllm.prompt import LETTERS

#: Part of every MLLM key: a new number whenever other words name an option.
PARSER_VERSION = 1

# "B", "B.", "(B)", "B) because", "**B**": a letter by itself; a bare space after it may make it a word ("A man").
_LEADING = re.compile(r"^[\s\"'*(\[]*([A-Z])(?:[\"'*]*$|[\"'*]*[.):,;\]\n])")
# "The answer is B", "Answer: (B)", "option B".
_NAMED = re.compile(
    r"\b(?:answer|option|choice)(?:\s+is)?\s*:?\s*(?:option\s+)?[\"'*(]*([A-Z])(?![A-Za-z'])", re.IGNORECASE
)


def chosen_option(written: str, options: Sequence[str]) -> int | None:
    """Position of the option that the words name; None where they name none, or several.

    A letter by itself at the beginning counts first, then a letter that is said to be the answer, then the text of exactly one
    option; a letter with its option's text ("B. red", "B red") is that option.

    Args:
        written: by the model.
        options: in the order in which they were listed.
    """
    text = written.strip()
    for letter, option in zip(LETTERS, options, strict=False):
        if _plain(text) in (
            _plain(f"{letter} {option}"),
            _plain(f"{letter}. {option}"),
            _plain(f"({letter}) {option}"),
        ):
            return LETTERS.index(letter)
    whole = [position for position, option in enumerate(options) if _plain(text) == _plain(option)]
    if len(whole) == 1:
        return whole[0]
    for pattern in (_LEADING, _NAMED):
        found = pattern.search(text)
        # Case is ignored in the words around the letter, not in the letter: "the answer is a dog".
        if found and found[1].isupper():
            position = LETTERS.index(found[1])
            return position if position < len(options) else None
    named = [position for position, option in enumerate(options) if _holds(text, option)]
    return named[0] if len(named) == 1 else None


def _plain(text: str) -> str:
    return text.strip(" \t\n.,;:!\"'*").casefold()


def _holds(text: str, option: str) -> bool:
    return re.search(rf"(?<!\w){re.escape(_plain(option))}(?!\w)", text.casefold()) is not None
