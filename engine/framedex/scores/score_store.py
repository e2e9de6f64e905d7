"""The scores of a store: sets of curves, one immutable file per (set, grid, video, subject) (docs/format.md)."""

from __future__ import annotations

import os
from pathlib import Path

from framedex.errors import StoreError, UsageError, did_you_mean
from framedex.index.place import is_grid_name
from framedex.index.whole_file import make_folder, read_whole, storage_error, write_whole
from framedex.keys import is_key
from framedex.scores.place import SET_NAME, ScorePlace
from framedex.scores.score_file import ScoreFile
from framedex.scores.score_set import ScoreSet


class ScoreStore:
    """The folder `S/scores`. Reading never writes; any number of processes may write.

    Args:
        store: the store's folder.

    Attributes:
        root: `S/scores`; there once something was written.
    """

    def __init__(self, store: Path) -> None:
        self.root = store / "scores"

    def sets(self) -> list[ScoreSet]:
        """All sets, by name and key.

        Raises:
            StoreError: a set's file is missing or breaks docs/format.md.
        """
        keys = [name for name in _folders(self.root) if is_key(name)]
        return sorted((self.set(key) for key in keys), key=lambda each: (each.name, each.key))

    def set(self, key: str) -> ScoreSet:
        """The set with that key.

        Raises:
            StoreError: its file is missing or breaks docs/format.md.
        """
        path = self.root / key / SET_NAME
        try:
            data = read_whole(path)
        except FileNotFoundError as error:
            raise StoreError(f"{path}: missing; make or import these scores again, or delete the folder") from error
        found = ScoreSet.from_json(str(path), data)
        if found.key != key:
            raise StoreError(f"{path}: the set is {found.key}; a file was moved or renamed")
        return found

    def find(self, name: str, *, grid: str | None = None) -> ScoreSet:
        """The one set of that name or key; where a grid is given, the one that has curves on it.

        Raises:
            UsageError: none, or several of that name; the message lists what there is.
            StoreError: a set's file breaks docs/format.md.
        """
        if is_key(name) and (self.root / name).is_dir():
            return self.set(name)
        sets = self.sets()
        named = [each for each in sets if each.name == name]
        if len(named) > 1 and grid is not None:
            named = [each for each in named if grid in self.grids(each.key)] or named
        if len(named) > 1:
            keys = ", ".join(each.key for each in named)
            raise UsageError(
                f"{self.root.parent}: {len(named)} sets of scores are named {name!r}: {keys}; give the key"
            )
        if not named:
            known = did_you_mean(name, {each.name for each in sets})
            raise UsageError(f"{self.root.parent}: no scores {name!r}; {known}; see: framedex scores list")
        return named[0]

    def grids(self, set_key: str) -> list[str]:
        """Names of the grids that a set has curves on, sorted."""
        return sorted(name for name in _folders(self.root / set_key) if is_grid_name(name))

    def only_grid(self, found: ScoreSet, grid: str | None) -> str:
        """The grid to read of a set: `grid` itself, or the only one that it has curves on.

        Raises:
            UsageError: no such grid, none at all, or several and none named.
        """
        held = self.grids(found.key)
        if grid is not None and grid not in held:
            raise UsageError(f"scores {found.name!r}: none on grid {grid!r}; {did_you_mean(grid, held)}")
        if grid is None and len(held) != 1:
            what = f"are on several grids, {', '.join(held)}; choose one with --grid" if held else "hold no curve yet"
            raise UsageError(f"scores {found.name!r}: {what}")
        return held[0] if grid is None else grid

    def handle(self, found: ScoreSet) -> str:
        """What to call a set so that `find` finds it and no other: its name, or its key where others have that name."""
        alone = sum(each.name == found.name for each in self.sets()) == 1
        return found.name if alone else found.key

    def rule(self, set_key: str, grid: str) -> str | None:
        """What made one number of a network's output, as the first curve that can be read says; None where it says nothing."""
        for place in self.places(set_key, grid):
            try:
                file = self.get(place)
            except StoreError:  # `verify` names it
                continue
            if file is not None:
                return file.provenance.get("rule")
        return None

    def places(self, set_key: str, grid: str) -> list[ScorePlace]:
        """Where a set has curves on a grid, sorted; no file is read."""
        folder = self.root / set_key / grid
        places = [
            ScorePlace.of((set_key, grid, two, name)) for two in _folders(folder) for name in _files(folder / two)
        ]
        return sorted(place for place in places if place is not None)

    def get(self, place: ScorePlace) -> ScoreFile | None:
        """The curve at a place, or None.

        Raises:
            StoreError: the file breaks docs/format.md.
            StorageError: it cannot be read.
        """
        path = place.path(self.root)
        try:
            data = read_whole(path)
        except FileNotFoundError:
            return None
        try:
            file = ScoreFile.from_bytes(str(path), data)
        except StoreError as error:
            raise StoreError(f"{error}; delete the file, then score or import again") from error
        if file.place != place:
            raise StoreError(f"{path}: the file is of {file.place.path(self.root)}; it was moved or renamed")
        return file

    def add_set(self, added: ScoreSet) -> None:
        """Record a set; nothing happens where its key is there already.

        Raises:
            StorageError: the file system refused.
        """
        path = self.root / added.key / SET_NAME
        if path.exists():
            return
        make_folder(path.parent)
        write_whole(path, added.to_json())

    def put(self, file: ScoreFile) -> None:
        """Write one curve, whole or not at all; what was at its place is replaced.

        Raises:
            UsageError: its set was not added.
            StorageError: the file system refused.
        """
        if not (self.root / file.set_key / SET_NAME).exists():
            raise UsageError(f"{self.root}: set {file.set_key} is not in the store; add_set comes before put")
        path = file.place.path(self.root)
        make_folder(path.parent)
        write_whole(path, file.to_bytes())


def _folders(folder: Path) -> list[str]:
    return [entry.name for entry in _list(folder) if entry.is_dir()]


def _files(folder: Path) -> list[str]:
    return [entry.name for entry in _list(folder) if not entry.is_dir()]


def _list(folder: Path) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as entries:
            return list(entries)
    except FileNotFoundError:
        return []
    except OSError as error:
        raise storage_error("list the folder", folder, error) from error
