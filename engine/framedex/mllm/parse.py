"""Which option a model's own words name. What names none is unparsable: wrong and counted, never guessed."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from framedex.mllm.prompt import LETTERS

#: Part of every MLLM key: a new number whenever other words name an option.
PARSER_VERSION = 2

# "B", "(B)", "**b**.": nothing but a letter.
_BARE = re.compile(r"[\s\"'*(\[]*([A-Za-z])[\s\"'*)\].,:;!]*")
_LETTER = r"[\"'*(\[]*([A-Z])(?![\w'’]|-\w)"
# "B.", "B) because", "(B): red", at the beginning of any line.
_MARKED = re.compile(rf"^\s*{_LETTER}(?=[\"'*]*(?:[.):,;\]]|$))", re.MULTILINE)
# "B because", "A or B": a bare space after it may make it a word ("A man").
_LEADING = re.compile(rf"\s*{_LETTER}")
# "The answer is B", "**Answer:** (B)", "options B".
_NAMED = re.compile(
    r"(?i:\b(?:answer|option|choice)s?\b(?:\s+is)?[\s\"'*]*:?[\s\"'*]*(?:(?:the\s+)?(?:option|letter|choice)\s+)?)"
    + _LETTER
)
# " or C", ", C", "/C" after a letter, and its brackets.
_NEXT = re.compile(rf"[\"'*)\].:]*\s*([,;/&]|(?:or|and)\b|)\s*{_LETTER}")
# What makes a letter before it a word: "A man", "I think"; not "A or", "A because".
_WORD_FOLLOWS = re.compile(r"\s+(?!(?:or|and|is|because|since)\b)[a-z]")

_NOT = r"(?:\b(?:not|no|never|neither|nor|without|cannot)\b|n['’]t\b)"
_NOT_BEFORE = re.compile(rf"{_NOT}(?:(?!\bbut\b)[^.,;:!?\n])*$", re.IGNORECASE)
_NOT_JUST_BEFORE = re.compile(rf"{_NOT}\s+(?:(?:the|an?|correct|right)\s+)*$", re.IGNORECASE)
_NOT_AFTER = re.compile(
    r"[\"'*)\]]*\s+(?:is|are|was|were|does|do|can|could|would)(?:n['’]t\b|\s*not\b|\s+(?:wrong|incorrect|false)\b)",
    re.IGNORECASE,
)


def chosen_option(written: str, options: Sequence[str]) -> int | None:
    """Position of the option that the words name; None where they name none, or several.

    A letter by itself counts first, as the prompt asks for it, even where another option's text is that letter; then words that
    are an option's text, with its letter ("B. red", "B red") or without; then letters at the beginning of a line or said to be
    the answer; then the text of exactly one option. What is said not to be the answer does not count.

    Args:
        written: by the model.
        options: in the order in which they were listed.
    """
    text = written.strip()
    letters = LETTERS[: len(options)]
    bare = _BARE.fullmatch(text)
    if bare and bare[1].upper() in letters:
        return letters.index(bare[1].upper())
    spelled = [_spellings(letter, option) for letter, option in zip(letters, options, strict=False)]
    whole = {position for position, spellings in enumerate(spelled) if _plain(text) in spellings - {""}}
    if whole:
        return _only(whole)
    texts = _texts(text, letters, options)
    named = dict(_named_letters(text))
    if named:
        position = _only({LETTERS.index(letter) for letter in named})
        if position is None or position >= len(options):
            return None
        rest = _plain(text[named[LETTERS[position]] :])
        return None if rest in {_plain(option) for option in options} - {_plain(options[position]), ""} else position
    leading = _LEADING.match(text)
    if leading and leading[1] in letters and leading[1] not in "AI" and not _NOT_AFTER.match(text, leading.end(1)):
        # No sign says that the letter is meant as one: another option's text beside it makes two.
        return _only({letters.index(leading[1])} | texts)
    return _only(texts)


def _named_letters(text: str) -> Iterator[tuple[str, int]]:
    """Letters that a mark, a word or a list says to be the answer, and where each ends."""
    for match in (*_MARKED.finditer(text), *_NAMED.finditer(text)):
        end = match.end(1)
        refuted = _NOT_JUST_BEFORE.search(text[: match.start()]) or _NOT_AFTER.match(text, end)
        if not refuted and not (match[1] in "AI" and _WORD_FOLLOWS.match(text, end)):
            yield match[1], end
            yield from _listed(text, end)
    leading = _LEADING.match(text)
    listed = [] if leading is None else list(_listed(text, leading.end(1)))
    if leading and listed:
        yield from ((leading[1], leading.end(1)), *listed)


def _listed(text: str, end: int) -> Iterator[tuple[str, int]]:
    """The letters right after one that ends there: "A, B or C", or a line each."""
    while (following := _NEXT.match(text, end)) is not None:
        end = following.end(2)
        if (not following[1] or following[2] in "AI") and _WORD_FOLLOWS.match(text, end):
            return
        yield following[2], end


def _texts(text: str, letters: str, options: Sequence[str]) -> set[int]:
    """Positions of the options whose text is in the words, and is not said to be wrong; a letter is no text."""
    found = set()
    for position, option in enumerate(options):
        plain = _plain(option)
        if not plain or plain.upper() in set(letters):
            continue
        places = list(re.finditer(rf"(?<!\w){re.escape(plain)}(?!\w)", text, re.IGNORECASE))
        if places and not any(
            _NOT_BEFORE.search(text[: place.start()]) or _NOT_AFTER.match(text, place.end()) for place in places
        ):
            found.add(position)
    return found


def _spellings(letter: str, option: str) -> set[str]:
    """An option's text, by itself and after its letter."""
    return {_plain(option), *(_plain(f"{marked} {option}") for marked in (letter, f"{letter}.", f"({letter})"))}


def _only(positions: set[int]) -> int | None:
    return next(iter(positions)) if len(positions) == 1 else None


def _plain(text: str) -> str:
    return text.strip(" \t\n.,;:!\"'*)]").casefold()
