"""Runs a typer application: every error a user can cause is one sentence on stderr and an exit code."""

from __future__ import annotations

import sys

import typer

from framedex.errors import FramedexError

INTERRUPTED = 130


def run(app: typer.Typer) -> int:
    """Run `app` on the process's arguments and return the exit code of `framedex.errors`."""
    try:
        app()
    except FramedexError as error:
        print(f"error: {error}", file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt:
        code = INTERRUPTED
    except SystemExit as stop:
        code = stop.code if isinstance(stop.code, int) else int(stop.code is not None)
    else:
        code = 0
    if code == INTERRUPTED:
        print("interrupted: what was finished is kept; run the same command again to go on", file=sys.stderr)
    return code
