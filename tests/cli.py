"""Runs a command as the shell would, in this process: exit code, stdout and stderr."""

from __future__ import annotations

import contextlib
import io
import json
import sys
from dataclasses import dataclass
from typing import Any
from unittest import mock

from framedex.cli.app import app
from framedex.cli.run import run


@dataclass(frozen=True)
class Ran:
    code: int
    out: str
    err: str

    def json(self) -> Any:
        return json.loads(self.out)


def framedex(*arguments: object) -> Ran:
    """`framedex ARGUMENTS…`; an exception that no command turns into a sentence fails the test with its traceback."""
    out, err = io.StringIO(), io.StringIO()
    argv = ["framedex", *map(str, arguments)]
    with mock.patch.object(sys, "argv", argv), contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        code = run(app)
    return Ran(code, out.getvalue(), err.getvalue())


def ok(*arguments: object) -> Ran:
    """As `framedex`, expecting success."""
    ran = framedex(*arguments)
    assert ran.code == 0, ran.err
    return ran
