"""Contrasts between ways to choose frames."""

from __future__ import annotations

from pathlib import Path

import pytest

from framedex.analysis.contrast import contrast_rows
from framedex.analysis.interval import Resampling
from record_tables import columns, record

RESAMPLING = Resampling(draws=200)


def test_top_against_bottom_and_answer_against_question(tmp_path: Path) -> None:
    right = {  # by question: top and bottom by the question, top by the answer
        "a": (True, False, True),
        "b": (True, True, True),
        "c": (False, True, True),
        "d": (True, False, True),
    }
    asked = [
        record(video, name, was, sampler=sampler, variant=variant)
        for video, (name, each) in enumerate(right.items())
        for was, sampler, variant in zip(
            each, ("top", "bottom", "top"), ("question", "question", "answer"), strict=True
        )
    ]
    rows = {row.contrast: row for row in contrast_rows(columns(tmp_path, asked), RESAMPLING)}
    assert set(rows) == {"top - bottom", "answer - question"}
    net = rows["top - bottom"]  # +1, 0, -1, +1
    assert (net.difference.value, net.better, net.worse) == (0.25, 0.5, 0.25)
    assert rows["answer - question"].difference.value == 0.25  # c alone


def test_with_no_effect_many_questions_change_and_the_net_is_nothing(tmp_path: Path) -> None:
    # Two independent answers right with p = 1/2: better in p(1 - p) = 1/4, worse in 1/4. All four cases alike often: net 0.
    cases = [(a, b) for a in (True, False) for b in (True, False)] * 5
    asked = [
        record(at, "q", right, sampler=sampler)
        for at, case in enumerate(cases)
        for right, sampler in zip(case, ("top", "bottom"), strict=True)
    ]
    (row,) = contrast_rows(columns(tmp_path, asked), RESAMPLING)
    assert (row.better, row.worse) == (0.25, 0.25)
    assert row.difference.value == pytest.approx(0)
    assert not row.difference.above
    assert not row.difference.below
