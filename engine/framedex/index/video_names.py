"""Which video people mean: a key, a path, the end of a path, or a stem."""

from __future__ import annotations

import difflib
import os
from collections.abc import Iterable, Sequence
from pathlib import PurePath

from framedex.errors import UsageError
from framedex.index.row import Row

_NAMES_SHOWN = 10


def rows_named(rows: Sequence[Row], name: str, *, subject: str) -> list[Row]:
    """The rows of the one video that `name` means, at least one; several where it has several encoders or grids.

    A name is, in this order: a video key; the path under which the video was indexed, absolute or from the current folder; the
    last parts of that path ("clips/dive.mp4", "dive.mp4"); its stem ("dive").

    Args:
        rows: to choose from.
        name: what the caller gave.
        subject: the store, for messages.

    Raises:
        UsageError: no video has that name, with the nearest ones; or several do, with their paths and keys.
    """
    for matches in (_by_key, _by_path, _by_end_of_path, _by_stem):
        found = matches(rows, name)
        if found:
            return _of_one_video(found, name, subject)
    raise UsageError(f"{subject}: no video {name!r}; {_nearest(rows, name)}")


def _by_key(rows: Iterable[Row], name: str) -> list[Row]:
    return [row for row in rows if row.video_key == name]


def _by_path(rows: Iterable[Row], name: str) -> list[Row]:
    path = os.path.abspath(name)  # noqa: PTH100 - lexical, as the path was stored; nothing is asked of the file system
    return [row for row in rows if row.source.path == path]


def _by_end_of_path(rows: Iterable[Row], name: str) -> list[Row]:
    parts = PurePath(name).parts
    return [row for row in rows if parts and PurePath(row.source.path).parts[-len(parts) :] == parts]


def _by_stem(rows: Iterable[Row], name: str) -> list[Row]:
    return [row for row in rows if PurePath(row.source.path).stem == name]


def _of_one_video(rows: list[Row], name: str, subject: str) -> list[Row]:
    if len({row.video_key for row in rows}) > 1:
        paths = sorted({(row.source.path, row.video_key) for row in rows})
        named = "; ".join(f"{path} (key {key})" for path, key in paths[:_NAMES_SHOWN])
        more = f"; and {len(paths) - _NAMES_SHOWN} more" if len(paths) > _NAMES_SHOWN else ""
        raise UsageError(f"{subject}: {name!r} names several videos: {named}{more}; give the path or the key")
    return rows


def _nearest(rows: Sequence[Row], name: str) -> str:
    names = sorted({PurePath(row.source.path).name for row in rows})
    if not names:
        return "the store holds none"
    near = difflib.get_close_matches(name, [*names, *(PurePath(each).stem for each in names)], n=1, cutoff=0.5)
    holds = f"it holds {len(names)}: {', '.join(names[:_NAMES_SHOWN])}{', …' if len(names) > _NAMES_SHOWN else ''}"
    return f"{holds}; did you mean {near[0]!r}?" if near else holds
