"""How fast is each stage on this machine, and how far from what the machine allows?

    python bench/throughput.py                                         synthetic 720p video, the bundled encoder
    python bench/throughput.py clips/*.mp4 --encoder ARTEFACT --fps 1  your own files and artefact
    python bench/throughput.py --quick

Each stage is timed alone, on the same frames, in memory where it can be; medians. Shares are of the sum of the stages' times.

    stage       timed                                          ceiling, measured in the same run
    decode      frames decoded; the grid's converted to RGB    PyAV decoding every frame, converting none
    preprocess  frames resized for the tower                   reading the frames' bytes at memory speed
    embed       frames through the image tower                 the tower's FLOP at this machine's matrix product rate
    write       index files and rows, flushed to disk          the same bytes in as many plain files, flushed
    lookup      scores of 16 prompts against every frame       the slower of reading the store's bytes and the FLOP
    select      (curve, sampler) selections of 8 frames        reading the scores at memory speed
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

import av
import numpy as np

import framedex
from flops import flop_per_item
from framedex.cli.output import default_threads, print_table
from framedex.contracts import EmbeddingBlock, FrameBatch
from framedex.decode import DecodeSummary, Grid, VideoInfo, VideoSource, find_videos, identify, open_video
from framedex.embed import load_embedder
from framedex.embed.artefact import Artefact
from framedex.embed.base import Embedder
from framedex.embed.tower import to_tower
from framedex.errors import FramedexError
from framedex.index import Store
from framedex.index.ingest import IngestSettings, encoder_entry, put_video
from framedex.select import samplers
from harness import Measured, arguments, copy_bytes_per_s, gemm_flop_per_s, median_s, report
from synthetic import write_pan

PROMPTS = 16
BUDGET = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """One stage: `items` of a `unit` took `seconds`; the machine could have done them in `ceiling_s`."""

    name: str
    unit: str
    items: int
    seconds: float
    ceiling_s: float


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


def decode(source: VideoSource, grid: Grid, threads: int) -> Decoded:
    """Decode a video whole."""
    with open_video(source, threads=threads) as reader:
        frames = tuple(reader.frames(grid))
        return Decoded(source=source, info=reader.info, summary=reader.summary, frames=frames)


def decode_plainly(source: VideoSource, threads: int) -> int:
    """Decode every frame with PyAV and convert none: the floor of any decode of the whole stream."""
    with av.open(str(source.path)) as container:
        stream = container.streams.video[0]
        stream.thread_count = threads
        stream.thread_type = "AUTO"
        return sum(1 for _ in container.decode(stream))


def time_decode(sources: list[VideoSource], grid: Grid, threads: int, repeats: int) -> Stage:
    """Stage one over files."""
    n_frames = sum(decode_plainly(source, threads) for source in sources)
    return Stage(
        name="decode",
        unit="frames/s",
        items=n_frames,
        seconds=median_s(lambda: [decode(source, grid, threads) for source in sources], repeats=repeats),
        ceiling_s=median_s(lambda: [decode_plainly(source, threads) for source in sources], repeats=repeats),
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


def time_write(
    videos: list[Decoded], blocks: list[EmbeddingBlock], embedder: Embedder, grid: Grid, folder: Path, repeats: int
) -> Stage:
    """Index files and rows, as `framedex index` writes them."""
    store = Store.open(folder / "store", create=True)
    store.add_encoder(encoder_entry(embedder))
    settings = IngestSettings(grid=grid, threads=1)

    def write() -> None:
        for video, block in zip(videos, blocks, strict=True):
            put_video(
                store, embedder, settings, source=video.source, info=video.info, summary=video.summary, block=block
            )

    write()
    sizes = [path.stat().st_size for path in (folder / "store" / "index").rglob("*") if path.is_file()]
    return Stage(
        name="write",
        unit="videos/s",
        items=len(videos),
        seconds=median_s(write, repeats=repeats),
        ceiling_s=median_s(lambda: write_plainly(folder, sizes), repeats=repeats),
    )


def unit_prompts(dim: int) -> np.ndarray:
    """Random unit vectors in place of prompts: float32 (16, dim)."""
    prompts = np.random.default_rng(0).standard_normal((PROMPTS, dim), dtype=np.float32)
    return np.asarray(prompts / np.linalg.norm(prompts, axis=1, keepdims=True))


def time_lookup(store: Store, machine: Machine, repeats: int) -> tuple[Stage, bool]:
    """Scores of all prompts against all frames, from the memory-mapped files; and whether they equal NumPy's."""
    indexes = [store.open_row(row) for row in store.videos()]
    prompts = unit_prompts(indexes[0].vectors.shape[1])
    equal = all(
        np.abs(index.scores(prompts) - prompts @ np.asarray(index.vectors, np.float32).T).max() <= 1e-5
        for index in indexes
    )
    n_frames, nbytes = sum(map(len, indexes)), sum(index.vectors.nbytes for index in indexes)
    flop = 2 * PROMPTS * n_frames * prompts.shape[1]
    stage = Stage(
        name="lookup",
        unit="scores/s",
        items=PROMPTS * n_frames,
        seconds=median_s(lambda: [index.scores(prompts) for index in indexes], repeats=repeats),
        ceiling_s=max(nbytes / machine.copy_bytes_per_s, flop / machine.gemm_flop_per_s),
    )
    for index in indexes:
        index.close()
    return stage, equal


