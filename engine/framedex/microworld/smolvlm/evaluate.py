"""Scoring a checkpoint on a made world as a user would: video files, decoder, preprocessing, runner, likeliest option."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from framedex.contracts import FrameBatch
from framedex.datasets import Question, read_questions
from framedex.decode import FpsGrid, identify, open_video, passes
from framedex.microworld.recall import inside
from framedex.mllm import load_runner
from framedex.mllm.base import Ask, PreparedFrames, Runner

BUDGET = 4
_SEED = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Accuracy:
    """How often the likeliest option is the right one.

    Attributes:
        right: questions answered rightly.
        asked: questions put; those whose video has no frame of the kind asked for are not.
    """

    right: int
    asked: int

    @property
    def share(self) -> float:
        """right / asked."""
        return self.right / self.asked


def score_checkpoint(checkpoint: Path, questions: Path, *, threads: int) -> dict[str, Accuracy]:
    """Answer a world's questions at up to four frames of 1 fps.

    Args:
        checkpoint: folder.
        questions: the world's questions.jsonl.
        threads: of the runner and the decoder.

    Returns:
        by arm: "evidence" (one frame in the question's evidence, the others drawn at random), "no-evidence" (as many, none of
        them in it), "no-video"; then "evidence/CATEGORY" for each category.

    Raises:
        ArtefactError: `checkpoint` is none.
    """
    by_video: dict[str, list[Question]] = {}
    for question in read_questions(questions):
        by_video.setdefault(question.video, []).append(question)
    right: dict[str, list[bool]] = {}
    with load_runner(checkpoint, threads=threads) as runner:
        for video, asked in by_video.items():
            frames = _prepare(runner, questions.parent / video, threads=threads)
            for arm, question, taken in _arms(asked, frames):
                ask = Ask(frames=taken, question=question.question, options=question.options)
                (answer,) = runner.answer([ask])
                right.setdefault(arm, []).append(answer.choice == question.answer)
                if arm == "evidence":
                    right.setdefault(f"{arm}/{question.category}", []).append(answer.choice == question.answer)
    return {arm: Accuracy(right=sum(answers), asked=len(answers)) for arm, answers in sorted(right.items())}


def _arms(questions: Sequence[Question], frames: PreparedFrames) -> list[tuple[str, Question, PreparedFrames | None]]:
    """Say which question is put with which frames."""
    rng = np.random.default_rng(_SEED)
    arms: list[tuple[str, Question, PreparedFrames | None]] = []
    for question in questions:
        within = inside(frames.times_s, question.evidence)
        evidence, others = rng.permutation(np.flatnonzero(within)), rng.permutation(np.flatnonzero(~within))
        if len(evidence):
            rest = rng.permutation(np.setdiff1d(np.arange(len(frames)), evidence[:1]))
            arms.append(("evidence", question, _take(frames, [*evidence[:1], *rest[: BUDGET - 1]])))
        if len(others):
            arms.append(("no-evidence", question, _take(frames, others[:BUDGET])))
        arms.append(("no-video", question, None))
    return arms


def _take(frames: PreparedFrames, rows: Sequence[np.int64] | NDArray[np.int64]) -> PreparedFrames:
    return frames.take(np.sort(np.asarray(rows, dtype=np.int64)))


def _prepare(runner: Runner, path: Path, *, threads: int) -> PreparedFrames:
    """Decode a video at 1 fps and preprocess its frames."""
    with open_video(identify(path, folder_fps=None), threads=threads) as reader:
        batches: list[FrameBatch] = []
        for part in passes(reader, FpsGrid.parse("1")):
            if isinstance(part, FrameBatch):
                batches.append(part)
            else:
                batches.clear()
        summary = reader.summary
    whole = FrameBatch(
        pts_us=np.concatenate([batch.pts_us for batch in batches]),
        frames=np.concatenate([batch.frames for batch in batches]),
    )
    return runner.prepare(whole, origin_us=summary.first_pts_us, last_us=summary.last_pts_us)
