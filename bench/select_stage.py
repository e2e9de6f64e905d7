"""The select stage of bench/throughput.py: a question set's selections from store to file, and a sweep's choices of frames."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np

import framedex
from framedex.cli.output import default_threads
from framedex.datasets import Question
from framedex.datasets.prompts import QUESTION
from framedex.embed.base import Embedder
from framedex.index import Store
from framedex.ingest import encoder_entry
from framedex.score.native import NativeScorer
from framedex.scores.index_curves import IndexCurves
from framedex.select import make_sampler
from framedex.select.batch import asked_of, by_row, select_parts
from framedex.select.formats import Wanted, open_writer, read_selections
from framedex.sweep.choose import choose_each
from framedex.sweep.config import SweepConfig
from framedex.sweep.plan import Model, Plan, plan_videos
from framedex.sweep.questions import SweptQuestion
from harness import Measured, median_s
from stages import PROMPTS, Machine, Stage
from stored_videos import GRID, write_store

SAMPLERS = ("uniform", "random", "top", "bottom", "window-top", "drop", "aks", "bolt", "qframe", "mmr")
BUDGETS = (4, 8, 16, 32)
FRAMES = 180
COMPARED = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Selecting:
    """What is selected for: a store of synthetic videos, and 16 questions about each.

    Attributes:
        store: of `FRAMES` random vectors a video, under the encoder's key.
        source: of the scores.
        questions: in the order of the videos, the same 16 texts for each.
    """

    store: Store
    source: IndexCurves
    questions: list[Question]

    @classmethod
    def of(cls, folder: Path, embedder: Embedder, n_videos: int) -> Selecting:
        """Write the store and have the texts embedded."""
        entry = encoder_entry(embedder)
        store = write_store(folder / "selected", [FRAMES] * n_videos, entry.dim, entry=entry)
        source = IndexCurves(store, embedder, scorer=NativeScorer(threads=default_threads()))
        texts = [f"thing number {number}" for number in range(PROMPTS)]
        source.embed(texts)
        questions = [
            Question(
                id=f"{video}-{number}",
                video=f"{video}.mp4",
                question=text,
                options=("yes", "no"),
                answer=0,
                folder=Path("/videos"),
            )
            for video in range(n_videos)
            for number, text in enumerate(texts)
        ]
        return cls(store=store, source=source, questions=questions)

    def to_file(self, path: Path) -> None:
        """What `framedex select -o` does once the manifest is read."""
        samplers = [make_sampler(name) for name in SAMPLERS]
        asked = asked_of(self.questions, [QUESTION])
        asks = by_row(self.store, self.source, asked, grid=GRID)
        wanted = Wanted(path=path, asked=asked, samplers=samplers, budgets=BUDGETS)
        with open_writer("parquet", wanted) as writer:
            for part in select_parts(
                self.source, asks, samplers=samplers, budgets=BUDGETS, seed=0, threads=default_threads()
            ):
                writer.add(part)

    def choices(self) -> int:
        """What a sweep does before it decodes: how many choices there are."""
        config = SweepConfig(
            folder=Path(),
            store=self.store.path,
            questions=(),
            mllms=(),
            samplers=tuple(make_sampler(name) for name in SAMPLERS),
            budgets=BUDGETS,
        )
        asked = [SweptQuestion(asked=each, gold=0, prompts=(each.question,)) for each in self.questions]
        plan = Plan(
            config=config,
            grid=GRID,
            encoders=(Model(name=self.source.name, key=self.source.key),),
            mllms=(),
            videos=plan_videos(self.store, asked, sources=[self.source], grid=GRID),
            truncated_prompts=0,
        )
        chosen = choose_each(plan, plan.videos, [self.source], threads=default_threads())
        return sum(len(each.choices) for each in chosen)

    def as_one_by_one(self, path: Path) -> bool:
        """Whether a file's first selections are those of `framedex.select`, one call each."""
        found = iter(
            read_selections(path).table.slice(0, COMPARED * PROMPTS * len(SAMPLERS) * len(BUDGETS)).to_pylist()
        )
        for question in self.questions[: COMPARED * PROMPTS]:
            index = self.store[question.video]
            (curve,) = self.source.curves(index.row, asked_of([question], [QUESTION])[0].prompts)
            for name in SAMPLERS:
                for budget in BUDGETS:
                    expected = framedex.select(
                        name,
                        curve.scores,
                        budget=budget,
                        pts_us=index.pts_us,
                        embeddings=np.asarray(index.vectors, np.float32),
                        video=index.row.video_key,
                        question=question.id,
                        variant=QUESTION,
                    )
                    row = next(found)
                    if (row["question_id"], row["rows"]) != (question.id, expected.rows.tolist()):
                        return False
        return True


def time_select(
    folder: Path, embedder: Embedder, machine: Machine, *, n_videos: int, given: int, repeats: int
) -> tuple[Stage, list[Measured], bool]:
    """Every question × sampler × budget of `n_videos` videos, and whether the first are as one by one.

    The ceiling is reading each curve once for each of its selections, and the file once, at memory speed. `given` is how many
    videos the bench was given.
    """
    selecting = Selecting.of(folder, embedder, n_videos)
    path = folder / "selections.parquet"
    n_selections = len(selecting.questions) * len(SAMPLERS) * len(BUDGETS)
    seconds = median_s(lambda: selecting.to_file(path), repeats=repeats)
    started = time.perf_counter()
    equal = selecting.choices() == n_selections
    sweep_s = time.perf_counter() - started
    stage = Stage(
        name="select",
        unit="selections/s",
        items=n_selections,
        seconds=seconds,
        ceiling_s=(n_selections * FRAMES * 8 + path.stat().st_size) / machine.copy_bytes_per_s,
        rounds=n_videos / given,
    )
    rows = [
        Measured(name="select.selections", value=n_selections, unit="selections"),
        Measured(name="select.seconds", value=seconds, unit="s, from the store to a Parquet file"),
        Measured(name="select.sweep", value=sweep_s, unit="s, a sweep's choices of the same"),
    ]
    return stage, rows, equal and selecting.as_one_by_one(path)
