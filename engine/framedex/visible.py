"""Text that may be printed and stored: names of files may hold anything, and reasons quote them."""

from __future__ import annotations


def visible(text: str) -> str:
    """Text on one line, as a terminal may have it: what is no printable character is written out as its code."""
    if text.isprintable():
        return text
    return "".join(
        character if character.isprintable() else character.encode("unicode_escape").decode() for character in text
    )


def is_unicode(text: str) -> bool:
    """Whether a text has no half characters, as which Python takes bytes that are no Unicode: nothing can store those."""
    return not any("\ud800" <= character <= "\udfff" for character in text)
