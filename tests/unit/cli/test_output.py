"""What people read: clocks and tables."""

from __future__ import annotations

import pytest

from framedex.cli.output import Progress, clock, note, print_table
from framedex.visible import visible


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0:00.00"),
        (7.25, "0:07.25"),
        (59.999, "1:00.00"),
        (61.5, "1:01.50"),
        (3723.04, "1:02:03.04"),
        (-0.001, "0:00.00"),
    ],
)
def test_clock(seconds: float, text: str) -> None:
    assert clock(seconds) == text


def test_numbers_stand_right_and_texts_left(capsys: pytest.CaptureFixture[str]) -> None:
    print_table(["name", "n"], [["a", "10"], ["long", "9"]])
    assert capsys.readouterr().out == "name  n\n----  --\na     10\nlong   9\n"


def test_a_pipe_gets_one_line_an_item(capsys: pytest.CaptureFixture[str]) -> None:
    with Progress("video", total=2) as progress:
        progress.detail("inside")
        progress.show(1, 2)
        progress.advance("first")
        progress.advance("second")
    lines = capsys.readouterr().err.splitlines()
    assert [line.partition("] ")[2] for line in lines] == ["first", "second"]
    assert lines[1].startswith("[2/2, ")


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain ünïcode 日本", "plain ünïcode 日本"),
        ("new\nline", "new\\nline"),
        ("\x1b[31mred\x1b[0m", "\\x1b[31mred\\x1b[0m"),
        ("\x1b]0;title\x07", "\\x1b]0;title\\x07"),
        ("line\u2028separator", "line\\u2028separator"),
        ("half \udcff", "half \\udcff"),
    ],
)
def test_names_cannot_drive_the_terminal(capsys: pytest.CaptureFixture[str], text: str, shown: str) -> None:
    assert visible(text) == shown
    note(text)
    print_table(["name"], [[text]])
    out, err = capsys.readouterr()
    assert err == f"{shown}\n"
    assert out.splitlines()[2] == shown
