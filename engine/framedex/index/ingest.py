"""Ingest: from paths to rows of a store. Decoding and resizing run ahead in a thread while the embedder works.

Work is content-addressed and idempotent: a video whose row is there is passed over, one that cannot be used is quarantined, and
the others go on.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import av
import numpy as np

import framedex
from framedex.contracts import EmbeddingBlock, Pts, TowerBatch, Vectors
from framedex.decode import DecodeSummary, Grid, Timing, VideoInfo, VideoSource, identify, open_video
from framedex.embed.base import Embedder
from framedex.embed.manifest import ImageRules
from framedex.embed.tower import to_tower
from framedex.errors import TimestampsUnordered, VideoError
from framedex.index.encoder_entry import EncoderEntry
from framedex.index.faiss_file import Dtype
from framedex.index.row import DecodeCounts, Row, Source, VideoFacts
from framedex.index.store import Store
from framedex.keys import json_key
from framedex.prefetch import prefetch

#: Batches that decoding may be ahead of the embedder, and frames in one.
_AHEAD = 4
_BATCH_FRAMES = 32


@dataclass(frozen=True, slots=True, kw_only=True)
class IngestSettings:
    """How videos become rows.

    Attributes:
        grid: which frames.
        threads: decoding threads.
        dtype: of the stored vectors.
        decoder: a name of `framedex.decode.decoders`.
        folder_fps: declared rate of frame folders, or None.
    """

    grid: Grid
    threads: int
    dtype: Dtype = "f16"
    decoder: str = "pyav"
    folder_fps: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Indexed:
    """A video that was embedded now."""

    path: Path
    row: Row


@dataclass(frozen=True, slots=True, kw_only=True)
class Skipped:
    """A video whose row was there."""

    path: Path
    row: Row


@dataclass(frozen=True, slots=True, kw_only=True)
class Quarantined:
    """A video that cannot be used, and why."""

    path: Path
    reason: str


Outcome = Indexed | Skipped | Quarantined
FramesDone = Callable[[Path, int], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Begun:
    source: VideoSource
    path: Path
    timing: Timing


@dataclass(frozen=True, slots=True, kw_only=True)
class _Ended:
    info: VideoInfo
    summary: DecodeSummary


@dataclass(frozen=True, slots=True, kw_only=True)
class _Failed:
    path: Path
    source: VideoSource | None
    error: VideoError


@dataclass(frozen=True, slots=True, kw_only=True)
class _Repeated:
    path: Path
    first: Path
    key: str


#: What decoding hands over, in order: for each video an outcome at once, or _Begun, batches, and _Ended or _Failed.
#: A second _Begun of the same video means that its batches so far are void.
_Event = _Begun | TowerBatch | _Ended | _Failed | _Repeated | Skipped


def ingest(
    paths: Sequence[Path],
    *,
    store: Store,
    embedder: Embedder,
    settings: IngestSettings,
    frames_done: FramesDone | None = None,
) -> Iterator[Outcome]:
    """Index videos one after another; each outcome is given as soon as it is on disk.

    Args:
        paths: files and frame folders.
        store: where rows go.
        embedder: of the encoder whose rows they are.
        settings: grid, dtype and the rest.
        frames_done: called with (path, frames embedded so far) inside a video.

    Raises:
        StorageError: the store cannot be written; what was indexed before stays.
        DeviceError: the embedder's runtime failed.
    """
    store.add_encoder(encoder_entry(embedder))
    events = prefetch(
        lambda: _decoded(paths, store, embedder.manifest.encoder_key, embedder.manifest.image, settings), depth=_AHEAD
    )
    try:
        current: _Assembly | None = None
        for event in events:
            match event:
                case Skipped():
                    yield event
                case _Begun():
                    current = _Assembly(event, store, embedder, settings)
                case TowerBatch():
                    assert current is not None
                    current.add(event)
                    if frames_done is not None:
                        frames_done(current.begun.path, current.n_frames)
                case _Ended():
                    assert current is not None
                    yield Indexed(path=current.begun.path, row=current.commit(event))
                case _Failed():
                    yield _quarantine(store, event)
                case _Repeated():
                    yield _as_before(store, embedder, settings, event)
    finally:
        events.close()


def _decoded(
    paths: Sequence[Path], store: Store, encoder_key: str, image: ImageRules, settings: IngestSettings
) -> Generator[_Event]:
    seen: dict[str, Path] = {}
    for path in paths:
        source: VideoSource | None = None
        try:
            source = identify(path, folder_fps=settings.folder_fps)
            first = seen.setdefault(source.key, path)
            if first is not path:
                yield _Repeated(path=path, first=first, key=source.key)
                continue
            row = store.row(source.key, encoder_key=encoder_key, grid=settings.grid.name)
            if row is not None and row.dtype == settings.dtype:
                yield Skipped(path=path, row=row)
                continue
            with open_video(source, decoder=settings.decoder, threads=settings.threads) as reader:
                timing: Timing
                for timing in ("container", "reconstructed"):
                    yield _Begun(source=source, path=path, timing=timing)
                    try:
                        for frames in reader.frames(settings.grid, timing=timing):
                            tower = to_tower(frames, image)
                            for start in range(0, len(tower), _BATCH_FRAMES):
                                part = slice(start, start + _BATCH_FRAMES)
                                yield TowerBatch(pts_us=tower.pts_us[part], pixels=tower.pixels[part])
                    except TimestampsUnordered:
                        continue
                    break
                yield _Ended(info=reader.info, summary=reader.summary)
        except VideoError as error:
            yield _Failed(path=path, source=source, error=error)


class _Assembly:
    """The vectors of one video as they come, and its row at the end."""

    def __init__(self, begun: _Begun, store: Store, embedder: Embedder, settings: IngestSettings) -> None:
        self.begun = begun
        self.n_frames = 0
        self._store = store
        self._embedder = embedder
        self._settings = settings
        self._known = _known_vectors(store, begun, embedder.manifest.encoder_key, settings)
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

    def commit(self, ended: _Ended) -> Row:
        """Write the index and its row."""
        row = put_video(
            self._store,
            self._embedder,
            self._settings,
            source=self.begun.source,
            info=ended.info,
            summary=ended.summary,
            block=EmbeddingBlock(pts_us=np.concatenate(self._pts_us), vectors=np.concatenate(self._vectors)),
            reused_frames=self._reused,
        )
        for key in (row.video_key, _path_key(self.begun.path)):
            self._store.quarantine.remove(key)
        return row


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
    return store.put(
        block,
        video_key=source.key,
        encoder_key=embedder.manifest.encoder_key,
        grid=settings.grid.name,
        dtype=settings.dtype,
        source=Source(path=str(source.path.absolute()), nbytes=source.nbytes, folder_fps=source.folder_fps),
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
            grid_points=summary.grid_points,
            collapsed_points=summary.grid_points - summary.sampled_frames,
        ),
        reused_frames=reused_frames,
        provenance={
            "framedex": framedex.__version__,
            "decoder": "folder" if source.folder_fps is not None else settings.decoder,
            "av": av.__version__,
            **embedder.provenance,
        },
    )


def _quarantine(store: Store, failed: _Failed) -> Quarantined:
    key = failed.source.key if failed.source is not None else _path_key(failed.path)
    reason = str(failed.error)
    store.quarantine.add(key=key, path=str(failed.path.absolute()), error=type(failed.error).__name__, reason=reason)
    return Quarantined(path=failed.path, reason=reason)


def _path_key(path: Path) -> str:
    """What an input is known by whose content could not be read, so that it has no video key."""
    return json_key({"path": str(path.absolute())})


def _as_before(store: Store, embedder: Embedder, settings: IngestSettings, repeated: _Repeated) -> Outcome:
    """The same bytes under a second path: what became of the first holds for it too."""
    row = store.row(repeated.key, encoder_key=embedder.manifest.encoder_key, grid=settings.grid.name)
    if row is not None:
        return Skipped(path=repeated.path, row=row)
    return Quarantined(
        path=repeated.path, reason=f"{repeated.path}: the same bytes as {repeated.first}, which was quarantined"
    )


def _known_vectors(store: Store, begun: _Begun, encoder_key: str, settings: IngestSettings) -> dict[int, Vectors]:
    """Vectors of this video's frames in other grids, by timestamp, where they are stored as they would be now."""
    known: dict[int, Vectors] = {}
    for grid in store.grids():
        row = store.row(begun.source.key, encoder_key=encoder_key, grid=grid)
        if row is None or grid == settings.grid.name or (row.dtype, row.timing) != (settings.dtype, begun.timing):
            continue
        with store.open_row(row) as index:
            vectors = np.array(index.vectors, dtype=np.float32)
            known.update(zip(index.pts_us.tolist(), vectors, strict=True))
    return known
