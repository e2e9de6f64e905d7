"""The command's help, version and refusals; the export itself is in tests/integration."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from checkpoints import tiny_artefact
from framedex.cli.run import run
from framedex_export.cli import app


@pytest.fixture
def call(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]):
    def call(*arguments: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["framedex-export", *arguments])
        code = run(app)
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return call


def test_help_has_examples(call) -> None:
    code, out, _ = call("siglip", "--help")
    assert code == 0
    assert "framedex-export siglip siglip-base-patch16-224 -o encoders/siglip-base" in out
    for option in ("--output", "--name", "--force", "--json"):
        assert option in out


@pytest.mark.parametrize("family", ["siglip", "siglip2", "clip", "cris"])
def test_every_family_has_a_command_with_examples(call, family: str) -> None:
    code, out, _ = call(family, "--help")
    assert code == 0
    assert f"  framedex-export {family} " in out
    assert ("--words" in out) == (family == "cris")
    _, listed, _ = call("--help")
    assert f"  {family} " in listed


@pytest.mark.parametrize("family", ["siglip2", "clip", "cris"])
def test_what_is_no_checkpoint_of_the_family_is_one_sentence(call, tmp_path: Path, family: str) -> None:
    (tmp_path / "empty").mkdir()
    code, out, err = call(family, str(tmp_path / "empty"), "-o", str(tmp_path / "artefact"))
    assert (code, out) == (4, "")
    assert err.splitlines()[-1].startswith(f"error: {tmp_path}/empty: ")
    code, _, err = call(family, str(tmp_path / "nowhere"), "-o", str(tmp_path / "artefact"))
    assert code == 2
    assert "no such f" in err.splitlines()[-1]
    assert [path.name for path in tmp_path.iterdir()] == ["empty"]


@pytest.mark.parametrize(
    "arguments",
    [
        ["siglip", "x", "-o", "y", "--frob"],
        ["clip", "x", "-o", "y", "--words", "17"],
        ["siglip", "x"],
        ["siglip"],
        ["clap", "x", "-o", "y"],
    ],
)
def test_a_bad_command_line_is_usage(call, arguments: list[str]) -> None:
    code, out, err = call(*arguments)
    assert code == 2
    assert out == ""
    assert err


def test_a_wrong_path_is_one_sentence_and_usage(call, tmp_path: Path) -> None:
    code, out, err = call("siglip", str(tmp_path / "nowhere"), "-o", str(tmp_path / "artefact"))
    assert (code, out) == (2, "")
    assert err.splitlines()[-1].startswith(f"error: {tmp_path}/nowhere: no such folder; expected a checkpoint folder")
    assert "Traceback" not in err
    assert list(tmp_path.iterdir()) == []


def test_what_is_no_checkpoint_is_invalid_data(call, tmp_path: Path) -> None:
    code, out, err = call("siglip", str(tiny_artefact()), "-o", str(tmp_path / "artefact"))
    assert (code, out) == (4, "")
    assert "no checkpoint folder, config.json is missing" in err.splitlines()[-1]


def test_an_output_that_is_something_else_is_usage(call, tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    code, _, err = call("siglip", str(tiny_artefact()), "-o", str(tmp_path), "--force")
    assert code == 2
    assert "is there and is no encoder artefact" in err
    assert (tmp_path / "notes.txt").read_text() == "mine"


def test_version(call) -> None:
    code, out, _ = call("--version")
    assert code == 0
    assert out.startswith("framedex-export ")
