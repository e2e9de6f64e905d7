"""Score curves in a file of the user's own: `.jsonl`, `.parquet` or `.npz`, checked as they are read (docs/scores.md)."""

from __future__ import annotations

import json
import tokenize
import zipfile
import zlib
from collections.abc import Collection, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, Final

import numpy as np
from numpy.typing import NDArray

from framedex.contracts import Pts, Vectors
from framedex.errors import UsageError, did_you_mean
from framedex.scores.place import Subject
from framedex.visible import is_unicode

FIELDS: Final = ("video", "prompt", "question_id", "pts_us", "times_s", "scores")
_ARRAYS: Final = (*FIELDS, "lengths")

_INTEGER_MAX: Final = 2**63 - 1
_LONGEST_S: Final = 1e9  # thirty years

#: What numpy and zipfile raise for files that are damaged, or something else.
_NO_NPZ: Final = (
    OSError,
    ValueError,
    EOFError,
    KeyError,
    MemoryError,
    NotImplementedError,
    RuntimeError,
    SyntaxError,
    zipfile.BadZipFile,
    zlib.error,
    tokenize.TokenError,
)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class GivenCurve:
    """One curve as it was given; whether the video has such frames is not known yet.

    Attributes:
        where: file and line, for messages.
        folder: of the file, to resolve `video` as a path.
        video: key, path or unique stem.
        subject: the prompt or question.
        pts_us: int64 (n,), n >= 1, in any order; None where seconds are given.
        times_s: float64 (n,), finite, seconds from the first frame, in any order; None where timestamps are given.
        scores: float32 (n,), finite.
    """

    where: str
    folder: Path
    video: str
    subject: Subject
    pts_us: Pts | None
    times_s: NDArray[np.float64] | None
    scores: Vectors


def read_curves(path: Path) -> Iterator[GivenCurve]:
    """Read a file's curves, in its order.

    Raises:
        UsageError: no such file, one of another kind, no curve in it, or one that does not hold; the message names file and line.
    """
    if not path.is_file():
        raise UsageError(f"{path}: no such file of scores; expected a .jsonl, .parquet or .npz file")
    readers = {".jsonl": _json_lines, ".parquet": _parquet_rows, ".npz": _npz_curves}
    if path.suffix not in readers:
        raise UsageError(f"{path}: expected a name that ends in .jsonl, .parquet or .npz")
    n = 0
    for where, values in readers[path.suffix](path):
        yield _curve(where, values, path.parent)
        n += 1
    if n == 0:
        raise UsageError(f"{path}: holds no curve")


def _json_lines(path: Path) -> Iterator[tuple[str, Mapping[str, Any]]]:
    with path.open("rb") as file:
        for number, line in enumerate(file, start=1):
            if not line.strip():
                continue
            where = f"{path}, line {number}"
            try:
                values = json.loads(line.decode("utf-8-sig" if number == 1 else "utf-8"))
            except (ValueError, RecursionError) as error:  # no UTF-8, no JSON, or a number of thousands of digits
                raise UsageError(f"{where}: expected a JSON object, got {error}") from error
            if not isinstance(values, dict):
                raise UsageError(f"{where}: expected a JSON object, got {type(values).__name__}")
            yield where, values


def _parquet_rows(path: Path) -> Iterator[tuple[str, Mapping[str, Any]]]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    number = 0
    try:
        with pq.ParquetFile(path) as file:
            _check_names(str(path), file.schema_arrow.names, FIELDS)
            for batch in file.iter_batches(batch_size=256):
                for row in batch.to_pylist():
                    yield f"{path}, row {number}", {name: value for name, value in row.items() if value is not None}
                    number += 1
    except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{path}: expected a Parquet file, got {error}") from error


