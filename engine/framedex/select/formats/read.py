"""Selections read back from files: framedex's Parquet, BOLT's JSON, AKS's lists of frame numbers, frame lists for lmms-eval."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from framedex.contracts import Pts
from framedex.datasets import Question
from framedex.datasets.prompts import QUESTION
from framedex.errors import UsageError
from framedex.index import Row, Store
from framedex.index.frames import times_again
from framedex.index.video_names import VideoNames
from framedex.scores.frame_times import nearest, reach_us
from framedex.scores.grid_rows import grid_rows, only_grid
from framedex.select.batch import video_names
from framedex.select.formats.table_rows import check_rows
from framedex.select.records import SCHEMA


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ReadSelections:
    """What a file holds.

    Attributes:
        table: one row a selection, in the columns of `framedex select`'s Parquet files.
        moved_us: the most by which a time in seconds was off its frame; 0 where frames were given exactly.
        repeated: frames that stood twice in a selection, and are in it once.
    """

    table: pa.Table
    moved_us: int = 0
    repeated: int = 0


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Given:
    """The frames of one question as a file has them: in one of three ways."""

    where: str
    question_id: str
    video: tuple[str, ...]
    seconds: NDArray[np.float64] | None = None
    numbers: NDArray[np.int64] | None = None
    pts_us: Pts | None = None

    @property
    def count(self) -> int:
        return sum(len(each) for each in (self.seconds, self.numbers, self.pts_us) if each is not None)


def read_selections(
    path: Path | str,
    store: Store | None = None,
    *,
    questions: Sequence[Question] | None = None,
    grid: str | None = None,
    sampler: str = "imported",
    variant: str = QUESTION,
) -> ReadSelections:
    """Read a file of selections.

    A `.parquet` file says all by itself; its rows have to rise, and where a store is given to be rows of its indexes. The others
    name frames by seconds or numbers, so the store tells which frames of the index they are: seconds are taken to the nearest
    frame, no further than half the distance to the next one; numbers and timestamps have to be those of frames of the index.

    Args:
        path: a `.parquet` or `.json` file.
        store: that holds the videos; needed for `.json`. What a `.parquet` file has of other videos is left as it is.
        questions: of the manifest; needed for AKS's lists, which have one entry for each in its order.
        grid: name; needed only where the store holds several.
        sampler: what to call the rule that chose, for `.json`, which does not say.
        variant: the prompts that it chose by, likewise.

    Raises:
        UsageError: no such file, one that does not hold, a video that is not indexed, or a frame that is none of its index.
        VideoError: frame numbers of a video whose file is gone, or another.
        StoreError: a file of the store does not hold.
    """
    path = Path(path)
    if not path.is_file():
        raise UsageError(f"{path}: no such file of selections; expected a .parquet or .json file")
    if path.suffix == ".parquet":
        table = _parquet(path)
        check_rows(path, table, store)
        return ReadSelections(table=table)
    if path.suffix != ".json":
        raise UsageError(f"{path}: expected a name that ends in .parquet or .json")
    if store is None:
        raise UsageError(f"{path}: names frames by seconds or numbers; give the store that holds its videos")
    frames = _Frames(store, only_grid(store, grid))
    rows: list[dict[str, Any]] = []
    moved_us = repeated = 0
    for given in _given(path, questions):
        row, at, moved = frames.find(given)
        unique = np.unique(at)
        moved_us, repeated = max(moved_us, moved), repeated + len(at) - len(unique)
        rows.append(
            {
                "video_key": row.video_key,
                "question_id": given.question_id,
                "variant": variant,
                "encoder_key": "",
                "grid": row.grid,
                "transform": "",
                "sampler": sampler,
                "params": "{}",
                "budget": given.count,
                "seed": 0,
                "rows": unique.tolist(),
                "pts_us": frames.pts_us(row)[unique].tolist(),
                "scores": None,
            }
        )
    if not rows:
        raise UsageError(f"{path}: holds no selection")
    return ReadSelections(table=pa.Table.from_pylist(rows, schema=SCHEMA), moved_us=moved_us, repeated=repeated)


class _Frames:
    """The frames of one grid, found by whatever a file calls them."""

    def __init__(self, store: Store, grid: str) -> None:
        self._store = store
        self._names = VideoNames(grid_rows(store, grid), subject=str(store.path))
        self._indexed_us: dict[str, Pts] = {}
        self._all_us: dict[str, Pts] = {}

    def pts_us(self, row: Row) -> Pts:
        """Timestamps of the index."""
        if row.video_key not in self._indexed_us:
            with self._store.open_row(row) as index:
                self._indexed_us[row.video_key] = np.array(index.pts_us)
        return self._indexed_us[row.video_key]

    def find(self, given: _Given) -> tuple[Row, NDArray[np.int64], int]:
        """The video's row, the index rows of the frames in the order given, and by how much the furthest was off."""
        try:
            row = self._names.only(*given.video)
        except UsageError as error:
            raise UsageError(f"{given.where}: {error}") from error
        indexed_us = self.pts_us(row)
        if given.seconds is not None:
            wanted_us = row.time_origin_us + given.seconds * 1e6
            rows = nearest(wanted_us, indexed_us)
            off_us = np.abs(wanted_us - indexed_us[rows])
            far = np.flatnonzero(off_us > reach_us(wanted_us, rows, indexed_us))
            if len(far):
                raise UsageError(
                    f"{given.where}: {given.seconds[far[0]]:g} s is no frame of {row.source.path} at {row.grid}; the nearest is "
                    f"more than half a frame's distance away; seconds count from the first frame"
                )
            return row, rows, round(float(off_us.max(initial=0.0)))
        wanted = given.pts_us if given.pts_us is not None else self._numbered(row, given)
        rows = np.minimum(np.searchsorted(indexed_us, wanted), len(indexed_us) - 1)
        strange = np.flatnonzero(indexed_us[rows] != wanted)
        if len(strange):
            what = "pts_us" if given.numbers is None else f"frame {given.numbers[strange[0]]}, at pts_us"
            raise UsageError(
                f"{given.where}: {what} {wanted[strange[0]]} is no frame of {row.source.path} at {row.grid}; read it against "
                "a grid that has its frames, such as every=30 for AKS's of a video with 30 frames a second"
            )
        return row, rows, 0

    def _numbered(self, row: Row, given: _Given) -> Pts:
        assert given.numbers is not None
        if row.video_key not in self._all_us:
            self._all_us[row.video_key] = times_again(row)
        times_us = self._all_us[row.video_key]
        beyond = np.flatnonzero((given.numbers < 0) | (given.numbers >= len(times_us)))
        if len(beyond):
            raise UsageError(
                f"{given.where}: frame {given.numbers[beyond[0]]} is none of {row.source.path}, which has {len(times_us)}"
            )
        return times_us[given.numbers]


