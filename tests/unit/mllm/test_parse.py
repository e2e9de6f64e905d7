"""What a model wrote names one option, or none."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from framedex.mllm.parse import chosen_option

OPTIONS = ("red", "a dark red", "blue boat", "Nobody.")


@pytest.mark.parametrize(
    ("written", "position"),
    [
        ("B", 1),
        (" C", 2),
        ("(A)", 0),
        ("D.", 3),
        ("B. a dark red", 1),
        ("B a dark red", 1),
        ("(C) blue boat", 2),
        ("**C**", 2),
        ("A: red, as it was before", 0),
        ("C\nbecause of the boat", 2),
        ("The answer is B.", 1),
        ("Answer: (D)", 3),
        ("the correct option is C, I think", 2),
        ("red", 0),
        ("Nobody", 3),
        ("BLUE BOAT.", 2),
        ("It is a blue boat", 2),
        ("", None),
        ("E", None),
        ("The answer is F", None),
        ("A man walks by", None),
        ("the answer is a dog", None),
        ("a dark red", 1),
        ("either red or blue boat", None),
        ("reddish", None),
        ("I cannot see it", None),
    ],
)
def test_words(written: str, position: int | None) -> None:
    assert chosen_option(written, OPTIONS) == position


def test_an_option_that_is_a_letter_is_taken_by_its_text() -> None:
    assert chosen_option("B", ("C", "B", "A")) == 1
    assert chosen_option("A", ("C", "B", "A")) == 2


@given(written=st.text(max_size=40), n=st.integers(2, 26))
def test_any_words_name_an_option_that_is_there_or_none(written: str, n: int) -> None:
    position = chosen_option(written, [f"option {number}" for number in range(n)])
    assert position is None or 0 <= position < n
