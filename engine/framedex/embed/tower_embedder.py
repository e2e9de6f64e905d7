"""What embedders of all runtimes do alike: towers opened when first needed, inputs and vectors checked, and the parity gate."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Any, Literal, Self

import numpy as np
from numpy.typing import NDArray

from framedex.contracts import EmbeddingBlock, Pixels, TowerBatch, Vectors
from framedex.embed import gate
from framedex.embed.artefact import Artefact
from framedex.embed.manifest import Manifest
from framedex.embed.reference import Reference, read_reference
from framedex.embed.text import TextEncoder, cut_behind_ends
from framedex.errors import DeviceError, UsageError

Kind = Literal["image", "text"]

#: One run of a tower: uint8 (n, H, W, 3) or int64 (n, max_length) in, float32 (n, d) out, n up to the runtime's batch.
Run = Callable[[NDArray[Any]], Vectors]

_UNIT_TOLERANCE = 1e-3


class TowerEmbedder(ABC):
    """An artefact on one runtime. A back end gives `_open`, and the runtime's part of `provenance`.

    Args:
        artefact: opened, so its files are proved.
        name: registered.
        threads: of the CPU, >= 1.
        batch: frames per run of the image tower, >= 1.
        precision: of the runtime: its bar in `framedex.embed.gate`.
        gated: each tower must reproduce the artefact's reference vectors when it is opened.
        gate_rows: so many of them, and their cosines alone; all, and ranks too, where None.

    Raises:
        UsageError: threads or batch below 1, or an unknown precision.
    """

    #: Texts per run of the text tower. One: a text's vector is the same to the last bit in whatever company it is asked for.
    TEXTS_PER_RUN = 1
    #: Whether every run has that many texts, the last one over and over, and none is cut: all runs have one shape, and a text has
    #: the same bits in any company, as far as a row's sums do not depend on the other rows.
    FILLS_TEXTS = False
    #: The same for runs of `batch` frames: for runtimes whose products round otherwise in another shape.
    FILLS_IMAGES = False

    def __init__(
        self,
        artefact: Artefact,
        *,
        name: str,
        threads: int,
        batch: int,
        precision: str,
        gated: bool = True,
        gate_rows: int | None = None,
    ) -> None:
        if threads < 1 or batch < 1:
            raise UsageError(f"{name}: expected threads and batch of 1 or more, got threads={threads}, batch={batch}")
        if gated:
            gate.bar(precision)
        self._artefact = artefact
        self._name = name
        self._threads = threads
        self._batch = batch
        self._precision = precision
        self._gated = gated
        self._gate_rows = gate_rows
        self._towers: dict[Kind, Run] = {}
        self._admitted: dict[str, str] = {}
        self._reference: Reference | None = None
        self._text_encoder: TextEncoder | None = None
        self._closed = False

    @property
    def manifest(self) -> Manifest:
        """The artefact's description."""
        return self._artefact.manifest

    @property
    def origin(self) -> str:
        """Where the artefact was found: a bundled name, or an absolute path."""
        return self._artefact.origin

    @property
    def batch(self) -> int:
        """Frames of one run of the image tower."""
        return self._batch

    @property
    def provenance(self) -> dict[str, str]:
        """Runtime, its version, device, precision and how it was run, and what the gate measured of each open tower."""
        return {
            "runtime": self._name,
            **self._runtime(),
            "precision": self._precision,
            "threads": str(self._threads),
            "batch": str(self._batch),
            **self._admitted,
        }

    def embed_images(self, batch: TowerBatch) -> EmbeddingBlock:
        """Embed n >= 0 frames, `batch` of them at a time.

        Raises:
            ValueError: pixels are not of the tower's size, or the embedder is closed.
            ArtefactError: the artefact's graph or engine is not what the manifest says.
            DeviceError: the runtime failed, gave vectors that are not finite and of length 1, or does not pass the gate.
        """
        self._require_open()
        if batch.pixels.shape[1:3] != self.manifest.image.size:
            raise ValueError(
                f"[embed_images] expected pixels (n, {self.manifest.image.size[0]}, {self.manifest.image.size[1]}, 3), "
                f"got {batch.pixels.shape}"
            )
        if not len(batch):
            return EmbeddingBlock(pts_us=batch.pts_us, vectors=np.empty((0, self.manifest.dim), np.float32))
        return EmbeddingBlock(pts_us=batch.pts_us, vectors=self._images(self._tower("image"), batch.pixels))

    def embed_texts(self, texts: Sequence[str]) -> Vectors:
        """Embed m >= 1 texts: float32 (m, d), unit rows, in order.

        Raises:
            UsageError: no text, one string in place of several, or a text of which the encoder's rules leave nothing.
            ValueError: the embedder is closed.
            ArtefactError: the artefact's graph or engine is not what the manifest says.
            DeviceError: the runtime failed, gave vectors that are not finite and of length 1, or does not pass the gate.
        """
        self._require_open()
        if isinstance(texts, str) or not texts:
            raise UsageError(f"embed_texts: expected a list of one text or more, got {texts!r}")
        tokens = self._texts().encode(texts)
        if tokens.empty.any():
            row = int(np.flatnonzero(tokens.empty)[0])
            raise UsageError(
                f"text {row}: {texts[row]!r} is empty to encoder {self.manifest.name!r} ({self.manifest.text.note}); "
                "write words"
            )
        return self._ids(self._tower("text"), tokens.ids)

    def truncated_texts(self, texts: Sequence[str]) -> tuple[str, ...]:
        """Those of `texts` that are longer than the tower reads: `embed_texts` embeds their beginning only."""
        self._require_open()
        tokens = self._texts().encode(texts)
        return tuple(text for text, cut in zip(texts, tokens.truncated, strict=True) if cut)

    def prove(self, *kinds: Kind) -> None:
        """Open towers now, both where none is named, and prove each that has to be.

        Raises:
            ArtefactError: as `embed_images`.
            DeviceError: as `embed_images`.
        """
        self._require_open()
        for kind in kinds or ("image", "text"):
            self._tower(kind)

    def close(self) -> None:
        """Free the towers; safe to call twice."""
        self._towers.clear()
        self._text_encoder = self._reference = None
        self._closed = True

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @abstractmethod
    def _open(self, kind: Kind) -> Run:
        """The runtime's part: load one tower."""

    @abstractmethod
    def _runtime(self) -> dict[str, str]:
        """The runtime's part of the provenance: at least `runtime_version` and `device`."""

    def _tower(self, kind: Kind) -> Run:
        if kind not in self._towers:
            run = self._open(kind)
            if self._gated:
                self._admit(kind, run)
            self._towers[kind] = run
        return self._towers[kind]

    def _admit(self, kind: Kind, run: Run) -> None:
        """Prove a tower on the reference set before anybody gets a vector of it."""
        reference = self._reference = self._reference or read_reference(self._artefact)
        rows = self._gate_rows
        if kind == "image":
            got = self._images(run, reference.pixels[:rows])
            expected, others = reference.image_vectors[:rows], reference.text_vectors
        else:
            got = self._ids(run, self._texts().encode(reference.texts[:rows]).ids)
            expected, others = reference.text_vectors[:rows], reference.image_vectors
        subject = f"{self._name}: {kind} tower of {self.manifest.name!r}"
        if rows is not None:
            cosine = gate.least_cosine(got, expected)
            gate.require_cosine(cosine, precision=self._precision, subject=subject)
            self._admitted[f"gate_{kind}"] = f"cosine {cosine:.6f}"
            return
        figures = gate.measure(got, expected, others=others, got_are_prompts=kind == "text")
        gate.require(figures, precision=self._precision, subject=subject)
        self._admitted[f"gate_{kind}"] = str(figures)

    def _cut(self, ids: NDArray[np.int64]) -> NDArray[np.int64]:
        """What of some texts' ids the text tower has to see; a back end calls it on what one run of its graph gets."""
        if self.FILLS_TEXTS or not self.manifest.towers.text.any_length:
            return ids
        return cut_behind_ends(ids, self.manifest.text)

    def _images(self, run: Run, pixels: Pixels) -> Vectors:
        file = self.manifest.towers.image.file
        return self._in_runs(run, pixels, self._batch, file, filled=self.FILLS_IMAGES)

    def _ids(self, run: Run, ids: NDArray[np.int64]) -> Vectors:
        """Vectors of m texts; equal ones are run once."""
        numbers: dict[bytes, int] = {}
        places = [numbers.setdefault(row.tobytes(), len(numbers)) for row in ids]
        distinct = ids[np.unique(places, return_index=True)[1]]
        vectors = self._in_runs(
            run, distinct, self.TEXTS_PER_RUN, self.manifest.towers.text.file, filled=self.FILLS_TEXTS
        )
        return vectors[places]

    def _in_runs(
        self, run: Run, values: NDArray[Any], rows_per_run: int, subject: str, *, filled: bool = False
    ) -> Vectors:
        vectors = np.empty((len(values), self.manifest.dim), np.float32)
        for start in range(0, len(values), rows_per_run):
            rows = values[start : start + rows_per_run]
            n = len(rows)
            if filled:
                rows = rows[np.minimum(np.arange(rows_per_run), n - 1)]
            vectors[start : start + n] = run(rows)[:n]
        norms = np.linalg.norm(vectors, axis=1)
        # Written so that NaN does not pass.
        if not (np.abs(norms - 1.0) <= _UNIT_TOLERANCE).all():
            raise DeviceError(
                f"{subject}: {self._name} {self._runtime()['runtime_version']} gave vectors of length {norms.min()} to "
                f"{norms.max()}, expected 1; the weights or the runtime are broken"
            )
        return vectors

    def _require_open(self) -> None:
        if self._closed:
            raise ValueError(f"[embedder] {self.manifest.name!r} is closed")

    def _texts(self) -> TextEncoder:
        if self._text_encoder is None:
            self._text_encoder = TextEncoder(self._artefact.tokenizer, self.manifest.text)
        return self._text_encoder
