"""The command line: `framedex COMMAND …`. One module per command; this one runs them and turns errors into exit codes."""

from __future__ import annotations

import signal
import sys
from types import FrameType
from typing import NoReturn

_interrupted: list[bool] = []


def main() -> NoReturn:
    """Entry point of the `framedex` script."""
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, _interrupt)
    try:
        from framedex.cli.app import app
        from framedex.cli.run import run

        code = run(app)
    except KeyboardInterrupt:  # while the modules were still being imported
        code = 130
    if _interrupted:  # an interpreter that ends gives our handler's place to the default, which kills
        signal.signal(signal.SIGINT, signal.SIG_IGN)
    sys.exit(code)


def _interrupt(number: int, frame: FrameType | None) -> None:
    """The first Ctrl-C ends the command; those after it do not disturb the end, not even one that comes in here.

    The handler stays: if the next one comes while it is being exchanged for "ignore", Python prints a traceback.
    """
    if _interrupted:
        return
    _interrupted.append(True)
    signal.default_int_handler(number, frame)
