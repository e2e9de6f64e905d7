"""Runs with known answers: records written as a sweep writes them, without a model."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np

from framedex.analysis.records import Records
from framedex.analysis.table import read_records
from framedex.keys import json_key
from framedex.sweep.record import Record
from framedex.sweep.run import parquet_bytes

ENCODER_KEY = json_key("encoder")
_PLAIN = Record(
    video_key=json_key("v0"),
    question_id="q0",
    dataset="",
    category="",
    arm="select",
    variant="question",
    encoder_key=ENCODER_KEY,
    grid="fps=1",
    transform="cosine",
    sampler="uniform",
    params="{}",
    budget=4,
    seed=0,
    rows=(0, 1, 2, 3),
    pts_us=(0, 1_000_000, 2_000_000, 3_000_000),
    scores=(0.1, 0.2, 0.3, 0.4),
    frame_set_id="f",
    window_id=None,
    mllm="model",
    mllm_key=json_key("model"),
    scoring="option",
    option_order=(0, 1, 2, 3),
    answer_key=json_key("asked"),
    answer=0,
    gold=0,
    correct=True,
    status="ok",
    status_detail="",
    written="",
    option_logprobs=(-1.0, -2.0, -3.0, -4.0),
    option_tokens=(1, 1, 1, 1),
    prompt_tokens=100,
    tower_time_s=0.1,
    prefill_time_s=0.1,
    answer_time_s=0.1,
    provenance='{"framedex":"0"}',
)


def record(
    video: int, question: str, right: bool = True, *, options: int = 4, first: int = 0, **changes: Any
) -> Record:
    """A record of the gold option 0, answered right or wrong, its options listed from `first` on; `changes` are its fields."""
    made: dict[str, Any] = {
        "video_key": json_key(f"v{video}"),
        "question_id": question,
        "option_order": tuple((first + place) % options for place in range(options)),
        "answer": 0 if right else 1,
        "correct": right,
    }
    return dataclasses.replace(_PLAIN, **{**made, **changes})


def window(
    video: int, question: str, right: bool, *, start: int, length: int = 2, stride: int = 2, **changes: Any
) -> Record:
    """A record of a sliding window."""
    rows = tuple(range(start, start + length))
    made: dict[str, Any] = {
        "arm": "window",
        "sampler": "",
        "params": f'{{"length":{length},"stride":{stride}}}',
        "budget": length,
        "rows": rows,
        "pts_us": tuple(row * 1_000_000 for row in rows),
        "scores": (0.1,) * length,
        "window_id": f"{start}+{length}",
    }
    return record(video, question, right, **{**made, **changes})


def blind(video: int, question: str, right: bool, **changes: Any) -> Record:
    """A record without video."""
    nothing: dict[str, Any] = dict.fromkeys(
        ("variant", "encoder_key", "grid", "transform", "sampler", "frame_set_id"), ""
    )
    made = {**nothing, "arm": "no-video", "budget": 0, "rows": (), "pts_us": (), "scores": None}
    return record(video, question, right, **{**made, **changes})


def asked_windows(
    video: int, question: str, right: np.ndarray, scores: Sequence[float] | None = None, **changes: Any
) -> Iterator[Record]:
    """Windows × option orders of one question, bool (W, K); window w begins at row 2 w and has `scores[w]` on both frames."""
    for place, answers in enumerate(right):
        shown = (0.1 if scores is None else float(scores[place]),) * 2
        for order, was_right in enumerate(answers.tolist()):
            yield window(video, question, was_right, start=2 * place, scores=shown, first=order, **changes)


def write_run(folder: Path, records: Iterable[Record]) -> Path:
    """The folder as a run: `records/<video-key>.parquet`; no run.json."""
    (folder / "records").mkdir(parents=True)
    ordered = sorted(records, key=lambda each: each.video_key)
    for key, own in groupby(ordered, key=lambda each: each.video_key):
        (folder / "records" / f"{key}.parquet").write_bytes(parquet_bytes(list(own)))
    return folder


def columns(folder: Path, records: Iterable[Record]) -> Records:
    """The records, written as a run and read again."""
    return read_records([write_run(folder / "RUN", records)])
