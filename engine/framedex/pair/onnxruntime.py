"""The pair scorer on ONNX Runtime's CPU provider: a frame's part once per frame, a text's once per text, the rest per pair."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from types import TracebackType
from typing import Any, Final, Literal, Self

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from framedex.contracts import Pixels, TowerBatch, Vectors
from framedex.embed.manifest import ImageRules
from framedex.embed.onnx_opset import require_opset
from framedex.embed.onnxruntime import CPU, ORT_ERRORS, open_session, require_graph, run_failed
from framedex.embed.reference import REFERENCE_NAME
from framedex.embed.text import TextEncoder
from framedex.errors import ArtefactError, DeviceError, UsageError
from framedex.pair import gate
from framedex.pair.artefact import PairArtefact
from framedex.pair.base import PairFrames
from framedex.pair.cache import ArrayCache, Arrays, own
from framedex.pair.frame_score import frame_scores
from framedex.pair.manifest import Graph, PairManifest
from framedex.pair.reference import read_pair_reference

Part = Literal["frame", "text", "pair"]

_TEXT_CACHE_NBYTES: Final = 64 << 20


class OnnxRuntimePairScorer:
    """A pair scorer's artefact on ONNX Runtime; each graph's session is made when it is first needed.

    A run of the pair graph takes one frame and `batch` texts at most, so that memory does not grow with either, and what a text
    encoder's cross-attention makes of the frame is made once for these texts.

    Args:
        artefact: opened, so its files are proved.
        threads: of each session, >= 1.
        batch: frames per run of the frame graph and texts per run of the pair graph, >= 1.
        rule: one of the manifest's `rules`; the artefact's own where None.
        cache_nbytes: of frames' features that are kept for later calls, >= 0.
        gated: whether the graphs are proved before the first score; the exporter, which measures more, does not ask for it.

    Raises:
        UsageError: threads or batch below 1, a negative cache, or a rule that does not fit what the network gives.
    """

    def __init__(
        self,
        artefact: PairArtefact,
        *,
        threads: int,
        batch: int,
        rule: str | None,
        cache_nbytes: int,
        gated: bool = True,
    ) -> None:
        manifest = artefact.manifest
        if threads < 1 or batch < 1 or cache_nbytes < 0:
            raise UsageError(
                f"pair scorer {manifest.name!r}: expected threads and batch of 1 or more and a cache of 0 bytes or more, got "
                f"threads={threads}, batch={batch}, cache_nbytes={cache_nbytes}"
            )
        if rule is not None and rule not in manifest.rules:
            raise UsageError(
                f"pair scorer {manifest.name!r}: expected rule {', '.join(manifest.rules)} for {manifest.family}, got {rule!r}"
            )
        self._artefact = artefact
        self._threads = threads
        self._batch = batch
        self._rule = manifest.score.rule if rule is None else rule
        self._sessions: dict[Part, onnxruntime.InferenceSession] = {}
        self._frames: ArrayCache[tuple[str, int]] = ArrayCache(cache_nbytes)
        self._texts: ArrayCache[str] = ArrayCache(_TEXT_CACHE_NBYTES)
        self._encoder: TextEncoder | None = None
        self._figures: gate.PairFigures | None = None
        self._gated = gated
        self._closed = False

    @property
    def manifest(self) -> PairManifest:
        """The artefact's description."""
        return self._artefact.manifest

    @property
    def key(self) -> str:
        """Key of weights, preprocessing, text rules and the score's rule."""
        return self.manifest.scorer_key(self._rule)

    @property
    def name(self) -> str:
        """The artefact's name, for people; a rule that is not the artefact's own is part of it."""
        plain = self.manifest.name
        return plain if self._rule == self.manifest.score.rule else f"{plain}-{self._rule}"

    @property
    def image(self) -> ImageRules:
        """How a picture becomes what the network takes."""
        return self.manifest.image

    @property
    def provenance(self) -> dict[str, str]:
        """Runtime, its version, device and precision, how it was run, the rule, and figures of the proof once there are any."""
        return {
            "runtime": CPU.name,
            "runtime_version": onnxruntime.__version__,
            "device": CPU.device,
            "precision": self.manifest.precision,
            "threads": str(self._threads),
            "batch": str(self._batch),
            "rule": self._rule,
            **({} if self._figures is None else {"gate": str(self._figures)}),
        }

    def scores(self, frames: PairFrames, texts: Sequence[str]) -> Vectors:
        """Score every text against every frame: float32 (m, n).

        Raises:
            UsageError: no text, one string in place of several, or a text of which the network's rules leave nothing.
            ValueError: pixels are not of the network's size, or the scorer is closed.
            ArtefactError: a graph is not what the manifest says.
            DeviceError: the runtime failed, gave logits that are no numbers, or does not give those of the reference set.
        """
        scores = np.empty((len(texts), len(frames)), np.float32)
        for row, columns, outputs in self.outputs(frames, texts):
            scores[columns, row] = frame_scores(
                outputs,
                rule=self._rule,
                threshold=self.manifest.score.threshold,
                image=self.image,
                size=(int(frames.sizes[row, 0]), int(frames.sizes[row, 1])),
            )
        return scores

    def outputs(self, frames: PairFrames, texts: Sequence[str]) -> Iterator[tuple[int, slice, NDArray[np.float32]]]:
        """What the network gives for each pair, before a rule makes one number of it; raises as `scores`.

        Yields:
            The row of a frame, the texts in question, and for each of these float32 logits: (k, h, w) maps or (k,).
        """
        self._require_open()
        if isinstance(texts, str) or not texts:
            raise UsageError(f"pair scorer {self.name!r}: expected a list of one text or more, got {texts!r}")
        pixels = frames.batch.pixels
        if pixels.shape[1:3] != self.image.size:
            raise ValueError(
                f"[pair scores] expected pixels (n, {self.image.size[0]}, {self.image.size[1]}, 3), got {pixels.shape}"
            )
        if self._gated and self._figures is None:
            self.prove()
        yield from self._pairs(frames, texts)

    def prove(self) -> None:
        """Run the reference set, and let nobody have a score where it does not come out as torch's; raises as `scores`."""
        reference = read_pair_reference(self._artefact)
        n = len(reference.pixels)
        batch = TowerBatch(pts_us=np.arange(n, dtype=np.int64), pixels=reference.pixels)
        frames = PairFrames(video_key=REFERENCE_NAME, batch=batch, sizes=reference.sizes)
        got = np.full_like(reference.logits, np.nan)
        for row, columns, outputs in self._pairs(frames, reference.texts):
            got[columns, row] = outputs
        # What was kept of them is of no use to anybody.
        self._frames.clear()
        self._texts.clear()
        figures = gate.measure(got, reference.logits, rule=self._rule, manifest=self.manifest, sizes=reference.sizes)
        gate.require(figures, subject=f"pair scorer {self.manifest.name!r} ({self._artefact.folder})")
        self._figures = figures

    def _pairs(self, frames: PairFrames, texts: Sequence[str]) -> Iterator[tuple[int, slice, NDArray[np.float32]]]:
        words = self._words(texts)
        shape = self.manifest.graphs.pair.outputs[0].shape
        for row, features in enumerate(self._features(frames)):
            for start in range(0, len(texts), self._batch):
                chunk = words[start : start + self._batch]
                stacked = [np.stack(parts) for parts in zip(*chunk, strict=True)]
                (outputs,) = self._run("pair", [*features, *stacked])
                if outputs.shape != (len(chunk), *shape):
                    raise ArtefactError(
                        f"{self.manifest.graphs.pair.file}: expected logits {(len(chunk), *shape)}, as the manifest says, got "
                        f"{outputs.shape}; export it again"
                    )
                # Here, since a rule may look past what is no number.
                if not np.isfinite(outputs).all():
                    raise DeviceError(
                        f"pair scorer {self.name!r}: ONNX Runtime {onnxruntime.__version__} gave logits that are no numbers; the "
                        "weights or the runtime are broken"
                    )
                yield row, slice(start, start + len(chunk)), outputs

    def truncated_texts(self, texts: Sequence[str]) -> tuple[str, ...]:
        """Those of `texts` that are longer than the network reads: `scores` reads their beginning only."""
        self._require_open()
        tokens = self._tokenizer().encode(texts)
        return tuple(text for text, cut in zip(texts, tokens.truncated, strict=True) if cut)

    def close(self) -> None:
        """Free sessions and caches; safe to call twice."""
        self._sessions.clear()
        self._frames.clear()
        self._texts.clear()
        self._encoder = None
        self._closed = True

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _features(self, frames: PairFrames) -> Iterator[Arrays]:
        """What of each frame does not depend on a text, each array with a first dimension of 1; in order."""
        keys = [(frames.video_key, int(pts_us)) for pts_us in frames.batch.pts_us]
        for start in range(0, len(keys), self._batch):
            chunk = keys[start : start + self._batch]
            found = {key: self._frames.get(key) for key in chunk}
            missing = [row for row, key in enumerate(chunk) if found[key] is None]
            if missing:
                made = self._make_features(frames.batch.pixels[start : start + self._batch][missing])
                found.update(zip((chunk[row] for row in missing), made, strict=True))
            for key in chunk:
                features = found.pop(key)
                assert features is not None, "what was missing was made"
                self._frames.put(key, features)
                yield features

    def _make_features(self, pixels: Pixels) -> list[Arrays]:
        outputs = self._run("frame", [pixels])
        return [tuple(own(output[row : row + 1]) for output in outputs) for row in range(len(pixels))]

    def _words(self, texts: Sequence[str]) -> list[Arrays]:
        """What of each text does not depend on a frame: the text graph's outputs, or the ids where there is none."""
        tokens = self._tokenizer().encode(texts)
        if tokens.empty.any():
            row = int(np.flatnonzero(tokens.empty)[0])
            raise UsageError(
                f"text {row}: {texts[row]!r} is empty to pair scorer {self.name!r} ({self.manifest.text.note}); write words"
            )
        words = []
        for text, ids in zip(texts, tokens.ids, strict=True):
            arrays = self._texts.get(text)
            if arrays is None:
                # One by one: what comes of a text is the same to the last bit in whatever company it is asked for.
                outputs = [ids] if self.manifest.graphs.text is None else self._run("text", [ids[np.newaxis]])
                arrays = tuple(own(output if output is ids else output[0]) for output in outputs)
                self._texts.put(text, arrays)
            words.append(arrays)
        return words

    def _run(self, part: Part, values: Sequence[NDArray[Any]]) -> list[NDArray[Any]]:
        graph = self._graph(part)
        if part not in self._sessions:
            require_opset(self._artefact.path(graph), self.manifest.provenance.opset)
            session = open_session(self._artefact.path(graph), provider=CPU, threads=self._threads)
            require_graph(
                session,
                self._artefact.path(graph),
                inputs=[value.name for value in graph.inputs],
                outputs=[value.name for value in graph.outputs],
                key=self.manifest.network_key,
            )
            self._sessions[part] = session
        names = [value.name for value in graph.outputs]
        feeds = {value.name: array for value, array in zip(graph.inputs, values, strict=True)}
        try:
            outputs: list[NDArray[Any]] = self._sessions[part].run(names, feeds)
        except (*ORT_ERRORS, RuntimeError) as error:
            raise DeviceError(run_failed(graph.file, error)) from error
        return outputs

    def _graph(self, part: Part) -> Graph:
        graph = getattr(self.manifest.graphs, part)
        assert isinstance(graph, Graph), f"no {part} graph in this artefact"
        return graph

    def _tokenizer(self) -> TextEncoder:
        if self._encoder is None:
            self._encoder = TextEncoder(self._artefact.tokenizer, self.manifest.text)
        return self._encoder

    def _require_open(self) -> None:
        if self._closed:
            raise ValueError(f"[pair scorer] {self.name!r} is closed")
