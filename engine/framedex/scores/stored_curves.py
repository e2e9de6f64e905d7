"""Curves from stored scores: a pair scorer's, or the user's own."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from framedex.contracts import Vectors
from framedex.datasets.prompts import QUESTION
from framedex.errors import UsageError
from framedex.index import Row, Store
from framedex.scores.curves import Curve, Prompt
from framedex.scores.grid_rows import grid_rows, index_rows
from framedex.scores.place import ScorePlace, Subject
from framedex.scores.score_file import ScoreFile
from framedex.scores.score_set import ScoreSet
from framedex.scores.score_store import ScoreStore

_SHOWN = 3


class StoredCurves:
    """A `CurveSource` over one set of a store.

    A question's own curve goes before one of its text; it counts for the question itself, not for its other prompt variants.

    Args:
        store: the store.
        found: one of its sets.
    """

    measure = "raw"
    logit = None
    has_vectors = False

    def __init__(self, store: Store, found: ScoreSet) -> None:
        self.key = found.key
        self.name = found.name
        self.provenance = {"scores": found.name, "kind": found.kind}
        self._store = store
        self._kind = found.kind
        self._scores = ScoreStore(store.path)

    def grids(self) -> list[str]:
        """The grids that the set has curves on."""
        return self._scores.grids(self.key)

    def rows(self, grid: str | None = None) -> list[Row]:
        """Rows of any encoder on the set's grids, one per video and grid, whether the set has curves of the video or not."""
        return [row for name in self.grids() if grid in (None, name) for row in grid_rows(self._store, name)]

    def check(self, row: Row, prompts: Sequence[Prompt], *, whole: bool = False) -> None:
        """Read every curve."""
        for prompt, curve in zip(prompts, self.curves(row, prompts), strict=True):
            if whole and not curve.whole:
                raise UsageError(
                    f"scores {self.name!r}: {len(curve.rows)} of the {row.count} frames of {row.source.path} are scored for "
                    f"question {prompt.question_id!r}; windows need all of them: score the others, or leave windows out"
                )

    def curves(self, row: Row, prompts: Sequence[Prompt]) -> list[Curve]:
        """Read the prompts' curves and find their frames in the row's index."""
        files = [self._file(row, prompt) for prompt in prompts]
        missing = [prompt for prompt, file in zip(prompts, files, strict=True) if file is None]
        if missing:
            raise UsageError(self._lacks(row, missing))
        with self._store.open_row(row) as index:
            indexed_us = index.pts_us
        return [self._curve(row, file, indexed_us) for file in files if file is not None]

    def many(self, asks: Sequence[tuple[Row, Sequence[Prompt]]]) -> Iterator[list[Curve]]:
        """One video after the other."""
        return (self.curves(row, prompts) for row, prompts in asks)

    def vectors(self, row: Row, prompts: Sequence[Prompt]) -> tuple[Vectors, Vectors]:  # noqa: ARG002
        """There are none.

        Raises:
            UsageError: always.
        """
        raise UsageError(
            f"scores {self.name!r}: are scores alone, without the frames' embeddings; choose by an encoder in their place"
        )

    def truncated_texts(self, texts: Sequence[str]) -> tuple[str, ...]:  # noqa: ARG002
        """None: what was cut was said when the scores were made."""
        return ()

    def _file(self, row: Row, prompt: Prompt) -> ScoreFile | None:
        subjects = [Subject(about="prompt", text=prompt.text)]
        if prompt.variant == QUESTION:
            subjects.insert(0, Subject(about="question", text=prompt.question_id))
        for subject in subjects:
            file = self._scores.get(self._place(row, subject))
            if file is not None:
                return file
        return None

    def _place(self, row: Row, subject: Subject) -> ScorePlace:
        return ScorePlace(set_key=self.key, grid=row.grid, video_key=row.video_key, subject_key=subject.key)

    def _curve(self, row: Row, file: ScoreFile, indexed_us: np.ndarray) -> Curve:
        rows = index_rows(str(file.place.path(self._scores.root)), file.pts_us, indexed_us)
        return Curve(row=row, rows=rows, pts_us=file.pts_us, scores=file.scores.astype(np.float64))

    def _lacks(self, row: Row, missing: Sequence[Prompt]) -> str:
        named = "; ".join(f"question {prompt.question_id!r}: {prompt.text!r}" for prompt in missing[:_SHOWN])
        more = f"; and {len(missing) - _SHOWN} more" if len(missing) > _SHOWN else ""
        remedy = "score them: framedex scores make" if self._kind == "pair" else "import them with the others"
        return f"scores {self.name!r}: none of {row.source.path} at {row.grid} for {named}{more}; {self._holds(row)}; {remedy}"

    def _holds(self, row: Row) -> str:
        """What there is instead, so that a text that differs in a blank can be seen to."""
        places = [place for place in self._scores.places(self.key, row.grid) if place.video_key == row.video_key]
        file = self._scores.get(places[0]) if places else None
        return (
            "it has none of this video"
            if file is None
            else f"it has {len(places)} others of it, such as {file.subject}"
        )
