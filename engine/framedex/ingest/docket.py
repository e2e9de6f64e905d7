"""What is to be done with each input: decided once it is known what it is, from what the store holds."""

from __future__ import annotations

from dataclasses import dataclass

from framedex.decode import VideoSource
from framedex.errors import StoreError
from framedex.index.quarantine import QuarantineEntry
from framedex.index.row import Row
from framedex.index.store import Store
from framedex.ingest.outcomes import IngestSettings
from framedex.ingest.request import holds, request_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What is to be done with an input.

    Attributes:
        groups: grids (numbers into the settings') to decode, a decode for each group.
        rows: rows that are there and are what is asked for.
        held: the quarantine entry for which it is not tried.
        same_as: the number of an earlier input with the same bytes, which all that becomes of it holds for.
    """

    groups: tuple[tuple[int, ...], ...] = ()
    rows: tuple[Row, ...] = ()
    held: QuarantineEntry | None = None
    same_as: int | None = None


class Docket:
    """Decides; called by the crew's thread.

    Args:
        store: what is there.
        encoder_key: whose rows.
        settings: what is asked for.
    """

    def __init__(self, store: Store, encoder_key: str, settings: IngestSettings) -> None:
        self._store = store
        self._encoder_key = encoder_key
        self._settings = settings
        self._request = request_of(settings)
        self._first: dict[str, int] = {}

    def decide(self, number: int, source: VideoSource) -> Decision:
        """What is to be done with input `number`; asked again after its worker died, the answer is what is left to do."""
        first = self._first.setdefault(source.key, number)
        if first != number:
            return Decision(same_as=first)
        rows = [self._row(source.key, grid.name) for grid in self._settings.grids]
        there = tuple(row for row in rows if row is not None)
        missing = tuple(number for number, row in enumerate(rows) if row is None)
        held = self._held(source.key) if missing else None
        if not missing or held is not None:
            return Decision(rows=there, held=held)
        # With a tolerance, which frames share a vector depends on the frames beside them: so on its own grid only.
        alone = self._settings.dedupe_tolerance > 0
        return Decision(rows=there, groups=tuple((number,) for number in missing) if alone else (missing,))

    def _row(self, video_key: str, grid: str) -> Row | None:
        try:
            row = self._store.row(video_key, encoder_key=self._encoder_key, grid=grid)
        except StoreError:  # a damaged row is replaced, as if it were not there
            return None
        return row if row is not None and self._settings.accepts(row) and self._store.is_there(row) else None

    def _held(self, video_key: str) -> QuarantineEntry | None:
        if self._settings.retry:
            return None
        try:
            entry = self._store.quarantine.get(video_key)
        except StoreError:  # a damaged entry holds nothing back
            return None
        return entry if entry is not None and holds(entry, self._request) else None
