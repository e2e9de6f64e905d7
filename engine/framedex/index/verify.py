"""Verify: every row of a store against its file, and every file against docs/format.md."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from framedex.errors import StoreError
from framedex.index.place import INDEX_SUFFIX, ROW_SUFFIX, Place, is_grid_name
from framedex.index.row import Row
from framedex.index.store import Store
from framedex.index.whole_file import TEMPORARY_PREFIX, TEMPORARY_SUFFIX, storage_error
from framedex.keys import is_key


@dataclass(frozen=True, slots=True, kw_only=True)
class VerifyReport:
    """What a pass over a store found.

    Attributes:
        rows: rows found.
        whole: of those, rows that hold.
        frames: vectors of the whole rows.
        nbytes: bytes of their index files.
        problems: one sentence per file that does not hold; it names the file.
        unfinished: index files without a row, left by a writer that was stopped: harmless, replaced by the next write.
        leftovers: temporary files of writers, running or dead.
        foreign: files that are no part of a store.
    """

    rows: int
    whole: int
    frames: int
    nbytes: int
    problems: tuple[str, ...]
    unfinished: tuple[Path, ...]
    leftovers: tuple[Path, ...]
    foreign: tuple[Path, ...]

    @property
    def ok(self) -> bool:
        """Whether everything that the store lists holds."""
        return not self.problems


@dataclass(slots=True)
class _Inventory:
    """The store's files, sorted by what their places say they are."""

    rows: list[Place] = field(default_factory=list)
    indexes: list[Place] = field(default_factory=list)
    encoders: list[str] = field(default_factory=list)
    quarantined: list[str] = field(default_factory=list)
    leftovers: list[Path] = field(default_factory=list)
    foreign: list[Path] = field(default_factory=list)

    def add(self, root: Path, relative: Path) -> None:
        """File one path under its kind."""
        match relative.parts:
            # Scores are proved by framedex.scores.verify; the cache is nobody's truth.
            case ("store.json",) | ("scores" | "cache", _, *_):
                pass
            case (*_, name) if name.startswith(TEMPORARY_PREFIX) and name.endswith(TEMPORARY_SUFFIX):
                self.leftovers.append(root / relative)
            case ("encoders", name) if is_key(key := name.removesuffix(".json")) and name != key:
                self.encoders.append(key)
            case ("quarantine", name) if is_key(key := name.removesuffix(".json")) and name != key:
                self.quarantined.append(key)
            case ("index", encoder, grid, two, name) if (
                is_key(encoder) and is_grid_name(grid) and is_key(key := Path(name).stem) and key[:2] == two
            ):
                place = Place(encoder_key=encoder, grid=grid, video_key=key)
                if name == f"{key}{ROW_SUFFIX}":
                    self.rows.append(place)
                elif name == f"{key}{INDEX_SUFFIX}":
                    self.indexes.append(place)
                else:
                    self.foreign.append(root / relative)
            case _:
                self.foreign.append(root / relative)


def verify(store: Store, progress: Callable[[int, int], None] | None = None) -> VerifyReport:
    """Read every file of a store and check all that docs/format.md says; nothing is changed.

    Args:
        store: the store; `Store.open` has checked its `store.json`.
        progress: called with (rows done, rows in all), first with 0.

    Raises:
        StorageError: a folder or file cannot be read.
    """
    found = _Inventory()
    for path in _files(store.path):
        found.add(store.path, path.relative_to(store.path))
    problems: list[str] = []
    for key in found.quarantined:
        with _noting(problems):
            store.quarantine.get(key)
    dims: dict[str, int] = {}
    for key in sorted({*found.encoders, *(place.encoder_key for place in found.rows)}):
        with _noting(problems):
            dims[key] = store.encoder(key).dim
    whole: list[Row] = []
    for done, place in enumerate(found.rows):
        if progress is not None:
            progress(done, len(found.rows))
        with _noting(problems):
            whole.append(_verified(store, place, dims))
    if progress is not None:
        progress(len(found.rows), len(found.rows))
    rows = set(found.rows)
    return VerifyReport(
        rows=len(found.rows),
        whole=len(whole),
        frames=sum(row.count for row in whole),
        nbytes=sum(row.nbytes for row in whole),
        problems=tuple(problems),
        unfinished=tuple(place.index_path(store.path) for place in found.indexes if place not in rows),
        leftovers=tuple(found.leftovers),
        foreign=tuple(found.foreign),
    )


def _verified(store: Store, place: Place, dims: Mapping[str, int]) -> Row:
    path = place.row_path(store.path)
    row = store.row(place.video_key, encoder_key=place.encoder_key, grid=place.grid)
    if row is None:
        raise StoreError(f"{path}: deleted while it was being verified; run verify again")
    if row.dim != dims.get(row.encoder_key, row.dim):
        raise StoreError(f"{path}: dim is {row.dim}, its encoder's is {dims[row.encoder_key]}")
    with store.open_row(row) as index:
        index.verify()
    return row


@contextmanager
def _noting(problems: list[str]) -> Iterator[None]:
    try:
        yield
    except StoreError as error:
        problems.append(str(error))


def _files(root: Path) -> Iterator[Path]:
    def refuse(error: OSError) -> None:
        raise storage_error("list the folder", error.filename, error) from error

    for folder, folders, names in os.walk(root, onerror=refuse):
        folders.sort()
        for name in sorted(names):
            yield Path(folder, name)
