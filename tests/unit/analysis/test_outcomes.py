"""Answers averaged within questions, and differences paired by question."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from framedex.analysis.outcomes import Outcomes, accuracy_outcomes, chance_outcomes
from record_tables import columns, record


def test_a_question_weighs_the_same_however_often_it_was_asked(tmp_path: Path) -> None:
    # a: right in 1 of 4 orders; b: right in its only answer. Mean over questions (1/4 + 1) / 2, not 2 of 5 answers.
    asked = [record(0, "a", first == 2, first=first) for first in range(4)] + [record(0, "b")]
    records = columns(tmp_path, asked)
    assert accuracy_outcomes(records, np.arange(5)).value.tolist() == [0.25, 1.0]


def test_chance_is_one_over_the_number_of_options(tmp_path: Path) -> None:
    records = columns(tmp_path, [record(0, name, options=options) for name, options in (("a", 4), ("b", 2), ("c", 5))])
    assert chance_outcomes(records, np.arange(3)).value.tolist() == [0.25, 0.5, 0.2]


def test_differences_are_over_the_questions_that_both_have() -> None:
    first = Outcomes(question=np.array([1, 2, 4]), video=np.array([0, 0, 1]), value=np.array([1.0, 0.5, 0.0]))
    second = Outcomes(question=np.array([2, 3, 4]), video=np.array([0, 1, 1]), value=np.array([1.0, 1.0, 0.5]))
    difference = first.minus(second)
    assert difference.question.tolist() == [2, 4]
    assert difference.video.tolist() == [0, 1]
    assert difference.value.tolist() == [-0.5, -0.5]


def test_outcomes_are_checked() -> None:
    with pytest.raises(ValueError, match="sorted unique questions"):
        Outcomes(question=np.array([1, 1]), video=np.zeros(2, int), value=np.zeros(2))
    with pytest.raises(ValueError, match="finite"):
        Outcomes(question=np.array([1]), video=np.zeros(1, int), value=np.array([np.nan]))
