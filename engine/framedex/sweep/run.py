"""A run folder: `run.json` says what was resolved, `records/<video-key>.parquet` is there when its video is done."""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Iterator, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

import framedex
from framedex.errors import StoreError, UsageError
from framedex.index.strict_json import json_bytes
from framedex.index.whole_file import make_folder, read_whole, write_whole
from framedex.sweep.opened import OpenSweep
from framedex.sweep.plan import Model, Plan, PlannedVideo, first_difference
from framedex.sweep.record import Record, schema
from framedex.sweep.work import AnswersDone, Outcome, Swept, sweep

RUN_VERSION = 1

_FORMAT = "framedex-run"
_PACKAGES = ("numpy", "pyarrow", "tokenizers", "av")


def check_run(folder: Path, plan: Plan) -> None:
    """Check that a folder can take this plan's records: it is new, empty, or a run of the same plan. Nothing is written.

    Raises:
        UsageError: it holds another run, or something else.
        StoreError: its run.json is damaged.
    """
    marker = folder / "run.json"
    if not marker.exists():
        # A sweep that was killed at once may have left a temporary file, whose name begins with a dot.
        if folder.exists() and (not folder.is_dir() or any(entry.name[0] != "." for entry in folder.iterdir())):
            raise UsageError(f"{folder}: not empty and no run; name a new folder")
        return
    data = read_whole(marker)
    try:
        value = json.loads(data)
    except ValueError as error:
        raise StoreError(f"{marker}: expected JSON, got {error}; name another folder") from error
    if not isinstance(value, dict) or value.get("format") != _FORMAT or not isinstance(value.get("plan"), dict):
        raise StoreError(f"{marker}: expected the format {_FORMAT!r} with a plan; this is no run, or a damaged one")
    if value.get("version") != RUN_VERSION:
        raise StoreError(f"{marker}: format version {value.get('version')}, this framedex reads version {RUN_VERSION}")
    difference = first_difference(value["plan"], plan.identity())
    if difference is not None:
        raise UsageError(f"{folder}: a run of another plan ({difference}); name another folder")


def records_path(folder: Path, video: PlannedVideo) -> Path:
    """Where a video's records are."""
    return folder / "records" / f"{video.key}.parquet"


def pending(folder: Path, plan: Plan) -> tuple[PlannedVideo, ...]:
    """The videos of the plan that are not done."""
    return tuple(video for video in plan.videos if not records_path(folder, video).exists())


def run_sweep(folder: Path, opened: OpenSweep, *, answers_done: AnswersDone | None = None) -> Iterator[Outcome]:
    """Sweep every video that is not done; each outcome is given once its records are on disk.

    The same call goes on where an earlier one stopped, however it stopped.

    Args:
        folder: of the run, made where it is not there.
        opened: the plan, store and models.
        answers_done: progress inside a video.

    Raises:
        UsageError: the folder holds another run, or something else.
        StorageError: the folder cannot be written; what is done stays.
        DeviceError: a model's runtime failed; likewise.
    """
    plan = opened.plan
    check_run(folder, plan)
    make_folder(folder)
    if not (folder / "run.json").exists():  # before anything else: what stands in the folder then belongs to this plan
        write_whole(folder / "run.json", json_bytes(_description(opened)))
    make_folder(folder / "records")
    for outcome in sweep(pending(folder, plan), opened, answers_done=answers_done):
        if isinstance(outcome, Swept):
            write_whole(records_path(folder, outcome.video), parquet_bytes(outcome.records))
        yield outcome


def parquet_bytes(records: Sequence[Record]) -> memoryview:
    """Records as a Parquet file, in order."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    columns = schema()
    table = pa.table({name: [getattr(record, name) for record in records] for name in columns.names}, schema=columns)
    sink = pa.BufferOutputStream()
    pq.write_table(table, sink, compression="zstd")
    return memoryview(sink.getvalue())


def _description(opened: OpenSweep) -> dict[str, Any]:
    """What run.json says: the plan that records depend on, and what people want to know beside it."""
    plan, config = opened.plan, opened.plan.config
    return {
        "format": _FORMAT,
        "version": RUN_VERSION,
        "key": plan.key,
        "plan": plan.identity(),
        "store": os.path.abspath(config.store),  # noqa: PTH100 - lexical, nothing is asked of the file system
        "manifests": [os.path.abspath(path) for path in config.questions],  # noqa: PTH100
        "encoders": [_described(model) for model in plan.encoders],
        "mllms": [
            {**_described(model), "provenance": runner.provenance}
            for model, runner in zip(plan.mllms, opened.runners, strict=True)
        ],
        "videos": len(plan.videos),
        "questions": sum(len(video.questions) for video in plan.videos),
        "truncated_prompts": plan.truncated_prompts,
        "versions": {
            "framedex": framedex.__version__,
            "python": platform.python_version(),
            **{package: version(package) for package in _PACKAGES},
        },
    }


def _described(model: Model) -> dict[str, str]:
    return {"name": model.name, "key": model.key}
