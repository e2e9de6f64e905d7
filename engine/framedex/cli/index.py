"""`framedex index`: embed videos once."""

from __future__ import annotations

from collections import Counter
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from framedex.cli import options
from framedex.cli.output import Progress, default_threads, note, print_json
from framedex.errors import StoreError, UsageError, VideoError

if TYPE_CHECKING:
    from framedex.embed.base import Embedder
    from framedex.index import Store


class StoredAs(StrEnum):
    """Type of the numbers on disk."""

    f16 = "f16"
    f32 = "f32"


def index(
    paths: Annotated[
        list[str], typer.Argument(metavar="PATHS…", help="Files, folders, or quoted patterns.", show_default=False)
    ],
    store: Annotated[
        Path | None,
        typer.Option("--store", parser=options.a_path, metavar="S", help="Where the index goes; made if absent."),
    ] = None,
    encoder: options.EncoderOption = None,
    fps: Annotated[
        str | None,
        typer.Option(
            "--fps",
            metavar="RATE,…",
            help="Frames to take per second of video: 1, 0.5, 30000/1001. [default: 1, where no other grid is asked for]",
        ),
    ] = None,
    every: Annotated[str | None, typer.Option("--every", metavar="N,…", help="Take every so many frames.")] = None,
    count: Annotated[
        str | None, typer.Option("--count", metavar="N,…", help="Take so many frames, spread over the video.")
    ] = None,
    timestamps: Annotated[
        Path | None,
        typer.Option(
            "--timestamps",
            parser=options.a_path,
            metavar="FILE",
            help="Take the frames shown at these times, one a line, in seconds; a video that ends before one is quarantined.",
        ),
    ] = None,
    scene: Annotated[
        str | None,
        typer.Option(
            "--scene", metavar="T,…", help="Take the first frame of every scene; 0.3 is usual. Decodes every frame."
        ),
    ] = None,
    folder_fps: Annotated[
        str | None, typer.Option("--folder-fps", metavar="RATE", help="Frame rate of folders of images.")
    ] = None,
    dtype: Annotated[
        StoredAs | None,
        typer.Option("--dtype", help="How vectors are stored. [default: f16; what is there stays as it is]"),
    ] = None,
    dedupe_tolerance: Annotated[
        int,
        typer.Option(
            "--dedupe-tolerance",
            min=0,
            max=32,
            metavar="T",
            help="Grey levels by which a frame may differ from an embedded one to share its vector; recorded. Above 0 every "
            "grid is decoded on its own, and rows made with another tolerance are made again.",
        ),
    ] = 0,
    decoder: Annotated[
        str,
        typer.Option(
            "--decoder",
            metavar="NAME",
            help="What decodes: pyav, torchcodec, dali-cpu, …; `framedex doctor` lists them. dali-gpu was never executed.",
        ),
    ] = "pyav",
    shard: Annotated[
        str | None,
        typer.Option("--shard", metavar="I/N", help="Only the I-th of N parts of the inputs, for arrays of jobs."),
    ] = None,
    time_limit: options.TimeLimitOption = None,
    stall_limit: options.StallLimitOption = None,
    memory_limit: options.MemoryLimitOption = None,
    retry: Annotated[
        bool, typer.Option("--retry", help="Try quarantined videos again, even if nothing has changed.")
    ] = False,
    explain: Annotated[
        bool, typer.Option("--explain", help="Only print what would be decoded of each file, and why.")
    ] = False,
    runtime: options.RuntimeOption = "auto",
    precision: options.PrecisionOption = None,
    threads: options.ThreadsOption = None,
    json: options.JsonOption = False,
) -> None:
    """Decode videos, embed their frames, and keep one FAISS index per video.

    A folder is searched with its sub-folders. A pattern is quoted, so that framedex and not the shell
    expands it: "clips/**/*.mp4". A folder that holds only images is one video and needs --folder-fps.

    Several grids, of one kind or of several, come from one decode. Frames that look the same are embedded once.
    Only what the frames depend on is decoded; damage elsewhere in a video is not seen.

    Videos that are in the store already are skipped, so the same command goes on where it stopped.
    One that cannot be used, or on which the decoder hangs or crashes, is quarantined with the reason, the
    others go on, and the exit code is 1. It is not tried again before something changes, or --retry asks for it.

    \b
    Examples:
      framedex index clips/ --store S --encoder ARTEFACT
      framedex index a.mp4 b.mkv "more/**/*.webm" --store S --encoder ARTEFACT --fps 1,2
      framedex index frames/ --folder-fps 3 --store S --encoder ARTEFACT
      framedex index clips/ --store S --encoder ARTEFACT --shard 3/8
      framedex index clip.mp4 --fps 1,0.1 --explain
    """
    from framedex.cli.explain import explain_files
    from framedex.cli.ingested import Ingested
    from framedex.decode import find_videos, require_decoder
    from framedex.decode.grids import asked_grids, parse_rate
    from framedex.embed import load_embedder
    from framedex.index import Store
    from framedex.ingest import Budget, IngestSettings
    from framedex.ingest.shards import Shard
    from framedex.ingest.towers import require_towers

    if folder_fps is not None:
        parse_rate("--folder-fps", folder_fps)
    part = Shard.parse(shard) if shard is not None else Shard()
    settings = IngestSettings(
        grids=asked_grids(fps=fps, every=every, count=count, timestamps=timestamps, scene=scene),
        threads=threads or default_threads(),
        dtype=dtype.value if dtype else None,
        decoder=decoder,
        folder_fps=folder_fps,
        dedupe_tolerance=dedupe_tolerance,
        limits=options.limits(time_limit=time_limit, stall_limit=stall_limit, memory_limit=memory_limit),
        retry=retry,
    )
    require_decoder(decoder)
    found = find_videos(paths)
    mine = [path for path in found.paths if part.holds(path)]
    if explain:
        explain_files(mine, settings.grids, folder_fps=folder_fps, as_json=json)
        return
    if store is None:
        raise UsageError("--store is missing: expected a folder for the index, such as --store S; it is made if absent")
    budget = Budget.split(settings.threads, videos=len(mine))
    ingested = Ingested()
    with load_embedder(encoder, runtime=runtime, threads=budget.embedder_threads, precision=precision) as embedder:
        require_towers(decoder, embedder.manifest.image)
        if not store.exists():  # an artefact that is refused leaves no store behind
            embedder.prove("image")
        opened = Store.open(store, create=True)
        note(str(budget))
        _note_precisions(opened, embedder)
        with Progress("video", total=len(mine)) as progress:
            ingested.run(mine, store=opened, embedder=embedder, settings=settings, progress=progress)
    elsewhere = len(found.paths) - len(mine)
    if json:
        print_json({**ingested.as_json(), "ignored": found.ignored, "other_shards": elsewhere})
    else:
        ingested.show(
            store,
            beside=[
                ("ignored", found.ignored, "hidden, or no video's suffix"),
                ("elsewhere", elsewhere, "of other shards"),
            ],
        )
    if ingested.quarantined:
        raise typer.Exit(VideoError.exit_code)


def _note_precisions(store: Store, embedder: Embedder) -> None:
    """Say where the store holds vectors of this encoder in another precision: they go together, but are not the same."""
    ours, key = embedder.provenance["precision"], embedder.manifest.encoder_key
    try:
        rows = [row for row in store.videos() if row.encoder_key == key]
    except StoreError:
        return  # the run itself makes a damaged row again
    others = Counter(row.provenance.get("precision", ours) for row in rows)
    for precision, n_rows in others.items():
        if precision != ours:
            note(
                f"note: {n_rows} {'row' if n_rows == 1 else 'rows'} of this encoder in {store.path} "
                f"{'was' if n_rows == 1 else 'were'} made in {precision}; this run adds {ours}; keep them in two stores where "
                "that matters"
            )
