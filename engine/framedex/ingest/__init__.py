"""Ingest: the stages from file to row put together: decode processes, batches across videos, rows as they are finished."""

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
