"""The command line: `framedex COMMAND …`. One module per command; this one runs them and turns errors into exit codes."""

from __future__ import annotations

import sys
from typing import NoReturn

from framedex.cli.run import run


def main() -> NoReturn:
    """Entry point of the `framedex` script."""
    from framedex.cli.app import app

    sys.exit(run(app))
