"""The import: given curves joined with the frames of a grid, all of them checked before any is written."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np

import framedex
from framedex.contracts import Pts, Vectors
from framedex.errors import StoreError, UsageError
from framedex.index import Row, Store
from framedex.index.video_names import VideoNames
from framedex.keys import json_key
from framedex.scores.frame_times import nearest, reach_us
from framedex.scores.given import GivenCurve
from framedex.scores.grid_rows import grid_rows
from framedex.scores.place import Subject
from framedex.scores.score_file import ScoreFile
from framedex.scores.score_set import ScoreSet
from framedex.scores.score_store import ScoreStore


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class JoinedCurve:
    """A curve whose frames were found.

    Attributes:
        where: file and line, for messages.
        row: of the video's index.
        subject: the prompt or question.
        pts_us: int64 (n,), n >= 1, strictly increasing, frames of the index.
        scores: float32 (n,), finite.
        moved_us: the most by which a time in seconds was off its frame; 0 where timestamps were given.
    """

    where: str
    row: Row
    subject: Subject
    pts_us: Pts
    scores: Vectors
    moved_us: int

    @property
    def place(self) -> tuple[str, Subject]:
        """What there may be one curve of."""
        return self.row.video_key, self.subject


@dataclass(frozen=True, slots=True, kw_only=True)
class Imported:
    """What an import did.

    Attributes:
        score_set: the set that holds the curves.
        grid: name.
        videos: with curves.
        curves: given.
        written: of those, curves that were not there yet.
        partial: curves that leave frames out.
        scored: frames with a score, over all curves.
        frames: of the grid, over all curves.
        moved_us: the most by which a time in seconds was off its frame.
        lowest: score.
        highest: score.
    """

    score_set: ScoreSet
    grid: str
    videos: int
    curves: int
    written: int
    partial: int
    scored: int
    frames: int
    moved_us: int
    lowest: float
    highest: float


def join_curves(store: Store, given: Iterable[GivenCurve], *, grid: str) -> list[JoinedCurve]:
    """Find the video and the frames of every curve.

    Raises:
        UsageError: a video that is not indexed at the grid, a time that is no frame's, or something that is given twice.
        StoreError: an index breaks docs/format.md.
    """
    names = VideoNames(grid_rows(store, grid), subject=str(store.path))
    indexed_us: dict[str, Pts] = {}
    joined: dict[tuple[str, Subject], JoinedCurve] = {}
    for curve in given:
        try:
            row = names.only(str(curve.folder / curve.video), curve.video)
        except UsageError as error:
            raise UsageError(f"{curve.where}: {error}") from error
        if row.video_key not in indexed_us:
            with store.open_row(row) as index:
                indexed_us[row.video_key] = index.pts_us
        found = _joined(curve, row, indexed_us[row.video_key])
        if found.place in joined:
            first = joined[found.place].where
            raise UsageError(
                f"{curve.where}: a second curve of {row.source.path} for {curve.subject}; the first is {first}"
            )
        joined[found.place] = found
    return list(joined.values())


def import_curves(
    store: Store, curves: Sequence[JoinedCurve], *, name: str, progress: Callable[[int, int], None] | None = None
) -> Imported:
    """Store curves as a set of their own; curves that are there already are left.

    Args:
        store: the store.
        curves: of one grid, one or more.
        name: of the set.
        progress: called with (curves done, curves in all).

    Raises:
        UsageError: other scores on that grid have the name.
        StoreError: a set's file breaks docs/format.md.
        StorageError: the store cannot be written; the same import goes on where it stopped.
    """
    scores = ScoreStore(store.path)
    grid = curves[0].row.grid
    added = ScoreSet.of_import(name=name, curves_key=_key(curves))
    for other in scores.sets():
        if other.name == name and other.key != added.key and grid in scores.grids(other.key):
            raise UsageError(
                f"--name {name}: other scores on {grid} have this name (key {other.key}); choose another, or delete "
                f"{scores.root / other.key} first"
            )
    scores.add_set(added)
    written = 0
    for done, curve in enumerate(curves):
        if progress is not None:
            progress(done, len(curves))
        written += _put(scores, added, curve)
    if progress is not None:
        progress(len(curves), len(curves))
    return Imported(
        score_set=added,
        grid=grid,
        videos=len({curve.row.video_key for curve in curves}),
        curves=len(curves),
        written=written,
        partial=sum(len(curve.pts_us) < curve.row.count for curve in curves),
        scored=sum(len(curve.pts_us) for curve in curves),
        frames=sum(curve.row.count for curve in curves),
        moved_us=max(curve.moved_us for curve in curves),
        lowest=min(float(curve.scores.min()) for curve in curves),
        highest=max(float(curve.scores.max()) for curve in curves),
    )


def _joined(curve: GivenCurve, row: Row, indexed_us: Pts) -> JoinedCurve:
    moved_us = 0
    if curve.pts_us is not None:
        rows = np.minimum(np.searchsorted(indexed_us, curve.pts_us), len(indexed_us) - 1)
        strange = np.flatnonzero(indexed_us[rows] != curve.pts_us)
    else:
        assert curve.times_s is not None
        wanted_us = row.time_origin_us + curve.times_s * 1e6
        rows = nearest(wanted_us, indexed_us)
        off_us = np.abs(wanted_us - indexed_us[rows])
        strange = np.flatnonzero(off_us > reach_us(wanted_us, rows, indexed_us))
        moved_us = round(float(off_us.max()))
    if len(strange):
        raise UsageError(_no_frame(curve, row, int(strange[0]), indexed_us))
    order = np.argsort(rows, kind="stable")
    twice = np.flatnonzero(np.diff(rows[order]) == 0)
    if len(twice):
        frame_us = int(indexed_us[rows[order][twice[0]]])
        raise UsageError(
            f"{curve.where}: two scores for the frame at {_time(row, frame_us)} of {row.source.path}; each frame has one"
        )
    return JoinedCurve(
        where=curve.where,
        row=row,
        subject=curve.subject,
        pts_us=indexed_us[rows[order]],
        scores=curve.scores[order],
        moved_us=moved_us,
    )


def _no_frame(curve: GivenCurve, row: Row, position: int, indexed_us: Pts) -> str:
    if curve.pts_us is not None:
        given_us = curve.pts_us[position : position + 1]
        nearest_us = indexed_us[nearest(given_us.astype(np.float64), indexed_us)][0]
        return (
            f"{curve.where}: pts_us {given_us[0]} is no frame of {row.source.path} at {row.grid}; the nearest is {nearest_us}; "
            "give the timestamps of its index, or times_s"
        )
    assert curve.times_s is not None
    given_s = curve.times_s[position : position + 1]
    nearest_us = indexed_us[nearest(row.time_origin_us + given_s * 1e6, indexed_us)][0]
    return (
        f"{curve.where}: times_s {given_s[0]} is no frame of {row.source.path} at {row.grid}; the nearest is at "
        f"{_time(row, int(nearest_us))}, more than half a frame's distance away; seconds count from the first frame"
    )


def _time(row: Row, pts_us: int) -> str:
    return f"{(pts_us - row.time_origin_us) / 1e6:.6f} s (pts_us {pts_us})"


def _key(curves: Sequence[JoinedCurve]) -> str:
    """Of all that is in the curves, whatever their order and whatever the videos are called."""
    return json_key(
        sorted(
            [curve.row.grid, curve.row.video_key, curve.subject.about, curve.subject.text, _digest(curve)]
            for curve in curves
        )
    )


def _digest(curve: JoinedCurve) -> str:
    data = curve.pts_us.astype("<i8").tobytes() + curve.scores.astype("<f4").tobytes()
    return hashlib.sha256(data).hexdigest()


def _put(scores: ScoreStore, added: ScoreSet, curve: JoinedCurve) -> bool:
    """Write a curve where it is not there, or damaged; False where it is."""
    file = ScoreFile(
        set_key=added.key,
        grid=curve.row.grid,
        video_key=curve.row.video_key,
        subject=curve.subject,
        pts_us=curve.pts_us,
        scores=curve.scores,
        provenance={"framedex": framedex.__version__, "imported_from": _place_in_words(curve.where)},
    )
    try:
        if scores.get(file.place) is not None:  # the set's key says that it holds the same
            return False
    except StoreError:
        pass
    scores.put(file)
    return True


def _place_in_words(where: str) -> str:
    """File and line, the path absolute; a path that is no UTF-8 is escaped."""
    return os.path.abspath(where).encode("utf-8", "backslashreplace").decode()  # noqa: PTH100 - lexical
