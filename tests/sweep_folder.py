"""A folder with a sweep.yaml over a few clips of the small world and a tiny SmolVLM checkpoint of random weights."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import yaml

from small_world import SmallWorld
from smolvlm_checkpoints import tiny_smolvlm

TIMES = ("tower_time_s", "prefill_time_s", "answer_time_s")


@dataclass(frozen=True)
class SweepFolder:
    """`sweep.yaml` and `q.jsonl` in a folder, and where its run goes."""

    folder: Path

    @property
    def config(self) -> Path:
        return self.folder / "sweep.yaml"

    @property
    def run(self) -> Path:
        return self.folder / "RUN"

    def change(self, **keys: Any) -> None:
        """Give keys of sweep.yaml other values."""
        value = yaml.safe_load(self.config.read_text())
        self.config.write_text(yaml.safe_dump({**value, **keys}))

    def questions(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in (self.folder / "q.jsonl").read_text().splitlines()]

    def ask(self, questions: list[dict[str, Any]]) -> None:
        """Replace the manifest."""
        (self.folder / "q.jsonl").write_text("".join(json.dumps(question) + "\n" for question in questions))


def write_sweep(folder: Path, world: SmallWorld, *, videos: int = 2, per_video: int = 2, **keys: Any) -> SweepFolder:
    """A sweep over the first questions of the first videos; `keys` are sweep.yaml's."""
    lines = [json.loads(line) for line in (world.folder / "questions.jsonl").read_text().splitlines()]
    names = list(dict.fromkeys(line["video"] for line in lines))[:videos]
    taken = [line for name in names for line in [each for each in lines if each["video"] == name][:per_video]]
    sweep = SweepFolder(folder)
    sweep.ask([{**line, "video": str(world.folder / line["video"])} for line in taken])
    config = {
        "version": 1,
        "store": str(world.store),
        "questions": ["q.jsonl"],
        "mllms": [str(tiny_smolvlm())],
        "samplers": ["uniform", "top"],
        "budgets": [2],
        **keys,
    }
    sweep.config.write_text(yaml.safe_dump(config))
    return sweep


def read_records(run: Path) -> list[dict[str, Any]]:
    """All records of a run, by video key and in order."""
    paths = sorted((run / "records").glob("*.parquet"))
    return list(pa.concat_tables([pq.read_table(path) for path in paths]).to_pylist())


def without_times(records: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The records less what a clock said."""
    return [{name: value for name, value in record.items() if name not in TIMES} for record in records]
