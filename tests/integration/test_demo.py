"""`framedex demo` in small: the loop closes, and the page needs nothing but itself."""

from __future__ import annotations

import json
import re
from pathlib import Path

from cli import ok


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