def time_select(curves: list[np.ndarray], machine: Machine, repeats: int) -> Stage:
    """Every registered sampler on every curve, through the public call."""

    def work() -> None:
        for curve in curves:
            for name in samplers():
                framedex.select(name, curve, budget=BUDGET)

    n = len(curves) * len(samplers())
    nbytes = len(samplers()) * sum(curve.nbytes for curve in curves)
    return Stage(
        name="select",
        unit="selections/s",
        items=n,
        seconds=median_s(work, repeats=repeats),
        ceiling_s=nbytes / machine.copy_bytes_per_s,
    )


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


def run(options: argparse.Namespace, folder: Path) -> None:
    """Time every stage, print the table and the JSON line."""
    threads = default_threads()
    repeats = 3 if options.quick else 5
    grid = Grid.parse_fps(options.fps)
    seconds = 8 if options.quick else 60
    paths = (
        list(find_videos(options.paths).paths)
        if options.paths
        else [write_pan(folder / "pan.mp4", width=1280, height=720, seconds=seconds)]
    )
    sources = [identify(path, folder_fps=None) for path in paths]
    artefact = Artefact.open(options.encoder)
    machine = Machine(copy_bytes_per_s=copy_bytes_per_s(threads), gemm_flop_per_s=gemm_flop_per_s())
    stages = [time_decode(sources, grid, threads, repeats)]
    videos = [decode(source, grid, threads) for source in sources]
    with load_embedder(options.encoder, threads=threads) as embedder:
        stages.append(time_preprocess(videos, embedder, machine, repeats))
        stages.append(time_embed(videos, embedder, artefact, machine, repeats))
        blocks = [embed_video(video, embedder) for video in videos]
        stages.append(time_write(videos, blocks, embedder, grid, folder, repeats))
    store = Store.open(folder / "store")
    lookup, scores_equal = time_lookup(store, machine, repeats)
    curves: list[np.ndarray] = []
    for row in store.videos():
        with store.open_row(row) as index:
            curves.extend(index.scores(unit_prompts(row.dim)).astype(np.float64))
    stages += [lookup, time_select(curves, machine, repeats)]
    equal = scores_equal and all(same_frames(video) for video in videos if video.summary.timing == "container")
    print_results(stages)
    conclude(options, stages, machine, threads=threads, equal=equal)


def print_results(stages: list[Stage]) -> None:
    """The table."""
    total_s = sum(stage.seconds for stage in stages)
    print_table(
        ["stage", "rate", "unit", "share of time", "fraction of ceiling"],
        [
            [
                stage.name,
                f"{stage.items / stage.seconds:,.1f}",
                stage.unit,
                f"{100 * stage.seconds / total_s:.1f} %",
                f"{stage.ceiling_s / stage.seconds:.3f}",
            ]
            for stage in stages
        ],
    )


def conclude(options: argparse.Namespace, stages: list[Stage], machine: Machine, *, threads: int, equal: bool) -> None:
    """The JSON line."""
    total_s = sum(stage.seconds for stage in stages)
    rows = [
        Measured(name="copy", value=machine.copy_bytes_per_s / 1e9, unit="GB/s"),
        Measured(name="gemm", value=machine.gemm_flop_per_s / 1e9, unit="GFLOP/s"),
    ]
    for stage in stages:
        rows.append(Measured(name=f"{stage.name}.rate", value=stage.items / stage.seconds, unit=stage.unit))
        rows.append(
            Measured(name=f"{stage.name}.share", value=stage.seconds / total_s, unit="of the sum of all stages")
        )
    report(
        "throughput",
        threads=threads,
        config={
            "command": "python bench/throughput.py" + (" --quick" if options.quick else ""),
            "what": f"{len(options.paths)} files" if options.paths else "one synthetic 1280×720 H.264 clip",
            "encoder": Path(options.encoder).name,
            "fps": options.fps,
            "prompts": PROMPTS,
            "budget": BUDGET,
            "quick": options.quick,
            "stages": [stage.name for stage in stages],
        },
        equal=equal,
        rows=rows,
        ratios={f"fraction_of_ceiling.{stage.name}": stage.ceiling_s / stage.seconds for stage in stages},
        out=options.out,
    )


def add_options(parser: argparse.ArgumentParser) -> None:
    """This bench's own options."""
    parser.add_argument("paths", nargs="*", metavar="VIDEO", help="your own files; synthetic ones where none is given")
    parser.add_argument("--encoder", default="micro-siglip", metavar="ARTEFACT", help="artefact folder or bundled name")
    parser.add_argument("--fps", default="1", metavar="RATE", help="frames taken per second of video")


def main() -> int:
    """Run the bench; an input that cannot be used is one sentence and an exit code."""
    assert __doc__ is not None
    options = arguments(__doc__, add_options)
    try:
        with tempfile.TemporaryDirectory() as folder:
            run(options, Path(folder))
    except FramedexError as error:
        print(f"error: {error}", file=sys.stderr)
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main())
