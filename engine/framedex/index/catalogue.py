"""The rows of a store: found by listing folders, read once, read again only where a file was replaced."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from framedex.errors import StoreError
from framedex.index.place import ROW_SUFFIX, Place, is_grid_name
from framedex.index.row import Row
from framedex.index.whole_file import FileIdentity, read_whole, storage_error
from framedex.keys import is_key


class Catalogue:
    """Lists and remembers the rows under `root`; never opens an index file, never writes."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._known: dict[Place, tuple[FileIdentity, Row]] = {}

    def encoder_keys(self) -> list[str]:
        """Keys of the encoders that have a folder, sorted."""
        return sorted(entry.name for entry in _folders(self._root / "index") if is_key(entry.name))

    def grids(self, encoder_key: str) -> list[str]:
        """Names of the grids of one encoder, sorted."""
        return sorted(entry.name for entry in _folders(self._root / "index" / encoder_key) if is_grid_name(entry.name))

    def video_keys(self, encoder_key: str, grid: str) -> set[str]:
        """Keys of the videos that have a row; the rows are not read."""
        return {place.video_key for place, _ in self._entries(encoder_key, grid)}

    def places(self, encoder_key: str, grid: str) -> list[Place]:
        """All places that have a row, sorted by video key; the rows are not read."""
        return sorted(place for place, _ in self._entries(encoder_key, grid))

    def rows(self, encoder_key: str, grid: str) -> Iterator[Row]:
        """All rows of one encoder and grid, in no order.

        Raises:
            StoreError: a row breaks docs/format.md.
            StorageError: a file cannot be read.
        """
        for place, entry in self._entries(encoder_key, grid):
            try:
                identity = FileIdentity.of(entry.stat())
            except FileNotFoundError:  # deleted since it was listed
                continue
            known = self._known.get(place)
            row = known[1] if known is not None and known[0] == identity else self.row(place)
            if row is not None:
                self._known[place] = (identity, row)
                yield row

    def row(self, place: Place) -> Row | None:
        """The row at one place as it is now, or None.

        Raises:
            StoreError: the row breaks docs/format.md.
            StorageError: the file cannot be read.
        """
        path = place.row_path(self._root)
        try:
            data = read_whole(path)
        except FileNotFoundError:
            return None
        row = Row.from_json(str(path), data)
        if row.place != place:
            raise StoreError(f"{path}: the row is of {row.place}; a file was moved or renamed; run: framedex verify")
        return row

    def _entries(self, encoder_key: str, grid: str) -> Iterator[tuple[Place, os.DirEntry[str]]]:
        for folder in _folders(self._root / "index" / encoder_key / grid):
            for entry in _list(Path(folder.path)):
                key = entry.name.removesuffix(ROW_SUFFIX)
                if entry.name.endswith(ROW_SUFFIX) and is_key(key) and key[:2] == folder.name:
                    yield Place(encoder_key=encoder_key, grid=grid, video_key=key), entry


def _list(folder: Path) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as entries:
            return list(entries)
    except FileNotFoundError:
        return []
    except OSError as error:
        raise storage_error("list the folder", folder, error) from error


def _folders(folder: Path) -> list[os.DirEntry[str]]:
    return [entry for entry in _list(folder) if entry.is_dir()]
