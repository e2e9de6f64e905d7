"""Optional dependencies: a missing one is an error that names its extra; a broken one shows its own exception."""

from __future__ import annotations

import importlib
from types import ModuleType

from framedex.errors import MissingDependency


def import_optional(module: str, *, extra: str | None, needed_by: str) -> ModuleType:
    """Import `module`, which is or imports an optional dependency.

    Args:
        module: full name.
        extra: optional dependency group that brings it, or None where it is part of the core.
        needed_by: what asks for it, for the message: "sampler 'wfs'".

    Raises:
        MissingDependency: a module that is not ours was not found.
    """
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        if extra is None or (error.name or "").startswith("framedex"):
            raise
        raise MissingDependency(
            f"{needed_by} needs {error.name!r}, which is not installed; run: pip install 'framedex[{extra}]'"
        ) from error