def _npz_curves(path: Path) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Curves one after another in flat arrays; `lengths` says how many frames each has."""
    try:
        with path.open("rb") as file, closing(_archive(file)) as archive:
            _check_names(str(path), archive.files, _ARRAYS)
            arrays = {name: np.asarray(archive[name]) for name in archive.files}
    except _NO_NPZ as error:
        raise UsageError(f"{path}: expected a NumPy .npz file without Python objects, got {error}") from error
    for name in ("video", "scores", "lengths"):
        if name not in arrays:
            raise UsageError(
                f"{path}: {name} is missing; it needs video, prompt or question_id, lengths, times and scores"
            )
    for name, array in arrays.items():
        if array.ndim != 1:
            raise UsageError(f"{path}: {name}: expected one dimension, got shape {array.shape}")
    lengths, n_frames = arrays["lengths"], len(arrays["scores"])
    if lengths.dtype.kind not in "iu" or (lengths < 0).any() or int(lengths.astype(object).sum()) != n_frames:
        raise UsageError(f"{path}: lengths: expected whole numbers that add up to the {n_frames} scores")
    for name in ("video", "prompt", "question_id"):
        if name in arrays and len(arrays[name]) != len(lengths):
            raise UsageError(f"{path}: {name}: expected one for each of {len(lengths)} curves, got {len(arrays[name])}")
    for name in ("pts_us", "times_s"):
        if name in arrays and len(arrays[name]) != n_frames:
            raise UsageError(f"{path}: {name}: expected one for each of {n_frames} scores, got {len(arrays[name])}")
    if len(lengths) == 0:
        return
    stops = np.cumsum(lengths.astype(np.int64))
    for number, (start, stop) in enumerate(zip([0, *stops[:-1].tolist()], stops.tolist(), strict=True)):
        values: dict[str, Any] = {
            name: arrays[name][number].item() for name in ("video", "prompt", "question_id") if name in arrays
        }
        values |= {name: arrays[name][start:stop] for name in ("pts_us", "times_s", "scores") if name in arrays}
        yield f"{path}, curve {number}", values


def _archive(file: BinaryIO) -> np.lib.npyio.NpzFile:
    loaded = np.load(file, allow_pickle=False)
    if not isinstance(loaded, np.lib.npyio.NpzFile):
        raise ValueError("a single array")  # noqa: TRY004
    return loaded


def _curve(where: str, values: Mapping[str, Any], folder: Path) -> GivenCurve:
    _check_names(where, values, FIELDS)
    about = _one_of(where, values, "prompt", "question_id")
    times = _one_of(where, values, "pts_us", "times_s")
    for name in ("video", "scores"):
        if name not in values:
            raise UsageError(f"{where}: {name} is missing")
    scores = _finite(where, "scores", values["scores"])
    if np.abs(scores).max(initial=0.0) > np.finfo(np.float32).max:
        raise UsageError(f"{where}: scores: expected numbers that 32 bits can hold, got {np.abs(scores).max():g}")
    pts_us = _whole(where, "pts_us", values["pts_us"]) if times == "pts_us" else None
    times_s = _finite(where, "times_s", values["times_s"]) if times == "times_s" else None
    if times_s is not None and np.abs(times_s).max(initial=0.0) > _LONGEST_S:
        raise UsageError(f"{where}: times_s: expected seconds from the first frame, got {np.abs(times_s).max():g}")
    n_times = len(values[times])
    if n_times != len(scores):
        raise UsageError(f"{where}: expected one score for each time, got {n_times} {times} and {len(scores)} scores")
    if n_times == 0:
        raise UsageError(f"{where}: holds no frame; leave out curves without any")
    text = _text(where, about, values[about])
    return GivenCurve(
        where=where,
        folder=folder,
        video=_text(where, "video", values["video"]),
        subject=Subject(about="prompt" if about == "prompt" else "question", text=text),
        pts_us=pts_us,
        times_s=times_s,
        scores=scores.astype(np.float32),
    )


def _check_names(where: str, names: Collection[str], known: Collection[str]) -> None:
    for name in names:
        if name not in known:
            raise UsageError(f"{where}: unknown field {name!r}; {did_you_mean(name, known)}")


def _one_of(where: str, values: Mapping[str, Any], first: str, second: str) -> str:
    """The one of two fields that is there."""
    given = [name for name in (first, second) if name in values]
    if len(given) != 1:
        raise UsageError(f"{where}: expected either {first} or {second}, got {'both' if given else 'neither'}")
    return given[0]


def _text(where: str, name: str, value: object) -> str:
    if name == "question_id" and type(value) is int:
        value = str(value)
    if not isinstance(value, str) or not value.strip():
        raise UsageError(f"{where}: {name}: expected a text that is not empty, got {value!r}")
    if not is_unicode(value):
        raise UsageError(f"{where}: {name}: expected Unicode text, got half a character in {value!r}")
    return value


def _finite(where: str, name: str, value: object) -> NDArray[np.float64]:
    numbers = _array(where, name, value, "numbers", "iuf").astype(np.float64)
    wrong = np.flatnonzero(~np.isfinite(numbers))
    if len(wrong):
        raise UsageError(
            f"{where}: {name}: expected finite numbers, got {numbers[wrong[0]]} at position {wrong[0]}; leave out frames "
            "that have no score"
        )
    return numbers


def _whole(where: str, name: str, value: object) -> Pts:
    numbers = _array(where, name, value, "whole microseconds", "iu")
    if len(numbers) and int(numbers.max()) > _INTEGER_MAX:
        raise UsageError(f"{where}: {name}: expected whole microseconds of at most 63 bits, got {numbers.max()}")
    return numbers.astype(np.int64)


def _array(where: str, name: str, value: object, expected: str, kinds: str) -> NDArray[Any]:
    """A list of plain numbers, or an array of some of numpy's kinds."""
    if isinstance(value, list) and all(type(item) in (int, float) for item in value):
        too_long = next((item for item in value if type(item) is int and abs(item) > _INTEGER_MAX), None)
        if too_long is not None:
            raise UsageError(f"{where}: {name}: expected {expected} of at most 63 bits, got {str(too_long)[:30]}")
        numbers = np.array(value) if value else np.zeros(0, np.int64)
    elif isinstance(value, np.ndarray):
        numbers = value
    else:
        shown = repr(value)
        raise UsageError(f"{where}: {name}: expected a list of {expected}, got {shown[:80]}{'…' * (len(shown) > 80)}")
    if numbers.dtype.kind not in kinds or numbers.ndim != 1:
        raise UsageError(f"{where}: {name}: expected a list of {expected}, got {_first_strange(numbers)}")
    return numbers


def _first_strange(numbers: NDArray[Any]) -> str:
    if numbers.dtype.kind == "f" and numbers.size:
        fractions = numbers[numbers != np.trunc(numbers)]
        return repr(float(fractions[0])) if len(fractions) else f"{float(numbers[0])!r}, which is written as a fraction"
    return f"values of the type {numbers.dtype}"
