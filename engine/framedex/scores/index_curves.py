"""Curves from an index: cosines of its vectors and the prompts' vectors."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from framedex.embed.base import Embedder
from framedex.embed.prompt_cache import PromptCache
from framedex.embed.prompt_vectors import PromptVectors
from framedex.index import Row, Store
from framedex.score.base import Scorer
from framedex.scores.curves import Curve, Prompt


class IndexCurves:
    """A `CurveSource` over the index files of one encoder. Prompts are embedded once, whatever videos they are asked of.

    Args:
        store: holds the vectors.
        embedder: of the encoder that made them.
        scorer: multiplies them; each index itself where None, which is what "native" does.
        writes: whether prompts that are embedded are kept in the store's cache.
    """

    measure = "cosine"

    def __init__(self, store: Store, embedder: Embedder, *, scorer: Scorer | None = None, writes: bool = True) -> None:
        self.key = embedder.manifest.encoder_key
        self.name = embedder.manifest.name
        self.provenance = embedder.provenance
        self._store = store
        self._embedder = embedder
        self._scorer = scorer
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
        vectors = self._vectors.of([prompt.text for prompt in prompts])
        with self._store.open_row(row) as index:
            pts_us = index.pts_us
            scores = index.scores(vectors) if self._scorer is None else self._scorer.scores([index.vectors], vectors)[0]
        rows = np.arange(len(pts_us), dtype=np.int64)
        return [Curve(row=row, rows=rows, pts_us=pts_us, scores=curve) for curve in scores.astype(np.float64)]

    def truncated_texts(self, texts: Sequence[str]) -> tuple[str, ...]:
        """Texts longer than the encoder's text tower reads."""
        return self._embedder.truncated_texts(texts)
