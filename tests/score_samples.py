"""Stored curves for tests, made from a number."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from contracts.store_samples import sample_pts, video_key
from framedex.contracts import Vectors
from framedex.keys import json_key
from framedex.scores.place import Subject
from framedex.scores.score_file import ScoreFile
from framedex.scores.score_set import Candidates, ScoreSet
from framedex.scores.score_store import ScoreStore


def prompt(text: str = "a red dog") -> Subject:
    return Subject(about="prompt", text=text)


def question(text: str = "7") -> Subject:
    return Subject(about="question", text=text)


def pair_set(name: str = "colour", *, top: int | None = None) -> ScoreSet:
    candidates = None if top is None else Candidates(encoder_key=json_key("e"), encoder_name="sample", top=top)
    return ScoreSet.of_pair_scorer(key=json_key(name), name=name, candidates=candidates)


def import_set(name: str = "ours", *, curves: str = "curves") -> ScoreSet:
    return ScoreSet.of_import(name=name, curves_key=json_key(curves))


def scores_of(n: int, *, seed: int = 0) -> Vectors:
    return np.random.default_rng(seed).standard_normal(n).astype(np.float32)


def score_file(number: int = 0, *, n: int = 5, **changed: Any) -> ScoreFile:
    """A curve of the video `number` of `store_samples`, over its first n frames."""
    fields: dict[str, Any] = {
        "set_key": pair_set().key,
        "grid": "fps=1",
        "video_key": video_key(number),
        "subject": prompt(),
        "pts_us": sample_pts(n),
        "scores": scores_of(n, seed=number),
        "provenance": {"framedex": "0.1.0", "runtime": "numpy"},
    }
    return ScoreFile(**(fields | changed))


def new_scores(store: Path, *sets: ScoreSet) -> ScoreStore:
    scores = ScoreStore(store)
    for each in sets or (pair_set(),):
        scores.add_set(each)
    return scores
