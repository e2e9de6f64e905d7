"""Errors become a sentence and an exit code."""

from __future__ import annotations

import sys

import pytest
import typer

from framedex.cli.run import run
from framedex.errors import DeviceError, MissingDependency, StorageError, StoreError, UsageError, VideoError


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (VideoError("v"), 1),
        (UsageError("u"), 2),
        (MissingDependency("m"), 3),
        (StoreError("s"), 4),
        (DeviceError("d"), 5),
        (StorageError("s"), 6),
        (KeyboardInterrupt(), 130),
    ],
)
def test_the_class_is_the_exit_code(
    error: BaseException, code: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    app = typer.Typer()

    @app.command()
    def fail() -> None:
        raise error

    monkeypatch.setattr(sys, "argv", ["framedex"])
    assert run(app) == code
    err = capsys.readouterr().err
    assert f"error: {error}" in err or (code == 130 and "run the same command again" in err)


def test_a_bug_keeps_its_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    app = typer.Typer(pretty_exceptions_enable=False)

    @app.command()
    def fail() -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(sys, "argv", ["framedex"])
    with pytest.raises(ZeroDivisionError):
        run(app)
