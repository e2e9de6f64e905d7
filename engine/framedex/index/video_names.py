"""Which video people mean: a key, a path, the end of a path, or a stem."""

from __future__ import annotations

import difflib
import os
from collections import defaultdict
from collections.abc import Iterable, Sequence
from pathlib import Path, PurePath

from framedex.errors import UsageError, did_you_mean
from framedex.index.row import Row
from framedex.keys import KEY_LENGTH, sha256_file

_NAMES_SHOWN = 10


class VideoNames:
    """The names of a set of rows, looked up in constant time; make it once for many questions.

    Args:
        rows: to choose from.
        subject: the store, for messages.
    """

    def __init__(self, rows: Iterable[Row], *, subject: str) -> None:
        self._subject = subject
        self._by_key: dict[str, list[Row]] = defaultdict(list)
        self._by_path: dict[str, list[Row]] = defaultdict(list)
        self._by_last_part: dict[str, list[Row]] = defaultdict(list)
        self._by_stem: dict[str, list[Row]] = defaultdict(list)
        for row in rows:
            path = PurePath(row.source.path)
            self._by_key[row.video_key].append(row)
            self._by_path[row.source.path].append(row)
            self._by_last_part[path.name].append(row)
            self._by_stem[path.stem].append(row)

    def find(self, *names: str) -> list[Row]:
        """The rows of the one video that the first of `names` to mean one means: several where it has several encoders or grids.

        A name is, in this order: a video key; the path under which the video was indexed, absolute or from the current folder;
        the last parts of that path ("clips/dive.mp4", "dive.mp4"); its stem ("dive"). Where a file was replaced and indexed
        again, a path means the content that is there now; a file that was moved or copied since is known by its content.

        Raises:
            UsageError: no video has such a name, with the nearest ones; or several have, with their paths and keys.
        """
        for name in names:
            for found in self._matches(name):
                if found:
                    return self._of_one_video(found, name)
        for name in names:
            moved = self._by_key.get(_key_of_file(name), [])
            if moved:
                return moved
        raise UsageError(f"{self._subject}: no video {names[-1]!r}; {self._nearest(names[-1])}")

    def only(self, *names: str, grid: str | None = None) -> Row:
        """The one row that a name and a grid mean.

        Raises:
            UsageError: as `find`; no such grid, or several rows: the message lists what there is.
        """
        rows = self.find(*names)
        path = rows[0].source.path
        grids = {row.grid for row in rows}
        if grid is not None and grid not in grids:
            raise UsageError(f"{path}: not indexed with grid {grid!r}; {did_you_mean(grid, grids)}")
        rows = [row for row in rows if grid in (None, row.grid)]
        if len(rows) > 1:
            held = {"encoder": sorted({row.encoder_key for row in rows}), "grid": sorted({row.grid for row in rows})}
            several = {what: values for what, values in held.items() if len(values) > 1}
            choices = " and ".join(f"several {what}s, {', '.join(values)}" for what, values in several.items())
            raise UsageError(
                f"{path}: is indexed with {choices}; choose one with {' and '.join(f'--{what}' for what in several)}"
            )
        return rows[0]

    def _matches(self, name: str) -> Iterable[list[Row]]:
        yield self._by_key.get(name, [])
        # Lexical, as paths are stored: nothing is asked of the file system.
        yield self._by_path.get(os.path.abspath(name), [])  # noqa: PTH100
        parts = PurePath(name).parts
        ends = self._by_last_part.get(parts[-1], []) if parts else []
        yield [row for row in ends if PurePath(row.source.path).parts[-len(parts) :] == parts]
        yield self._by_stem.get(name, [])

    def _of_one_video(self, rows: list[Row], name: str) -> list[Row]:
        if len({row.video_key for row in rows}) == 1:
            return rows
        current = _now_at(rows)
        if current:
            return current
        paths = sorted({(row.source.path, row.video_key) for row in rows})
        named = "; ".join(f"{path} (key {key})" for path, key in paths[:_NAMES_SHOWN])
        more = f"; and {len(paths) - _NAMES_SHOWN} more" if len(paths) > _NAMES_SHOWN else ""
        raise UsageError(f"{self._subject}: {name!r} names several videos: {named}{more}; give the path or the key")

    def _nearest(self, name: str) -> str:
        names = sorted(self._by_last_part)
        if not names:
            return "the store holds none"
        near = difflib.get_close_matches(name, [*names, *self._by_stem], n=1, cutoff=0.5)
        holds = f"it holds {len(names)}: {', '.join(names[:_NAMES_SHOWN])}{', …' if len(names) > _NAMES_SHOWN else ''}"
        return f"{holds}; did you mean {near[0]!r}?" if near else holds


def _key_of_file(name: str) -> str:
    """Video key of the file at a path; no key where there is none."""
    path = Path(name)
    try:
        return sha256_file(path)[:KEY_LENGTH] if path.is_file() else ""
    except OSError:  # a name that no file system has, or a file that may not be read
        return ""


def _now_at(rows: Sequence[Row]) -> list[Row]:
    """Of rows with one path, those of the content that is there now; none where that cannot be told."""
    paths = {row.source.path for row in rows}
    key = _key_of_file(paths.pop()) if len(paths) == 1 else ""
    return [row for row in rows if row.video_key == key]
