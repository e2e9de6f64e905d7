"""Score curves in other tools' files: AKS's parallel lists, and scores by BOLT's feature files (docs/interchange.md)."""

from __future__ import annotations

import json
import tokenize
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from framedex.contracts import Pts, Vectors
from framedex.datasets import Question
from framedex.errors import UsageError
from framedex.index import Row, Store
from framedex.index.frames import times_again
from framedex.index.video_names import VideoNames
from framedex.scores.given import GivenCurve
from framedex.scores.grid_rows import grid_rows
from framedex.scores.place import Subject

FRAMES, SCORES = "frames.json", "scores.json"


def aks_curves(folder: Path, store: Store, questions: Sequence[Question], *, grid: str) -> Iterator[GivenCurve]:
    """The curves of `frames.json` and `scores.json`, one for each question in the order of the manifest.

    Frames are numbers among all frames of the file, which is read for its frames' times; AKS takes every int(rate)-th.

    Args:
        folder: of the two files.
        store: that holds the videos.
        questions: of the manifest.
        grid: name.

    Raises:
        UsageError: a file that is missing or does not hold, or a video that is not indexed.
        VideoError: a video's file is gone, or another.
    """
    lists = [_lists(folder / name) for name in (FRAMES, SCORES)]
    for name, found in zip((FRAMES, SCORES), lists, strict=True):
        if len(found) != len(questions):
            raise UsageError(
                f"{folder / name}: expected one list for each of {len(questions)} questions, got {len(found)}"
            )
    names = VideoNames(grid_rows(store, grid), subject=str(store.path))
    times: dict[str, Pts] = {}
    indexed: dict[str, Pts] = {}
    for number, (question, numbers, scores) in enumerate(zip(questions, *lists, strict=True)):
        where = f"{folder / FRAMES}, entry {number}"
        row = _row(where, names, question)
        if row.video_key not in times:
            times[row.video_key] = times_again(row)
            with store.open_row(row) as index:
                indexed[row.video_key] = np.array(index.pts_us)
        times_us = times[row.video_key]
        frames = _column(where, numbers, int)
        values = _column(f"{folder / SCORES}, entry {number}", scores, int, float)
        if len(frames) != len(values) or not len(frames):
            raise UsageError(
                f"{where}: expected as many scores as frames, one or more, got {len(values)} and {len(frames)}"
            )
        if frames.min() < 0 or frames.max() >= len(times_us):
            raise UsageError(f"{where}: expected frames from 0 to {len(times_us) - 1} of {row.source.path}, got others")
        pts_us = times_us[frames.astype(np.int64)]
        strange = np.flatnonzero(~np.isin(pts_us, indexed[row.video_key]))
        if len(strange):
            raise UsageError(
                f"{where}: frame {frames[strange[0]]:.0f} of {row.source.path} is not in its index at {grid}; AKS takes every "
                "int(rate)-th frame: index with --every, and import with --grid every=…"
            )
        yield GivenCurve(
            where=where,
            folder=question.folder,
            video=question.video,
            subject=Subject(about="question", text=question.id),
            pts_us=pts_us,
            times_s=None,
            scores=_scores(where, values),
        )


def bolt_curves(
    files: Sequence[Path],
    questions: Sequence[Question],
    embed: Callable[[Sequence[str]], Vectors],
    *,
    fps: float = 1.0,
) -> Iterator[GivenCurve]:
    """Cosines of BOLT's frame features, `<stem>.npy` [T, C], with the questions' vectors: one curve for each question.

    Feature i is of the frame at i / fps seconds. Features need not be unit vectors. Questions of videos without a file are passed
    over.

    Args:
        files: of features.
        questions: of the manifest.
        embed: texts to unit vectors (m, C), by the encoder that made the features.
        fps: of the features.

    Raises:
        UsageError: a file that does not hold, or features of another size than the encoder's vectors.
    """
    by_stem = {file.stem: file for file in files}
    if len(by_stem) != len(files):
        raise UsageError(f"{files[0].parent}: two of the files have one stem; each is a video's")
    features: dict[str, Vectors] = {}
    for question in questions:
        stem = Path(question.video).stem
        if stem not in by_stem:
            continue
        where = str(by_stem[stem])
        if stem not in features:
            features = {stem: _features(by_stem[stem])}  # questions of one video mostly stand together
        (vector,) = embed([question.question])
        if vector.shape != features[stem].shape[1:]:
            raise UsageError(
                f"{where}: expected features of the encoder's {len(vector)} dimensions, got {features[stem].shape[1]}"
            )
        yield GivenCurve(
            where=where,
            folder=question.folder,
            video=question.video,
            subject=Subject(about="question", text=question.id),
            pts_us=None,
            times_s=np.arange(len(features[stem])) / fps,
            scores=features[stem] @ vector,
        )


def _row(where: str, names: VideoNames, question: Question) -> Row:
    try:
        return names.only(str(question.folder / question.video), question.video)
    except UsageError as error:
        raise UsageError(f"{where}: {error}") from error


def _lists(path: Path) -> list[Any]:
    if not path.is_file():
        raise UsageError(f"{path}: no such file; AKS's scores are a folder with {FRAMES} and {SCORES}")
    try:
        value = json.loads(path.read_text(encoding="utf-8-sig"))
    except (ValueError, RecursionError) as error:
        raise UsageError(f"{path}: expected JSON, got {error}") from error
    if not isinstance(value, list):
        raise UsageError(f"{path}: expected a list with one list for each question, got {type(value).__name__}")
    return value


def _column(where: str, value: object, *kinds: type) -> np.ndarray:
    if not isinstance(value, list) or not all(type(each) in kinds and abs(each) < 2**62 for each in value):
        raise UsageError(
            f"{where}: expected a list of {'whole ' * (float not in kinds)}numbers, got {str(value)[:80]!r}"
        )
    return np.array(value, np.float64)


def _scores(where: str, values: np.ndarray) -> Vectors:
    if np.abs(values).max(initial=0.0) > np.finfo(np.float32).max:
        raise UsageError(f"{where}: expected scores that 32 bits can hold, got {np.abs(values).max():g}")
    return values.astype(np.float32)


def _features(path: Path) -> Vectors:
    """Unit vectors float32 (T, C)."""
    try:
        features = np.load(path, allow_pickle=False)
    except (OSError, ValueError, EOFError, MemoryError, SyntaxError, tokenize.TokenError) as error:
        raise UsageError(f"{path}: expected a NumPy .npy file of numbers, got {error}") from error
    if not isinstance(features, np.ndarray) or features.ndim != 2 or features.dtype.kind != "f" or not len(features):
        got = f"{features.dtype} {features.shape}" if isinstance(features, np.ndarray) else "an archive"
        raise UsageError(f"{path}: expected features [T, C] of floating point, got {got}")
    lengths = np.linalg.norm(features.astype(np.float64), axis=1, keepdims=True)
    if not (np.isfinite(lengths).all() and lengths.min() > 0):
        raise UsageError(f"{path}: expected features that are finite and not 0, got others")
    return np.asarray(features / lengths, np.float32)