def _parquet(path: Path) -> pa.Table:
    try:
        table = pq.read_table(path)
    except (pa.ArrowException, OSError) as error:
        raise UsageError(f"{path}: expected a Parquet file, got {error}") from error
    missing = [name for name in SCHEMA.names if name not in table.column_names]
    if missing:
        raise UsageError(f"{path}: expected the columns of `framedex select`, without {', '.join(missing)}")
    try:
        return table.select(SCHEMA.names).cast(SCHEMA)
    except (pa.ArrowException, ValueError) as error:
        raise UsageError(f"{path}: expected the columns of `framedex select`, got {error}") from error


def _given(path: Path, questions: Sequence[Question] | None) -> Iterator[_Given]:
    try:
        value = json.loads(path.read_text(encoding="utf-8-sig"))
    except (ValueError, RecursionError) as error:
        raise UsageError(f"{path}: expected JSON, got {error}") from error
    if isinstance(value, dict):
        yield from _bolt(path, value)
    elif isinstance(value, list) and value and isinstance(value[0], dict):
        yield from _lmms_eval(path, value)
    elif isinstance(value, list):
        yield from _aks(path, value, questions)
    else:
        raise UsageError(
            f"{path}: expected BOLT's object by video, AKS's list of lists or a list of objects, got {str(value)[:80]!r}"
        )


def _bolt(path: Path, value: Mapping[str, Any]) -> Iterator[_Given]:
    for video, entries in value.items():
        if not isinstance(entries, list) or not all(isinstance(each, dict) for each in entries):
            raise UsageError(f"{path}, video {video!r}: expected a list of objects with question_id and frames")
        for number, entry in enumerate(entries):
            where = f"{path}, video {video!r}, entry {number}"
            question_id = entry.get("question_id")
            if type(question_id) not in (str, int):
                raise UsageError(f"{where}: question_id: expected a text or a whole number, got {question_id!r}")
            seconds = _numbers(where, "frames", entry.get("frames"), whole=False)
            yield _Given(where=where, question_id=str(question_id), video=(video,), seconds=seconds)


def _lmms_eval(path: Path, value: Sequence[Any]) -> Iterator[_Given]:
    for number, entry in enumerate(value):
        where = f"{path}, entry {number}"
        if (
            not isinstance(entry, dict)
            or type(entry.get("id")) not in (str, int)
            or not isinstance(entry.get("video"), str)
        ):
            raise UsageError(f"{where}: expected an object with id, video and frame_idx")
        exact = "pts_us" in entry
        frames = _numbers(where, *(("pts_us", entry["pts_us"]) if exact else ("frame_idx", entry.get("frame_idx"))))
        yield _Given(
            where=where,
            question_id=str(entry["id"]),
            video=(str(path.parent / entry["video"]), entry["video"]),
            pts_us=frames if exact else None,
            numbers=None if exact else frames,
        )


def _aks(path: Path, value: Sequence[Any], questions: Sequence[Question] | None) -> Iterator[_Given]:
    if questions is None:
        raise UsageError(f"{path}: has one list for each question in the order of the manifest; give its questions")
    if len(value) != len(questions):
        raise UsageError(f"{path}: expected one list for each of {len(questions)} questions, got {len(value)}")
    for number, (entry, question) in enumerate(zip(value, questions, strict=True)):
        where = f"{path}, entry {number}"
        yield _Given(
            where=where,
            question_id=question.id,
            video=video_names(question),
            numbers=_numbers(where, "frames", entry),
        )


def _numbers(where: str, name: str, value: object, *, whole: bool = True) -> NDArray[Any]:
    kinds = (int,) if whole else (int, float)
    if not isinstance(value, list) or not all(type(each) in kinds and abs(each) < 2**62 for each in value):
        raise UsageError(f"{where}: {name}: expected a list of {'whole ' * whole}numbers, got {str(value)[:80]!r}")
    return np.array(value, np.int64 if whole else np.float64)
