"""Files of selections: framedex's own form, and those of other tools, written and read (docs/interchange.md)."""

from __future__ import annotations

from framedex.registry import Registry
from framedex.select.formats.base import SelectionWriter, Setting, Wanted
from framedex.select.formats.read import ReadSelections, read_selections

__all__ = ["ReadSelections", "SelectionWriter", "Setting", "Wanted", "open_writer", "read_selections", "writers"]

writers: Registry[type[SelectionWriter]] = Registry("format")
writers.add("parquet", "framedex.select.formats.parquet:ParquetWriter")
writers.add("bolt", "framedex.select.formats.bolt:BoltWriter")
writers.add("aks", "framedex.select.formats.aks:AksWriter")
writers.add("lmms-eval", "framedex.select.formats.lmms_eval:LmmsEvalWriter")


def open_writer(name: str, wanted: Wanted) -> SelectionWriter:
    """A writer, to be used in a `with` block.

    Raises:
        UsageError: unknown format, or a path that it cannot write.
    """
    return writers.load(name)(wanted)
