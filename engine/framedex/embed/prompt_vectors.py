"""Prompt vectors, each distinct text embedded once, and not at all where an earlier run has kept its vector."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from framedex.contracts import Vectors
from framedex.embed.base import Embedder
from framedex.embed.prompt_cache import PromptCache
from framedex.keys import Json

#: Provenance that says nothing of a text's vector: of pictures, and of measuring.
_BESIDE = ("batch", "gate_")


class PromptVectors:
    """The vectors of one encoder's prompts; those that were asked for before are remembered.

    Args:
        embedder: of the encoder; its text tower is not opened where every vector is kept.
        cache: vectors of earlier runs; none where None.
    """

    def __init__(self, embedder: Embedder, cache: PromptCache | None = None) -> None:
        self._embedder = embedder
        self._cache = cache
        self._known: dict[str, Vectors] = {}
        self.embedded = 0  # texts that were neither remembered nor kept

    @property
    def trouble(self) -> str | None:
        """Why the cache was last not used, in a sentence, or None."""
        return None if self._cache is None else self._cache.trouble

    def of(self, texts: Sequence[str]) -> Vectors:
        """Unit vectors float32 (m, d) of m >= 1 texts, in order; to the bit the same with a cache and without.

        Raises:
            UsageError: a text of which the encoder's rules leave nothing.
        """
        new = [text for text in dict.fromkeys(texts) if text not in self._known]
        if new and self._cache is not None:
            self._known |= self._cache.read(self._made_by(), new, dim=self._embedder.manifest.dim)
            new = [text for text in new if text not in self._known]
        if new:
            vectors = dict(zip(new, self._embedder.embed_texts(new), strict=True))
            self._known |= vectors
            self.embedded += len(new)
            if self._cache is not None:
                self._cache.write(self._made_by(), vectors)
        return np.stack([self._known[text] for text in texts])

    def _made_by(self) -> Json:
        """All that a vector may depend on beside its text."""
        provenance = self._embedder.provenance.items()
        return {
            "encoder": self._embedder.manifest.encoder_key,
            # Another export of the same encoder may round otherwise.
            "files": {name: entry.sha256 for name, entry in self._embedder.manifest.files.items()},
            **{name: value for name, value in provenance if not name.startswith(_BESIDE)},
        }
