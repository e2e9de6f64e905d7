"""`framedex demo` in small: the loop closes, and the page needs nothing but itself."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from cli import framedex, ok
from framedex.microworld import judge


def test_demo_ends_in_a_table_and_a_report(tmp_path: Path) -> None:
    ran = ok("demo", "--output", tmp_path / "demo", "--clips", 4, "--seed", 5)
    assert re.search(r"^top\s+[\d.]+ %$", ran.out, re.MULTILINE)
    assert str(tmp_path / "demo" / "report.html") in ran.out
    page = (tmp_path / "demo" / "report.html").read_text()
    assert "<svg" in page
    assert page.count("data:image/jpeg;base64,") > 10
    assert not re.search(r"(src|href)=\"(?!data:)", page)
    assert "http" not in page
    result = json.loads((tmp_path / "demo" / "demo.json").read_text())
    shares = {row["name"]: row["value"] for row in result["rows"]}
    assert shares["top"] > shares["bottom"]

    again = ok("demo", "--output", tmp_path / "demo", "--clips", 4, "--seed", 5)
    assert "0 indexed, 4 already there" in again.err
    assert (tmp_path / "demo" / "report.html").read_text() == page


def test_another_seed_in_the_same_folder(tmp_path: Path) -> None:
    for seed in (0, 1):
        assert "evidence caught" in ok("demo", "--output", tmp_path / "demo", "--clips", 2, "--seed", seed).out


def test_a_clip_that_cannot_be_answered_about_is_told_and_the_others_are_reported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    judged = judge.judge

    def judge_and_lose_a_clip(*arguments: Any, **named: Any) -> Any:
        judgement = judged(*arguments, **named)
        lost.append(min((tmp_path / "demo").rglob("*.mp4")))
        lost[0].rename(tmp_path / "elsewhere")
        return judgement

    lost: list[Path] = []
    monkeypatch.setattr(judge, "judge", judge_and_lose_a_clip)
    ran = framedex("demo", "--output", tmp_path / "demo", "--clips", 2, "--seed", 3)
    assert ran.code == 1
    assert f"failed: {lost[0]}: " in ran.err
    assert "Traceback" not in ran.err
    assert "evidence caught" in ran.out
    page = (tmp_path / "demo" / "report.html").read_text()
    assert lost[0].name not in page

    (tmp_path / "elsewhere").rename(lost[0])
    monkeypatch.undo()
    assert "failed" not in ok("demo", "--output", tmp_path / "demo", "--clips", 2, "--seed", 3).err
    assert lost[0].name in (tmp_path / "demo" / "report.html").read_text()
