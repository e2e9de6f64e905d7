"""What ingest is asked for, and what becomes of each video."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from framedex.decode import Grid
from framedex.index.faiss_file import Dtype
from framedex.index.row import Row
from framedex.ingest.dedupe import TOLERANCE_MAX
from framedex.ingest.watch import DEFAULT_LIMITS, Limits

DEFAULT_DTYPE: Dtype = "f16"

#: Provenance of a row: how far a frame may differ from the one whose vector it shares. Rows from before are exact.
TOLERANCE = "dedupe_tolerance"


@dataclass(frozen=True, slots=True, kw_only=True)
class IngestSettings:
    """How videos become rows.

    Attributes:
        grids: which frames; a row for each, in this order.
        threads: of all stages together; `Budget` divides them.
        dtype: of the stored vectors; None takes what a row that is there has, and f16 for new ones.
        decoder: a name of `framedex.decode.decoders`.
        folder_fps: declared rate of frame folders, or None.
        dedupe_tolerance: grey levels by which a frame may differ from an embedded one to share its vector; 0 is equal.
        limits: what one video may cost.
        retry: try again what is in quarantine for the same request.
    """

    grids: tuple[Grid, ...]
    threads: int
    dtype: Dtype | None = None
    decoder: str = "pyav"
    folder_fps: str | None = None
    dedupe_tolerance: int = 0
    limits: Limits = DEFAULT_LIMITS
    retry: bool = False

    def __post_init__(self) -> None:
        names = [grid.name for grid in self.grids]
        if not names or len(set(names)) != len(names):
            raise ValueError(f"grids: expected one grid or more, each once, got {names}")
        if not 0 <= self.dedupe_tolerance <= TOLERANCE_MAX:
            raise ValueError(f"dedupe_tolerance: expected 0 to {TOLERANCE_MAX}, got {self.dedupe_tolerance}")

    def accepts(self, row: Row) -> bool:
        """Whether a row that is there is what is asked for."""
        same_vectors = row.provenance.get(TOLERANCE, "0") == str(self.dedupe_tolerance)
        return same_vectors and self.dtype in (None, row.dtype)


@dataclass(frozen=True, slots=True, kw_only=True)
class Indexed:
    """A row that was made now: one video on one grid."""

    path: Path
    row: Row


@dataclass(frozen=True, slots=True, kw_only=True)
class Skipped:
    """A row that was there."""

    path: Path
    row: Row


@dataclass(frozen=True, slots=True, kw_only=True)
class Quarantined:
    """A video that cannot be used, on any grid that it has no row for.

    Attributes:
        path: where it is.
        error: class of the error.
        reason: why, in a sentence.
        held: it was not tried now, for it failed before under the same conditions.
    """

    path: Path
    error: str
    reason: str
    held: bool = False


Outcome = Indexed | Skipped | Quarantined
