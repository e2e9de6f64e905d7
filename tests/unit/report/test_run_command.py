"""`framedex report` writes its page whole."""

from __future__ import annotations

from pathlib import Path

from cli import framedex, ok
from run_sample import observer_run


def test_the_page_is_written_and_the_same_again(tmp_path: Path) -> None:
    run = observer_run(tmp_path / "RUN")
    page = tmp_path / "new" / "report.html"
    ok("report", run, "-o", page, "--draws", 100)
    text = page.read_text()
    assert "<title>framedex report: RUN</title>" in text
    ok("report", run, "-o", page, "--draws", 100)
    assert page.read_text() == text


def test_without_a_run_nothing_is_written(tmp_path: Path) -> None:
    ran = framedex("report", tmp_path / "NONE", "-o", tmp_path / "report.html")
    assert ran.code == 2
    assert not (tmp_path / "report.html").exists()
