"""Runs a typer application: every error a user can cause is one sentence on stderr and an exit code."""

from __future__ import annotations

import io
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

import typer

from framedex.errors import FramedexError, StorageError

INTERRUPTED = 130
TERMINATED = 143


def run(app: typer.Typer) -> int:
    """Run `app` on the process's arguments and return the exit code of `framedex.errors`."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # a file name need not be text; print what can be printed
            stream.reconfigure(errors="backslashreplace")
    try:
        with _termination_as_exit():
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
    if code in (INTERRUPTED, TERMINATED):
        print("interrupted: what was finished is kept; run the same command again to go on", file=sys.stderr)
    return code


@contextmanager
def _termination_as_exit() -> Iterator[None]:
    """Let SIGTERM end the command as Ctrl-C does, so that whatever is open is closed and no process is left."""
    if threading.current_thread() is not threading.main_thread():  # only there may handlers be set
        yield
        return
    before = signal.signal(signal.SIGTERM, _exit)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _exit(number: int, _frame: FrameType | None) -> None:
    signal.signal(number, signal.SIG_IGN)
    raise SystemExit(128 + number)
