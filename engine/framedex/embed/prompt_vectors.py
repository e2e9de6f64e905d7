"""Prompt vectors, each distinct text embedded once."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from framedex.contracts import Vectors
from framedex.embed.base import Embedder


class PromptVectors:
    """The vectors of one encoder's prompts; those that were asked for before are remembered.

    Args:
        embedder: of the encoder.
    """

    def __init__(self, embedder: Embedder) -> None:
        self._embedder = embedder
        self._known: dict[str, Vectors] = {}

    def of(self, texts: Sequence[str]) -> Vectors:
        """Unit vectors float32 (m, d) of m >= 1 texts, in order."""
        new = [text for text in dict.fromkeys(texts) if text not in self._known]
        if new:
            self._known.update(zip(new, self._embedder.embed_texts(new), strict=True))
        return np.stack([self._known[text] for text in texts])
