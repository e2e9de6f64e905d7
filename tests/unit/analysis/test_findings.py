"""Sentences follow the figures, whichever way those come out."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import pytest

from framedex.analysis.accuracy import AccuracyRow
from framedex.analysis.blind import BlindRow
from framedex.analysis.confidence import ConfidenceRow
from framedex.analysis.contrast import ContrastRow
from framedex.analysis.drop import DropRow
from framedex.analysis.findings import (
    Finding,
    accuracy_findings,
    blind_findings,
    confidence_findings,
    contrast_findings,
    drop_findings,
    oracle_findings,
    status_findings,
    under_headings,
)
from framedex.analysis.interval import Estimate
from framedex.analysis.oracle import OracleRow
from framedex.analysis.records import StatusCount
from framedex.analysis.run_file import Planned
from framedex.analysis.setting import Context

CONTEXT = Context(mllm="m", scoring="option", encoder="e", grid="fps=1", transform="cosine")


def mean(value: float, low: float | None, high: float | None) -> Estimate:
    how = "none: one video" if low is None else "studentised"
    return Estimate(value=value, low=low, high=high, questions=96, videos=24, interval=how)


def sentences(findings: Iterable[Finding]) -> list[str]:
    return [one.sentence for one in findings]


CELL = {"context": CONTEXT, "budget": 4, "variant": "question", "questions": 96, "videos": 24}
UP, DOWN, OPEN = mean(0.123, 0.051, 0.19), mean(-0.2, -0.3, -0.1), mean(0.02, -0.05, 0.09)


def contrast(difference: Estimate, name: str = "top - bottom") -> str:
    row = ContrastRow(**CELL, contrast=name, difference=difference, better=0.5, worse=0.3)  # type: ignore[arg-type]
    (line,) = sentences(contrast_findings([row]))
    return line


def test_a_difference_is_told_with_its_figures() -> None:
    assert contrast(UP) == (
        "Taking the best-scored frames beats taking the worst-scored frames at 4 frames, prompt variant question: "
        "+12.3 points (95 % interval +5.1 to +19.0; 96 questions in 24 videos)."
    )


def test_the_reverse_is_told_as_plainly() -> None:
    line = contrast(DOWN)
    assert line.startswith("Taking the worst-scored frames beats taking the best-scored frames at 4 frames")
    assert line.endswith("That is not what was expected.")


def test_an_open_difference_is_not_called_one() -> None:
    assert contrast(OPEN).startswith(
        "Between taking the best-scored frames and taking the worst-scored frames no difference"
    )
    assert "interval none: one video" in contrast(mean(0.5, None, None))


def test_variants_are_compared_without_an_expectation() -> None:
    line = contrast(DOWN, "answer - question")
    assert line.startswith(
        "Choosing them by the question beats choosing frames by the answer at 4 frames: -20.0 points"
    )
    assert "expected" not in line


def test_only_top_against_uniform_is_told_of_the_accuracies() -> None:
    row = AccuracyRow(**CELL, arm="select", sampler="top", accuracy=mean(0.7, 0.6, 0.8), chance=0.25, minus_uniform=UP)  # type: ignore[arg-type]
    rows = [row, replace(row, sampler="random"), replace(row, minus_uniform=None)]
    (line,) = sentences(accuracy_findings(rows))
    assert line.startswith("Taking the best-scored frames beats uniform sampling")


def oracle(gap: Estimate | None, correction: str = "cross-fitted") -> str:
    row = OracleRow(
        context=CONTEXT, length=4, stride=2, uniform_budget=8, questions=96, videos=24, windows=6.0, incomplete=0,
        uniform=mean(0.4, 0.3, 0.5), raw=mean(0.9, 0.8, 1.0), guesser=0.822, cross_fitted=gap and mean(0.5, 0.4, 0.6),
        gap_raw=mean(0.5, 0.4, 0.6), gap_cross_fitted=gap, order_changes=0.5, correction=correction,
    )  # fmt: skip
    (line,) = sentences(oracle_findings([row]))
    return line


def test_the_oracle_is_told_cross_fitted_first_with_the_raw_gap_and_the_guesser_beside_it() -> None:
    assert oracle(UP).startswith("The best window beats uniform sampling by +12.3 points")
    assert (
        "The raw gap is +50.0 points, 90.0 % against 40.0 %; independent guesses over 6 windows alone would reach 82.2 %"
        in (oracle(UP))
    )
    assert "uniform at 8 frames, so the two do not see the same number of frames." in oracle(UP)
    assert oracle(OPEN).startswith("That the best window beats uniform sampling is not shown")
    assert oracle(DOWN).startswith("Uniform sampling beats the best window that can be told")
    assert "cannot be corrected for guessing: one option order. The raw gap" in oracle(
        None, "cannot correct: one option order"
    )


@pytest.mark.parametrize(
    ("auroc", "verdict"),
    [
        (mean(0.7, 0.6, 0.8), "highest score tells right windows"),
        (mean(0.3, 0.2, 0.4), "tells, the wrong way round, right windows"),
        (mean(0.52, 0.45, 0.6), "is not shown to tell"),
        (None, "cannot be said"),
    ],
)
def test_confidence(auroc: Estimate | None, verdict: str) -> None:
    row = ConfidenceRow(
        context=CONTEXT, length=4, stride=2, variant="question", statistic="max", questions=96, videos=24, answers=500,
        right=0.5, rho=0.1, cap=0.866, mixed=40, auroc=auroc, p_value=None if auroc is None else 0.03, between=0.2,
    )  # fmt: skip
    (line,) = sentences(confidence_findings([row, replace(row, statistic="mean")]))
    assert verdict in line
    assert "Pooled Spearman correlation: 0.10 of at most 0.87" in line


def test_the_drop_that_is_told_is_the_largest_up_to_one_half() -> None:
    row = DropRow(**CELL, base="uniform", by="lowest", rate=0.25, frames=3, accuracy=UP, minus_full=OPEN)  # type: ignore[arg-type]
    (line,) = sentences(drop_findings([row, replace(row, rate=0.5, minus_full=DOWN), replace(row, rate=0.75)]))
    rule = "the lowest-scored first, prompt variant question"
    assert line.startswith(f"Dropping 50 % of the 4 frames of uniform ({rule}) costs accuracy: -20.0 points")


def test_no_verdict_on_no_video_claims_more_than_it_can() -> None:
    row = BlindRow(
        context=CONTEXT,
        questions=96,
        videos=24,
        accuracy=mean(0.27, 0.2, 0.34),
        chance=0.25,
        minus_chance=OPEN,
        verdict="open",
    )
    said = {
        verdict: next(iter(sentences(blind_findings([replace(row, verdict=verdict)]))))
        for verdict in ("exactly chance", "at chance", "above", "below", "open")
    }
    assert "is at chance, within 3 points" in said["at chance"]
    assert "no proof that there is none" in said["open"]
    assert all(("expected" in line) == (verdict in ("above", "below")) for verdict, line in said.items())


def test_what_is_missing_is_said_and_nothing_where_nothing_is() -> None:
    count = StatusCount(
        context=CONTEXT, arm="select", records=10, ok=7, unparsable=1, truncated=0, invalid=2, questions=5, videos=2
    )
    planned = Planned(run=Path("RUN"), videos=4, done=2, encoders={})
    lines = sentences(status_findings([count], 3, [planned]))
    assert lines[0].startswith("RUN is not finished: 2 of 4 videos")
    assert lines[1] == (
        "Of 10 answers: 1 unparsable, counted as wrong; 2 invalid, left out; 3 more found alike in another run, counted once."
    )
    whole = replace(count, ok=10, unparsable=0, invalid=0)
    assert not list(status_findings([whole], 0, [replace(planned, done=4)]))


def test_contexts_are_named_only_where_they_differ() -> None:
    row = ContrastRow(**CELL, contrast="top - bottom", difference=UP, better=0.5, worse=0.3)  # type: ignore[arg-type]
    other = replace(row, context=replace(CONTEXT, scoring="letter"))
    assert list(under_headings(contrast_findings([row]))) == ["top against bottom"]
    grouped = under_headings(contrast_findings([row, other, row]))
    assert {heading: len(said) for heading, said in grouped.items()} == {
        "top against bottom (m, option scoring, encoder e at fps=1)": 2,
        "top against bottom (m, letter scoring, encoder e at fps=1)": 1,
    }
