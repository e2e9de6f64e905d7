"""The embedder contract: tower-sized frames or texts in, unit vectors out."""

from __future__ import annotations

from collections.abc import Sequence
from types import TracebackType
from typing import Literal, Protocol, Self

from framedex.contracts import EmbeddingBlock, TowerBatch, Vectors
from framedex.embed.manifest import Manifest


class Embedder(Protocol):
    """A loaded encoder artefact on one runtime; holds the sessions until closed."""

    @property
    def manifest(self) -> Manifest:
        """The artefact's description."""
        ...

    @property
    def origin(self) -> str:
        """Where the artefact was found, so that it can be found again: a bundled name, or an absolute path."""
        ...

    @property
    def provenance(self) -> dict[str, str]:
        """Runtime, its version, device and precision: recorded in every sidecar, no part of the encoder key."""
        ...

    @property
    def batch(self) -> int:
        """Frames of one run: `embed_images` works best on multiples of it."""
        ...

    def embed_images(self, batch: TowerBatch) -> EmbeddingBlock:
        """Embed n >= 0 frames of the tower's size; n is cut into runtime batches inside.

        Raises:
            ValueError: pixels are not of the tower's size.
            DeviceError: the runtime failed.
        """
        ...

    def embed_texts(self, texts: Sequence[str]) -> Vectors:
        """Embed m >= 1 texts: float32 (m, d), unit rows, in order; each result is independent of the others.

        Raises:
            UsageError: an empty text.
        """
        ...

    def prove(self, *kinds: Literal["image", "text"]) -> None:
        """Open towers now, both where none is named, and hold each to the artefact's parity gate.

        Raises:
            ArtefactError: a tower is not what the manifest says.
            DeviceError: the runtime cannot load it, or its vectors do not pass.
        """
        ...

    def truncated_texts(self, texts: Sequence[str]) -> tuple[str, ...]:
        """Those of `texts` that are longer than the tower reads: `embed_texts` embeds their beginning only."""
        ...

    def close(self) -> None:
        """Free the runtime's sessions; safe to call twice."""
        ...

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None: ...
