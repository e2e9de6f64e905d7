"""The stages of bench/throughput.py: what is timed, and what the machine would allow."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import av
import numpy as np

from decode_floor import Floor
from flops import flop_per_item
from framedex.contracts import EmbeddingBlock, FrameBatch, TowerBatch
from framedex.decode import TOWER_DECODERS, DecodeSummary, Grid, VideoInfo, VideoSource, open_video, passes
from framedex.decode.base import no_progress
from framedex.embed.artefact import Artefact
from framedex.embed.base import Embedder
from framedex.embed.tower import to_tower
from framedex.errors import UsageError
from framedex.index import Store
from framedex.ingest import IngestSettings, encoder_entry, put_video
from framedex.ingest.towers import open_towers
from framedex.keys import json_key
from framedex.score.base import Scorer
from harness import median_s

PROMPTS = 16
BUDGET = 8
STORED_VIDEOS = 64
KEPT_NBYTES = 1 << 30
#: Mean grey levels by which a decoder that resizes may differ (docs/gpu.md).
TOWER_LEVELS = 1.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """One stage: `items` of a `unit` took `seconds`; the machine could have done them in `ceiling_s`.

    `rounds` says how many times the videos given were gone through for that.
    """

    name: str
    unit: str
    items: int
    seconds: float
    ceiling_s: float
    rounds: float = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Decoded:
    """One video's frames on the grid, kept for the stages after decoding."""

    source: VideoSource
    info: VideoInfo
    summary: DecodeSummary
    frames: tuple[FrameBatch, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine:
    """The ceilings of this run."""

    copy_bytes_per_s: float
    gemm_flop_per_s: float


def decode(source: VideoSource, grid: Grid, threads: int, *, decoder: str = "pyav", keep_nbytes: int = 0) -> Decoded:
    """Have a video's frames on a grid, and keep the first of them, up to `keep_nbytes` of pixels."""
    with open_video(source, decoder=decoder, threads=threads) as reader:
        kept: list[FrameBatch] = []
        for item in passes(reader, grid):
            if isinstance(item, str):
                kept = []
            elif sum(held.frames.nbytes for held in kept) + item.frames.nbytes <= keep_nbytes:
                kept.append(item)
        return Decoded(source=source, info=reader.info, summary=reader.summary, frames=tuple(kept))


def keep_frames(sources: list[VideoSource], grid: Grid, threads: int, *, decoder: str) -> list[Decoded]:
    """Videos with the frames that the later stages work on, at most `KEPT_NBYTES` of pixels in all.

    Raises:
        UsageError: not one batch of frames fits.
    """
    videos: list[Decoded] = []
    left = KEPT_NBYTES
    for source in sources:
        video = decode(source, grid, threads, decoder=decoder, keep_nbytes=left)
        n_kept = sum(map(len, video.frames))
        if n_kept:
            left -= sum(batch.frames.nbytes for batch in video.frames)
            kept_us = np.concatenate([batch.pts_us for batch in video.frames])
            sample = replace(video.summary.samples[0], points=n_kept, pts_us=kept_us)
            videos.append(replace(video, summary=replace(video.summary, samples=(sample,))))
    if not videos:
        raise UsageError(
            f"frames: expected a batch of at most {KEPT_NBYTES >> 20} MiB in one of the files; name smaller videos"
        )
    return videos


def full_size(decoder: str) -> str:
    """Whose full-size frames the stages behind decoding work on: the decoder's own, or PyAV's where it gives none."""
    return "pyav" if decoder in TOWER_DECODERS else decoder


def decode_towers(
    source: VideoSource, grid: Grid, threads: int, *, decoder: str, embedder: Embedder
) -> list[TowerBatch]:
    """Have a video's frames on a grid at the encoder's size."""
    rules = embedder.manifest.image
    with open_towers(source, decoder=decoder, image=rules, threads=threads, progress=no_progress) as reader:
        return [item for item in passes(reader, grid) if not isinstance(item, str)]


def same_towers(video: Decoded, grid: Grid, threads: int, *, decoder: str, embedder: Embedder) -> bool:
    """Whether a decoder that resizes gives, within its tolerance, what the frames that were kept become."""
    got = {
        pts: frame
        for batch in decode_towers(video.source, grid, threads, decoder=decoder, embedder=embedder)
        for pts, frame in zip(batch.pts_us.tolist(), batch.pixels, strict=True)
    }
    for batch in video.frames:
        tower = to_tower(batch, embedder.manifest.image)
        for pts, frame in zip(tower.pts_us.tolist(), tower.pixels, strict=True):
            if pts not in got or np.abs(got[pts].astype(np.int16) - frame).mean() > TOWER_LEVELS:
                return False
    return True


def time_decode(
    sources: list[VideoSource],
    videos: list[Decoded],
    grid: Grid,
    threads: int,
    repeats: int,
    *,
    decoder: str,
    embedder: Embedder,
) -> Stage:
    """Stage one over files; frames count whether they had to be decoded or not. A decoder that resizes is timed with that."""
    floors = [Floor(source, grid) for source in sources]

    def work() -> None:
        for source in sources:
            if decoder in TOWER_DECODERS:
                decode_towers(source, grid, threads, decoder=decoder, embedder=embedder)
            else:
                decode(source, grid, threads, decoder=decoder)

    return Stage(
        name="decode",
        unit="video frames/s",
        items=sum(video.summary.frames for video in videos),
        seconds=median_s(work, repeats=repeats),
        ceiling_s=median_s(lambda: [floor.decode(threads) for floor in floors], repeats=repeats),
    )


def time_preprocess(videos: list[Decoded], embedder: Embedder, machine: Machine, repeats: int) -> Stage:
    """Full-size frames to the tower's size."""
    batches = [batch for video in videos for batch in video.frames]
    rules = embedder.manifest.image
    return Stage(
        name="preprocess",
        unit="frames/s",
        items=sum(map(len, batches)),
        seconds=median_s(lambda: [to_tower(batch, rules) for batch in batches], repeats=repeats),
        ceiling_s=sum(batch.frames.nbytes for batch in batches) / machine.copy_bytes_per_s,
    )


def time_embed(videos: list[Decoded], embedder: Embedder, artefact: Artefact, machine: Machine, repeats: int) -> Stage:
    """Tower-sized frames to unit vectors."""
    rules = embedder.manifest.image
    batches = [to_tower(batch, rules) for video in videos for batch in video.frames]
    n_frames = sum(map(len, batches))
    flop = flop_per_item(artefact.image_graph, input_shape=(1, *rules.size, 3))
    return Stage(
        name="embed",
        unit="frames/s",
        items=n_frames,
        seconds=median_s(lambda: [embedder.embed_images(batch) for batch in batches], repeats=repeats),
        ceiling_s=n_frames * flop / machine.gemm_flop_per_s,
    )


def embed_video(video: Decoded, embedder: Embedder) -> EmbeddingBlock:
    """All vectors of one video."""
    blocks = [embedder.embed_images(to_tower(batch, embedder.manifest.image)) for batch in video.frames]
    return EmbeddingBlock(
        pts_us=np.concatenate([block.pts_us for block in blocks]),
        vectors=np.concatenate([block.vectors for block in blocks]),
    )


def write_plainly(folder: Path, sizes: list[int]) -> None:
    """As many files of these sizes as the store writes, each flushed to disk."""
    for number, nbytes in enumerate(sizes):
        with (folder / f"plain-{number}").open("wb") as file:
            file.write(b"x" * nbytes)
            file.flush()
            os.fsync(file.fileno())


def store_videos(
    store: Store, videos: list[Decoded], blocks: list[EmbeddingBlock], embedder: Embedder, grid: Grid
) -> None:
    """Index files and rows as `framedex index` writes them, of the videos over and over, `STORED_VIDEOS` of them."""
    store.add_encoder(encoder_entry(embedder))
    settings = IngestSettings(grids=(grid,), threads=1)
    for number in range(STORED_VIDEOS):
        video, block = videos[number % len(videos)], blocks[number % len(videos)]
        source = replace(video.source, key=json_key([video.source.key, number]))
        put_video(
            store,
            embedder,
            settings,
            source=source,
            info=video.info,
            summary=video.summary,
            sample=video.summary.samples[0],
            block=block,
        )


def time_write(write: Callable[[], None], folder: Path, n_videos: int, repeats: int) -> Stage:
    """Writing a store, over what is there after the first time."""
    write()
    sizes = [path.stat().st_size for path in (folder / "store" / "index").rglob("*") if path.is_file()]
    return Stage(
        name="write",
        unit="videos/s",
        items=STORED_VIDEOS,
        seconds=median_s(write, repeats=repeats),
        ceiling_s=median_s(lambda: write_plainly(folder, sizes), repeats=repeats),
        rounds=STORED_VIDEOS / n_videos,
    )


def unit_prompts(dim: int) -> np.ndarray:
    """Random unit vectors in place of prompts: float32 (16, dim)."""
    prompts = np.random.default_rng(0).standard_normal((PROMPTS, dim), dtype=np.float32)
    return np.asarray(prompts / np.linalg.norm(prompts, axis=1, keepdims=True))


def time_lookup(store: Store, scorer: Scorer, machine: Machine, n_videos: int, repeats: int) -> tuple[Stage, bool]:
    """Scores of all prompts against all frames, from the memory-mapped files; and whether they equal NumPy's."""
    indexes = [store.open_row(row) for row in store.videos()]
    views = [index.vectors for index in indexes]
    prompts = unit_prompts(views[0].shape[1])
    equal = all(
        np.abs(scores - prompts @ np.asarray(view, np.float32).T).max() <= 1e-5
        for scores, view in zip(scorer.scores(views, prompts), views, strict=True)
    )
    n_frames, nbytes = sum(map(len, indexes)), sum(index.vectors.nbytes for index in indexes)
    flop = 2 * PROMPTS * n_frames * prompts.shape[1]
    stage = Stage(
        name="lookup",
        unit="scores/s",
        items=PROMPTS * n_frames,
        seconds=median_s(lambda: scorer.scores(views, prompts), repeats=repeats),
        ceiling_s=max(nbytes / machine.copy_bytes_per_s, flop / machine.gemm_flop_per_s),
        rounds=STORED_VIDEOS / n_videos,
    )
    views.clear()
    for index in indexes:
        index.close()
    return stage, equal


def same_frames(video: Decoded) -> bool:
    """Whether the frames taken are, pixel for pixel, those of a plain decode at the same timestamps."""
    taken = {
        pts: frame for batch in video.frames for pts, frame in zip(batch.pts_us.tolist(), batch.frames, strict=True)
    }
    found = 0
    with av.open(str(video.source.path)) as container:
        for frame in container.decode(video=0):
            assert frame.pts is not None
            assert frame.time_base is not None
            at = round(frame.pts * frame.time_base * 1_000_000)
            if at in taken:
                found += int(
                    np.array_equal(np.rot90(frame.to_ndarray(format="rgb24"), video.info.rotation_deg // 90), taken[at])
                )
    return found == len(taken)
