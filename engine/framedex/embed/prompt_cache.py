"""Prompt vectors of earlier runs, in a SQLite file: a shortcut that no result depends on.

The file holds what the text tower gave, to the bit, under a key of the text and of all that the bits may depend on.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

import numpy as np

from framedex.cache_file import CacheFile, CacheKind, store_cache_file
from framedex.contracts import Vectors
from framedex.keys import Json, canonical_json

_KIND: Final = CacheKind(
    application_id=0x46_44_58_50,  # "FDXP"
    version=1,
    table="vectors",
    column="vector",
    holds="prompt vectors",
    otherwise="they are computed",
)
_UNIT_TOLERANCE: Final = 1e-3


class PromptCache:
    """The vectors of one store's prompts.

    Args:
        store: the store's folder.
        writes: whether vectors are kept; those that are there are read in any case.
    """

    def __init__(self, store: Path, *, writes: bool = True) -> None:
        self._file = CacheFile(store_cache_file(store, "prompts.sqlite"), _KIND)
        self._writes = writes

    @property
    def path(self) -> Path:
        """The file."""
        return self._file.path

    @property
    def trouble(self) -> str | None:
        """Why the file was last not read or written, in a sentence, or None."""
        return self._file.trouble

    def read(self, made_by: Json, texts: Sequence[str], *, dim: int) -> dict[str, Vectors]:
        """Those of `texts` that are there: float32 (dim,), unit vectors.

        Args:
            made_by: what the vectors depend on beside the text.
            texts: distinct.
            dim: of the encoder.
        """
        found: dict[str, Vectors] = {}
        keys = {_key(made_by, text): text for text in texts}
        for key, data in self._file.read(list(keys)).items():
            vector = np.frombuffer(data, np.float32)
            # Written so that NaN does not pass.
            if vector.shape == (dim,) and abs(np.linalg.norm(vector) - 1) <= _UNIT_TOLERANCE:
                found[keys[key]] = vector
        return found

    def write(self, made_by: Json, vectors: Mapping[str, Vectors]) -> None:
        """Keep vectors, by text; what is there under the same key is replaced."""
        if self._writes:
            self._file.write(
                (_key(made_by, text), np.ascontiguousarray(vector, np.float32).tobytes())
                for text, vector in vectors.items()
            )


def _key(made_by: Json, text: str) -> bytes:
    return hashlib.sha256(canonical_json([made_by, text]).encode(errors="surrogatepass")).digest()[:16]
