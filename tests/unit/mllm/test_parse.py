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


@pytest.mark.parametrize(
    ("written", "position"),
    [
        ("b", 1),
        ("B) because of the wall", 1),
        ("B is right", 1),
        ("B because it is not red", 1),
        ("**Answer:** B", 1),
        ("The answer is **B**.", 1),
        ("The answer is B because it is", 1),
        ("A, B", None),
        ("A B", None),
        ("A\nB\nC", None),
        ("A. red\nB. a dark red", None),
        ("A or B", None),
        ("A/B", None),
        ("(A) and (B)", None),
        ("Answer: B or A", None),
        ("Answer: B, or the answer is C", None),
        ("Options B and C", None),
        ("B, I think", 1),
        ("A, not B", 0),
        ("A. blue boat", None),
        ("B red", None),
        ("Answer: A man walks by", None),
        ("The answer is not B", None),
        ("It is not option B", None),
        ("Option A is wrong, option B is right", 1),
        ("B is not it", None),
        ("It is red.", 0),
        ("not red", None),
        ("It is not red.", None),
        ("It isn't red", None),
        ("neither red nor blue boat", None),
        ("It is not red but a blue boat", 2),
        ("No, it is a blue boat", 2),
        ("red is wrong", None),
        ("It may look red, but it is not red", None),
    ],
)
def test_several_or_what_is_refuted_is_no_answer(written: str, position: int | None) -> None:
    assert chosen_option(written, OPTIONS) == position


@pytest.mark.parametrize("options", [("A", "B", "C"), ("B", "A", "C"), ("C", "B", "A"), ("B", "C", "A")])
@pytest.mark.parametrize("form", ["{}", "{}.", "({})", "The answer is {}", "Answer: {}.", "option {}"])
def test_the_letter_that_was_asked_for_goes_before_an_option_that_is_a_letter(
    options: tuple[str, ...], form: str
) -> None:
    assert [chosen_option(form.format(letter), options) for letter in "ABC"] == [0, 1, 2]


@pytest.mark.parametrize(
    ("written", "options", "position"),
    [
        ("B. A", ("C", "A", "B"), 1),
        ("B. A", ("A", "B", "C"), None),
        ("It is X", ("Y", "X"), 1),
        ("X", ("Y", "X"), 1),
        ("It shows a man", ("B", "A"), None),
        ("No", ("Yes", "No"), 1),
        ("No, it is not", ("Yes", "No"), 1),
        ("not red", ("red", "not red"), 1),
        ("it is not red", ("red", "not red"), 1),
        ("C major", ("D minor", "C major", "G major"), 1),
        ("a dark red", ("dark red", "a dark red"), None),
    ],
)
def test_options_that_look_like_something_else(written: str, options: tuple[str, ...], position: int | None) -> None:
    assert chosen_option(written, options) == position


@given(written=st.text(max_size=40), n=st.integers(2, 26))
def test_any_words_name_an_option_that_is_there_or_none(written: str, n: int) -> None:
    position = chosen_option(written, [f"option {number}" for number in range(n)])
    assert position is None or 0 <= position < n
