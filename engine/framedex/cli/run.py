"""Runs a typer application: every error a user can cause is one sentence on stderr and an exit code."""

from __future__ import annotations

import io
import signal
import sys
import threading
from types import FrameType, TracebackType
from typing import Any

import typer

from framedex.errors import FramedexError, StorageError, UsageError
from framedex.visible import visible

INTERRUPTED = 130
TERMINATED = 143
UNREAD = 141


def run(app: typer.Typer) -> int:
    """Run `app` on the process's arguments and return the exit code of `framedex.errors`."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # a file name need not be text; print what can be printed
            stream.reconfigure(errors="backslashreplace")
    termination, stdout = _Termination(), sys.stdout
    try:
        with termination:
            code = app(standalone_mode=False) or 0
    except FramedexError as error:
        print(f"error: {visible(str(error))}", file=sys.stderr)
        return error.exit_code
    except OSError as error:
        subject = f"{error.filename}: " if error.filename else ""
        sentence = f"error: {subject}{error.strerror or error}; check the path, its permissions and the disk"
        print(visible(sentence), file=sys.stderr)
        return StorageError.exit_code
    except KeyboardInterrupt:
        code = INTERRUPTED
    except SystemExit as stop:
        code = stop.code if isinstance(stop.code, int) else int(stop.code is not None)
        if sys.stdout is not stdout:  # so typer ends a command whose results nobody reads any more, as behind `| head`
            code = UNREAD
    except Exception as error:
        if termination.asked:
            code = TERMINATED  # it came in the middle of an import, which made an error of its own of it
        elif hasattr(error, "format_message"):  # typer's own complaints, of which it exports no common class
            code = _refuse(error)
        else:
            raise
    if code in (INTERRUPTED, TERMINATED):
        print("interrupted: what was finished is kept; run the same command again to go on", file=sys.stderr)
    return code


def _refuse(error: Any) -> int:
    """Say what is wrong with the words of a command, in one sentence; without any words there is help instead."""
    sentence = error.format_message()
    if getattr(error, "ctx", None) is not None and sentence and not type(error).__name__.startswith("NoArgs"):
        sentence = sentence.replace("Value error, ", "")
        sentence = f"error: {sentence.rstrip('.')}; see: {error.ctx.command_path} --help"
    print(sentence if "\n" in sentence else visible(sentence), file=sys.stderr)
    return UsageError.exit_code


class _Termination:
    """Lets SIGTERM end the command as Ctrl-C does, so that whatever is open is closed and no process is left.

    Attributes:
        asked: the signal has come.
    """

    def __init__(self) -> None:
        self.asked = False
        self._before: Any = None

    def __enter__(self) -> None:
        if threading.current_thread() is threading.main_thread():  # only there may handlers be set
            self._before = signal.signal(signal.SIGTERM, self._exit)

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._before is not None:
            signal.signal(signal.SIGTERM, self._before)

    def _exit(self, _number: int, _frame: FrameType | None) -> None:
        if self.asked:
            return
        self.asked = True
        raise SystemExit(TERMINATED)
