"""One video's vectors as they come, and its row at the end."""

from __future__ import annotations

import os
from pathlib import Path

import av
import numpy as np

import framedex
from framedex.contracts import EmbeddingBlock, Pts, Timing, TowerBatch, Vectors
from framedex.decode import DecodeSummary, VideoInfo, VideoSource
from framedex.embed.base import Embedder
from framedex.errors import StoreError
from framedex.index.encoder_entry import EncoderEntry
from framedex.index.row import DecodeCounts, Row, Source, VideoFacts
from framedex.index.store import Store
from framedex.ingest.outcomes import DEFAULT_DTYPE, IngestSettings


class Assembly:
    """Gathers the vectors of one video; frames that another grid of it holds are taken from there."""

    def __init__(
        self, source: VideoSource, timing: Timing, *, store: Store, embedder: Embedder, settings: IngestSettings
    ) -> None:
        self.source = source
        self.n_frames = 0
        self._store = store
        self._embedder = embedder
        self._settings = settings
        self._known = self._known_vectors(timing)
        self._reused = 0
        self._pts_us: list[Pts] = []
        self._vectors: list[Vectors] = []

    def add(self, batch: TowerBatch) -> None:
        """Embed the frames of a batch that another grid has not embedded yet."""
        new = np.array([pts not in self._known for pts in batch.pts_us.tolist()], dtype=np.bool_)
        vectors = np.empty((len(batch), self._embedder.manifest.dim), np.float32)
        if new.any():
            fresh = TowerBatch(pts_us=batch.pts_us[new], pixels=batch.pixels[new])
            vectors[new] = self._embedder.embed_images(fresh).vectors
        for row in np.flatnonzero(~new).tolist():
            vectors[row] = self._known[int(batch.pts_us[row])]
        self._reused += int((~new).sum())
        self._pts_us.append(batch.pts_us)
        self._vectors.append(vectors)
        self.n_frames += len(batch)

    def commit(self, info: VideoInfo, summary: DecodeSummary) -> Row:
        """Write the index and its row."""
        return put_video(
            self._store,
            self._embedder,
            self._settings,
            source=self.source,
            info=info,
            summary=summary,
            block=EmbeddingBlock(pts_us=np.concatenate(self._pts_us), vectors=np.concatenate(self._vectors)),
            reused_frames=self._reused,
        )

    def _known_vectors(self, timing: Timing) -> dict[int, Vectors]:
        """Vectors of this video's frames in other grids, by timestamp, where they are stored as they would be now."""
        known: dict[int, Vectors] = {}
        encoder_key = self._embedder.manifest.encoder_key
        wanted = (self._settings.dtype or DEFAULT_DTYPE, timing)
        for grid in self._store.grids():
            try:
                row = self._store.row(self.source.key, encoder_key=encoder_key, grid=grid)
                if row is None or grid == self._settings.grid.name or (row.dtype, row.timing) != wanted:
                    continue
                with self._store.open_row(row) as index:
                    vectors = np.array(index.vectors, dtype=np.float32)
                    known.update(zip(index.pts_us.tolist(), vectors, strict=True))
            except StoreError:  # damaged: these frames are embedded again, and `verify` names the file
                continue
        return known


def put_video(
    store: Store,
    embedder: Embedder,
    settings: IngestSettings,
    *,
    source: VideoSource,
    info: VideoInfo,
    summary: DecodeSummary,
    block: EmbeddingBlock,
    reused_frames: int = 0,
) -> Row:
    """Write one video's index and its row, with all that is known of how they came about."""
    (sample,) = summary.samples
    return store.put(
        block,
        video_key=source.key,
        encoder_key=embedder.manifest.encoder_key,
        grid=settings.grid.name,
        dtype=settings.dtype or DEFAULT_DTYPE,
        source=Source(path=stored_path(source.path), nbytes=source.nbytes, folder_fps=source.folder_fps),
        first_pts_us=summary.first_pts_us,
        last_pts_us=summary.last_pts_us,
        timing=summary.timing,
        video=VideoFacts(
            container=info.container,
            codec=info.codec,
            width=info.width,
            height=info.height,
            rotation_deg=info.rotation_deg,
        ),
        decode=DecodeCounts(
            decoded_frames=summary.decoded_frames,
            damaged_frames=summary.damaged_frames,
            grid_points=sample.points,
            collapsed_points=sample.points - len(sample.pts_us),
        ),
        reused_frames=reused_frames,
        provenance={
            "framedex": framedex.__version__,
            "decoder": "folder" if source.folder_fps is not None else settings.decoder,
            "decoder_threads": str(settings.threads),
            "av": av.__version__,
            **embedder.provenance,
        },
    )


def encoder_entry(embedder: Embedder) -> EncoderEntry:
    """What a store says of the embedder's encoder."""
    manifest = embedder.manifest
    return EncoderEntry(
        key=manifest.encoder_key,
        name=manifest.name,
        dim=manifest.dim,
        artefact=embedder.origin,
        identity=manifest.identity(),
    )


def stored_path(path: Path) -> str:
    """A path as rows and quarantine entries hold it: absolute, without "." and "..", links as they are."""
    return os.path.abspath(path)  # noqa: PTH100 - Path.absolute keeps ".."
