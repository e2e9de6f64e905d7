"""The committed stub says what the extension holds."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import framedex
from framedex import _native


def test_the_stub_and_the_extension_agree() -> None:
    stub = next(path for folder in framedex.__path__ if (path := Path(folder, "_native.pyi")).exists())
    functions = {node.name: node for node in ast.parse(stub.read_text()).body if isinstance(node, ast.FunctionDef)}
    assert set(functions) == {name for name in dir(_native) if not name.startswith("_")}
    for name, node in functions.items():
        arguments = [argument.arg for argument in (*node.args.args, *node.args.kwonlyargs)]
        signature = str(getattr(_native, name).__doc__).splitlines()[0]
        assert re.findall(r"(\w+): ", signature) == arguments, signature
