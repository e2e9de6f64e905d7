"""A run with every arm and known truth: an observer that is right where it sees the evidence, and guesses elsewhere."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from framedex.sweep.record import Record
from record_tables import blind, record, window, write_run

VIDEOS, QUESTIONS, OPTIONS, FRAMES = 12, 3, 4, 8


def observer_run(folder: Path, seed: int = 0) -> Path:
    """12 videos × 3 questions × 4 option orders; the evidence is one frame of eight, and its score tells.

    `top` shows the evidence, `bottom` does not, `uniform` (every other frame) in half of the questions.
    """
    return write_run(folder, _records(np.random.default_rng(seed)))


def _records(rng: np.random.Generator) -> Iterator[Record]:
    for video, question in np.ndindex(VIDEOS, QUESTIONS):
        evidence = int(rng.integers(FRAMES))
        scores = (0.1 + 0.05 * rng.random(FRAMES) + 0.2 * (np.arange(FRAMES) == evidence)).round(4)
        for first in range(OPTIONS):
            yield from _answers(rng, video, f"q{question}", evidence, scores, first)


def _answers(
    rng: np.random.Generator, video: int, name: str, evidence: int, scores: np.ndarray, first: int
) -> Iterator[Record]:
    def shown(rows: Iterable[int]) -> dict[str, Any]:
        taken = tuple(sorted(int(row) for row in rows))
        right = evidence in taken or bool(rng.random() < 1 / OPTIONS)
        return {
            "rows": taken,
            "pts_us": taken,
            "scores": tuple(scores[list(taken)].tolist()),
            "right": right,
            "first": first,
        }

    best = np.argsort(-scores)
    uniform = range(0, FRAMES, 2)
    for sampler, rows in (("uniform", uniform), ("top", best[:4]), ("bottom", best[4:])):
        yield record(video, name, sampler=sampler, **shown(rows))
    for start in range(0, FRAMES, 2):
        yield window(video, name, start=start, **shown(range(start, start + 2)))
    for rate, kept in ((0.25, 3), (0.5, 2)):
        params = json.dumps({"base": "uniform", "by": "lowest", "rate": rate})
        by_score = sorted(uniform, key=lambda row: -scores[row])
        yield record(video, name, arm="drop", sampler="drop", params=params, **shown(by_score[:kept]))
    yield blind(video, name, bool(rng.random() < 1 / OPTIONS), first=first)
