"""The embedder on ONNX Runtime's CPU provider."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

import numpy as np
import onnxruntime
from numpy.typing import NDArray
from onnxruntime.capi import onnxruntime_pybind11_state as ort_errors

from framedex.contracts import EmbeddingBlock, TowerBatch, Vectors
from framedex.embed.artefact import Artefact
from framedex.embed.manifest import ENCODER_KEY, Manifest, Tower
from framedex.embed.text import TextEncoder
from framedex.errors import ArtefactError, DeviceError, UsageError

NAME = "onnxruntime-cpu"

# ONNX Runtime's exceptions have no common base of their own.
_ORT_ERRORS = (
    ort_errors.Fail,
    ort_errors.InvalidArgument,
    ort_errors.NoSuchFile,
    ort_errors.NoModel,
    ort_errors.EngineError,
    ort_errors.RuntimeException,
    ort_errors.InvalidProtobuf,
    ort_errors.NotImplemented,
    ort_errors.InvalidGraph,
    ort_errors.EPFail,
    MemoryError,
)
_ERRORS_ONLY = 3
_UNIT_TOLERANCE = 1e-3


class OnnxRuntimeEmbedder:
    """An artefact on the CPU; each tower's session is made when it is first needed.

    Args:
        artefact: opened, so its files are proved.
        threads: of each session, >= 1.
        batch: frames per run of the image graph, >= 1.

    Raises:
        UsageError: threads or batch below 1.
    """

    def __init__(self, artefact: Artefact, *, threads: int, batch: int = 16) -> None:
        if threads < 1 or batch < 1:
            raise UsageError(f"{NAME}: expected threads and batch of 1 or more, got threads={threads}, batch={batch}")
        self._artefact = artefact
        self._threads = threads
        self._batch = batch
        self._image: onnxruntime.InferenceSession | None = None
        self._text: onnxruntime.InferenceSession | None = None
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
    def provenance(self) -> dict[str, str]:
        """Runtime, its version, device, precision and how it was run; no part of the encoder key."""
        return {
            "runtime": NAME,
            "runtime_version": onnxruntime.__version__,
            "device": "cpu",
            "precision": self.manifest.precision,
            "threads": str(self._threads),
            "batch": str(self._batch),
        }

    @property
    def batch(self) -> int:
        """Frames of one run of the image graph."""
        return self._batch

    def embed_images(self, batch: TowerBatch) -> EmbeddingBlock:
        """Embed n >= 0 frames, `batch` of them at a time.

        Raises:
            ValueError: pixels are not of the tower's size, or the embedder is closed.
            ArtefactError: the graph has other inputs or outputs than the manifest says.
            DeviceError: the runtime failed, or gave vectors that are not finite and of length 1.
        """
        self._require_open()
        if batch.pixels.shape[1:3] != self.manifest.image.size:
            raise ValueError(
                f"[embed_images] expected pixels (n, {self.manifest.image.size[0]}, {self.manifest.image.size[1]}, 3), "
                f"got {batch.pixels.shape}"
            )
        vectors = np.empty((len(batch), self.manifest.dim), np.float32)
        for start in range(0, len(batch), self._batch):
            rows = slice(start, start + self._batch)
            if self._image is None:
                self._image = self._session(self._artefact.image_graph, self.manifest.towers.image)
            vectors[rows] = _run(self._image, self.manifest.towers.image, batch.pixels[rows])
        return EmbeddingBlock(pts_us=batch.pts_us, vectors=vectors)

    def embed_texts(self, texts: Sequence[str]) -> Vectors:
        """Embed m >= 1 texts: float32 (m, d), unit rows, in order.

        Each text is a run of its own, so that its vector is the same to the last bit in whatever company it is asked for.

        Raises:
            UsageError: no text, one string in place of several, or a text of which the encoder's rules leave nothing.
            ValueError: the embedder is closed.
            ArtefactError: the graph has other inputs or outputs than the manifest says.
            DeviceError: the runtime failed, or gave vectors that are not finite and of length 1.
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
        if self._text is None:
            self._text = self._session(self._artefact.text_graph, self.manifest.towers.text)
        rows = [_run(self._text, self.manifest.towers.text, ids[np.newaxis]) for ids in tokens.ids]
        return np.concatenate(rows)

    def truncated_texts(self, texts: Sequence[str]) -> tuple[str, ...]:
        """Those of `texts` that are longer than the tower reads: `embed_texts` embeds their beginning only."""
        self._require_open()
        tokens = self._texts().encode(texts)
        return tuple(text for text, cut in zip(texts, tokens.truncated, strict=True) if cut)

    def close(self) -> None:
        """Free the sessions; safe to call twice."""
        self._image = self._text = self._text_encoder = None
        self._closed = True

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _require_open(self) -> None:
        if self._closed:
            raise ValueError(f"[embedder] {self.manifest.name!r} is closed")

    def _texts(self) -> TextEncoder:
        if self._text_encoder is None:
            self._text_encoder = TextEncoder(self._artefact.tokenizer, self.manifest.text)
        return self._text_encoder

    def _session(self, graph: Path, tower: Tower) -> onnxruntime.InferenceSession:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = self._threads
        options.inter_op_num_threads = 1
        options.log_severity_level = _ERRORS_ONLY
        # Waiting threads would spin on cores that the decoder needs.
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        try:
            session = onnxruntime.InferenceSession(str(graph), options, providers=["CPUExecutionProvider"])
        except _ORT_ERRORS as error:
            raise DeviceError(f"{graph}: ONNX Runtime {onnxruntime.__version__} cannot load it: {error}") from error
        inputs = [value.name for value in session.get_inputs()]
        outputs = [value.name for value in session.get_outputs()]
        if inputs != [tower.input] or tower.output not in outputs:
            raise ArtefactError(
                f"{graph}: the manifest says {tower.input!r} -> {tower.output!r}, the graph has {inputs} -> {outputs}; "
                "export it again"
            )
        key = session.get_modelmeta().custom_metadata_map.get(ENCODER_KEY)
        if key != self.manifest.encoder_key:
            raise ArtefactError(
                f"{graph}: was exported for encoder {key}, the manifest describes {self.manifest.encoder_key}; the manifest was "
                "changed: export it again"
            )
        return session


def _run(session: onnxruntime.InferenceSession, tower: Tower, values: NDArray[np.generic]) -> Vectors:
    try:
        (vectors,) = session.run([tower.output], {tower.input: values})
    except _ORT_ERRORS as error:
        raise DeviceError(f"{tower.file}: ONNX Runtime {onnxruntime.__version__} failed: {error}") from error
    norms = np.linalg.norm(vectors, axis=1)
    # Written so that NaN does not pass.
    if not (np.abs(norms - 1.0) <= _UNIT_TOLERANCE).all():
        raise DeviceError(
            f"{tower.file}: ONNX Runtime {onnxruntime.__version__} gave vectors of length {norms.min()} to {norms.max()}, "
            "expected 1; the weights or the runtime are broken"
        )
    checked: Vectors = vectors
    return checked
