"""The page of a run."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from framedex.analysis import Resampling, analyze
from framedex.report.run import run_page
from record_tables import record, write_run
from run_sample import observer_run

HOSTILE = '<script>alert("x")</script>&\'"'


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> str:
    run = observer_run(tmp_path_factory.mktemp("run") / "RUN")
    return run_page(analyze([run], Resampling(draws=100)), title="RUN")


def test_findings_come_first_and_every_figure_is_there(page: str) -> None:
    assert page.index("Taking the best-scored frames beats") < page.index("<svg")
    assert page.count("<svg") == 5  # accuracy, oracle, AUROC, fifths, drop
    for heading in (
        "Accuracy by sampler",
        "best window would give",
        "Window confidence",
        "Dropping frames",
        "How to read",
    ):
        assert heading in page
    assert not re.search(r"\bnan\b", page)


def test_the_page_needs_nothing_but_itself(page: str) -> None:
    assert not re.search(r"(src|href)=", page)
    assert "http" not in page


def test_hostile_names_stay_text(tmp_path: Path) -> None:
    asked = [
        record(0, HOSTILE, sampler=sampler, variant=HOSTILE, mllm=HOSTILE, provenance=HOSTILE, grid=HOSTILE)
        for sampler in ("uniform", "top", HOSTILE)
    ]
    text = run_page(analyze([write_run(tmp_path / "RUN", asked)], Resampling(draws=10)), title=HOSTILE)
    assert "<script>" not in text
    assert "&lt;script&gt;" in text


def test_a_run_with_one_arm_says_what_is_missing(tmp_path: Path) -> None:
    run = write_run(tmp_path / "RUN", [record(0, "a")])
    text = run_page(analyze([run], Resampling(draws=10)), title="RUN")
    assert "No comparison can be made" in text
    assert "The sweep has no answers for it." in text
    assert text.count("<svg") == 1
