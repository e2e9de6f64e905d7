"""From paths to rows of a store. Decoding and resizing run ahead in a thread while the embedder works.

Work is content-addressed and idempotent: a video whose row is there is passed over, one that cannot be used is quarantined, and
the others go on.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from framedex.contracts import Timing, TowerBatch
from framedex.decode import DecodeSummary, VideoInfo, VideoSource, identify, open_video, passes
from framedex.embed.base import Embedder
from framedex.embed.manifest import ImageRules
from framedex.embed.tower import to_tower
from framedex.errors import StoreError, VideoError
from framedex.index.row import Row
from framedex.index.store import Store
from framedex.ingest.assembly import Assembly, encoder_entry, stored_path
from framedex.ingest.outcomes import Indexed, IngestSettings, Outcome, Quarantined, Skipped
from framedex.keys import KEY_LENGTH, sha256_parts
from framedex.prefetch import prefetch

#: Batches that decoding may be ahead of the embedder.
_AHEAD = 4

FramesDone = Callable[[Path, int], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Begun:
    path: Path
    source: VideoSource
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
    encoder_key, image = embedder.manifest.encoder_key, embedder.manifest.image
    first_outcomes: dict[str, Outcome] = {}
    events = prefetch(lambda: _decoded(paths, store, encoder_key, image, settings), depth=_AHEAD)
    try:
        begun: _Begun | None = None
        assembly: Assembly | None = None
        for event in events:
            match event:
                case _Begun():
                    begun = event
                    assembly = Assembly(event.source, event.timing, store=store, embedder=embedder, settings=settings)
                case TowerBatch():
                    assert begun is not None
                    assert assembly is not None
                    assembly.add(event)
                    if frames_done is not None:
                        frames_done(begun.path, assembly.n_frames)
                case _Ended():
                    assert begun is not None
                    assert assembly is not None
                    row = assembly.commit(event.info, event.summary)
                    _forgive(store, begun.path, row)
                    first_outcomes[row.video_key] = Indexed(path=begun.path, row=row)
                    yield first_outcomes[row.video_key]
                case Skipped():
                    _forgive(store, event.path, event.row)
                    first_outcomes[event.row.video_key] = event
                    yield event
                case _Failed():
                    outcome = _quarantine(store, event)
                    if event.source is not None:
                        first_outcomes[event.source.key] = outcome
                    yield outcome
                case _Repeated():
                    yield _as_before(event.path, first_outcomes[event.key])
    finally:
        events.close()


def _decoded(
    paths: Sequence[Path], store: Store, encoder_key: str, image: ImageRules, settings: IngestSettings
) -> Generator[_Event, None, None]:
    seen: set[str] = set()
    for path in paths:
        source: VideoSource | None = None
        try:
            source = identify(path, folder_fps=settings.folder_fps)
            if source.key in seen:
                yield _Repeated(path=path, key=source.key)
                continue
            seen.add(source.key)
            row = _row_there(store, source.key, encoder_key, settings)
            if row is not None:
                yield Skipped(path=path, row=row)
                continue
            with open_video(source, decoder=settings.decoder, threads=settings.threads) as reader:
                for item in passes(reader, settings.grid):
                    if isinstance(item, str):
                        yield _Begun(path=path, source=source, timing=item)
                    else:
                        yield to_tower(item, image)
                yield _Ended(info=reader.info, summary=reader.summary)
        except VideoError as error:
            yield _Failed(path=path, source=source, error=error)


def _row_there(store: Store, video_key: str, encoder_key: str, settings: IngestSettings) -> Row | None:
    try:
        row = store.row(video_key, encoder_key=encoder_key, grid=settings.grid.name)
    except StoreError:  # a damaged row is replaced, as if it were not there
        return None
    return row if row is not None and settings.accepts(row) and store.is_there(row) else None


def _quarantine(store: Store, failed: _Failed) -> Quarantined:
    key = failed.source.key if failed.source is not None else _path_key(failed.path)
    reason = str(failed.error)
    store.quarantine.add(key=key, path=stored_path(failed.path), error=type(failed.error).__name__, reason=reason)
    return Quarantined(path=failed.path, reason=reason)


def _forgive(store: Store, path: Path, row: Row) -> None:
    """Forget earlier failures of a video that is in the store now, under its key or its path."""
    for key in (row.video_key, _path_key(path)):
        store.quarantine.remove(key)


def _path_key(path: Path) -> str:
    """What an input is known by whose content could not be read, so that it has no video key."""
    return sha256_parts([b"path", os.fsencode(stored_path(path))])[:KEY_LENGTH]


def _as_before(path: Path, first: Outcome) -> Outcome:
    """The same bytes under a second path: what became of the first holds for it too."""
    if isinstance(first, Quarantined):
        return Quarantined(path=path, reason=f"{path}: the same bytes as {first.path}, which was quarantined")
    return Skipped(path=path, row=first.row)
