"""The record: one answered question, with all that it depends on (DESIGN's record schema)."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    import pyarrow as pa

Arm = Literal["select", "window", "drop", "no-video"]
Status = Literal["ok", "unparsable", "truncated-prompt", "invalid"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """One row of `records/<video-key>.parquet`.

    Answer, gold and log-probabilities are in the manifest's order of options, whatever order the model was shown.

    Attributes:
        video_key: of the video.
        question_id: of the question.
        dataset: from the manifest, "" where it has none.
        category: likewise.
        arm: what chose the frames: a sampler, a sliding window, a drop rule, or none (no video).
        variant: prompt variant that the frames were chosen by; "" for arms that use no score.
        encoder_key: of the index; "" for no-video.
        grid: of the index; "" for no-video.
        transform: of the scores.
        sampler: registered name; "" for windows and no-video.
        params: canonical JSON of the sampler's, window's or drop rule's parameters.
        budget: frames asked for; 0 for no-video.
        seed: of whatever was drawn.
        rows: index rows shown, sorted.
        pts_us: their timestamps.
        scores: their scores under the variant; None where the arm has none.
        frame_set_id: key of (video_key, pts_us): equal sets of frames have equal ids; "" for no-video, and where a
            sampler took no frame.
        window_id: "<start row>+<length>" for windows, else None.
        mllm: name of the model.
        mllm_key: its key.
        scoring: "option", "letter" or "generate".
        option_order: position as listed → original index.
        answer_key: key of all that the answer depends on: equal keys, equal answers.
        answer: chosen option, or None where there is no answer.
        gold: right option.
        correct: None where there is no answer because the row is invalid; False where unparsable or truncated.
        status: "ok", "unparsable", "truncated-prompt" or "invalid".
        status_detail: why, where not "ok".
        written: the model's own words, where the answer was read out of them; "" elsewhere.
        option_logprobs: natural log, summed over tokens.
        option_tokens: tokens of each option.
        prompt_tokens: tokens before the option.
        tower_time_s: seconds.
        prefill_time_s: seconds.
        answer_time_s: seconds.
        provenance: JSON of versions and devices, and of what the video's vectors were made by.
    """

    video_key: str
    question_id: str
    dataset: str
    category: str
    arm: Arm
    variant: str
    encoder_key: str
    grid: str
    transform: str
    sampler: str
    params: str
    budget: int
    seed: int
    rows: tuple[int, ...]
    pts_us: tuple[int, ...]
    scores: tuple[float, ...] | None
    frame_set_id: str
    window_id: str | None
    mllm: str
    mllm_key: str
    scoring: str
    option_order: tuple[int, ...]
    answer_key: str
    answer: int | None
    gold: int
    correct: bool | None
    status: Status
    status_detail: str
    written: str
    option_logprobs: tuple[float, ...]
    option_tokens: tuple[int, ...]
    prompt_tokens: int
    tower_time_s: float
    prefill_time_s: float
    answer_time_s: float
    provenance: str

    def as_dict(self) -> dict[str, Any]:
        """The columns of the row."""
        return dataclasses.asdict(self)


def schema() -> pa.Schema:
    """The Parquet schema of records: columns in the order of `Record`."""
    import pyarrow as pa

    wide = {
        "budget": pa.int32(),
        "seed": pa.int64(),
        "rows": pa.list_(pa.int32()),
        "pts_us": pa.list_(pa.int64()),
        "scores": pa.list_(pa.float32()),
        "option_order": pa.list_(pa.int8()),
        "answer": pa.int8(),
        "gold": pa.int8(),
        "correct": pa.bool_(),
        "option_logprobs": pa.list_(pa.float32()),
        "option_tokens": pa.list_(pa.int32()),
        "prompt_tokens": pa.int32(),
        "tower_time_s": pa.float32(),
        "prefill_time_s": pa.float32(),
        "answer_time_s": pa.float32(),
    }
    return pa.schema({field.name: wide.get(field.name, pa.string()) for field in dataclasses.fields(Record)})
