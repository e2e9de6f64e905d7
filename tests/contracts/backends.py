"""Optional back ends in tests: one that is not there skips its tests, unless REQUIRE_BACKENDS names it."""

from __future__ import annotations

import importlib
import os

import pytest


def require_backend(name: str, module: str) -> None:
    """Skip the module that asks where `module` cannot be imported; REQUIRE_BACKENDS=torchcodec,… makes that an error."""
    try:
        importlib.import_module(module)
    except (ImportError, RuntimeError, OSError) as error:  # a library that does not load says so in its own way
        if name in os.environ.get("REQUIRE_BACKENDS", "").split(","):
            raise
        reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
        pytest.skip(f"{name} is not usable here: {reason}", allow_module_level=True)
