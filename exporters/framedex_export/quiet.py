"""Keeps the exporters' libraries off the user's terminal."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from framedex.optional import import_optional


@contextmanager
def quiet() -> Iterator[None]:
    """Without warnings and log lines below an error, of whatever library."""
    before = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(before)


def import_quietly(module: str, *, needed_by: str) -> Any:
    """Import a module of the export, and have transformers show no progress of its own: that is ours to tell.

    Raises:
        MissingDependency: what it needs is not installed.
    """
    imported = import_optional(module, extra="export,cpu", needed_by=needed_by)
    shown = import_optional("transformers", extra="export", needed_by=needed_by).utils.logging
    shown.set_verbosity_error()
    shown.disable_progress_bar()
    return imported
