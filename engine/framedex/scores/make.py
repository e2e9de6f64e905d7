"""The worker that has a pair scorer score videos: each is decoded once, and a curve that is there already is left."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

import framedex
from framedex.contracts import FrameBatch, Pts, TowerBatch, Vectors
from framedex.embed.tower import to_tower
from framedex.errors import StoreError, VideoError
from framedex.index import Row, Store
from framedex.index.frames import frames_again
from framedex.pair.base import PairFrames, PairScorer
from framedex.scores.curves import Prompt
from framedex.scores.grid_rows import grid_rows, index_rows, only_grid
from framedex.scores.index_curves import IndexCurves
from framedex.scores.place import ScorePlace, Subject
from framedex.scores.score_file import ScoreFile
from framedex.scores.score_set import Candidates, ScoreSet
from framedex.scores.score_store import ScoreStore

#: Called with (frames scored so far, frames to score in all) inside a video.
FramesDone = Callable[[Row, int, int], None]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class BestOf:
    """For each text, only the frames that an index scores highest; of equal ones the earlier.

    Attributes:
        curves: of the index.
        top: how many frames, >= 1; all where the video has no more.
    """

    curves: IndexCurves
    top: int


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ScoreJob:
    """What scores, and which frames.

    Attributes:
        store: holds the rows, and takes the curves.
        scorer: opened.
        best_of: score candidates only; every frame of the grid where None.
        threads: for decoding.
    """

    store: Store
    scorer: PairScorer
    best_of: BestOf | None = None
    threads: int = 1

    @property
    def score_set(self) -> ScoreSet:
        """The set that the curves belong to."""
        candidates = None
        if self.best_of is not None:
            curves = self.best_of.curves
            candidates = Candidates(encoder_key=curves.key, encoder_name=curves.name, top=self.best_of.top)
        return ScoreSet.of_pair_scorer(key=self.scorer.key, name=self.scorer.name, candidates=candidates)

    def rows(self, grid: str | None) -> list[Row]:
        """The videos that can be scored, one row each.

        Args:
            grid: name; needed only where there are several.

        Raises:
            UsageError: no such grid, none at all, or several and none named.
            StoreError: a row breaks docs/format.md.
        """
        if self.best_of is None:
            return grid_rows(self.store, only_grid(self.store, grid))
        key = self.best_of.curves.key
        return self.store.videos(key, self.store.only_grid(grid, encoder=key))


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """A video and the texts that it is to be scored for.

    Attributes:
        row: of the candidates' encoder, or of any.
        texts: distinct.
    """

    row: Row
    texts: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Scored:
    """A video whose curves are stored.

    Attributes:
        row: its row.
        made: curves that were written.
        kept: curves that were there already.
        frames: that were decoded and scored.
        pairs: (frame, text) pairs that were scored.
    """

    row: Row
    made: int
    kept: int
    frames: int
    pairs: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Failed:
    """A video that could not be scored, and why; the same command tries it again."""

    row: Row
    reason: str


def check_texts(videos: Iterable[Wanted], job: ScoreJob) -> None:
    """Refuse, before any frame is decoded, texts without a curve that the scorer or the candidates' encoder cannot read.

    Raises:
        UsageError: their rules leave nothing of a text, as of "?!".
    """
    root, set_key = ScoreStore(job.store.path).root, job.score_set.key
    texts = {
        text: None
        for wanted in videos
        for text in wanted.texts
        if not _place(set_key, wanted.row, text).path(root).exists()
    }
    if texts:
        job.scorer.scores(_no_frames(job.scorer), list(texts))
        if job.best_of is not None:
            job.best_of.curves.embed(list(texts))


def make_scores(
    videos: Iterable[Wanted], job: ScoreJob, *, frames_done: FramesDone | None = None
) -> Iterator[Scored | Failed]:
    """Score every video for its texts, one after another; an outcome is given once its curves are on disk.

    A curve that is there and holds is left, so the same call goes on where an earlier one stopped, however it stopped.

    Args:
        videos: each with its texts.
        job: what scores, and which frames.
        frames_done: progress inside a video.

    Raises:
        UsageError: an empty text.
        DeviceError: the scorer's runtime failed.
        StorageError: the store cannot be written; what is done stays.
    """
    score_set = job.score_set
    scores = ScoreStore(job.store.path)
    scores.add_set(score_set)
    for wanted in videos:
        try:
            yield _scored(wanted, job, scores, score_set, frames_done)
        except (VideoError, StoreError) as error:
            yield Failed(row=wanted.row, reason=str(error))


def _scored(
    wanted: Wanted, job: ScoreJob, scores: ScoreStore, score_set: ScoreSet, frames_done: FramesDone | None
) -> Scored:
    row = wanted.row
    with job.store.open_row(row) as index:
        indexed_us = index.pts_us
    places = {text: _place(score_set.key, row, text) for text in wanted.texts}
    n_frames = len(indexed_us) if job.best_of is None else min(job.best_of.top, len(indexed_us))
    missing = [text for text, place in places.items() if not _is_there(scores, place, indexed_us, n_frames)]
    kept = len(places) - len(missing)
    if not missing:
        return Scored(row=row, made=0, kept=kept, frames=0, pairs=0)
    frames_of = _frames_of(row, missing, indexed_us, job.best_of)
    curves = _curves(row, frames_of, job, frames_done)
    provenance = {"framedex": framedex.__version__, "scorer": job.scorer.name, **job.scorer.provenance}
    for text, curve in curves.items():
        scores.put(
            ScoreFile(
                set_key=score_set.key,
                grid=row.grid,
                video_key=row.video_key,
                subject=Subject(about="prompt", text=text),
                pts_us=frames_of[text],
                scores=curve,
                provenance=provenance,
            )
        )
    return Scored(
        row=row,
        made=len(curves),
        kept=kept,
        frames=len(_union(frames_of)),
        pairs=sum(len(pts_us) for pts_us in frames_of.values()),
    )


def _place(set_key: str, row: Row, text: str) -> ScorePlace:
    subject = Subject(about="prompt", text=text)
    return ScorePlace(set_key=set_key, grid=row.grid, video_key=row.video_key, subject_key=subject.key)


def _no_frames(scorer: PairScorer) -> PairFrames:
    batch = TowerBatch(pts_us=np.zeros(0, np.int64), pixels=np.zeros((0, *scorer.image.size, 3), np.uint8))
    return PairFrames(video_key="", batch=batch, sizes=np.zeros((0, 2), np.int32))


def _is_there(scores: ScoreStore, place: ScorePlace, indexed_us: Pts, n_frames: int) -> bool:
    """Whether a curve is there, whole, and of frames that the index holds; else it is made, again."""
    try:
        file = scores.get(place)
        return file is not None and len(index_rows("", file.pts_us, indexed_us)) == n_frames
    except StoreError:
        return False


def _frames_of(row: Row, texts: Sequence[str], indexed_us: Pts, best_of: BestOf | None) -> dict[str, Pts]:
    """By text: the timestamps of the frames to score."""
    if best_of is None:
        return dict.fromkeys(texts, indexed_us)
    curves = best_of.curves.curves(row, [Prompt(text=text, question_id="") for text in texts])
    best = [np.sort(np.argsort(-curve.scores, kind="stable")[: best_of.top]) for curve in curves]
    return {text: curve.pts_us[rows] for text, curve, rows in zip(texts, curves, best, strict=True)}


def _union(frames_of: Mapping[str, Pts]) -> Pts:
    return np.unique(np.concatenate(list(frames_of.values())))


def _curves(
    row: Row, frames_of: Mapping[str, Pts], job: ScoreJob, frames_done: FramesDone | None
) -> dict[str, Vectors]:
    """By text: its scores, in the order of its frames. The video is decoded once, and pixels are dropped batch by batch."""
    needed_us = _union(frames_of)
    curves = {text: np.empty(len(pts_us), np.float32) for text, pts_us in frames_of.items()}
    done = 0
    for item in frames_again(row, needed_us, threads=job.threads):
        if isinstance(item, str):  # what came before is void, and every score is written once more
            done = 0
            continue
        _score_batch(row, item, frames_of, curves, job.scorer)
        done += len(item)
        if frames_done is not None:
            frames_done(row, done, len(needed_us))
    return curves


def _score_batch(
    row: Row, batch: FrameBatch, frames_of: Mapping[str, Pts], curves: Mapping[str, Vectors], scorer: PairScorer
) -> None:
    """Score the frames of a batch for the texts that want them; texts that want the same frames go together."""
    tower = to_tower(batch, scorer.image)
    height, width = batch.frames.shape[1:3]
    sizes = np.full((len(batch), 2), (height, width), np.int32)
    alike: dict[bytes, list[str]] = defaultdict(list)
    for text, pts_us in frames_of.items():
        alike[np.isin(batch.pts_us, pts_us).tobytes()].append(text)
    for mask, texts in alike.items():
        rows: NDArray[np.int64] = np.flatnonzero(np.frombuffer(mask, np.bool_))
        if len(rows) == 0:
            continue
        part = TowerBatch(pts_us=batch.pts_us[rows], pixels=tower.pixels[rows])
        frames = PairFrames(video_key=row.video_key, batch=part, sizes=sizes[rows])
        for text, scores in zip(texts, scorer.scores(frames, texts), strict=True):
            curves[text][np.searchsorted(frames_of[text], part.pts_us)] = scores
