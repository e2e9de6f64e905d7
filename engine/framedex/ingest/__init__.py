"""Ingest: the stages from file to row put together, one video after another."""

from framedex.ingest.assembly import encoder_entry, put_video
from framedex.ingest.outcomes import Indexed, IngestSettings, Outcome, Quarantined, Skipped
from framedex.ingest.pipeline import ingest

__all__ = [
    "Indexed",
    "IngestSettings",
    "Outcome",
    "Quarantined",
    "Skipped",
    "encoder_entry",
    "ingest",
    "put_video",
]
