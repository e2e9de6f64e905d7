"""Ingest: the stages from file to row put together: decode processes, batches across videos, rows as they are finished.

Names are imported when they are asked for: a decode process is a module of this package too, and needs next to nothing of it.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from framedex.ingest.assembly import encoder_entry, put_video
    from framedex.ingest.budget import Budget
    from framedex.ingest.outcomes import Indexed, IngestSettings, Outcome, Quarantined, Skipped
    from framedex.ingest.pipeline import ingest
    from framedex.ingest.tally import StageTime, Tally
    from framedex.ingest.watch import Limits

__all__ = [
    "Budget",
    "Indexed",
    "IngestSettings",
    "Limits",
    "Outcome",
    "Quarantined",
    "Skipped",
    "StageTime",
    "Tally",
    "encoder_entry",
    "ingest",
    "put_video",
]

_HOMES = {
    "Budget": "budget",
    "Indexed": "outcomes",
    "IngestSettings": "outcomes",
    "Limits": "watch",
    "Outcome": "outcomes",
    "Quarantined": "outcomes",
    "Skipped": "outcomes",
    "StageTime": "tally",
    "Tally": "tally",
    "encoder_entry": "assembly",
    "ingest": "pipeline",
    "put_video": "assembly",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'framedex.ingest' has no attribute {name!r}")
    return getattr(importlib.import_module(f"framedex.ingest.{_HOMES[name]}"), name)
