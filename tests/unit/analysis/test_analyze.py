"""The whole analysis of a run whose truth is known."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from framedex.analysis import TABLES, Analysis, Resampling, analyze
from framedex.errors import UsageError
from run_sample import OPTIONS, QUESTIONS, VIDEOS, observer_run


@pytest.fixture(scope="module")
def analysis(tmp_path_factory: pytest.TempPathFactory) -> Analysis:
    return analyze([observer_run(tmp_path_factory.mktemp("run") / "RUN")], Resampling(draws=400))


def test_the_truth_comes_out(analysis: Analysis) -> None:
    by_sampler = {row.sampler: row for row in analysis.accuracy if row.arm == "select"}
    assert by_sampler["top"].accuracy.value == 1.0
    assert by_sampler["bottom"].accuracy.value == pytest.approx(1 / OPTIONS, abs=0.1)
    (net,) = analysis.contrast
    assert net.difference.above
    (oracle,) = analysis.oracle
    assert oracle.cross_fitted is not None
    assert oracle.cross_fitted.value > 0.9  # one window of four is always right
    highest = next(row for row in analysis.confidence if row.statistic == "max")
    assert highest.auroc is not None
    assert highest.auroc.low is not None
    assert highest.auroc.low > 0.7
    assert [row.rate for row in analysis.drop] == [0.0, 0.25, 0.5]
    assert analysis.blind[0].verdict in ("open", "at chance")


def test_every_table_has_its_rows_and_every_finding_its_figures(analysis: Analysis) -> None:
    assert all(analysis.table(name) for name in TABLES)
    topics = [finding.topic for finding in analysis.findings]
    assert topics == ["top against bottom", "top against uniform", "oracle", "confidence", "drop", "no video"]
    assert all(f"{VIDEOS * QUESTIONS} question" in finding.sentence for finding in analysis.findings)


def test_the_same_run_gives_the_same_analysis(analysis: Analysis, tmp_path: Path) -> None:
    again = analyze([observer_run(tmp_path / "RUN")], Resampling(draws=400))
    assert dataclasses.asdict(again) == dataclasses.asdict(analysis)


def test_an_unknown_table_is_met_with_the_nearest(analysis: Analysis) -> None:
    with pytest.raises(UsageError, match=r"unknown table 'acuracy'.*did you mean 'accuracy'"):
        analysis.table("acuracy")
