"""Curves from an index: cosines of its vectors and the prompts' vectors."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice

import numpy as np

from framedex.contracts import Vectors
from framedex.embed.base import Embedder
from framedex.embed.prompt_cache import PromptCache
from framedex.embed.prompt_vectors import PromptVectors
from framedex.errors import InvalidData, StoreError
from framedex.index import Row, Store, VideoIndex
from framedex.index.many import open_many
from framedex.score.base import Scorer
from framedex.score.native import NativeScorer
from framedex.scores.curves import Curve, Prompt
from framedex.scores.transform import Logit


class IndexCurves:
    """A `CurveSource` over the index files of one encoder. Prompts are embedded once, whatever videos they are asked of.

    Args:
        store: holds the vectors.
        embedder: of the encoder that made them.
        scorer: multiplies them; "native", on one thread, where None.
        writes: whether prompts that are embedded are kept in the store's cache.
    """

    measure = "cosine"
    has_vectors = True

    def __init__(self, store: Store, embedder: Embedder, *, scorer: Scorer | None = None, writes: bool = True) -> None:
        self.key = embedder.manifest.encoder_key
        self.name = embedder.manifest.name
        self.provenance = embedder.provenance
        self._store = store
        self._embedder = embedder
        self._scorer = NativeScorer(threads=1) if scorer is None else scorer
        self._vectors = PromptVectors(embedder, PromptCache(store.path, writes=writes))

    @property
    def trouble(self) -> str | None:
        """Why the store's cache of prompt vectors was last not used, in a sentence, or None."""
        return self._vectors.trouble

    def grids(self) -> list[str]:
        """The grids that the encoder has indexed."""
        return self._store.grids(self.key)

    def rows(self, grid: str | None = None) -> list[Row]:
        """The encoder's rows."""
        return self._store.videos(self.key, grid)

    def check(self, row: Row, prompts: Sequence[Prompt], *, whole: bool = False) -> None:
        """Nothing: an index has every frame's score for any text."""

    def embed(self, texts: Sequence[str]) -> None:
        """Embed texts beforehand, so that one that cannot be is refused before any other work.

        Raises:
            UsageError: the encoder's rules leave nothing of a text.
        """
        if texts:
            self._vectors.of(texts)

    def curves(self, row: Row, prompts: Sequence[Prompt]) -> list[Curve]:
        """Score every frame of the row."""
        (curves,) = self.many([(row, prompts)])
        return curves

    def many(self, asks: Sequence[tuple[Row, Sequence[Prompt]]]) -> Iterator[list[Curve]]:
        """Score every frame of the rows, many videos at a time."""
        vectors = (self._vectors.of([prompt.text for prompt in prompts]) for _, prompts in asks)
        for indexes in open_many(self._store, [row for row, _ in asks]):
            try:
                scores = self._scorer.pair_scores(
                    [index.vectors for index in indexes], list(islice(vectors, len(indexes)))
                )
            except InvalidData as error:
                raise _named(error, indexes) from error
            for index, each in zip(indexes, scores, strict=True):
                rows = np.arange(len(index), dtype=np.int64)
                yield [
                    Curve(row=index.row, rows=rows, pts_us=index.pts_us, scores=curve)
                    for curve in each.astype(np.float64)
                ]

    @property
    def logit(self) -> Logit:
        """The encoder's, by its manifest."""
        manifest = self._embedder.manifest
        return Logit(scale=manifest.logit_scale, bias=manifest.logit_bias or 0.0)

    def vectors(self, row: Row, prompts: Sequence[Prompt]) -> tuple[Vectors, Vectors]:
        """Unit vectors of every frame of the row, and of the prompts."""
        with self._store.open_row(row) as index:
            frames = np.asarray(index.vectors, np.float32)
        return frames, self._vectors.of([prompt.text for prompt in prompts])

    def truncated_texts(self, texts: Sequence[str]) -> tuple[str, ...]:
        """Texts longer than the encoder's text tower reads."""
        return self._embedder.truncated_texts(texts)


def _named(error: InvalidData, indexes: Sequence[VideoIndex]) -> InvalidData | StoreError:
    """The error with the file's name for the number of a view."""
    for index in indexes:
        if not np.isfinite(index.vectors).all():
            return StoreError(
                f"{index.path}: holds vectors that are no numbers; delete its row and index the video again"
            )
    return error
