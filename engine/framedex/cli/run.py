"""Runs a typer application: every error a user can cause is one sentence on stderr and an exit code."""

from __future__ import annotations

import io
import sys

import typer

from framedex.errors import FramedexError, StorageError

INTERRUPTED = 130


def run(app: typer.Typer) -> int:
    """Run `app` on the process's arguments and return the exit code of `framedex.errors`."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # a file name need not be text; print what can be printed
            stream.reconfigure(errors="backslashreplace")
    try:
        app()
    except FramedexError as error:
        print(f"error: {error}", file=sys.stderr)
        return error.exit_code
    except OSError as error:
        subject = f"{error.filename}: " if error.filename else ""
        print(
            f"error: {subject}{error.strerror or error}; check the path, its permissions and the disk", file=sys.stderr
        )
        return StorageError.exit_code
    except KeyboardInterrupt:
        code = INTERRUPTED
    except SystemExit as stop:
        code = stop.code if isinstance(stop.code, int) else int(stop.code is not None)
    else:
        code = 0
    if code == INTERRUPTED:
        print("interrupted: what was finished is kept; run the same command again to go on", file=sys.stderr)
    return code
