"""The command line: `framedex COMMAND …`. One module per command; this one runs them and turns errors into exit codes."""

from __future__ import annotations

import signal
import sys
from typing import NoReturn


def main() -> NoReturn:
    """Entry point of the `framedex` script."""
    try:
        from framedex.cli.app import app
        from framedex.cli.run import run

        code = run(app)
    except KeyboardInterrupt:  # while modules were still being imported, or a second one
        code = 130
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # all is said; a second Ctrl-C shall not add a traceback
    sys.exit(code)
