"""`framedex index`: embed videos once."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from framedex.cli import options
from framedex.cli.output import Progress, default_threads, note, print_json
from framedex.errors import VideoError

if TYPE_CHECKING:
    from framedex.ingest import Indexed, Outcome, Quarantined, Skipped


class StoredAs(StrEnum):
    """Type of the numbers on disk."""

    f16 = "f16"
    f32 = "f32"


def index(
    paths: Annotated[
        list[str], typer.Argument(metavar="PATHS…", help="Files, folders, or quoted patterns.", show_default=False)
    ],
    store: Annotated[
        Path,
        typer.Option("--store", parser=options.a_path, metavar="S", help="Where the index goes; made if absent."),
    ],
    encoder: options.EncoderOption = None,
    fps: Annotated[
        str, typer.Option("--fps", metavar="RATE", help="Frames to take per second of video: 1, 0.5, 30000/1001.")
    ] = "1",
    folder_fps: Annotated[
        str | None, typer.Option("--folder-fps", metavar="RATE", help="Frame rate of folders of images.")
    ] = None,
    dtype: Annotated[
        StoredAs | None,
        typer.Option("--dtype", help="How vectors are stored. [default: f16; what is there stays as it is]"),
    ] = None,
    threads: options.ThreadsOption = None,
    json: options.JsonOption = False,
) -> None:
    """Decode videos, embed their frames, and keep one FAISS index per video.

    A folder is searched with its sub-folders. A pattern is quoted, so that framedex and not the shell
    expands it: "clips/**/*.mp4". A folder that holds only images is one video and needs --folder-fps.

    Videos that are in the store already are skipped, so the same command goes on where it stopped.
    One that cannot be used is quarantined with the reason, the others go on, and the exit code is 1.

    \b
    Examples:
      framedex index clips/ --store S --encoder ARTEFACT
      framedex index a.mp4 b.mkv "more/**/*.webm" --store S --encoder ARTEFACT --fps 2
      framedex index frames/ --folder-fps 3 --store S --encoder ARTEFACT
    """
    from framedex.decode import FpsGrid, find_videos
    from framedex.decode.grids import parse_rate
    from framedex.embed import load_embedder
    from framedex.index import Store
    from framedex.ingest import Indexed, IngestSettings, Quarantined, Skipped, ingest

    grid = FpsGrid.parse(fps)
    if folder_fps is not None:
        parse_rate("--folder-fps", folder_fps)
    n_threads = threads or default_threads()
    settings = IngestSettings(grid=grid, threads=n_threads, dtype=dtype.value if dtype else None, folder_fps=folder_fps)
    found = find_videos(paths)
    with load_embedder(encoder, threads=n_threads) as embedder, Progress("video", total=len(found.paths)) as progress:
        opened = Store.open(store, create=True)
        outcomes = []
        for outcome in ingest(
            found.paths,
            store=opened,
            embedder=embedder,
            settings=settings,
            frames_done=lambda path, n: progress.detail(f"{path.name}: {n} frames"),
        ):
            outcomes.append(outcome)
            progress.advance(_line(outcome))
    indexed = [outcome for outcome in outcomes if isinstance(outcome, Indexed)]
    skipped = [outcome for outcome in outcomes if isinstance(outcome, Skipped)]
    quarantined = [outcome for outcome in outcomes if isinstance(outcome, Quarantined)]
    if json:
        print_json(
            {
                "indexed": [_entry(outcome) for outcome in indexed],
                "skipped": [_entry(outcome) for outcome in skipped],
                "quarantined": [{"path": str(outcome.path), "reason": outcome.reason} for outcome in quarantined],
                "ignored": found.ignored,
            }
        )
    else:
        _summary(indexed, skipped, quarantined, ignored=found.ignored, store=store)
    if quarantined:
        raise typer.Exit(VideoError.exit_code)


def _line(outcome: Outcome) -> str:
    from framedex.ingest import Indexed, Quarantined

    if isinstance(outcome, Quarantined):
        return f"quarantined {outcome.path}: {outcome.reason}"
    if isinstance(outcome, Indexed):
        return f"indexed {outcome.path}: {outcome.row.count} frames"
    return f"skipped {outcome.path}: already there"


def _entry(outcome: Indexed | Skipped) -> dict[str, Any]:
    row = outcome.row
    return {
        "video": row.video_key,
        "path": str(outcome.path),
        "frames": row.count,
        "reused_frames": row.reused_frames,
        "collapsed_points": row.decode.collapsed_points,
        "damaged_frames": row.decode.damaged_frames,
        "timing": row.timing,
    }


def _summary(
    indexed: list[Indexed], skipped: list[Skipped], quarantined: list[Quarantined], *, ignored: int, store: Path
) -> None:
    frames = sum(outcome.row.count for outcome in indexed)
    reused = sum(outcome.row.reused_frames for outcome in indexed)
    print(
        f"indexed      {len(indexed):>6}  ({frames} frames{f', {reused} of them taken from another grid' if reused else ''})"
    )
    print(f"skipped      {len(skipped):>6}  (already in {store})")
    print(f"quarantined  {len(quarantined):>6}")
    for outcome in quarantined:
        print(f"  {outcome.reason}")
    if ignored:
        print(f"ignored      {ignored:>6}  (no video's suffix)")
    rebuilt = sum(outcome.row.timing == "reconstructed" for outcome in indexed)
    damaged = sum(outcome.row.decode.damaged_frames for outcome in indexed)
    if rebuilt:
        note(f"note: {rebuilt} videos had timestamps out of order; their times are order × frame duration")
    if damaged:
        note(f"note: {damaged} frames were flagged as damaged by the decoder")
