"""Text that may be printed: names of files may hold anything, and reasons quote them."""

from __future__ import annotations


def visible(text: str) -> str:
    """Text on one line, as a terminal may have it: what is no printable character is written out as its code."""
    if text.isprintable():
        return text
    return "".join(
        character if character.isprintable() else character.encode("unicode_escape").decode() for character in text
    )
