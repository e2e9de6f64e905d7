"""Verify the scores of a store: every file against docs/format.md, and every curve against the index of its video."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from framedex.contracts import Pts
from framedex.errors import StoreError
from framedex.index import Row, Store
from framedex.index.whole_file import TEMPORARY_PREFIX, TEMPORARY_SUFFIX, storage_error
from framedex.keys import is_key
from framedex.scores.grid_rows import grid_rows, index_rows
from framedex.scores.place import SET_NAME, ScorePlace
from framedex.scores.score_store import ScoreStore


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoresReport:
    """What a pass over a store's scores found.

    Attributes:
        sets: sets found.
        curves: curves found.
        whole: of those, curves that hold.
        scored: frames of the whole curves.
        problems: one sentence per file that does not hold; it names the file.
        unindexed: curves of videos that the store does not hold at their grid: harmless, passed over.
        leftovers: temporary files of writers, running or dead.
        foreign: files that are no part of a store.
    """

    sets: int
    curves: int
    whole: int
    scored: int
    problems: tuple[str, ...]
    unindexed: tuple[Path, ...]
    leftovers: tuple[Path, ...]
    foreign: tuple[Path, ...]


class _Frames:
    """The frames that the store's indexes hold, one video after another."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._rows: dict[str, dict[str, Row]] = {}
        self._last: tuple[tuple[str, str], Pts | None] | None = None

    def of(self, grid: str, video_key: str) -> Pts | None:
        """Timestamps of the frames of a video at a grid, or None where it is not indexed, or its index does not hold."""
        wanted = (grid, video_key)
        if self._last is None or self._last[0] != wanted:
            self._last = (wanted, self._read(grid, video_key))
        return self._last[1]

    def _read(self, grid: str, video_key: str) -> Pts | None:
        try:
            if grid not in self._rows:
                self._rows[grid] = {row.video_key: row for row in grid_rows(self._store, grid)}
            row = self._rows[grid].get(video_key)
            if row is None:
                return None
            with self._store.open_row(row) as index:
                return index.pts_us
        except StoreError:  # the verification of the indexes says so
            return None


def verify_scores(store: Store, progress: Callable[[int, int], None] | None = None) -> ScoresReport:
    """Read every file below `S/scores` and check all that docs/format.md says; nothing is changed.

    Args:
        store: the store.
        progress: called with (curves done, curves in all).

    Raises:
        StorageError: a folder or file cannot be read.
    """
    scores, frames = ScoreStore(store.path), _Frames(store)
    places, sets, leftovers, foreign = _inventory(scores.root)
    problems: list[str] = []
    for key in sorted({*sets, *(place.set_key for place in places)}):
        try:
            scores.set(key)
        except StoreError as error:
            problems.append(str(error))
    unindexed: list[Path] = []
    whole = scored = 0
    # Videos side by side, so that each index is opened once.
    for done, place in enumerate(sorted(places, key=lambda place: (place.grid, place.video_key, place))):
        if progress is not None:
            progress(done, len(places))
        indexed_us = frames.of(place.grid, place.video_key)
        if indexed_us is None:
            unindexed.append(place.path(scores.root))
        try:
            scored += _verified(scores, place, indexed_us)
            whole += 1
        except StoreError as error:
            problems.append(str(error))
    if progress is not None:
        progress(len(places), len(places))
    return ScoresReport(
        sets=len(sets),
        curves=len(places),
        whole=whole,
        scored=scored,
        problems=tuple(problems),
        unindexed=tuple(unindexed),
        leftovers=tuple(leftovers),
        foreign=tuple(foreign),
    )


def _verified(scores: ScoreStore, place: ScorePlace, indexed_us: Pts | None) -> int:
    """How many frames a curve scores, where it holds."""
    path = str(place.path(scores.root))
    file = scores.get(place)
    if file is None:
        raise StoreError(f"{path}: deleted while it was being verified; run verify again")
    if indexed_us is not None:
        index_rows(path, file.pts_us, indexed_us)
    return len(file.pts_us)


def _inventory(root: Path) -> tuple[list[ScorePlace], list[str], list[Path], list[Path]]:
    """Curves, sets, temporary files and others below `root`."""
    places: list[ScorePlace] = []
    sets: list[str] = []
    leftovers: list[Path] = []
    foreign: list[Path] = []
    for folder, folders, names in os.walk(root, onerror=lambda error: _refuse(root, error)):
        folders.sort()
        for name in sorted(names):
            path = Path(folder, name)
            parts = path.relative_to(root).parts
            place = ScorePlace.of(parts)
            if name.startswith(TEMPORARY_PREFIX) and name.endswith(TEMPORARY_SUFFIX):
                leftovers.append(path)
            elif len(parts) == 2 and is_key(parts[0]) and name == SET_NAME:
                sets.append(parts[0])
            elif place is not None:
                places.append(place)
            else:
                foreign.append(path)
    return places, sets, leftovers, foreign


def _refuse(root: Path, error: OSError) -> None:
    if Path(error.filename) == root and isinstance(error, FileNotFoundError):  # a store without scores
        return
    raise storage_error("list the folder", error.filename, error) from error
