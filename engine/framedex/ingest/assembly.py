"""One pass over a video: its vectors as they come, and its rows at the end."""

from __future__ import annotations

import os
from array import array
from enum import IntEnum
from functools import partial
from pathlib import Path

import av
import numpy as np

import framedex
from framedex.contracts import EmbeddingBlock, Pixels, Timing, Vectors
from framedex.decode import DecodeSummary, GridSample, VideoInfo, VideoSource
from framedex.embed.base import Embedder
from framedex.index.encoder_entry import EncoderEntry
from framedex.index.row import DecodeCounts, Row, Source, VideoFacts
from framedex.index.store import Store
from framedex.ingest import events
from framedex.ingest.batches import Batches
from framedex.ingest.budget import Budget
from framedex.ingest.known import KnownVectors
from framedex.ingest.messages import NEW
from framedex.ingest.outcomes import DEFAULT_DTYPE, TOLERANCE, IngestSettings
from framedex.ingest.request import decoder_version
from framedex.ingest.stack import Stack
from framedex.ingest.tally import Tally

#: Key of a row's provenance: the length that the container states, in microseconds.
STATED_US = "stated_us"


class Origin(IntEnum):
    """Where the vector of a frame is from."""

    EMBEDDED = 0
    KNOWN = 1
    REPEATED = 2


class Assembly:
    """Gathers the vectors of one pass. Frames that another grid holds, or that repeat an earlier one, are not embedded.

    Args:
        source: the video.
        timing: of the pass.
        group: the grids that it is for, numbers into the settings'.
        store: where the rows go.
        embedder: whose rows they are.
        settings: what is asked for.
        budget: threads that there are.
    """

    def __init__(
        self,
        source: VideoSource,
        timing: Timing,
        *,
        group: tuple[int, ...],
        store: Store,
        embedder: Embedder,
        settings: IngestSettings,
        budget: Budget,
    ) -> None:
        self.source = source
        self.group = group
        self._store = store
        self._embedder = embedder
        self._settings = settings
        self._budget = budget
        dtype = settings.dtype or DEFAULT_DTYPE
        self._known = KnownVectors(
            store,
            video_key=source.key,
            encoder_key=embedder.manifest.encoder_key,
            timing=timing,
            dtype=dtype,
            made_by={
                "decoder": _decoder_of(source, settings),
                **{name: value for name, value in embedder.provenance.items() if name in ("runtime", "precision")},
            },
            but=frozenset(settings.grids[number].name for number in group),
        )
        self._stack = Stack(dim=embedder.manifest.dim)
        self._n_vectors = self._missing = 0
        self._pts_us, self._vector_of, self._origins = array("q"), array("q"), array("b")
        self._end: tuple[VideoInfo, DecodeSummary] | None = None

    def __len__(self) -> int:
        """Frames so far."""
        return len(self._pts_us)

    def add(self, frames: events.Frames, batches: Batches, tally: Tally) -> None:
        """Take frames; those that have to be embedded go into the next batches."""
        n_pixels = n_known = 0
        for pts_us, repeats in zip(frames.pts_us.tolist(), frames.repeats.tolist(), strict=True):
            self._pts_us.append(pts_us)
            if repeats != NEW:
                self._vector_of.append(self._vector_of[repeats])
                self._origins.append(Origin.REPEATED)
                continue
            pixels, n_pixels = frames.pixels[n_pixels], n_pixels + 1
            self._vector_of.append(self._n_vectors)
            known = self._known.get(pts_us)
            if known is not None:
                self._stack.put(self._n_vectors, known)
                self._origins.append(Origin.KNOWN)
                n_known += 1
            else:
                self._embed(pixels, batches)
                self._origins.append(Origin.EMBEDDED)
            self._n_vectors += 1
        tally.taken_frames += len(frames.repeats)
        tally.repeated_frames += int((frames.repeats != NEW).sum())
        tally.known_frames += n_known

    def _embed(self, pixels: Pixels, batches: Batches) -> None:
        self._missing += 1
        batches.add(pixels, partial(self._receive, self._n_vectors))

    def _receive(self, number: int, vector: Vectors) -> None:
        self._stack.put(number, vector)
        self._missing -= 1

    def end(self, info: VideoInfo, summary: DecodeSummary) -> None:
        """The pass is complete; its last vectors may still be under way."""
        self._end = (info, summary)

    @property
    def length_us(self) -> int:
        """From the video's first frame to its last, in microseconds; once the pass has ended."""
        assert self._end is not None
        return self._end[1].last_pts_us - self._end[1].first_pts_us

    @property
    def complete(self) -> bool:
        """Whether every vector is there."""
        return self._end is not None and not self._missing

    @property
    def samples(self) -> tuple[GridSample, ...]:
        """Once complete: what each of the grids took."""
        assert self._end is not None
        return self._end[1].samples

    def close(self) -> None:
        """Let go of the files that it reads; safe to call twice."""
        self._known.close()

    def commit(self, sample: GridSample) -> Row:
        """Once complete: write the index and the row of one of the grids, each once, in order.

        Raises:
            StorageError: the file system refused.
        """
        assert self._end is not None
        info, summary = self._end
        places = np.searchsorted(np.frombuffer(self._pts_us, np.int64), sample.pts_us)
        origins = np.frombuffer(self._origins, np.int8)[places]
        return put_video(
            self._store,
            self._embedder,
            self._settings,
            source=self.source,
            info=info,
            summary=summary,
            sample=sample,
            block=EmbeddingBlock(
                pts_us=np.array(sample.pts_us),
                vectors=self._stack.take(
                    np.frombuffer(self._vector_of, np.int64)[places], last=sample is summary.samples[-1]
                ),
            ),
            known_frames=int((origins == Origin.KNOWN).sum()),
            repeated_frames=int((origins == Origin.REPEATED).sum()),
            budget=self._budget,
        )


