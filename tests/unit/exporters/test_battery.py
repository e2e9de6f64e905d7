"""The battery holds what it promises, and is the same on every run."""

from __future__ import annotations

import string

import numpy as np

from framedex_export.battery import pictures, texts


def test_texts_hold_every_mark_at_both_ends_and_inside() -> None:
    battery = texts()
    for mark in string.punctuation:
        assert any(text.startswith(mark) and text.endswith(mark) and mark in text[1:-1] for text in battery), mark
    assert "" in battery
    assert any("  " in text for text in battery)
    assert any(text != text.lower() for text in battery)
    assert any(len(text.split()) > 64 for text in battery)
    assert any(not text.isascii() for text in battery)


def test_pictures_are_seeded_and_of_extreme_sizes() -> None:
    first, second = list(pictures()), list(pictures())
    assert all(np.array_equal(a, b) for a, b in zip(first, second, strict=True))
    shapes = {picture.shape[:2] for picture in first}
    assert {(1, 1), (3, 640), (500, 2), (720, 1280)} <= shapes
    assert all(picture.dtype == np.uint8 for picture in first)
