"""The command line: `framedex COMMAND …`. One module per command; this one runs them and turns errors into exit codes."""

from __future__ import annotations

import sys
from typing import NoReturn


def main() -> NoReturn:
    """Entry point of the `framedex` script."""
    try:
        from framedex.cli.app import app
        from framedex.cli.run import run

        code = run(app)
    except KeyboardInterrupt:  # while the modules were still being imported
        code = 130
    sys.exit(code)
