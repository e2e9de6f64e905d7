"""Vectors of a video that the store holds already, in rows of other grids."""

from __future__ import annotations

from collections.abc import Mapping
from types import TracebackType
from typing import Self

import numpy as np
from numpy.typing import NDArray

from framedex.contracts import Timing
from framedex.errors import StoreError
from framedex.index.faiss_file import Dtype
from framedex.index.store import Store
from framedex.index.video_index import VideoIndex
from framedex.ingest.outcomes import TOLERANCE


class KnownVectors:
    """Finds vectors by timestamp, in files that stay mapped until `close`.

    Only rows that are made as they would be now (type, timing, decoder, runtime, precision), and hold each frame's own vector or
    that of an equal one, are used: a row's provenance speaks for all of its vectors.

    Args:
        store: where rows are.
        video_key: whose.
        encoder_key: likewise.
        timing: of the timestamps.
        dtype: of the vectors.
        made_by: provenance that their rows must have: decoder, runtime, precision.
        but: grids that are being made.
    """

    def __init__(
        self,
        store: Store,
        *,
        video_key: str,
        encoder_key: str,
        timing: Timing,
        dtype: Dtype,
        made_by: Mapping[str, str],
        but: frozenset[str],
    ) -> None:
        self._indexes: list[VideoIndex] = []
        self._places: dict[int, tuple[int, int]] = {}
        for grid in store.grids():
            if grid in but:
                continue
            try:
                row = store.row(video_key, encoder_key=encoder_key, grid=grid)
                if row is None or (row.dtype, row.timing, row.provenance.get(TOLERANCE, "0")) != (dtype, timing, "0"):
                    continue
                if any(row.provenance.get(name) != value for name, value in made_by.items()):
                    continue
                index = store.open_row(row)
                index.verify()
            except StoreError:  # damaged: these frames are embedded again, and `verify` names the file
                continue
            number = len(self._indexes)
            self._indexes.append(index)
            for place, pts_us in enumerate(index.pts_us.tolist()):
                self._places.setdefault(pts_us, (number, place))

    def get(self, pts_us: int) -> NDArray[np.floating] | None:
        """The vector (dim,) of a frame, a view; None where it is not known."""
        found = self._places.get(pts_us)
        if found is None:
            return None
        vector: NDArray[np.floating] = self._indexes[found[0]].vectors[found[1]]
        return vector

    def close(self) -> None:
        """Unmap the files; safe to call twice."""
        self._places = {}
        while self._indexes:
            self._indexes.pop().close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
