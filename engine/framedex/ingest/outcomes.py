"""What ingest is asked for, and what becomes of each video."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from framedex.decode import Grid
from framedex.index.faiss_file import Dtype
from framedex.index.row import Row

DEFAULT_DTYPE: Dtype = "f16"


@dataclass(frozen=True, slots=True, kw_only=True)
class IngestSettings:
    """How videos become rows.

    Attributes:
        grid: which frames.
        threads: decoding threads.
        dtype: of the stored vectors; None takes what a row that is there has, and f16 for new ones.
        decoder: a name of `framedex.decode.decoders`.
        folder_fps: declared rate of frame folders, or None.
    """

    grid: Grid
    threads: int
    dtype: Dtype | None = None
    decoder: str = "pyav"
    folder_fps: str | None = None

    def accepts(self, row: Row) -> bool:
        """Whether a row that is there is what is asked for."""
        return self.dtype in (None, row.dtype)


@dataclass(frozen=True, slots=True, kw_only=True)
class Indexed:
    """A video that was embedded now."""

    path: Path
    row: Row


@dataclass(frozen=True, slots=True, kw_only=True)
class Skipped:
    """A video whose row was there."""

    path: Path
    row: Row


@dataclass(frozen=True, slots=True, kw_only=True)
class Quarantined:
    """A video that cannot be used, and why."""

    path: Path
    reason: str


Outcome = Indexed | Skipped | Quarantined
