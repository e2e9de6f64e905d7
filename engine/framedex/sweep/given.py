"""Frames that were chosen elsewhere: files of selections, matched with the questions, variants and frames of a sweep."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from framedex.contracts import Pts
from framedex.errors import UsageError
from framedex.index import Row, Store
from framedex.keys import Json, json_key
from framedex.sweep.questions import SweptQuestion

if TYPE_CHECKING:
    from framedex.sweep.plan import PlannedVideo

#: Sampler, parameters, budget and seed: what tells one selection of a question from another.
Rule = tuple[str, str, int, int]
#: (question id, variant) → what files have for it.
GivenByPrompt = Mapping[tuple[str, str], "tuple[GivenSelection, ...]"]


@dataclass(frozen=True, slots=True, kw_only=True)
class GivenFile:
    """A file of selections as sweep.yaml names it.

    Attributes:
        path: a `.parquet` or `.json` file that `framedex.select.formats.read_selections` reads.
        name: what to call the rule that chose, for `.json`, which does not say; "" for `.parquet`, which does.
    """

    path: Path
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class GivenSelection:
    """The frames of one question, and the rule that chose them; the attributes are those of `Record`."""

    sampler: str
    params: str
    budget: int
    seed: int
    rows: tuple[int, ...]
    pts_us: tuple[int, ...]

    @property
    def rule(self) -> Rule:
        """What tells it from other selections of the question."""
        return self.sampler, self.params, self.budget, self.seed


def read_given(
    files: Sequence[GivenFile],
    store: Store,
    questions: Sequence[SweptQuestion],
    videos: Sequence[PlannedVideo],
    *,
    variants: Sequence[str],
    own: Collection[Rule],
) -> GivenByPrompt:
    """Read files of selections.

    A `.json` file counts for every variant, as `uniform` does; rows of a `.parquet` file for their own. What a file has for other
    questions, variants and grids is left aside.

    Args:
        files: as sweep.yaml has them.
        store: that holds the videos.
        questions: in the order of the manifests.
        videos: the same questions by video.
        variants: of the sweep.
        own: the sweep's rules.

    Raises:
        UsageError: a file that does not hold, a question that it has no selection for, frames that are none of the index, or two
            selections of one rule.
        VideoError: a file of frame numbers whose video is gone, or another.
    """
    from framedex.select.formats import read_selections

    rows = {question.asked.id: video.rows[0] for video in videos for question in video.questions}
    frames = _Frames(store)
    found: dict[tuple[str, str], dict[Rule, GivenSelection]] = {
        (question.asked.id, variant): {} for question in questions for variant in variants
    }
    for file in files:
        read = read_selections(
            file.path,
            store,
            questions=[question.asked for question in questions],
            grid=videos[0].rows[0].grid,
            sampler=file.name,
        )
        lacking = set(found)
        for entry in read.table.to_pylist():
            for variant in variants if file.name else (entry["variant"],):
                place = (entry["question_id"], variant)
                if place not in found or entry["grid"] != rows[place[0]].grid:
                    continue
                given = _selection(entry)
                frames.check(f"{file.path}: question {place[0]!r}", rows[place[0]], entry["video_key"], given)
                if given.rule in found[place] or given.rule in own:
                    raise UsageError(
                        f"{file.path}: question {place[0]!r} has {given.budget} frames by {given.sampler!r} twice in this sweep; "
                        "leave one out, or give a .json file another name"
                    )
                found[place][given.rule] = given
                lacking.discard(place)
        if lacking:
            question_id, variant = min(lacking)
            raise UsageError(
                f"{file.path}: has no selection at {rows[question_id].grid} for question {question_id!r}, variant {variant!r} "
                f"({len(lacking)} of {len(found)} have none)"
            )
    return {place: tuple(each.values()) for place, each in found.items()} if files else {}


class _Frames:
    """The frames of the videos that were last asked about."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._pts_us: dict[str, Pts] = {}

    def check(self, subject: str, row: Row, video_key: str, given: GivenSelection) -> None:
        """Refuse frames of another video, or of an index that has changed since."""
        if video_key != row.video_key:
            raise UsageError(
                f"{subject}: expected frames of {row.source.path} (key {row.video_key}), got key {video_key}"
            )
        if row.video_key not in self._pts_us:
            with self._store.open_row(row) as index:
                self._pts_us = {row.video_key: np.array(index.pts_us)}
        pts_us, rows = self._pts_us[row.video_key], np.array(given.rows, np.int64)
        if not (rows < len(pts_us)).all() or pts_us[rows].tolist() != list(given.pts_us):
            raise UsageError(f"{subject}: expected frames of the index of {row.source.path} at {row.grid}, got others")


def given_key(given: GivenByPrompt) -> str:
    """Key of all that files have."""
    content: list[Json] = [
        [*place, [[*each.rule, list(each.pts_us)] for each in selections]]
        for place, selections in sorted(given.items())
    ]
    return json_key(content)


def _selection(row: Mapping[str, Any]) -> GivenSelection:
    return GivenSelection(
        sampler=row["sampler"],
        params=row["params"],
        budget=row["budget"],
        seed=row["seed"],
        rows=tuple(row["rows"]),
        pts_us=tuple(row["pts_us"]),
    )
