"""A selection as a record, with all that it depends on, and its Parquet form."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from framedex.errors import UsageError
from framedex.index.whole_file import make_folder, write_whole


@dataclass(frozen=True, slots=True, kw_only=True)
class SelectionRecord:
    """One selection with all that it depends on.

    Attributes:
        variant: prompt variant; "question" where the question itself is the prompt.
        encoder_key: whose vectors gave the scores, or the key of the set of scores.
        transform: of the scores; "cosine" and "raw" are none.
        params: the sampler's parameters as canonical JSON.
        rows: index rows, sorted.
        pts_us: their timestamps, microseconds.
        scores: their scores.
        times_s: seconds from the video's first frame; not written to Parquet, where `pts_us` is the truth.
        scored: frames that had a score, of which these were taken; not written to Parquet.
        frames: of the index; likewise.
    """

    video_key: str
    question_id: str
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
    scores: tuple[float, ...]
    times_s: tuple[float, ...]
    scored: int
    frames: int

    def as_dict(self) -> dict[str, Any]:
        """All fields, for JSON."""
        return dataclasses.asdict(self)


def write_selections(path: Path, records: Sequence[SelectionRecord]) -> None:
    """Write a Parquet file, whole or not at all.

    Raises:
        UsageError: the name does not end in .parquet.
        StorageError: it cannot be written.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    if path.suffix != ".parquet":
        raise UsageError(f"{path}: expected a name that ends in .parquet")
    text = dict.fromkeys(
        ("video_key", "question_id", "variant", "encoder_key", "grid", "transform", "sampler", "params"), pa.string()
    )
    schema = pa.schema(
        {
            **text,
            "budget": pa.int32(),
            "seed": pa.int64(),
            "rows": pa.list_(pa.int32()),
            "pts_us": pa.list_(pa.int64()),
            "scores": pa.list_(pa.float32()),
        }
    )
    columns = [{name: getattr(record, name) for name in schema.names} for record in records]
    buffer = pa.BufferOutputStream()
    pq.write_table(pa.Table.from_pylist(columns, schema=schema), buffer)
    make_folder(path.parent)
    write_whole(path, memoryview(buffer.getvalue()))
