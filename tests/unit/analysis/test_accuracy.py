"""Accuracy by cell, and its paired difference to uniform."""

from __future__ import annotations

from pathlib import Path

import pytest
from numpy import array

from framedex.analysis.accuracy import accuracy_rows
from framedex.analysis.interval import Resampling
from record_tables import asked_windows, blind, columns, record

RESAMPLING = Resampling(draws=200)


def test_differences_are_paired_and_within_the_same_budget(tmp_path: Path) -> None:
    # Budget 4: uniform right on a only, top on a and b: +1/2 over (a, b). c was asked with top alone: not in the difference.
    # Budget 8: uniform was not run.
    asked = [
        record(0, "a"),
        record(1, "b", False),
        *(record(video, name, sampler="top") for video, name in ((0, "a"), (1, "b"), (1, "c"))),
        record(0, "a", sampler="top", budget=8),
    ]
    rows = {(row.sampler, row.budget): row for row in accuracy_rows(columns(tmp_path, asked), RESAMPLING)}
    assert rows["uniform", 4].accuracy.value == 0.5
    assert rows["uniform", 4].minus_uniform is None
    top = rows["top", 4]
    assert (top.accuracy.value, top.questions, top.videos) == (1.0, 3, 2)
    assert top.minus_uniform is not None
    assert (top.minus_uniform.value, top.minus_uniform.questions) == (0.5, 2)
    assert rows["top", 8].minus_uniform is None


def test_uniform_stands_for_every_variant(tmp_path: Path) -> None:
    asked = [record(0, "a", False, variant=""), record(0, "a", sampler="top", variant="answer")]
    (top,) = (row for row in accuracy_rows(columns(tmp_path, asked), RESAMPLING) if row.sampler == "top")
    assert top.minus_uniform is not None
    assert top.minus_uniform.value == 1.0


def test_another_model_is_another_baseline(tmp_path: Path) -> None:
    asked = [record(0, "a", mllm_key="k" * 32, mllm="other"), record(0, "a", sampler="top")]
    (top,) = (row for row in accuracy_rows(columns(tmp_path, asked), RESAMPLING) if row.sampler == "top")
    assert top.minus_uniform is None


def test_windows_are_one_row_whatever_the_variants_and_their_mean_not_their_best(tmp_path: Path) -> None:
    right = array([[True], [False], [False], [True]])
    asked = [each for name in ("question", "answer") for each in asked_windows(0, "a", right, variant=name)]
    (row,) = accuracy_rows(columns(tmp_path, asked), RESAMPLING)
    assert (row.arm, row.variant, row.accuracy.value) == ("window", "", 0.5)


def test_chance_is_that_of_the_questions_in_the_cell(tmp_path: Path) -> None:
    asked = [blind(0, "a", True, options=4), blind(0, "b", False, options=2)]
    (row,) = accuracy_rows(columns(tmp_path, asked), RESAMPLING)
    assert row.chance == pytest.approx((1 / 4 + 1 / 2) / 2)


def test_a_cell_with_invalid_answers_only_has_no_row(tmp_path: Path) -> None:
    asked = [record(0, "a"), record(0, "a", sampler="top", answer=None, correct=None, status="invalid")]
    assert [row.sampler for row in accuracy_rows(columns(tmp_path, asked), RESAMPLING)] == ["uniform"]