def put_video(
    store: Store,
    embedder: Embedder,
    settings: IngestSettings,
    *,
    source: VideoSource,
    info: VideoInfo,
    summary: DecodeSummary,
    sample: GridSample,
    block: EmbeddingBlock,
    known_frames: int = 0,
    repeated_frames: int = 0,
    budget: Budget | None = None,
) -> Row:
    """Write the index of one video on one grid, and its row, with all that is known of how they came about.

    Args:
        store: where they go.
        embedder: whose vectors they are.
        settings: of the run.
        source: the video.
        info: what its container says.
        summary: what its decode found.
        sample: what the grid took of it.
        block: its vectors.
        known_frames: of these, vectors taken from another grid.
        repeated_frames: of these, vectors of earlier frames.
        budget: threads that there were; None for a video on its own.

    Raises:
        StorageError: the file system refused.
    """
    budget = budget or Budget.split(settings.threads, videos=1)
    return store.put(
        block,
        video_key=source.key,
        encoder_key=embedder.manifest.encoder_key,
        grid=sample.grid.name,
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
        reused_frames=known_frames + repeated_frames,
        provenance={
            "framedex": framedex.__version__,
            "decoder": _decoder_of(source, settings),
            **_version_of(_decoder_of(source, settings)),
            "decoder_threads": str(budget.decoder_threads),
            "decode_workers": str(budget.workers),
            "av": av.__version__,
            "decoded": summary.decoded,
            "video_frames": str(summary.frames),
            **({} if info.stated_us is None else {STATED_US: str(info.stated_us)}),
            TOLERANCE: str(settings.dedupe_tolerance),
            "repeated_frames": str(repeated_frames),
            **embedder.provenance,
        },
    )


def _decoder_of(source: VideoSource, settings: IngestSettings) -> str:
    return "folder" if source.folder_fps is not None else settings.decoder


def _version_of(decoder: str) -> dict[str, str]:
    version = decoder_version(decoder)
    return {"decoder_version": version} if version else {}


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
